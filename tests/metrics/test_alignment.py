"""Reliability of ratings of an unbalanced table: the analysis of variance by another road."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics.alignment import reliability
from plumbline.stats.variance_components import variance_components


def test_unbalanced_reliability_is_the_share_of_the_item_component():
    """Items with 1 to 5 ratings: the moment estimator of the one-way model (Searle 1971, ch. 10)."""
    rng = np.random.default_rng(3)
    items = np.repeat(np.arange(7), [1, 2, 2, 3, 4, 5, 5])
    ratings = rng.normal(size=7)[items] + 0.7 * rng.normal(size=items.size)
    got, pairs = reliability(ratings, items)
    mean = np.bincount(items, ratings) / np.bincount(items)
    count = np.bincount(items)
    ms_between = (count * (mean - ratings.mean()) ** 2).sum() / 6
    ms_within = ((ratings - mean[items]) ** 2).sum() / (items.size - 7)
    typical = (items.size - (count**2).sum() / items.size) / 6
    between = (ms_between - ms_within) / typical
    assert got == pytest.approx(between / (between + ms_within))
    assert pairs == 6
    # Balanced, it is also what `variance_components` says.
    even = np.repeat(np.arange(6), 3)
    same = rng.normal(size=6)[even] + rng.normal(size=18)
    raw = variance_components(same, {"item": even}).raw
    assert reliability(same, even)[0] == pytest.approx(raw["item"] / sum(raw.values()))
