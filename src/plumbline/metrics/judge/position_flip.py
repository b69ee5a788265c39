"""Position bias of a pairwise judge: does the verdict follow the place?

Wang et al., "Large language models are not fair evaluators", ACL 2024, arXiv:2305.17926; forms of
consistency as in Li et al. 2023 (PORTIA), arXiv:2310.01432.
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
from plumbline.metrics.judged_pairs import (
    CONSISTENCY,
    CREDIT,
    FIRST,
    FLOOR,
    SECOND,
    TIE,
    answer_named,
    flipped,
    in_both_orders,
    verdicts_of,
    why_out,
)
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.verdict_table import Ints, Verdicts

DIALS: Final = (0.0, 0.2, 0.5)
ONE_ORDER: Final = "every pair stands in one order only: what is a place and what is an answer cannot be told apart"
SHARE: Final = "share for the first position"
RATE: Final[Mapping[str, Any]] = {"role": "secondary", "null": Null(kind="none")}


@method(
    id="position_flip",
    version=1,
    title="Position bias of a pairwise judge",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose|records",),
    paper="arxiv:2305.17926",
    suite="quick",
    estimand="share of verdicts for the answer shown first when every pair is shown in both orders (ties count half), over questions like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.5,
        "says": "both answers stand first once, so a judge of content gives the first place one half",
    },
    sign="signed",
    worse="either",
    units=("question random", "item random"),
    trust="planted",
    axes=("answer position",),
    seeds=("S044", "S048", "S070", "S078"),
)
def position_flip(
    context: Context,
    *,
    pairs: str | None = None,
    ties: bool = True,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    one_judge: str = "",
    **_: Any,
) -> Asking:
    """Share of verdicts for the first position (tested), flips and agreement beside it.

    Each question is shown with its two answers in both orders; the model says which is better.
    Above one half the judge favours what it reads first, below what it reads last. The flip rate (share of
    pairs whose verdict names another answer, or a tie, in the other order) is positive for a merely noisy
    judge too, so it is not tested. Consistency is one minus the flip rate; a consistent judge can be
    consistently wrong, so the share of verdicts for the better answer is shown for the pairs that have one.

    A pair with one verdict missing is left out whole, since otherwise a liked answer would look like a liked
    place. Below half of the pairs with both verdicts everything is Undefined.

    A table of recorded verdicts (judge, question, first, second, verdict) needs no model: pairs that one
    judge saw in both orders are joined. With several judges the primary finding pools them, so that leans to
    opposite places cancel; each judge's own stand beside it, and `one_judge` tests one alone.

    Args:
        context: The run's surroundings.
        pairs: An own TOML file of pairs; default the 44 shipped ones.
        ties: Offer "both are equally good".
        columns: What a verdict table calls judge, question, first, second, verdict and better.
        where: Only rows of the table with these values: `{"part": "Natural"}`.
        one_judge: Only this judge's rows of the table.

    Returns:
        Two rows a pair with the part `order`, one with `flip`, and for inconsistent pairs and
        pairs with a better answer the parts `flipped` and `better`.
    """
    table = yield from verdict_table.given(context, columns, where, one_judge)
    if table is not None:
        return recorded(table)
    found = own.load(pairs)
    asked = [(p.question, p.answers) for p in found]
    (answers,) = yield [in_both_orders(asked, role=chat_role(context.about), ties=ties)]
    verdicts, status = verdicts_of(answers)
    better = np.array([0 if p.quality == "first_better" else -1 for p in found], np.int64)
    return scored([p.id for p in found], verdicts, status, better=better)


def recorded(table: Verdicts) -> Scored | Skip:
    """Items, measures and facts from a verdict table."""
    pairs = verdict_table.both_orders(table)
    if pairs.rows.size == 0:
        return Skip(ONE_ORDER)
    shown = table.take(pairs.rows[0])  # answer 0 stands first here: its place is its number
    got = scored(
        pairs.names(table),
        table.verdict[pairs.rows],
        table.why[pairs.rows],
        better=np.where(shown.better == TIE, verdict_table.NONE, shown.better),
        questions=shown.question.tolist(),
        judges=shown.judge.tolist(),
    )
    more = {"verdicts": len(table), "seen in one order": int(pairs.one_order.size)}
    return Scored(items=got.items, measures=got.measures, facts={**got.facts, **more})


def scored(
    names: Sequence[str],
    verdicts: Ints,
    status: NDArray[Any],
    *,
    better: Ints | None = None,
    questions: Sequence[str] | None = None,
    judges: Sequence[str] | None = None,
) -> Scored:
    """Items, measures and facts from verdicts in both orders.

    Args:
        names: Identity of each pair.
        verdicts: `FIRST`, `SECOND` or `TIE`, shape (2, pairs): answer 0 first, answer 1 first.
        status: "" or why there is no verdict, of the same shape.
        better: Index of the clearly better answer, -1 where there is none.
        questions: Question of each pair (pairs of one question are not independent).
        judges: Judge of each pair, for recorded verdicts.
    """
    both, _ = why_out(status)
    items = _items(names, verdicts, status, better=better, questions=questions, judges=judges)
    floor = (float(both.mean()), FLOOR, "share of pairs with a verdict in both orders")
    facts = {
        "pairs": len(names),
        "left_out_pairs": int((~both).sum()),
        "parse_rate": float((status == "").mean()),
        "unanswered": dict(Counter(s for s in status.ravel().tolist() if s)),
        "ties": int((verdicts[:, both] == TIE).sum()),
    }
    made = measures(floor, {str(part) for part in items["part"]})
    for judge in sorted(set(judges or ())):
        mine = both[np.asarray(judges, object) == judge]
        made += by_judge(judge, (float(mine.mean()), *floor[1:]))
    return Scored(items=items, measures=made, facts=facts)


def _items(
    names: Sequence[str], verdicts: Ints, status: NDArray[Any], *,
    better: Ints | None, questions: Sequence[str] | None, judges: Sequence[str] | None,
) -> Items:  # fmt: skip
    pair = np.asarray(names, dtype=object)
    question = pair if questions is None else np.asarray(questions, dtype=object)
    both, why = why_out(status)
    one = np.where(both, "", "a verdict is missing").astype(object)
    turned = flipped(verdicts) & both
    gold = np.full(pair.size, -1, np.int64) if better is None else better
    credit = CREDIT[np.clip(verdicts, FIRST, TIE)]
    right = (answer_named(verdicts) == gold).astype(float)
    parts = [  # part, pairs, order, score, why
        ("order", np.arange(pair.size), 0, credit[0], why[0]),
        ("order", np.arange(pair.size), 1, credit[1], why[1]),
        ("flip", np.arange(pair.size), 0, turned.astype(float), one),
        *(("flipped", np.flatnonzero(turned), i, credit[i][turned], one[turned]) for i in (0, 1)),
        *(("better", np.flatnonzero(gold >= 0), i, right[i][gold >= 0], why[i][gold >= 0])
          for i in (0, 1)),
    ]  # fmt: skip
    rows = np.concatenate([p[1] for p in parts])
    order = np.concatenate([np.full(len(p[1]), p[2]) for p in parts])
    of = {"answer": order * pair.size + rows}  # a live verdict answers a question of its own
    if judges is not None:
        of = {"judge": np.asarray(judges, dtype=object)[rows]}
    return Items.of(
        item=pair[rows], question=question[rows], score=np.concatenate([p[3] for p in parts]),
        why=np.concatenate([p[4] for p in parts]), order=order,
        part=np.concatenate([np.full(len(p[1]), p[0], dtype=object) for p in parts]),
        verdict=verdicts[order, rows], **of,
    )  # fmt: skip


def measures(floor: tuple[float, float, str], parts: set[str]) -> list[Measure]:
    """What is inferred of all pairs."""
    made = [
        _one("order", SHARE, floor),
        _one("flip", "flip rate", floor, worse="higher", **RATE),
        _one("flip", "consistency", floor, CONSISTENCY, worse="lower", **RATE),
    ]
    if "flipped" in parts:
        made.append(_one("flipped", f"{SHARE} among inconsistent pairs", floor, **{**RATE, "role": "reference"}))  # fmt: skip
    if "better" in parts:
        made.append(_one("better", "verdicts for the better answer", floor, worse="lower", **RATE))
    return made


def by_judge(judge: str, floor: tuple[float, float, str]) -> list[Measure]:
    """One judge's share for the first position, and its flip rate."""
    return [
        _one("order", SHARE, floor, judge=judge, role="group"),
        _one("flip", "flip rate", floor, judge=judge, worse="higher", **RATE),
    ]


def _one(
    part: str, text: str, floor: tuple[float, float, str], estimator: Any = "share", *,
    judge: str = "", **more: Any,
) -> Measure:  # fmt: skip
    labels = {"axis": "answer position", "measure": text} | ({"group": judge} if judge else {})
    where = {"part": part} | ({"judge": judge} if judge else {})
    return Measure(estimator=estimator, labels=labels, where=where, floor=floor, **more)


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """44 pairs with quality gaps ~ N(0, 1), judged in both orders by a noisy judge with a habit.

    With chance `dial` a verdict is `first` unseen; otherwise it is a tie with chance .1, else the
    answer with the larger of gap + logistic noise. The share for the first place is (1 + dial)/2.
    """
    count = 44
    gap = rng.normal(size=count)
    sign = np.array([[1.0], [-1.0]])  # row 1 shows the other answer first
    verdicts = np.where(sign * gap + rng.logistic(size=(2, count)) > 0, FIRST, SECOND)
    verdicts = np.where(rng.random((2, count)) < 0.1, TIE, verdicts)
    verdicts = np.where(rng.random((2, count)) < dial, FIRST, verdicts)
    status = np.full((2, count), "", dtype=object)
    return scored([f"p{i}" for i in range(count)], verdicts, status), 0.5 + dial / 2
