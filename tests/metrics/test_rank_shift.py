"""Rank correlation of a part with the whole."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics.rank_shift import rank_shift


def test_a_part_that_alone_tells_models_apart_ranks_as_the_whole():
    """Outside it every model is right: tau is 1 in every resample, and so are its ends."""
    inside = np.arange(60) < 30
    right = np.ones((4, 60))
    for model, known in enumerate((3, 11, 19, 27)):
        right[model, :30] = np.arange(30) < known
    got = rank_shift(right, inside, draws=99, seed=2)
    assert got.tau == (pytest.approx(1), pytest.approx(1), pytest.approx(1))
    # The other half alone ties all models: nothing is known of the order there.
    assert not np.isfinite(rank_shift(right, ~inside, draws=99, seed=2).tau[0])
