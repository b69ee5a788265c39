"""NDCG and AUC by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.ranking_quality import area, ndcg
from plumbline.stats.undefined import UndefinedStatistic


def test_ndcg_by_hand():
    """Order 3, 2, 1 of gains 0, 1, 1: (1/log2 3 + 1/2) / (1 + 1/log2 3); no gain, no number."""
    scores = [3.0, 2.0, 1.0, 5.0, 4.0]
    got = ndcg(scores, [0, 1, 1, 0, 0], ["a", "a", "a", "b", "b"])
    third = 1 / np.log2(3)
    assert got[0] == pytest.approx((third + 0.5) / (1 + third))
    assert np.isnan(got[1])
    assert ndcg(scores[:3], [0, 1, 1], ["a"] * 3, k=1)[0] == 0
    assert ndcg(scores[:3], [3, 2, 0], ["a"] * 3)[0] == pytest.approx(1)
    with pytest.raises(BadInput):
        ndcg(scores, [0, -1, 0, 0, 0], ["a"] * 5)


def test_area_by_hand():
    """Two of three pairs in order, one tie."""
    assert area([3, 1, 1, 0], [1, 1, 0, 0]) == pytest.approx((2 + 1 + 0.5) / 4)
    assert area([0, 1, 1, 3], [1, 1, 0, 0]) == pytest.approx(1 - 3.5 / 4)
    with pytest.raises(UndefinedStatistic):
        area([1, 2], [1, 1])
