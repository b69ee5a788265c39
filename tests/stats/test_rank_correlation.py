"""Rank correlation and matched rates as estimators of sums, against plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from plumbline.core.scored import Items
from plumbline.stats.deferral import matched_gap
from plumbline.stats.matched_rates import MATCHED
from plumbline.stats.rank_correlation import SPEARMAN


def value(items, options, estimator=SPEARMAN, weights=None, groups=None):
    """The estimator's value under item weights."""
    options = estimator.prepare(items, options)
    made = estimator.features(items, options)
    w = np.ones(len(items)) if weights is None else weights
    codes = np.zeros(len(items), int) if groups is None else groups
    sums = np.stack([w[codes == g] @ made[codes == g] for g in range(codes.max() + 1)])
    return float(estimator.value(sums, options))


def table(rng, n=60):
    """A few lengths, a score that falls with them, two strata."""
    x = rng.integers(1, 12, n)
    return Items.of(
        item=range(n),
        score=np.round(rng.normal(size=n) - 0.2 * x) / 2,
        length=x,
        right=rng.integers(0, 2, n),
    )


def test_it_is_scipys_spearman_with_ties():
    """No strata, few levels: exact."""
    items = Items.of(
        item=range(40), score=np.arange(40) % 13, length=(np.arange(40) * 7 % 11).astype(float)
    )
    wanted = spearmanr(items["length"], items["score"]).statistic
    assert value(items, {"covariate": "length"}) == pytest.approx(wanted, abs=1e-12)


def test_many_levels_are_rounded_within_half_a_hundredth():
    """2,000 different values in 16 and 32 levels."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2_000)
    for slope in (0.0, 0.5, 2.0):
        items = Items.of(item=range(2_000), score=slope * x + rng.normal(size=2_000), length=x)
        wanted = spearmanr(items["length"], items["score"]).statistic
        assert value(items, {"covariate": "length"}) == pytest.approx(wanted, abs=0.005)


def test_resamples_are_ranked_anew():
    """With whole-number weights it is the correlation of the repeated rows."""
    rng = np.random.default_rng(1)
    items = table(rng)
    weights = rng.integers(0, 4, 60).astype(float)
    rows = np.repeat(np.arange(60), weights.astype(int))
    grown = Items({k: v[rows] for k, v in items.columns.items()})
    got = value(items, {"covariate": "length"}, weights=weights)
    assert got == pytest.approx(spearmanr(grown["length"], grown["score"]).statistic, abs=1e-9)


def test_strata_are_ranked_apart_and_pooled():
    """Covariances and variances of ranks inside strata, added; a difference between strata is nothing."""
    items = table(np.random.default_rng(2))
    top = np.zeros(3)
    for kind in (0, 1):
        part = items.where({"right": kind})
        x, y = (rankdata(part[c]) / len(part) for c in ("length", "score"))
        x, y = x - x.mean(), y - y.mean()
        top += [x @ y, x @ x, y @ y]
    got = value(items, {"covariate": "length", "stratum": "right"})
    assert got == pytest.approx(top[0] / np.sqrt(top[1] * top[2]), abs=1e-12)
    moved = Items.of(
        **{c: items[c] for c in ("item", "length", "right")},
        score=items["score"] + 50 * items["right"],
    )
    assert value(moved, {"covariate": "length", "stratum": "right"}) == pytest.approx(got, abs=0.01)


def test_constant_columns_have_none():
    """All answers of one length: NaN, which inference turns into a reason."""
    items = Items.of(item=range(9), score=np.arange(9.0), length=np.full(9, 3.0))
    assert np.isnan(value(items, {"covariate": "length"}))


def test_matched_difference_is_the_plain_one():
    """The estimator equals the array function; swapping groups turns its sign."""
    rng = np.random.default_rng(3)
    n = 200
    group, right = rng.integers(0, 2, n), rng.integers(0, 3, n)
    sent = (rng.random(n) < 0.2 + 0.3 * group + 0.1 * right).astype(float)
    items = Items.of(item=range(n), score=sent, right=right)
    got = value(items, {"stratum": "right"}, MATCHED, groups=group)
    assert got == pytest.approx(matched_gap(sent, group == 0, group == 1, right))
    assert value(items, {"stratum": "right"}, MATCHED, groups=1 - group) == pytest.approx(-got)
