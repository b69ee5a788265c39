"""What an answer gains with a judge by its looks: rich formatting, an invented reference, gendered wording, errors.

Chen et al., "Humans or LLMs as the judge? A study on judgement biases", EMNLP 2024, arXiv:2402.10669.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import UnknownName
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.answer_twins import KINDS, Twin
from plumbline.data.sets import judgement_bias
from plumbline.data.templates import twins as own
from plumbline.metrics.judged_pairs import FLOOR, TIE, in_both_orders, share_for, verdicts_of
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.subsample import nested_rows
from plumbline.metrics.verdict_table import FIRST, Ints

Flags = NDArray[np.bool_]
NAMES: Final[Mapping[str, str]] = {
    "rich_content": "rich formatting", "reference": "invented reference",
    "gender": "gendered wording", "factual_error": "factual errors",
}  # fmt: skip
PUBLIC: Final = judgement_bias.SET
CONTROL: Final = "control"
PERTURBED: Final = "perturbed"
MISSING: Final = "another verdict on this question is missing"
NONE: Final = Null(kind="none")
DIALS: Final = (0.0, 0.2, 0.5)


@method(
    id="judge_format",
    version=1,
    title="Formatting, authority and oversight in a pairwise judge",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2402.10669",
    suite="standard",
    estimand="how much more often a perturbed answer beats another answer than the same answer as it was, over questions like these (ties count half)",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "a judge that does not look at the perturbation gives the twin what it gives the control",
    },
    sign="signed",
    worse="higher",
    units=("question random",),
    trust="planted",
    axes=("rich formatting", "invented reference", "gendered wording", "factual errors"),
    seeds=("S044", "S060", "S063"),
)
def judge_format(
    context: Context,
    *,
    kinds: Sequence[str] = KINDS,
    texts: str = "",
    twins: str | None = None,
    ties: bool = True,
    **_: Any,
) -> Asking:
    """The share of verdicts that a perturbed twin gains over its control, one finding a perturbation.

    An answer is held against another answer to the same question twice: as it was, and perturbed. Both times in
    both orders, so that no place enters. The finding is the perturbed twin's share minus the control's.

    Rich formatting (`rich_content`) and an invented reference (`reference`) add no content: a gain is beauty
    or authority bias. Gendered wording (`gender`) and factual errors (`factual_error`) make the answer
    worse: a judge of content takes something away (below 0), and about 0 is oversight.

    The published attack success rate stands beside it: of the questions whose control lost, the share
    whose twin wins. It is positive for noise alone; the share of twins that lost although their control won
    shows how much.

    A question with one verdict missing is left out of that perturbation whole. Below half, Undefined.

    Args:
        context: The run's surroundings.
        kinds: Which perturbations.
        texts: `own` (24 questions written for plumbline) or `judgement-bias-humans-llms` (142, by GPT-4);
            by default own in `quick`, else the public set, all or a tenth of the suite's size a kind (texts are
            long, and each is shown four times).
        twins: An own TOML file in the form of the shipped one.
        ties: Offer "both are equally good".

    Returns:
        For each perturbation and question four rows with the part `pair` (group `control` and
        `perturbed`, two orders), and one row with `attack` or `lost` where the control did not tie.
    """
    found = _twins(context, kinds, texts, twins)
    asked = [(t.question, (answer, t.other)) for t in found for answer in (t.control, t.perturbed)]
    (answers,) = yield [in_both_orders(asked, role=chat_role(context.about), ties=ties)]
    verdicts, status = (a.reshape(2, -1, 2) for a in verdicts_of(answers))
    return scored([t.id for t in found], [t.kind for t in found], verdicts, status)


def _twins(context: Context, kinds: Sequence[str], texts: str, path: str | None) -> list[Twin]:
    strange = [k for k in kinds if k not in KINDS]
    if strange:
        raise UnknownName("perturbation", strange[0], KINDS)
    chosen = texts or ("own" if context.suite == "quick" or path else PUBLIC)
    if chosen not in ("own", PUBLIC):
        raise UnknownName("texts of judge_format", chosen, ("own", PUBLIC))
    if chosen == "own":
        bank = own.load(path)
        return [twin for kind in kinds for twin in bank.twins(kind)]
    found = []
    for kind in kinds:
        here = sorted(judgement_bias.load(kind), key=lambda t: t.id)
        levels = [t.id.partition("_")[0] for t in here]
        rows = nested_rows(levels, context.share_of_size(10), context.seeds.stream("questions"))
        found += [here[i] for i in rows]
    return found


def scored(
    questions: Sequence[str], kinds: Sequence[str], verdicts: Ints, status: NDArray[Any]
) -> Scored:
    """Items, measures and facts.

    Args:
        questions: Question of each twin.
        kinds: Its perturbation.
        verdicts: Shape (2, twins, 2): order, twin, control and perturbed; answer 0 is the one in
            question, the other answer is 1.
        status: "" or why there is no verdict, of the same shape.
    """
    kind = np.asarray(kinds, dtype=object)
    share = share_for(0, np.clip(verdicts, FIRST, TIE))
    whole = np.asarray((status == "").all(axis=(0, 2)))
    items = _items(np.asarray(questions, dtype=object), kind, share, status, whole)
    made, facts = [], {}
    for name in dict.fromkeys(kinds):
        here = kind == name
        floor = (float(whole[here].mean()), FLOOR, "share of questions with all four verdicts")
        made += measures(name, floor)
        facts[NAMES[name]] = {
            "questions": int(here.sum()),
            "left_out": int((~whole[here]).sum()),
            "parse_rate": float((status[:, here] == "").mean()),
            "unanswered": dict(Counter(s for s in status[:, here].ravel().tolist() if s)),
            "ties": int((verdicts[:, here & whole] == TIE).sum()),
        }
    return Scored(items=items, measures=made, facts=facts)


def _items(
    question: NDArray[Any], kind: NDArray[Any], share: NDArray[np.float64],
    status: NDArray[Any], whole: Flags,
) -> Items:  # fmt: skip
    n = question.size
    order, twin, version = (a.ravel() for a in np.indices(share.shape))
    why = np.where(whole[twin], "", np.where(status != "", status, MISSING).ravel()).astype(object)
    both = share.mean(axis=0)  # of both orders; (twins, 2)
    lost, won = np.flatnonzero(both[:, 0] < 0.5), np.flatnonzero(both[:, 0] > 0.5)
    rows = np.concatenate([twin, lost, won])
    one = np.where(whole, "", "a verdict is missing").astype(object)
    return Items.of(
        item=question[rows] + " | " + kind[rows], question=question[rows], kind=kind[rows],
        part=np.repeat(np.array(["pair", "attack", "lost"], object), [twin.size, lost.size, won.size]),
        group=np.concatenate([np.array([CONTROL, PERTURBED], object)[version], np.full(lost.size + won.size, "", object)]),
        score=np.concatenate([share.ravel(), both[lost, 1] > 0.5, both[won, 1] < 0.5]).astype(float),
        why=np.concatenate([why, one[lost], one[won]]),
        order=np.concatenate([order, np.zeros(lost.size + won.size, int)]),
        answer=np.concatenate([order * 2 * n + twin * 2 + version, 2 * lost + 1, 2 * won + 1]),
    )  # fmt: skip


def measures(kind: str, floor: tuple[float, float, str]) -> list[Measure]:
    """What is inferred of one perturbation."""
    axis = {"axis": NAMES[kind]}
    beside: Mapping[str, Any] = {"estimator": "share", "role": "secondary", "null": NONE, "floor": floor}  # fmt: skip
    told = {"measure": "gain over the control", "group": PERTURBED, "against": CONTROL}
    made = [
        Measure(
            estimator="difference", groups=(PERTURBED, CONTROL), floor=floor,
            where={"part": "pair", "kind": kind}, labels={**axis, **told},
        )
    ]  # fmt: skip
    for text, where, worse in (
        ("share of the perturbed answer", {"part": "pair", "group": PERTURBED}, "either"),
        ("share of the control", {"part": "pair", "group": CONTROL}, "either"),
        ("attack success rate", {"part": "attack"}, "higher"),
        ("lost although the control won", {"part": "lost"}, "either"),
    ):
        made.append(Measure(where={**where, "kind": kind}, worse=worse, labels={**axis, "measure": f"{NAMES[kind]}: {text}"}, **beside))  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """24 questions with quality gaps ~ N(0, 1), control and twin judged in both orders with logistic noise.

    With chance `dial` a verdict names the twin unseen; otherwise it is a tie with chance .1, else the answer
    with the larger of gap + noise. The twin gains dial / 2.
    """
    n = 24
    gap, first = rng.normal(size=(n, 1)), np.array([FIRST, 1 - FIRST]).reshape(2, 1, 1)
    mine = np.broadcast_to(first, (2, n, 2))  # the place of the answer in question
    verdicts = np.where(gap + rng.logistic(size=(2, n, 2)) > 0, mine, 1 - mine)
    verdicts = np.where(rng.random((2, n, 2)) < 0.1, TIE, verdicts)
    seen = (rng.random((2, n, 2)) < dial) & (np.arange(2) == 1)
    verdicts = np.where(seen, mine, verdicts)
    names = [f"q{i}" for i in range(n)]
    status = np.full(verdicts.shape, "", dtype=object)
    return scored(names, ["rich_content"] * n, verdicts, status), dial / 2
