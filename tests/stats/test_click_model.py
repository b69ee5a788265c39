"""Clicks by rank, weights, calibration error: closed forms and planted logs."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.click_model import calibration_error, inverse_examination, stratified_slopes
from plumbline.stats.influence import by_unit
from plumbline.stats.undefined import UndefinedStatistic


def test_slope_by_hand():
    """One document at ranks 1 and 2, 30 and 10 clicks of 100 each: the slope is log(1/3) / log 2; strata are apart."""
    rank = np.log([1.0, 2.0, 1.0, 2.0])
    one = stratified_slopes([30, 10], rank[:2], [0, 0], impressions=[100, 100])
    assert one.values[0] == pytest.approx(np.log(1 / 3) / np.log(2))
    two = stratified_slopes([30, 10, 60, 20], rank, [0, 0, 1, 1], impressions=[100] * 4)
    assert two.values[0] == pytest.approx(one.values[0])
    shown = stratified_slopes([30, 10], rank[:2], [0, 0], impressions=[100, 50])
    assert shown.values[0] == pytest.approx(np.log(2 / 3) / np.log(2))


def test_slopes_are_those_of_a_poisson_regression():
    """Stratified slopes equal a Poisson regression with a dummy for each stratum; statsmodels as second source."""
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    n = 400
    x, strata, shown = rng.standard_normal((n, 2)), rng.integers(0, 5, n), rng.integers(1, 9, n)
    y = rng.poisson(shown * np.exp(-1 + 0.3 * strata + x @ [0.5, -0.2]))
    got = stratified_slopes(y, x, strata, impressions=shown)
    full = np.column_stack([x, strata[:, None] == np.arange(5)]).astype(float)
    fit = sm.GLM(y, full, family=sm.families.Poisson(), offset=np.log(shown)).fit(cov_type="HC0")
    assert got.values == pytest.approx(fit.params[:2], abs=1e-6)
    assert np.sqrt((got.influence**2).sum(axis=0)) == pytest.approx(fit.bse[:2], rel=0.02)


def test_what_cannot_be_told_is_undefined():
    """No clicks; one rank in each stratum; clicks at one place only."""
    with pytest.raises(UndefinedStatistic, match="nothing"):
        stratified_slopes([0, 0], [0.0, 1.0], [0, 0])
    with pytest.raises(UndefinedStatistic, match="do not differ"):
        stratified_slopes([1, 1], [0.0, 1.0], [0, 1])
    with pytest.raises(UndefinedStatistic):
        stratified_slopes([5, 0], [0.0, 1.0], [0, 0])
    with pytest.raises(BadInput):
        stratified_slopes([1, -1], [0.0, 1.0], [0, 0])


def test_weights():
    """rank ** eta, clipped; a rank of 0 is none."""
    assert inverse_examination([1, 2, 4, 100], 1.0, clip=10) == pytest.approx([1, 2, 4, 10])
    assert inverse_examination([1, 4], 0.5) == pytest.approx([1, 2])
    assert inverse_examination([1, 3], 1.0, clip=1) == pytest.approx([1, 1])
    for rank, clip in (([0], 10), ([1], 0.99), ([1], np.nan)):
        with pytest.raises(BadInput):
            inverse_examination(rank, 1.0, clip=clip)


def test_calibration_error_by_hand():
    """Two bins: .2 stated and 1 of 2, .9 stated and 1 of 1: (2 x .3 + .1) / 3."""
    assert calibration_error([0.2, 0.2, 0.9], [1, 0, 1]) == pytest.approx((0.6 + 0.1) / 3)
    assert calibration_error([0.5, 0.5], [1, 0]) == pytest.approx(0)
    with pytest.raises(BadInput):
        calibration_error([0.5], [1, 0])


def test_one_number_a_unit():
    """The mean over units is the value; for a plain mean over equal units the numbers are the units' means."""
    rng = np.random.default_rng(1)
    x, unit = rng.standard_normal(60), np.repeat(np.arange(12), 5)
    got = by_unit(x.mean(), (x - x.mean()) / x.size, unit)
    assert got == pytest.approx(x.reshape(12, 5).mean(axis=1))
    with pytest.raises(BadInput):
        by_unit(np.nan, x, unit)
