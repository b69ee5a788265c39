"""What clicks say besides relevance: the rank at which a document was shown, and bait.

Zou et al., "Pre-trained Language Model based Ranking in Baidu Search", KDD 2021, arXiv:2105.11108, train on clicks that people's
labels calibrate. Position-based model: Joachims, Swaminathan & Schnabel 2017, arXiv:1608.04468; documents at several
ranks: Agarwal et al. 2019, arXiv:1812.05161.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, NotRecorded
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.click_tables import ClickTable, read_clicks
from plumbline.stats.click_model import stratified_slopes
from plumbline.stats.influence import by_unit
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
BY: Final = ("auto", "human", "document")
POSITION: Final = "exponent of examination, rank to the power of minus this"
LURED: Final = "log ratio of clicks, bait to other documents of equal label and rank"
DIALS: Final = (0.0, 0.05, 0.2)
_QUERIES, _DOCUMENTS, _SHOWN = 60, 15, 10
_GRADES: Final = np.array([0.1, 0.3, 0.6])


@method(
    id="click_bias",
    version=1,
    title="Position bias and bait in clicks",
    family="data",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2105.11108",
    suite="standard",
    estimand="minus the slope of log click rates on log rank among documents of equal relevance, over queries like these",
    unit="log ratio",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "clicks that depend on relevance only: at equal relevance rank and bait move nothing",
    },
    sign="signed",
    worse="either",
    units=("query random",),
    trust="planted",
    axes=("position", "bait"),
    seeds=("S082", "S114"),
)
def click_bias(
    context: Context, *, by: str = "auto", query: str = "query", document: str = "document", rank: str = "rank",
    click: str = "click", impressions: str = "impressions", human: str = "human", bait: str = "bait",
) -> Asking:  # fmt: skip
    """How fast clicks fall with the rank, and how much more bait is clicked, at equal relevance.

    Read from a table with a row for each query, document and rank: clicks, impressions, and a label by people for some rows. Equal
    relevance means equal human label (`human`), or the very same document at several ranks of its query (`document`, where ranks were
    swapped or drawn at random); `auto` takes the latter where there are such documents. Equal labels hide
    differences: where the better of two documents with one label stood higher, the exponent is too large. Swapped documents have no such gap.

    The exponent is 0 where every place is looked at alike and 1 where it is 1 / rank; positive means toward the first places. Bait, if
    the table marks it, is compared at equal human label and rank: log(18) means 18 times the clicks. Where the table has a column
    `calibrated`, as `click_calibration` writes it, that column is measured in place of the clicks.

    Args:
        context: The run's surroundings.
        by: `auto`, `human`, `document`.
        query: Column that names the query.
        document: Column that names the document.
        rank: Column of places, 1 is first.
        click: Column of 0 and 1, or of counts.
        impressions: Column of how often the row was shown; without it once.
        human: Column of labels by people, empty where there is none.
        bait: Column of 1 and 0.

    Returns:
        One row a query and statistic: the statistic's value plus the query's influence on it.
    """
    if by not in BY:
        raise BadInput(f"by is one of {', '.join(BY)}; got {by!r}")
    (answers,) = yield [ask.records()]
    table = read_clicks(
        answers.columns, about=context.about, query=query, document=document, rank=rank, click=click,
        impressions=impressions, human=human, bait=bait,
    )  # fmt: skip
    return scored(table, by=by)


def scored(table: ClickTable, *, by: str = "auto") -> Scored:
    """Items, measures and facts of one table."""
    labelled, swapped = np.isfinite(table.human), table.swapped
    if by == "auto":
        by = "document" if swapped.any() else "human"
    if by == "human" and not labelled.any():
        raise NotRecorded(
            "no document has a label by people and none was shown at several ranks: position cannot be told from "
            "relevance. Record labels (human), or swap ranks"
        )
    if by == "document" and not swapped.any():
        raise NotRecorded("no document was shown at several ranks of its query; take by = 'human'")
    place = table.take(swapped if by == "document" else labelled)
    parts = [("position", place, place.document if by == "document" else place.human, 0)]
    if table.bait is not None and labelled.any() and 0 < table.bait[labelled].mean() < 1:
        parts.append(("bait", table.take(labelled), table.human[labelled], 1))
    rows, measures = [], []
    for part, here, strata, which in parts:
        rows.append(_rows(part, here, strata, which))
        measures.append(_measure(part, by))
    items = Items.of(
        **{
            n: np.concatenate([r[n] for r in rows])
            for n in ("item", "query", "part", "score", "why")
        }
    )
    facts = {
        "equal relevance by": by, "measured": "clicks" if table.calibrated is None else "calibrated labels",
        "rows": int(table.rank.size), "rows with a human label": int(labelled.sum()),
        "rows of documents at several ranks": int(swapped.sum()), "clicks": float(table.clicks.sum()),
    }  # fmt: skip
    return Scored(items=items, measures=measures, facts=facts)


def _rows(
    part: str, table: ClickTable, strata: NDArray[Any], which: int
) -> dict[str, NDArray[Any]]:
    """One row a query; a reason in each where the statistic does not exist."""
    names = np.unique(table.query)
    try:
        values = by_unit(*_statistic(table, strata, which), table.query)
        why = ""
    except UndefinedStatistic as absent:
        values, why = np.full(names.size, np.nan), str(absent)
    return {
        "item": names, "query": names, "part": np.full(names.size, part, dtype=object), "score": values,
        "why": np.full(names.size, why, dtype=object),
    }  # fmt: skip


def _statistic(table: ClickTable, strata: NDArray[Any], which: int) -> tuple[float, Floats]:
    """Value and influences: minus the slope on log rank, or the slope on bait beside it."""
    x = [np.log(table.rank)]
    # A document is bait at all its ranks: inside documents there is nothing to compare.
    if table.bait is not None and strata.dtype.kind == "f" and np.ptp(table.bait) > 0:
        x.append(table.bait)
    clicks, shown = table.clicks, table.impressions
    if table.calibrated is not None:
        clicks, shown = table.calibrated, np.ones(table.rank.size)
    fit = stratified_slopes(clicks, np.column_stack(x), strata, impressions=shown)
    sign = -1.0 if which == 0 else 1.0
    return sign * float(fit.values[which]), sign * fit.influence[:, which]


def _measure(part: str, by: str) -> Measure:
    if part == "position":
        labels = {"axis": "position", "group": "first places", "against": "later places", "toward": "clicks", "measure": f"{POSITION} (equal {by})"}  # fmt: skip
        return Measure(estimator="mean", where={"part": part}, labels=labels)
    return Measure(
        estimator="mean", where={"part": part},
        labels={"axis": "bait", "group": "bait", "against": "others", "toward": "clicks", "measure": LURED},
        estimand="log ratio of click rates, bait to other documents of equal human label and rank, over queries like these",
    )  # fmt: skip


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """60 queries of 15 documents, each list shown ten times; a place is looked at with probability rank ** -dial.

    Labels 0, 1, 2 draw .1, .3 and .6 of those who look, times a query's own liveliness between .5 and 1. Better
    documents stand higher. The truth is `dial`.
    """
    n = _QUERIES * _DOCUMENTS
    query = np.repeat(np.arange(_QUERIES), _DOCUMENTS)
    grade = rng.integers(0, 3, n)
    order = np.lexsort((-(grade + rng.standard_normal(n)), query))
    rank = np.empty(n)
    rank[order] = np.arange(n) % _DOCUMENTS + 1
    lively = rng.uniform(0.5, 1.0, _QUERIES)[query]
    clicks = rng.binomial(_SHOWN, lively * _GRADES[grade] * rank**-dial)
    table = ClickTable(
        query=query.astype(str), document=np.arange(n).astype(str), rank=rank, clicks=clicks.astype(float),
        impressions=np.full(n, float(_SHOWN)), human=grade.astype(float), bait=None, behaviour=np.zeros((n, 0)),
        behaviour_names=(), calibrated=None,
    )  # fmt: skip
    return scored(table), dial
