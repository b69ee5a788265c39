"""Rank correlation of a part with the whole."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics.rank_shift import rank_shift


def one_half_tells():
    """Four models that differ on the first thirty questions and are right on the others."""
    right = np.ones((4, 60))
    for model, known in enumerate((3, 11, 19, 27)):
        right[model, :30] = np.arange(30) < known
    return right, np.arange(60) < 30


def test_a_part_that_alone_tells_models_apart_ranks_as_the_whole():
    """Outside it every model is right: tau is 1 in every resample, and so are its ends."""
    right, inside = one_half_tells()
    got = rank_shift(right, inside, draws=99, seed=2)
    assert got.tau == (pytest.approx(1), pytest.approx(1), pytest.approx(1))


def test_a_part_that_ties_all_models_has_no_correlation():
    """Nothing is known of their order there, in no resample: no value, no ends, no error."""
    right, inside = one_half_tells()
    assert np.isnan(rank_shift(right, ~inside, draws=99, seed=2).tau).all()
