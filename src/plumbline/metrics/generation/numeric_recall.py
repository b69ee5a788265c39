"""Numbers from memory: too large or too small, self-consistent or not, and with a table in hand?

Chiang et al., "LLaMP: Large language model made powerful for high-fidelity materials knowledge
retrieval and distillation", arXiv:2401.17244. Facts and prompts are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Measure, Scored
from plumbline.data.sets import materials
from plumbline.data.templates import numeric_facts
from plumbline.data.templates.numeric_facts import Fact
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.numeric_answers import read_number, zero_of
from plumbline.metrics.numeric_errors import (
    ASKED,
    CONDITIONS,
    GROUNDED,
    Floats,
    Recalled,
    by_quantity,
    items_of,
)
from plumbline.metrics.subsample import nested_rows

DRAWS: Final[Mapping[str, int]] = {"quick": 4, "standard": 5, "full": 10}
FLOOR: Final = 0.5
DIALS: Final = (0.0, 0.1, 0.3)
ONE_DRAW: Final = (
    "At temperature 0 there is one draw: self-consistency over repetitions is not measured."
)
NONE: Final = Null(kind="none")


@method(
    id="numeric_recall",
    version=1,
    title="Numeric facts from memory",
    family="evaluation",
    harm="disparate system performance",
    needs=("generate",),
    paper="arxiv:2401.17244",
    suite="standard",
    estimand="mean log of answer over truth, for questions about quantities like these (English, one number asked), each question counting once",
    unit="log ratio",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "answers that are too large as often and as far as too small have mean log ratio 0",
    },
    sign="signed",
    worse="either",
    units=("question random",),
    trust="planted",
    data=("materials-crabnet",),
    axes=("size of the number",),
    seeds=("S105",),
)
def numeric_recall(
    context: Context,
    *,
    facts: str = "",
    materials_too: bool | None = None,
    draws: int | None = None,
    temperature: float = 0.7,
    max_tokens: int = 32,
    near_zero: float = 0.01,
) -> Asking:
    """Mean log ratio of answer to truth (tested), self-consistency, errors, and the same with a table's row shown.

    Each question is asked several times at a temperature, once from memory and once behind the row of
    the table that holds the answer. Above 0 the model's numbers are too large; 0.1 is about 10 %. A number
    is read with its unit and converted; what cannot be read, is refused, or names several numbers is
    counted and never guessed. Degrees Celsius are compared in kelvin.

    Beside it stand the mean absolute percentage error (targets within `near_zero` of the quantity's
    typical size are left out, since it explodes there), the slope on the truth, the share of answers
    read (confidence), SCoR as published and its scale-free variant, and the mean change of |log ratio|
    with the table's row, paired by question. MAE, slope and intercept of each quantity are in the facts.

    Self-consistent is not right: a model that always says the same wrong number has SCoR 1. SCoR
    as published also changes with the unit. With the row in the prompt the task is copying; what
    remains is the bias of reading, and the table may be wrong itself.

    Args:
        context: The run's surroundings.
        facts: An own TOML file of facts; default the shipped ones.
        materials_too: Also ask about materials; default in `standard` and `full`, without own facts.
        draws: Repetitions; default 4, 5 or 10 by suite. One at temperature 0.
        temperature: Of the decoding.
        max_tokens: Longest answer.
        near_zero: Share of a quantity's median size below which a target counts as zero.

    Returns:
        Rows of several parts, see `plumbline.metrics.numeric_errors.items_of`.
    """
    count = (1 if temperature == 0 else DRAWS[context.suite]) if draws is None else int(draws)
    if count < 1 or not 0 <= near_zero < 1:
        raise BadInput(
            f"draws is {count}, near_zero {near_zero}; wanted at least 1, and a share below 1"
        )
    if temperature == 0 and count > 1:
        raise BadInput(
            f"temperature 0 has one draw; got draws={count}. Say draws=1, or a temperature"
        )
    asked = list(numeric_facts.load(Path(facts) if facts else None))
    if materials_too or (materials_too is None and not facts and context.suite != "quick"):
        asked += _materials(context)
    role = chat_role(context.about)
    texts = [(f.question, f.grounded) for f in asked]
    prompts = [ask.prompt(t[c], role=role) for c in (0, 1) for t in texts for _ in range(count)]  # type: ignore[arg-type]
    numbers = list(range(count)) * (2 * len(asked)) if temperature > 0 else None
    decoding = ask.Decoding(temperature=temperature, max_tokens=max_tokens)
    (answers,) = yield [ask.generate(prompts, decoding=decoding, draws=numbers, seed=context.seed)]
    return tabulate(
        recalled(asked, answers, count), {f.quantity: f.unit for f in asked}, near_zero=near_zero
    )


def _materials(context: Context) -> list[Fact]:
    """A nested sample of the properties' tables, a quarter of the suite's size in all: each is asked many times."""
    size, chosen = context.share_of_size(4), []
    for name in materials.PROPERTIES:
        known = [f for f in materials.simple(materials.load(name)) if f.truth != 0]
        share = None if size is None else size // len(materials.PROPERTIES)
        rows = nested_rows([name] * len(known), share, context.seeds.stream("materials", name))
        chosen += [known[i] for i in rows]
    return chosen


def recalled(asked: Sequence[Fact], answers: Texts, count: int) -> Recalled:
    """The answers' numbers, as distances from each quantity's zero."""
    shape = (len(CONDITIONS), len(asked), count)
    values, why = np.full(shape, np.nan), np.full(shape, "", dtype=object)
    zeros = [zero_of(f.unit) for f in asked]
    for k, (text, end, status) in enumerate(
        zip(answers.texts, answers.finish, answers.status, strict=True)
    ):
        place = np.unravel_index(k, shape)
        if status:
            why[place] = status
            continue
        fact = int(place[1])
        got = read_number(text, asked[fact].unit)
        cut = got.why == "no number" and end == "length"
        why[place] = (
            "cut off" if cut else got.why or ("" if np.isfinite(got.value) else "no number")
        )
        values[place] = got.value - zeros[fact] if not why[place] else np.nan
    return Recalled(
        np.array([f.id for f in asked], dtype=object), np.array([f.quantity for f in asked], dtype=object),
        np.array([f.truth for f in asked]) - np.array(zeros), values, why,
    )  # fmt: skip


def tabulate(got: Recalled, units: dict[str, str], *, near_zero: float = 0.01) -> Scored:
    """Items, measures and facts."""
    read = {c: float((got.why[k] == "").mean()) for k, c in enumerate(CONDITIONS)}
    lost = {c: dict(Counter(w for w in got.why[k].ravel() if w)) for k, c in enumerate(CONDITIONS)}
    many = got.values.shape[2] > 1
    return Scored(
        items=items_of(got, near_zero=near_zero),
        measures=[m for c in CONDITIONS for m in _measures(c, read[c], many=many)] + [_change(read)],
        facts={"unread": lost, "by quantity": by_quantity(got, units)},
        notes=[] if many else [ONE_DRAW],
    )  # fmt: skip


def _measures(condition: str, read: float, *, many: bool) -> list[Measure]:
    floor = (read, FLOOR, "share of answers read as a number")

    def one(estimator: str, part: str, says: str, **more: Any) -> Measure:
        labels = {"axis": "size of the number", "condition": condition, "measure": says}
        role: Any = "secondary" if part != "ratio" or condition == GROUNDED else "primary"
        return Measure(
            estimator=estimator, role=role, labels={**labels, **more.pop("say", {})},
            where={"part": part, "condition": condition}, **more,
        )  # fmt: skip

    rate: dict[str, Any] = {"unit": "rate", "worse": "lower", "null": NONE}
    found = [
        one("mean", "ratio", "mean log ratio", floor=floor, say={"toward": "too large"}),
        one("mean", "relative", "MAPE", floor=floor, unit="percent", worse="higher", null=NONE, sign="unsigned"),
        one("slope", "scaled", "slope on the truth", floor=floor, unit="ratio", null=NONE, options={"covariate": "truth"}),
        one("share", "read", "confidence: share of answers read", **rate),
    ]  # fmt: skip
    if many:
        found += [
            one("share", "scor", "SCoR as published (depends on the unit)", **rate),
            one("share", "scale free", "SCoR, scale-free", **rate),
        ]
    return found


def _change(read: Mapping[str, float]) -> Measure:
    labels = {"axis": "size of the number", "condition": "grounded minus asked", "measure": "change of |log ratio|"}  # fmt: skip
    return Measure(
        estimator="mean", role="secondary", labels=labels, where={"part": "paired"}, null=NONE,
        floor=(min(read[ASKED], read[GROUNDED]), FLOOR, "share of answers read as a number"),
        estimand="mean over questions of |log ratio| with the table's row minus without it",
    )  # fmt: skip


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """60 facts in four draws: log error `dial` + question N(0, .3) + draw N(0, .2); a tenth unread.

    With the row shown the error is N(0, .02). The log ratio's mean is `dial` by construction.
    """
    size, count = 60, DRAWS["quick"]
    truth: Floats = np.exp(rng.normal(3, 1, size))
    error = np.stack([
        dial + rng.normal(0, 0.3, (size, 1)) + rng.normal(0, 0.2, (size, count)),
        rng.normal(0, 0.02, (size, count)),
    ])  # fmt: skip
    unread = rng.random(error.shape) < 0.1
    values = np.where(unread, np.nan, truth[None, :, None] * np.exp(error))
    names = np.array([f"q{i}" for i in range(size)], dtype=object)
    why = np.where(unread, "no number", "").astype(object)
    got = Recalled(names, np.full(size, "quantity", dtype=object), truth, values, why)
    return tabulate(got, {"quantity": "units"}), dial
