"""Which relevant documents were judged at all: selection by the pool, and false negatives among the rest.

Cai, Guo, Fan, Ai, Zhang & Cheng, "Hard Negatives or False Negatives: Correcting Pooling Bias in Training Neural
Ranking Models", CIKM 2022, arXiv:2209.05072. The paper's abstract and introduction were read; the likelihood is the
product of two logistic models, the errors are this project's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.judged_tables import JudgedTable, read_judged
from plumbline.metrics.pool_effects import (
    false_negatives,
    judged_negatives,
    selection_slope,
    trained_ndcg,
    unlabelled,
)  # fmt: skip
from plumbline.stats.arrays import codes
from plumbline.stats.coupled_selection import Coupled, coupled
from plumbline.stats.influence import by_unit

Floats = NDArray[np.float64]
NONE: Final = Null(kind="none")
MIRRORED: Final = (
    "relevance and selection features span the same space and no judged negatives are recorded: the two models "
    "could trade places"
)
NO_NEGATIVES: Final = (
    "no judged negatives are recorded: relevance and selection are told apart by their features alone, and their "
    "common scale by the logistic form"
)
SELECTED: Final = "log odds of being judged, for a standard deviation, at equal other features"
MISSED: Final = "relevant among those taken as negatives, estimated"
DIALS: Final = (0.0, 0.4, 0.8)
_QUERIES, _DOCUMENTS = 80, 30


@method(
    id="pooling_bias",
    version=1,
    title="Pooling bias of relevance labels",
    family="data",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2209.05072",
    suite="standard",
    estimand="log odds of being judged for one standard deviation of a retriever's feature, over queries like these",
    unit="log odds",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "selection that ignores this feature: its coefficient in the selection model is 0",
    },
    sign="signed",
    worse="either",
    units=("query random",),
    trust="planted",
    axes=("judgement pool",),
    seeds=("S114",),
)
def pooling_bias(
    context: Context, *, content: tuple[str, ...] = (), pool: tuple[str, ...] = (), query: str = "query",
    label: str = "label", judged: str = "judged", rank: str = "rank", deep: str = "deep", k: int = 10,
) -> Asking:  # fmt: skip
    """How strongly each feature of the pool decides which relevant documents got a label, and what was missed.

    Read from a table with a row for each query and document: the label, relevance features (content), selection
    features (scores and ranks of the retrievers that made the pool), and where there are any a column `judged`,
    a rank, and deep judgements. P(labelled relevant) = P(relevant) P(selected) with two logistic models, fitted together; the
    selection is then that of relevant documents. Where judged negatives are recorded, each model is fitted to the rows that show it;
    that assumes that, given the features, a document is not judged because it is relevant.

    What a pool feature tells of relevance beyond the content features is charged to the pool: name such a feature in both
    (`content`, `pool`). At least one feature of each kind has to be its own, unless judged negatives are recorded.

    Positive: documents with more of the feature are judged more. Beside it, without a test: the share of relevant documents
    among those that would be taken as negatives (all, and in the first k places), the share of the first k places that was judged
    (judged@k), and, against deep judgements, NDCG at k of a ranker trained on the labels, or on the column `relevance` that
    `coupled_relevance` writes. Labels of the pool themselves cannot show what the pool misses.

    Args:
        context: The run's surroundings.
        content: Relevance features; default all columns content_NAME.
        pool: Selection features; default all columns pool_NAME.
        query: Column that names the query.
        label: Column above 0 where a document was labelled relevant.
        judged: Column of 1 and 0.
        rank: Column of places, 1 is first.
        deep: Column of deep judgements, empty where there is none.
        k: Places that count.

    Returns:
        One row a query and statistic: the statistic's value plus the query's influence on it.
    """
    (answers,) = yield [ask.records()]
    table = read_judged(
        answers.columns, about=context.about, content=content, pool=pool, query=query, label=label,
        judged=judged, rank=rank, deep=deep,
    )  # fmt: skip
    return scored(table, k=k)


def scored(table: JudgedTable, *, k: int = 10) -> Scored:
    """Items, measures and facts of one table."""
    known = table.judged if judged_negatives(table) else None
    fit = coupled(table.content, table.pool, table.label, judged=known)
    query = codes(table.query, "query")
    names = np.unique(table.query)
    why = MIRRORED if fit.mirrored else "" if fit.converged else "the fit did not converge"
    parts: list[tuple[str, Floats, NDArray[Any]]] = []
    measures: list[Measure] = []

    def add(part: str, values: Floats, reason: NDArray[Any], **fields: Any) -> None:
        parts.append((part, values, reason))
        measures.append(Measure(where={"part": part}, **fields))

    blank = np.full(names.size, why, dtype=object)
    for j, name in enumerate(table.pool_names):
        value, influence = selection_slope(table, fit, j)
        labels = {
            "axis": name,
            "group": f"more {name}",
            "toward": "being judged",
            "measure": SELECTED,
        }
        add(f"selection by {name}", by_unit(value, influence, query), blank, estimator="mean", labels=labels)  # fmt: skip
    taken = unlabelled(table)
    wholes = {MISSED: taken}
    if table.rank is not None:
        wholes[f"{MISSED}, first {k} places"] = taken & (table.rank <= k)
    for said, rows in wholes.items():
        if rows.any():
            value, influence = false_negatives(table, fit, rows)
            add(said, by_unit(value, influence, query), blank, estimator="mean", **_beside(said, "higher"))  # fmt: skip
    for part, values in _plain(table, query, k):
        gaps = np.where(np.isnan(values), "no document that counts", "").astype(object)
        add(part, values, gaps, estimator="mean", **_beside(part, "lower"))
    items = Items.of(
        item=np.concatenate([names for _ in parts]), query=np.concatenate([names for _ in parts]),
        part=np.repeat(np.array([p for p, _, _ in parts], dtype=object), names.size),
        score=np.concatenate([v for _, v, _ in parts]), why=np.concatenate([w for _, _, w in parts]),
    )  # fmt: skip
    return Scored(items=items, measures=measures, facts=_facts(table, fit), notes=_notes(table))


def _beside(said: str, worse: str) -> dict[str, Any]:
    return {
        "role": "secondary", "null": NONE, "unit": "rate", "worse": worse,
        "labels": {"axis": "judgement pool", "measure": said}, "estimand": f"{said}, over queries like these",
    }  # fmt: skip


def _plain(table: JudgedTable, query: NDArray[np.int64], k: int) -> list[tuple[str, Floats]]:
    """Shares and qualities that need no model, one a query."""
    made = []
    count = int(query.max()) + 1
    if table.judged is not None and table.rank is not None:
        first = (table.rank <= k).astype(float)
        shown = np.bincount(query, first, minlength=count)
        with np.errstate(invalid="ignore"):
            held = np.bincount(query, first * table.judged, minlength=count) / shown
        made.append((f"judged@{k}", held))
    if table.deep is not None:
        made.append((f"NDCG@{k} of a ranker trained on the labels", trained_ndcg(table, k=k)))
    return made


def _facts(table: JudgedTable, fit: Coupled) -> dict[str, Any]:
    taken = unlabelled(table)
    facts: dict[str, Any] = {
        "rows": int(table.label.size), "labelled relevant": int(table.label.sum()),
        "taken as negatives": int(taken.sum()), "judged negatives recorded": judged_negatives(table),
        "relevance": dict(zip(("intercept", *table.content_names), fit.relevance.tolist(), strict=True)),
        "selection": dict(zip(("intercept", *table.pool_names), fit.selection.tolist(), strict=True)),
        "trained on": "labels" if table.target is None else "estimated relevance",
        "models can trade places": fit.mirrored, "log-likelihood": fit.log_likelihood,
    }  # fmt: skip
    if table.deep is not None and (held := taken & np.isfinite(table.deep)).any():
        facts["relevant among those taken as negatives, by deep judgement"] = float(
            (table.deep[held] > 0).mean()
        )
    return facts


def _notes(table: JudgedTable) -> list[str]:
    if judged_negatives(table):
        return []
    return [NO_NEGATIVES]


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """80 queries of 30 documents, positives only; the retriever's score has the coefficient `dial`.

    Features are N(0, 1), two fifths of the variance shared inside a query, and the score of the retriever is correlated .5
    with the first relevance feature. The truth is `dial`, since the score has a standard deviation of 1.
    """
    n = _QUERIES * _DOCUMENTS
    query = np.repeat(np.arange(_QUERIES), _DOCUMENTS)
    x = np.sqrt(0.4) * rng.standard_normal((_QUERIES, 4))[query]
    x += np.sqrt(0.6) * rng.standard_normal((n, 4))
    score = 0.5 * x[:, 0] + np.sqrt(0.75) * x[:, 2]
    relevant = rng.random(n) < expit(2 * x[:, 0] + 1.5 * x[:, 1] - 0.5)
    selected = rng.random(n) < expit(dial * score + 2 * x[:, 3])
    table = JudgedTable(
        query=query.astype(str), label=(relevant & selected).astype(float), judged=None, content=x[:, :2],
        pool=np.column_stack([score, x[:, 3]]), content_names=("content_1", "content_2"),
        pool_names=("pool_score", "pool_overlap"),
    )  # fmt: skip
    return scored(table), dial
