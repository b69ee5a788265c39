"""Agreement of pairwise judges with people or with known better answers, and among each other.

Zeng et al. 2024 (LLMBar), arXiv:2310.07641; Tan et al. 2025 (JudgeBench), arXiv:2410.12784; Wang et al. 2023
(PandaLM), arXiv:2306.05087.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Measure, Scored
from plumbline.data.sets import llmbar
from plumbline.data.templates import pairs as own
from plumbline.metrics import verdict_table
from plumbline.metrics.judged_pairs import FLOOR, in_both_orders, verdicts_of
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.subsample import nested_rows
from plumbline.metrics.verdict_agreement import (
    CONSISTENT,
    ROW,
    TOGETHER,
    UNIT,
    by_pair,
    by_row,
    by_unit,
    joined,
    told,
)
from plumbline.metrics.verdict_table import FIRST, NONE, SECOND, Verdicts
from plumbline.stats.rater_agreement import COHEN, FLEISS, KRIPPENDORFF

ACCURACY: Final = "accuracy, a tie is an answer"
WITHOUT: Final = "accuracy without ties"
READ: Final = "share of verdicts that could be read"
DIALS: Final = (0.0, 0.2, 0.4)
_SHOWN: Final = ("1", "2")  # which of a pair's answers a live verdict is about


@method(
    id="judge_agreement",
    version=1,
    title="Agreement of a judge with better answers",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose|records",),
    paper="arxiv:2310.07641",
    suite="standard",
    estimand="share of verdicts that name the better answer, over questions like these",
    unit="rate",
    null="none",
    sign="signed",
    worse="lower",
    units=("question random", "item random"),
    trust="replicated",
    axes=("judge agreement",),
    seeds=("S044", "S063", "S070"),
)
def judge_agreement(
    context: Context,
    *,
    texts: str | None = None,
    ties: bool = False,
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    one_judge: str = "",
    raters: Sequence[str] = (),
    **_: Any,
) -> Asking:
    """Accuracy with and without ties, in both orders, Cohen's kappa, agreement of raters, rankings.

    Consistency is no merit in itself, so this says how often a judge is right. Recorded: a verdict table with
    the column `better` (the better system's name, or tie). Asked: pairs whose better answer is known, in both orders.

    Accuracy takes a tie for an answer, right where the better answer is a tie. Without ties, only rows count
    in which both are decided: that flatters a judge that calls hard pairs ties. Right in both orders asks for
    both verdicts of a pair; over both orders together is JudgeBench's rule (a win and a tie make a win). A
    coin has 1/2, 1/4 and 1/2 where no ties are given. Cohen's kappa takes away what equal shares of verdicts by place would give.

    Fleiss' kappa and Krippendorff's alpha say how far the raters (default all judges of the table, `raters` names
    some) agree on one presentation, whoever is right; rows of one judge on one presentation are raters of their
    own, as where people are recorded under one name, so leave out a model's repeats; a rare category pushes both down. With three or
    more systems the facts hold the rank correlation of their win rates, by each judge and by the better answers.

    Args:
        context: The run's surroundings.
        texts: An own TOML file of pairs; default the shipped ones with a better answer in `quick`, else LLMBar.
        ties: Offer "both are equally good" when asking.
        columns: What a verdict table calls its columns.
        where: Only rows of the table with these values.
        one_judge: Only this judge's rows of the table; then kappa and both orders have intervals too.
        raters: Judges among whom agreement is measured.

    Returns:
        One row a verdict with a better answer (part `verdict`), two a pair in both orders (parts called after the
        two rules), one a presentation that two or more raters judged (`presentation`).
    """
    table = yield from verdict_table.given(context, columns, where, one_judge)
    if table is None:
        found = _pairs(context, texts)
        asked = [(question, answers) for _, question, answers, _ in found]
        (answers,) = yield [in_both_orders(asked, role=chat_role(context.about), ties=ties)]
        table = _as_table([f[0] for f in found], [f[3] for f in found], *verdicts_of(answers))
    return scored(table, context.seeds.stream("rankings"), raters=raters)


def _pairs(context: Context, path: str | None) -> list[tuple[str, str, tuple[str, str], int]]:
    """Id, question, answers and which of them is better."""
    if path or context.suite == "quick":
        better = [p for p in own.load(path) if p.quality == "first_better"]
        if not better:
            raise BadInput(f"{path}: no pair has the quality first_better; wanted at least one")
        return [(p.id, p.question, p.answers, 0) for p in better]
    rows = llmbar.load()
    strata = [p.subset for p in rows]
    kept = nested_rows(strata, context.share_of_size(4), context.seeds.stream("pairs"))
    return [(rows[i].id, rows[i].question, rows[i].outputs, rows[i].better) for i in kept]


def _as_table(names: Sequence[str], better: Sequence[int], verdicts: Any, status: Any) -> Verdicts:
    """Live verdicts, shape (2, pairs), as a table of one judge without a name."""
    n = len(names)
    one, two = (np.full(n, s, dtype=object) for s in _SHOWN)
    gold = np.asarray(better, np.int64)
    nothing = np.full(2 * n, np.nan)
    return Verdicts(
        judge=np.full(2 * n, "the model", dtype=object),
        question=np.tile(np.asarray(names, dtype=object), 2),
        first=np.concatenate([one, two]), second=np.concatenate([two, one]),
        verdict=np.where(status == "", verdicts, NONE).ravel(), why=status.ravel(),
        better=np.concatenate([gold, 1 - gold]),
        lengths=np.stack([nothing, nothing]), difficulty=nothing,
    )  # fmt: skip


def scored(table: Verdicts, rng: np.random.Generator, *, raters: Sequence[str] = ()) -> Scored:
    """Items, measures and facts.

    Raises:
        BadInput: No row has a better answer, and no presentation has two raters.
    """
    known = table.take(table.better != NONE)
    among = table.take(np.isin(table.judge, list(raters))) if raters else table
    units = by_unit(among)
    if not len(known) and not units:
        raise BadInput(
            "nothing to agree with: the table has no better answers (column better, or its name in "
            "the argument columns), and no presentation was judged twice"
        )
    items = joined([by_row(known), *by_pair(known), units])
    has = {str(part) for part in items["part"]}
    sizes = set(units["size"].tolist()) if units else set()
    facts = {
        "verdicts": len(table),
        "with a better answer": len(known),
        "unanswered": table.unread(),
        "parse_rate": table.parsed,
        "judges": {j: told(known.by(j), rng) for j in known.judges},
    }
    return Scored(items=items, measures=measures(known, has, sizes), facts=facts)


def measures(known: Verdicts, parts: set[str], sizes: set[int]) -> list[Measure]:
    """What is inferred: against better answers, and among raters (`sizes`: how many judged a unit)."""
    made = []
    if ROW in parts:
        floor = (known.parsed, FLOOR, READ)
        made += [
            _rate(ROW, ACCURACY, floor=floor, role="primary"),
            _rate(ROW, WITHOUT, floor=floor, where={"decided": "yes"}),
            _rate(ROW, "Cohen's kappa", floor=floor, estimator=COHEN, unit="kappa"),
        ]
        made += [
            _rate(ROW, ACCURACY, judge=j, floor=(known.by(j).parsed, FLOOR, READ), role="group")
            for j in known.judges
            if len(known.judges) > 1
        ]
    made += [_rate(part, part) for part in (CONSISTENT, TOGETHER) if part in parts]
    if UNIT in parts:
        main = "secondary" if ROW in parts else "primary"
        alpha = f"Krippendorff's alpha of {min(sizes)} to {max(sizes)} raters"
        made += [
            _rate(UNIT, alpha, estimator=KRIPPENDORFF, unit="alpha", role=main),
            _rate(UNIT, "share of pairs of raters that agree"),
        ]
        if len(sizes) == 1:
            made.append(_rate(UNIT, f"Fleiss' kappa of {min(sizes)} raters", estimator=FLEISS, unit="kappa"))  # fmt: skip
    return made


def _rate(
    part: str, text: str, *, judge: str = "", where: Mapping[str, Any] | None = None, **more: Any
) -> Measure:
    labels = {"axis": "judge agreement", "measure": text} | ({"group": judge} if judge else {})
    rows = {"part": part, **(where or {})} | ({"judge": judge} if judge else {})
    return Measure(**{"estimator": "share", "role": "secondary", **more}, labels=labels, where=rows)


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """22 pairs in both orders before a judge that is right by chance, more on some questions than on others.

    A verdict is right unseen with chance `dial`, otherwise with a question's own chance ~ Beta(2, 2). The
    accuracy is .5 + dial / 2.
    """
    n = 22
    chance = dial + (1 - dial) * rng.beta(2, 2, n)
    hit = rng.random((2, n)) < chance
    better = np.zeros(n, np.int64)  # answer 0 is better: first in row 0, second in row 1
    verdicts = np.where(hit, [[FIRST], [SECOND]], [[SECOND], [FIRST]])
    status = np.full((2, n), "", dtype=object)
    table = _as_table([f"q{i}" for i in range(n)], better.tolist(), verdicts, status)
    return scored(table, rng), 0.5 + dial / 2
