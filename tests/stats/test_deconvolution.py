"""The mixing distribution behind noisy leans: shares, the likelihood's maximum, quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.stats.deconvolution import denoised, mixing


def test_two_far_leans_have_their_shares():
    """Thirty estimates at -6 and ten at 6: three quarters and one quarter, nothing between."""
    z = np.array([-6.0] * 30 + [6.0] * 10)
    grid, weights = mixing(z)
    assert weights.sum() == pytest.approx(1)
    assert weights[grid < -4].sum() == pytest.approx(0.75, abs=1e-6)
    assert weights[grid > 4].sum() == pytest.approx(0.25, abs=1e-6)
    assert (np.abs(denoised(z) - z) < 1.5).all()


def test_the_weights_are_the_maximum_of_the_likelihood():
    """No point of the grid has a mean likelihood ratio far above 1 (Lindsay 1983); a flat mixture has."""
    rng = np.random.default_rng(5)
    z = np.concatenate([rng.normal(size=150), 3 + rng.normal(size=50)])
    grid, weights = mixing(z)
    likely = np.exp(-0.5 * (z[:, None] - grid) ** 2)
    gradient = (likely / (likely @ weights)[:, None]).mean(axis=0)
    assert gradient.max() < 1.01
    assert weights @ gradient == pytest.approx(1)
    flat = np.full(grid.size, 1 / grid.size)
    assert (likely / (likely @ flat)[:, None]).mean(axis=0).max() > 1.2


def test_order_is_kept_and_spread_is_that_of_the_leans():
    """All leans 0: the estimates' spread of 1 is nearly all noise; the largest stays the largest."""
    z = np.random.default_rng(6).normal(size=400)
    got = denoised(z)
    assert (np.diff(got[np.argsort(z)]) >= 0).all()
    assert got.std() < 0.4
