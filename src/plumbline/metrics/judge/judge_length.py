"""Length bias of a pairwise judge: does the longer of two answers win for its length?

Dubois et al., "Length-controlled AlpacaEval", 2024, arXiv:2404.04475; padding as in the repetitive-list
attack of Zheng et al. 2023, arXiv:2306.05685.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.templates import twins as own
from plumbline.metrics import verdict_table
from plumbline.metrics.judged_pairs import (
    CREDIT,
    FLOOR,
    in_both_orders,
    share_for,
    verdicts_of,
    why_out,
)
from plumbline.metrics.longer_answers import (
    ALIKE,
    BALANCED,
    LONG_RIGHT,
    SHORT_RIGHT,
    controlled,
    sides,
)
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE, Ints, Verdicts

LONGER: Final = "share for the longer answer"
NONE: Final = Null(kind="none")
DIALS: Final = (0.0, 0.2, 0.5)
READ: Final = "share of verdicts that could be read"
_RESTATED: Final[Mapping[str, Any]] = {"role": "secondary", "null": NONE}


@method(
    id="judge_length",
    version=1,
    title="Length bias of a pairwise judge",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose|records",),
    paper="arxiv:2404.04475",
    suite="standard",
    estimand="share of verdicts for the longer of two answers that say the same, over questions like these (ties count half)",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.5,
        "says": "padding adds no content, and in tables the longer answer is better in half of what counts, so a judge of content gives length one half",
    },
    sign="signed",
    worse="either",
    units=("question random", "item random"),
    trust="planted",
    axes=("answer length",),
    seeds=("S044", "S060"),
)
def judge_length(
    context: Context,
    *,
    twins: str | None = None,
    ties: bool = True,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    one_judge: str = "",
    **_: Any,
) -> Asking:
    """Share of verdicts for the longer answer where quality is held; length-controlled win rates beside it.

    Asked: an answer and the same answer with padding (sentences that say nothing) before and after it, in
    both orders. Above one half the judge takes length for worth; below, it likes brevity, which is a lean too.

    Recorded: a table of verdicts with both answers' lengths. Where it says which answer is better, quality
    is held by counting alike the pairs whose longer and those whose shorter answer is better: the finding is
    the mean of the judge's two shares for the longer one. That is 1/2 plus half the difference of its
    accuracies on the two kinds, so errors without a side cancel. Without better answers the plain share is shown
    and nothing is tested, because longer answers may be better.

    The facts hold, for each judge, a logistic model of the verdict on both systems, tanh of the standardised
    difference of lengths, and the place: what length gains at equal systems, and every system's win rate with
    lengths and places made equal, with an interval for the pairings at hand. A column `difficulty` of the
    questions enters as in AlpacaEval.

    Args:
        context: The run's surroundings.
        twins: An own TOML file of answers and padding; default the 24 shipped questions, with one padding
            each in `quick`, else with all four.
        ties: Offer "both are equally good".
        columns: What a verdict table calls its columns.
        where: Only rows of the table with these values.
        one_judge: Only this judge's rows of the table.

    Returns:
        Two rows a pair (part `length`: share for the padded one; `order`: for the first), or one row a
        recorded verdict (part `verdict`).
    """
    table = yield from verdict_table.given(context, columns, where, one_judge)
    if table is not None:
        return recorded(table)
    found = own.load(twins).padded(1 if context.suite == "quick" else None)
    asked = [(t.question, (t.control, t.perturbed)) for _, t in found]
    (answers,) = yield [in_both_orders(asked, role=chat_role(context.about), ties=ties)]
    return scored([t.id for _, t in found], [name for name, _ in found], *verdicts_of(answers))


def scored(
    questions: Sequence[str], paddings: Sequence[str], verdicts: Ints, status: NDArray[Any]
) -> Scored:
    """Items, measures and facts of asked pairs: answer 1 is the padded one; shapes (2, pairs)."""
    both, why = why_out(status)
    n = both.size
    question, padding = (np.tile(np.asarray(c, object), 4) for c in (questions, paddings))
    safe = np.clip(verdicts, FIRST, TIE)
    items = Items.of(
        item=question + " | " + padding, question=question, template=padding,
        part=np.repeat(np.array(["length", "order"], object), 2 * n),
        order=np.tile(np.repeat([0, 1], n), 2), answer=np.tile(np.arange(2 * n), 2),
        score=np.concatenate([share_for(1, safe).ravel(), CREDIT[safe].ravel()]),
        why=np.tile(why.ravel(), 2), verdict=np.tile(verdicts.ravel(), 2),
    )  # fmt: skip
    floor = (float(both.mean()), FLOOR, "share of pairs with a verdict in both orders")
    facts = {
        "pairs": n,
        "left_out_pairs": int((~both).sum()),
        "parse_rate": float((status == "").mean()),
        "unanswered": dict(Counter(s for s in status.ravel().tolist() if s)),
        "ties": int((verdicts[:, both] == TIE).sum()),
    }
    axis = {"axis": "answer length"}
    made = [
        Measure(estimator="share", labels={**axis, "measure": LONGER}, where={"part": "length"}, floor=floor),
        Measure(estimator="share", role="reference", null=NONE, where={"part": "order"}, floor=floor,
                labels={**axis, "measure": "share for the first position"}),
    ]  # fmt: skip
    return Scored(items=items, measures=made, facts=facts)


def recorded(table: Verdicts) -> Scored:
    """Items, measures and facts of recorded verdicts."""
    why, score, quality = sides(table)
    rows = np.arange(len(table))
    items = Items.of(
        item=rows, question=table.question, judge=table.judge, quality=quality,
        part=np.full(rows.size, "verdict", dtype=object), verdict=table.verdict, why=why,
        score=score,
    )  # fmt: skip
    made = measures(table, set(quality[why == ""].tolist()))
    facts = {
        "verdicts": len(table),
        "unanswered": table.unread(),
        "left out": dict(Counter(w for w in why.tolist() if w)),
        "length control": {
            j: controlled(table.take((table.judge == j) & (why == ""))) for j in table.judges
        },
    }
    return Scored(items=items, measures=made, facts=facts)


def measures(table: Verdicts, qualities: set[str]) -> list[Measure]:
    """What is inferred of recorded verdicts: with better answers the balanced share is tested."""
    floor = (table.parsed, FLOOR, READ)
    axis = {"axis": "answer length"}
    held = {LONG_RIGHT, SHORT_RIGHT} <= qualities
    text = f"{LONGER}, better in half" if held else LONGER
    main: dict[str, Any] = {
        "estimator": BALANCED if held else "share",
        "null": None if held else NONE,
    }
    strata = {"quality": (LONG_RIGHT, SHORT_RIGHT)} if held else {}
    made = [Measure(where=strata, floor=floor, labels={**axis, "measure": text}, **main)]
    golden = table.take(table.better != verdict_table.NONE) if held else table
    for judge in golden.judges:
        mine = (table.by(judge).parsed, FLOOR, READ)
        labels = {**axis, "measure": text, "group": judge}
        made.append(Measure(role="group", where={**strata, "judge": judge}, floor=mine, labels=labels, **main))  # fmt: skip
    if held:
        made.append(Measure(estimator="share", floor=floor, labels={**axis, "measure": f"{LONGER}, all pairs"}, **_RESTATED))  # fmt: skip
    made += [
        Measure(estimator="share", where={"quality": q}, floor=floor, labels={**axis, "measure": f"{LONGER}, {q}"}, **_RESTATED)
        for q in (LONG_RIGHT, SHORT_RIGHT, ALIKE) if q in qualities
    ]  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """24 padded answers in both orders, before a judge whose taste for each padding varies about none.

    A verdict goes to the longer answer unseen with chance `dial`; otherwise it is a tie with chance .3, else
    taste ~ N(0, 1) plus logistic noise decides. The share for the longer answer is .5 + dial / 2.
    """
    n = 24
    taste, noise = rng.normal(size=n), rng.logistic(size=(2, n))
    longer = np.array([[SECOND], [FIRST]])  # the padded answer's place in each order
    verdicts = np.where(taste + noise > 0, longer, 1 - longer)
    verdicts = np.where(rng.random((2, n)) < 0.3, TIE, verdicts)
    verdicts = np.where(rng.random((2, n)) < dial, longer, verdicts)
    names = [f"q{i}" for i in range(n)]
    return scored(names, ["p"] * n, verdicts, np.full((2, n), "", object)), 0.5 + dial / 2
