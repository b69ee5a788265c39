"""How good an order is: discounted cumulative gain by query, and the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, Integers, codes, vector, whole
from plumbline.stats.undefined import UndefinedStatistic


def area(scores: ArrayLike, relevant: ArrayLike) -> float:
    """P(a relevant document scores higher than an irrelevant one), ties half (Mann & Whitney 1947).

    Raises:
        UndefinedStatistic: One of the two kinds is absent.
    """
    given, truth = vector(scores, "scores"), vector(relevant, "relevant")
    ones = float(truth.sum())
    if given.size != truth.size or not np.isin(truth, (0.0, 1.0)).all():
        raise BadInput("relevant holds a 0 or a 1 for each score")
    if ones in (0.0, float(truth.size)):
        raise UndefinedStatistic("an area needs relevant and irrelevant documents")
    high = rankdata(given)[truth == 1].sum() - ones * (ones + 1) / 2
    return float(high / (ones * (truth.size - ones)))


def ndcg(scores: ArrayLike, gains: ArrayLike, queries: ArrayLike, *, k: int = 10) -> Floats:
    """NDCG at k of each query, in sorted order of the queries; NaN where no document has a gain.

    DCG is the sum of gain / log2(place + 1) over the first k places (Jarvelin & Kekalainen 2002), gains as
    given. Ties in the scores are broken by the order of the rows.

    Raises:
        BadInput: Lengths differ, or a gain is negative.
    """
    given, gain = vector(scores, "scores"), vector(gains, "gains")
    code = codes(queries, "queries", length=given.size)
    if gain.size != given.size or (gain < 0).any():
        raise BadInput(f"{gain.size} gains for {given.size} scores; wanted one each, not negative")
    top, count = whole(k, "k"), int(code.max()) + 1
    got, best = (_dcg(by, gain, code, top, count) for by in (given, gain))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(best > 0, got / best, np.nan))


def _dcg(by: Floats, gain: Floats, code: Integers, k: int, count: int) -> Floats:
    order = np.lexsort((-by, code))
    sorted_code = code[order]
    starts = np.searchsorted(sorted_code, np.arange(count))
    place = np.arange(code.size) - starts[sorted_code]
    worth = np.where(place < k, gain[order] / np.log2(place + 2.0), 0.0)
    return np.bincount(sorted_code, worth, minlength=count).astype(np.float64)
