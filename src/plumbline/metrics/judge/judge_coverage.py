"""What a judge decides in both orders, and how often rightly: consistency with its coverage.

Li et al. (PORTIA), EMNLP 2024, arXiv:2310.01432, count a pair as consistent once both orders agree, in the
first of two ways of asking that does. Agreement can be had by deciding less, or by trying again, and says
nothing about being right: so what is decided is scored together with how much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored, Skip
from plumbline.data.templates import pairs as own
from plumbline.metrics import verdict_table
from plumbline.metrics.decided_pairs import (
    ABSTAINED,
    UNDECIDED,
    Rows,
    by_margin,
    decided,
    place_scores,
    reworded,
    tried,
)
from plumbline.metrics.judged_pairs import in_both_orders, verdicts_of, why_out
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE, Ints, Verdicts

Floats = NDArray[np.float64]
FLOOR: Final = 0.5
ONE_ORDER: Final = "every pair stands in one order only: nothing can be decided in both"
NO_BETTER: Final = "no pair has an answer that is known to be better"
TRIED: Final = "of two wordings"
DIALS: Final = (0.0, 0.4, 1.0)


@method(
    id="judge_coverage",
    version=1,
    title="What a judge decides in both orders, and how rightly",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose|records",),
    paper="arxiv:2310.01432",
    suite="standard",
    estimand="share of right verdicts when a pair counts as decided only if both orders name the same answer, and an undecided pair counts one half, over pairs with a clearly better answer like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.5,
        "says": "a judge that goes by places decides no pair, and one that draws its verdicts decides as many wrongly as rightly",
    },
    sign="signed",
    worse="lower",
    units=("question random", "item random"),
    trust="replicated",
    axes=("answer position",),
    seeds=("S044", "S048"),
)
def judge_coverage(
    context: Context, *, pairs: str | None = None, ties: bool = True, second: bool = True,
    columns: Mapping[str, str] | None = None, where: Mapping[str, str] | None = None,
    one_judge: str = "",
) -> Asking:  # fmt: skip
    """Right verdicts with undecided pairs at one half (tested); coverage and accuracy beside it.

    A verdict that turns with the order is none. Consistency can be bought by deciding less (call it a
    tie) or by trying until both orders agree, so it is shown as *coverage* with the *accuracy among
    decided pairs*, and what is tested counts every pair: two judges compare at equal coverage, the whole.
    Where the model gives scores, accuracy of the same number of pairs with the widest margins (both
    orders summed) says what that coverage could have had.

    The fair comparison for a correction that stops at agreement is two independent tries of the plain
    prompt. At temperature 0 a repeat is no try, so the second one is the same instruction in other
    words: what is decided in the first or the second wording, and how rightly what only the second
    decided. A corrected judge gives one verdict whatever the order; its own ties and
    "inconsistent in both orders" are undecided pairs. Refused or unread verdicts are missing, not undecided.

    A table of recorded verdicts (see `position_flip`) with the column `better` is read without a second
    wording. Pairs without a better answer only tell how many are decided.

    Args:
        context: The run's surroundings.
        pairs: An own TOML file; default the 44 short and 16 long shipped pairs.
        ties: Offer "both are equally good".
        second: Ask the second wording too.
        columns: What a verdict table calls its columns.
        where: Only rows of the table with these values.
        one_judge: Only this judge's rows of the table.

    Returns:
        Parts `credit` and `coverage` (a row a pair with a better answer), `right` (a decided pair),
        `margin`, the same of two wordings, and `similar`.
    """
    table = yield from verdict_table.given(context, columns, where, one_judge)
    if table is not None:
        return recorded(table)
    found = own.load(pairs) if pairs else (*own.load(), *own.load(name=own.LONG))
    plain = in_both_orders([(p.question, p.answers) for p in found],
                           role=chat_role(context.about), ties=ties)  # fmt: skip
    answers = yield [plain, reworded(plain, ties=ties)] if second else [plain]
    read = [verdicts_of(a) for a in answers]
    better = np.array([0 if p.quality == "first_better" else -1 for p in found], np.int64)
    return scored([p.id for p in found], np.stack([v for v, _ in read]), np.stack([s for _, s in read]),
                  better=better, scores=place_scores(answers[0], len(found)))  # fmt: skip


def recorded(table: Verdicts) -> Scored | Skip:
    """Items, measures and facts from a verdict table."""
    pairs = verdict_table.both_orders(table)
    if pairs.rows.size == 0:
        return Skip(ONE_ORDER)
    shown = table.take(pairs.rows[0])
    better = np.where(shown.better == TIE, UNDECIDED, shown.better)
    if not (better >= 0).any():
        return Skip(NO_BETTER)
    return scored(pairs.names(table), table.verdict[pairs.rows][None], table.why[pairs.rows][None],
                  better=better, questions=shown.question.tolist())  # fmt: skip


def scored(
    names: Sequence[str], verdicts: Ints, status: NDArray[Any], *, better: Ints,
    scores: Floats | None = None, questions: Sequence[str] | None = None,
) -> Scored:  # fmt: skip
    """Items, measures and facts.

    Args:
        names: Identity of each pair.
        verdicts: `FIRST`, `SECOND`, `TIE`, shape (wordings, 2, pairs).
        status: "" or why there is no verdict, of the same shape.
        better: Index of the better answer, -1 where there is none.
        scores: See `by_margin`.
        questions: Question of each pair.
    """
    abstained = np.isin(status, ABSTAINED)
    verdicts = np.where(abstained, TIE, verdicts)
    status = np.where(abstained, "", status)
    looked = [why_out(s) for s in status]
    why = [np.where(both, "", rows[0]).astype(object) for both, rows in looked]
    found = [decided(v) for v in verdicts]
    gold = np.flatnonzero(better >= 0)
    rows = [*tried(found[0], why[0], better, gold, "")]
    if len(found) > 1:
        both = np.where(found[0] == UNDECIDED, found[1], found[0])
        missing = np.where(why[0] != "", why[0], why[1])
        rows += tried(both, missing, better, gold, TRIED)
        late = gold[(found[0] == UNDECIDED)[gold] & (found[1] != UNDECIDED)[gold]]
        rows.append(("late", late, (found[1] == better)[late], missing[late]))
    if scores is not None:
        count = int(((found[0] != UNDECIDED) & (why[0] == ""))[gold].sum())
        usable = gold[looked[0][0][gold]]
        at, ahead = by_margin(scores[:, usable], count)
        rows.append(("margin", usable[at], ahead == better[usable[at]], why[0][usable[at]]))
    similar = np.flatnonzero(better < 0)
    rows.append(("similar", similar, (found[0] != UNDECIDED)[similar], why[0][similar]))
    return _scored(names, rows, questions, _facts(found, status, verdicts, gold), float(looked[0][0].mean()))  # fmt: skip


def _scored(
    names: Sequence[str], rows: Rows, questions: Sequence[str] | None, facts: Mapping[str, Any], share: float
) -> Scored:  # fmt: skip
    pair = np.asarray(names, dtype=object)
    question = pair if questions is None else np.asarray(questions, dtype=object)
    at = np.concatenate([r[1] for r in rows])
    items = Items.of(
        item=pair[at], question=question[at], answer=at,
        score=np.concatenate([np.asarray(r[2], float) for r in rows]),
        why=np.concatenate([r[3] for r in rows]),
        part=np.concatenate([np.full(r[1].size, r[0], dtype=object) for r in rows]),
    )  # fmt: skip
    floor = (share, FLOOR, "share of pairs with a verdict in both orders")
    present = {part for part, at, _, _ in rows if at.size}
    return Scored(items=items, measures=measures(floor, present), facts=facts)


def measures(floor: tuple[float, float, str], present: set[str]) -> list[Measure]:
    """What is inferred."""
    none, axis = Null(kind="none"), {"axis": "answer position"}
    made = [Measure(estimator="mean", where={"part": "credit"}, floor=floor,
                    labels={**axis, "measure": "right verdicts, undecided one half"})]  # fmt: skip
    told = {
        "coverage": ("share of pairs decided", "secondary", "lower"),
        "right": ("accuracy among decided", "secondary", "lower"),
        f"credit {TRIED}": ("right verdicts in one of two wordings, undecided one half", "reference", "lower"),
        f"coverage {TRIED}": ("share decided in one of two wordings", "reference", "lower"),
        f"right {TRIED}": ("accuracy among decided in one of two wordings", "reference", "lower"),
        "late": ("accuracy of what only the second wording decided", "reference", "lower"),
        "margin": ("accuracy of as many pairs with the widest margins", "reference", "lower"),
        "similar": ("share decided of pairs without a better answer", "secondary", "either"),
    }  # fmt: skip
    made += [
        Measure(estimator="mean" if part.startswith("credit") else "share", role=role, null=none,  # type: ignore[arg-type]
                where={"part": part}, worse=worse, floor=floor, labels={**axis, "measure": text})
        for part, (text, role, worse) in told.items() if part in present
    ]  # fmt: skip
    return made


def _facts(found: list[Ints], status: NDArray[Any], verdicts: Ints, gold: Ints) -> dict[str, Any]:
    """Counts, and what two tries would decide if the second knew nothing of the first."""
    cover = [float((f[gold] != UNDECIDED).mean()) for f in found] if gold.size else []
    alone = 1 - (1 - cover[0]) * (1 - cover[1]) if len(cover) == 2 else None
    return {
        "pairs": verdicts.shape[-1],
        "with a better answer": int(gold.size),
        "ties in the first order": int((verdicts[0, 0] == TIE).sum()),
        "coverage by wording": cover,
        "coverage of two wordings if independent": alone,
        "unanswered": dict(Counter(s for s in status.ravel().tolist() if s)),
    }


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """40 pairs judged in both orders: log-odds of the better answer are `dial`, plus or minus 1 by place.

    With s(x) the logistic function both orders name the better answer with s(d + 1) s(d - 1) and the other
    one with (1 - s(d + 1)) (1 - s(d - 1)); the mean credit is one half and half their difference.
    """
    count = 40
    chance = 1 / (1 + np.exp(-(dial + np.array([1.0, -1.0]))))
    better = rng.random((2, count)) < chance[:, None]
    verdicts = np.where(better == np.array([[True], [False]]), FIRST, SECOND)
    status = np.full((1, 2, count), "", dtype=object)
    got = scored([f"p{i}" for i in range(count)], verdicts[None], status, better=np.zeros(count, np.int64))  # fmt: skip
    return got, float(chance.mean())
