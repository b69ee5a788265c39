"""Statistics of a fitted judgement pool, each with every row's influence on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plumbline.data.judged_tables import JudgedTable
from plumbline.stats.arrays import codes
from plumbline.stats.coupled_selection import Coupled, relevant_posterior, soft_logistic
from plumbline.stats.ranking_quality import ndcg

Floats = NDArray[np.float64]


def selection_slope(table: JudgedTable, fit: Coupled, feature: int) -> tuple[float, Floats]:
    """Log odds of being selected for a standard deviation of one feature, and each row's influence."""
    x = table.pool[:, feature]
    spread = float(x.std())
    place = fit.relevance.size + 1 + feature
    value = float(fit.selection[1 + feature]) * spread
    # The deviation is estimated, too: half the relative error of a variance.
    unit = ((x - x.mean()) / spread) ** 2 - 1
    return value, spread * fit.influence[:, place] + value * unit / (2 * x.size)


def posterior(table: JudgedTable, fit: Coupled) -> Floats:
    """P(relevant | what is known), by row."""
    known = None if not judged_negatives(table) else table.judged
    return relevant_posterior(table.label, fit.g, fit.h, known)


def false_negatives(
    table: JudgedTable, fit: Coupled, rows: NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Share of relevant documents among these unlabelled rows, and each row's influence."""
    p, count = posterior(table, fit), rows.sum()
    value = float(p[rows].mean())
    apart = judged_negatives(table)
    slope = p * (1 - p) * rows / count  # logit p is eta_g + log(1 - h), or eta_g where judged
    ones = np.ones((p.size, 1))
    by_g = slope @ np.hstack([ones, table.content])
    by_h = (0.0 if apart else -1.0) * (slope * fit.h) @ np.hstack([ones, table.pool])
    fitted = fit.influence @ np.concatenate([by_g, by_h])
    return value, rows * (p - value) / count + fitted


def judged_negatives(table: JudgedTable) -> bool:
    """Whether judged irrelevant documents are recorded, so that the pool itself is seen."""
    return table.judged is not None and bool((table.judged > table.label).any())


def unlabelled(table: JudgedTable) -> NDArray[np.bool_]:
    """Rows that would be taken as negatives although nobody judged them."""
    if judged_negatives(table) and table.judged is not None:
        return np.asarray(table.judged == 0)
    return np.asarray(table.label == 0)


def trained_ndcg(table: JudgedTable, *, k: int) -> Floats:
    """NDCG at k by query, against deep judgements, of a ranker trained on the other half of the queries.

    The ranker is a logistic regression on the relevance features. Its targets are the labels, or the estimated
    relevance where it is recorded. NaN where a query has no relevant document among its deep judgements.
    """
    assert table.deep is not None  # noqa: S101 - the caller looked
    target = table.label if table.target is None else table.target
    query = codes(table.query, "query")
    score = np.zeros(target.size)
    for half in (0, 1):
        seen = query % 2 != half
        line = soft_logistic(table.content[seen], target[seen])
        score[~seen] = table.content[~seen] @ line[1:]
    known = np.isfinite(table.deep)
    found = np.full(int(query.max()) + 1, np.nan)
    found[np.unique(query[known])] = ndcg(score[known], (table.deep[known] > 0) * 1.0, query[known], k=k)  # fmt: skip
    return found
