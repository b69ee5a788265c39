"""Variance of success rates over personas without its binomial noise."""

from __future__ import annotations

import pytest

from plumbline.metrics.persona_spread import hds_corrected
from plumbline.stats.undefined import UndefinedStatistic


def test_two_answers_a_persona_are_enough():
    """Rates 0, 1/2, 1: variance 1/4; noise of the middle one 1/4 over 1, a third of that on average."""
    assert hds_corrected([0, 1, 2], [2, 2, 2]) == pytest.approx(10_000 * (1 / 4 - 1 / 12))
    with pytest.raises(UndefinedStatistic, match="fewer than two answers"):
        hds_corrected([0, 1, 1], [2, 2, 1])
