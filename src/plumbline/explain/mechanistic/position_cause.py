"""What makes a model's logits depend on the order of options: the causal mask, or the positions.

Wang et al., "Eliminating Position Bias of Language Models: A Mechanistic Approach", ICLR 2025,
arXiv:2407.01100, name these two causes. Here each is taken out alone, and both together, and
what is left of the dependence on the order is measured in logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.exchange import places, reordered
from plumbline.core.explanation import Array, Drawing, Explanation
from plumbline.core.questions import Prompt
from plumbline.core.scored import Items, Measure, Scored
from plumbline.data.perturb.order import permutations, rotations
from plumbline.data.templates import questions as own
from plumbline.data.templates.multiple_choice import chat_role, shown
from plumbline.models.abilities import Adapter
from plumbline.models.set_passes import SetReader
from plumbline.stats.estimators import ESTIMATORS, Estimator

Floats = NDArray[np.float64]
QUICK: Final = 6  # questions; the calibration set has 24
SET: Final = "options"
AS: Final = {"as it is": "causal", "without mask": "mask", "without positions": "positions", "without both": "pine"}  # fmt: skip
ORDERS: Final = ("rotations", "all")
RANGE: Final[Estimator] = replace(ESTIMATORS["mean"], id="mean_range", bounds=(0.0, np.inf))


def left(logits: Floats) -> tuple[Floats, Floats]:
    """How far logits differ over the orders of one question.

    Args:
        logits: Shape (ways, orders, tokens).

    Returns:
        Largest and mean range over the orders, among tokens; both (ways,).
    """
    ranges = np.ptp(np.asarray(logits, float), axis=1)
    return ranges.max(-1), ranges.mean(-1)


@method(
    id="position_cause",
    version=1,
    title="Order dependence from the causal mask and from positions",
    family="evaluation",
    harm="disparate system performance",
    needs=("open",),
    paper="arxiv:2407.01100",
    suite="standard",
    estimand="range of a next-token logit over the orders of a question's bare options, mean over tokens, over questions of common knowledge like these",
    unit="logits",
    null="none",
    sign="unsigned",
    worse="higher",
    units=("question random",),
    trust="planted",
    kind="opening",
    axes=("option position",),
    seeds=("S048",),
)
def position_cause(
    context: Context, model: Adapter, *, questions: str | None = None, orders: str = "rotations"
) -> Explanation:
    """How much a causal model's logits depend on the order of options, and through which of two ways.

    The order can enter through the causal mask (a later option sees the earlier ones) and through rotary
    positions (a nearer option is attended to more). Each is taken out by itself: with the mask repaired
    what is left comes from positions, with positions repaired it comes from the mask. The two parts need not sum
    to the whole, since each passes on what the other brought in; without both nothing is left but rounding.

    Options stand behind dashes, so that no letter stays behind when they trade places.

    Args:
        context: The run's surroundings.
        model: A causal transformers model of Llama's kind.
        questions: An own TOML file; default 6 of the shipped calibration questions in `quick`, else 24.
        orders: `rotations`, in which every option stands at every place once, or `all` k! orders.

    Returns:
        Arrays: `left` (what is left of the dependence: largest and mean over tokens, mean over questions) and
        `questions` (mean over tokens, each question).

    Raises:
        AbilityError: Attention of this model cannot be replaced.
        BadInput: No such orders.
    """
    if orders not in ORDERS:
        raise BadInput(f"orders is one of {', '.join(ORDERS)}; got {orders!r}")
    asked = own.load(questions, name=own.CALIBRATION)
    if context.suite == "quick" and questions is None:
        asked = asked[:QUICK]
    reader = SetReader.of(model)
    role = chat_role(context.about)
    largest, mean = np.zeros((2, len(asked), len(AS)))
    for i, one in enumerate(asked):
        prompt = shown(one.text, one.options, role=role, lettered=False)
        shuffled = _all_orders(prompt, orders)
        logits = np.array([[reader.last_logits(p, SET, how) for p in shuffled] for how in AS.values()])  # fmt: skip
        largest[i], mean[i] = left(logits)
    names = [one.id for one in asked]
    found = Array.of(
        np.stack([largest.mean(0), mean.mean(0)], 1), unit="logits", attention=list(AS),
        over=("largest", "mean"), says="range of a next-token logit over orders, largest and mean over tokens, mean over questions",
    )  # fmt: skip
    each = Array.of(
        mean, unit="logits", question=names, attention=list(AS), says="range of a next-token logit over orders, mean over tokens",
    )  # fmt: skip
    facts = {
        "questions": len(asked), "orders": orders, "dtype": reader.dtype,
        "left_of_the_whole": dict(zip(AS, (mean.mean(0) / mean[:, 0].mean()).tolist(), strict=True)),
        "largest_of_all": dict(zip(AS, largest.max(0).tolist(), strict=True)),
    }  # fmt: skip
    return Explanation(
        arrays={"left": found, "questions": each}, facts=facts, scored=_scored(names, mean),
        drawings=_drawings(), notes=[_note(mean.mean(0))],
    )  # fmt: skip


def _all_orders(prompt: Prompt, orders: str) -> list[Prompt]:
    made = permutations if orders == "all" else rotations
    return [reordered(prompt, SET, order) for order in made(len(places(prompt, SET))).tolist()]


def _scored(names: Sequence[str], mean: Floats) -> Scored:
    """One row a question and kind of attention; means with intervals."""
    part = np.repeat(list(AS), len(names)).astype(object)
    question = np.tile(np.asarray(names, dtype=object), len(AS))
    items = Items.of(item=question, question=question, part=part, score=mean.T.ravel())
    measures = [
        Measure(
            estimator=RANGE, role="reference", where={"part": name},
            labels={"axis": "option position", "measure": f"order dependence, attention {name}"},
        )
        for name in AS
    ]  # fmt: skip
    return Scored(items=items, measures=measures)


def _note(mean: Floats) -> str:
    whole, without_mask, without_positions, without_both = mean
    return (
        f"Over orders a logit moves by {whole:.2g} on average; by {without_mask:.2g} once the mask is repaired (what positions "
        f"do), by {without_positions:.2g} once positions are (what the mask does), by {without_both:.2g} once both are."
    )


def _drawings() -> list[Drawing]:
    return [
        Drawing(
            array="left",
            mark="bar",
            x="attention",
            by="over",
            caption="How far next-token logits move over orders: as the model is, and with each cause taken out.",
        ),
        Drawing(
            array="questions",
            mark="line",
            x="question",
            by="attention",
            caption="The same for each question (mean over tokens).",
        ),
    ]
