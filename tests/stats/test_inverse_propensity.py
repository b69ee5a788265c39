"""Means corrected for who speaks."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.inverse_propensity import inverse_propensity
from plumbline.stats.undefined import UndefinedStatistic


def test_the_corrected_mean_by_hand():
    """Weights 1, 2 and 4: (1 + 0 + 4) / 7; Kish's size 49 / 21; the error is the weighted residuals'."""
    got = inverse_propensity([1, 0, 1], [1.0, 0.5, 0.25], level=0.95)
    assert got.value == pytest.approx(5 / 7)
    residual = np.array([1 * 2 / 7, -2 * 5 / 7, 4 * 2 / 7]) / 7
    half = 4.302653 * np.sqrt(3 / 2 * (residual**2).sum())
    assert (got.high - got.low) / 2 == pytest.approx(half, rel=1e-6)


@pytest.mark.parametrize("propensity", [[1.0, 1.01], [0.0, 0.5], [-0.5, 0.5], [1.0, np.nan], [1.0]])
def test_propensities_are_probabilities_above_zero(propensity):
    """One for each outcome."""
    with pytest.raises(BadInput):
        inverse_propensity([1, 0], propensity, level=0.95)


def test_one_cluster_has_no_spread():
    """Two rows of one conversation."""
    with pytest.raises(UndefinedStatistic, match="one cluster"):
        inverse_propensity([1, 0], [0.5, 0.5], cluster=["c", "c"], level=0.95)
