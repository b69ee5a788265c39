"""Bootstrap weights, intervals and p-values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as ss

from plumbline.core.errors import BadInput
from plumbline.stats.bootstrap import (
    bca_interval,
    bca_p,
    cluster_weights,
    multinomial_draws,
    percentile_interval,
    two_way_weights,
)
from plumbline.stats.undefined import UndefinedStatistic


def left_out_means(x):
    """Mean without each item."""
    return (x.sum() - x) / (x.size - 1)


def sample(seed=0, n=40, draws=4000):
    """A skewed sample, bootstrap means of it, and its jackknife."""
    rng = np.random.default_rng(seed)
    x = rng.exponential(size=n)
    return x, cluster_weights(rng, n, draws) @ x / n, left_out_means(x)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_intervals_agree_with_scipy_on_the_same_draws(level):
    """Percentile and BCa ends equal SciPy's for the same bootstrap distribution."""
    x = np.random.default_rng(3).exponential(size=35)
    for method in ("percentile", "BCa"):
        theirs = ss.bootstrap(
            (x,), np.mean, n_resamples=2000, confidence_level=level, method=method, rng=4
        )
        draws = theirs.bootstrap_distribution
        if method == "BCa":
            ours = bca_interval(draws, value=x.mean(), jackknife=left_out_means(x), level=level)
        else:
            ours = percentile_interval(draws, level=level)
        assert ours == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)


def test_bca_is_the_percentile_interval_without_bias_and_skew():
    """Symmetric draws and jackknife values leave the percentile interval as it is."""
    draws = np.concatenate((-np.arange(1, 1001), np.arange(1, 1001))) / 7
    got = bca_interval(draws, value=0.0, jackknife=[-1.0, 0.0, 1.0], level=0.9)
    assert got == pytest.approx(percentile_interval(draws, level=0.9), abs=1e-9)


def test_bca_moves_towards_the_long_tail():
    """On a right-skewed sample both BCa ends lie to the right of the percentile ends."""
    x, draws, jackknife = sample()
    low, high = bca_interval(draws, value=x.mean(), jackknife=jackknife, level=0.95)
    plain = percentile_interval(draws, level=0.95)
    assert low > plain[0]
    assert high > plain[1]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_p_and_interval_are_one_thing(seed, level):
    """1 - level lies between the p of the second draw outside and of the second inside each end.

    (An end lies between two draws; nulls beyond the outermost draws have the p of the outermost.)
    """
    x, draws, jackknife = sample(seed, n=30, draws=2000)
    value = float(x.mean())
    ranked = np.sort(draws)
    ends = bca_interval(draws, value=value, jackknife=jackknife, level=level)
    for end, outwards in zip(ends, (-1, 1), strict=True):
        place = int(np.searchsorted(ranked, end))
        if not 3 <= place < 1997:
            continue
        outside, inside = (ranked[place + 2 * step] for step in (outwards, -outwards))
        p = [bca_p(draws, value=value, jackknife=jackknife, null=x) for x in (outside, inside)]
        assert p[0] <= 1 - level + 1e-12 <= p[1] + 2e-12


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(-3, 3))
def test_bca_p_ignores_sign_and_scale(seed, null):
    """Negating or rescaling draws, value, jackknife and null together leaves p as it is."""
    x, draws, jackknife = sample(seed, n=20, draws=500)
    value = float(x.mean())
    p = bca_p(draws, value=value, jackknife=jackknife, null=null)
    flipped = bca_p(-2 * draws, value=-2 * value, jackknife=-2 * jackknife, null=-2 * null)
    assert flipped == pytest.approx(p, abs=1e-9)
    assert 2 / 501 <= p <= 1.0


def test_bca_p_floor_and_middle():
    """Far away the p-value is at its floor 2/(B+1) or near it; at the value's own place near 1."""
    draws = np.random.default_rng(0).normal(size=1999)
    kwargs = dict(value=float(np.median(draws)), jackknife=[-1.0, 0.0, 1.0])
    assert bca_p(draws, null=50.0, **kwargs) == pytest.approx(2 / 2000, rel=1e-9)
    assert bca_p(draws, null=float(np.median(draws)), **kwargs) == pytest.approx(1.0, abs=1e-6)


def test_bca_p_is_the_normal_p_for_normal_draws():
    """Normal draws with no skew: p is 2 Phi(-z). Monte-Carlo error at B = 200,000 is 0.0005."""
    draws = np.random.default_rng(1).normal(2.0, 1.0, size=200_000)
    p = bca_p(draws, value=2.0, jackknife=[-1.0, 0.0, 1.0], null=0.0)
    assert p == pytest.approx(2 * ss.norm.sf(2.0), abs=5 * 0.0005)


def test_constant_draws_and_one_sided_draws_are_undefined():
    """No variation, or all draws beyond the value: a reason, never a zero-width interval."""
    with pytest.raises(UndefinedStatistic, match="all 50 bootstrap draws are 1"):
        percentile_interval(np.ones(50), level=0.95)
    weighted = cluster_weights(np.random.default_rng(0), 30, 50) @ np.full(30, 0.1) / 30
    assert len(set(weighted)) > 1
    with pytest.raises(UndefinedStatistic):
        percentile_interval(weighted, level=0.95)  # equal but for rounding
    with pytest.raises(UndefinedStatistic):
        bca_interval(np.ones(50), value=1.0, jackknife=[0.9, 1.1], level=0.95)
    with pytest.raises(UndefinedStatistic, match="one side"):
        bca_interval(np.arange(1.0, 50.0), value=0.0, jackknife=[0.9, 1.1, 1.2], level=0.95)
    with pytest.raises(UndefinedStatistic, match="leaving out"):
        bca_interval(np.arange(50.0), value=20.0, jackknife=[1.0, 1.0], level=0.95)
    with pytest.raises(BadInput):
        bca_interval([np.nan, 1.0, 2.0], value=1.0, jackknife=[0.9, 1.1], level=0.95)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 59), st.integers(0, 99))
def test_cluster_weights_are_counts_and_may_be_drawn_in_chunks(units, draws, cut, seed):
    """Each row holds whole counts that sum to the units; two calls give what one would."""
    whole = cluster_weights(np.random.default_rng(seed), units, draws)
    assert whole.shape == (draws, units)
    assert (whole.sum(1) == units).all()
    assert (whole == np.round(whole)).all()
    assert (whole >= 0).all()
    if cut < draws:
        rng = np.random.default_rng(seed)
        parts = [cluster_weights(rng, units, cut), cluster_weights(rng, units, draws - cut)]
        assert (np.concatenate(parts) == whole).all()


def test_cluster_weights_have_multinomial_moments():
    """Mean 1, variance 1 - 1/G, covariance -1/G; Monte-Carlo errors from 40,000 draws."""
    weights = cluster_weights(np.random.default_rng(5), 8, 40_000)
    cov = np.cov(weights, rowvar=False)
    # sd of a sample variance near 1 with kurtosis about 3.9 is 0.0085; five of them.
    assert weights.mean(0) == pytest.approx(np.ones(8), abs=5 / np.sqrt(40_000))
    assert np.diag(cov) == pytest.approx(np.full(8, 7 / 8), abs=0.045)
    assert cov[~np.eye(8, dtype=bool)] == pytest.approx(
        np.full(56, -1 / 8), abs=5 / np.sqrt(40_000)
    )


def test_two_way_weights_reach_the_variance_of_a_crossed_design():
    """The bootstrap variance of a mean of row + column effects is that of both, added.

    Exact: V(rows) (1-1/R)/R... of the observed effects, here from their population variances.
    20,000 draws: relative Monte-Carlo error of a variance is sqrt(2/20000) = 0.01.
    """
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=12), rng.normal(size=9)
    table = a[:, None] + b
    rows, columns = two_way_weights(rng, 12, 9, 20_000)
    assert rows.shape == (20_000, 12)
    assert columns.shape == (20_000, 9)
    means = np.einsum("dr,rc,dc->d", rows, table, columns) / (12 * 9)
    assert means.var() == pytest.approx(a.var() / 12 + b.var() / 9, rel=0.05)
    naive = cluster_weights(rng, 108, 4000) @ table.ravel() / 108
    assert naive.var() < means.var() / 4  # what resampling cells as if independent would claim


def test_multinomial_draws_are_bootstrap_counts():
    """Totals are kept, empty cells stay empty, and means and variances are multinomial."""
    counts = np.array([[30, 0], [50, 20]])
    draws = multinomial_draws(np.random.default_rng(7), counts, 20_000)
    assert draws.shape == (20_000, 2, 2)
    assert (draws.sum((1, 2)) == 100).all()
    assert (draws[:, 0, 1] == 0).all()
    assert draws.mean(0) == pytest.approx(counts.astype(float), abs=5 * 5 / np.sqrt(20_000))
    assert draws[:, 1, 0].var() == pytest.approx(100 * 0.5 * 0.5, rel=0.05)


@pytest.mark.parametrize("bad", [[], [0, 0], [-1, 3], [0.5, 1.5], [np.nan, 1.0]])
def test_multinomial_draws_want_counts(bad):
    """Shares, negative numbers and empty tables are refused."""
    with pytest.raises(BadInput):
        multinomial_draws(np.random.default_rng(0), bad, 10)


def test_bca_p_where_no_interval_reaches_the_null():
    """One unit of 400 moves the statistic: a is about 1/6; z - z0 = -6.6, so 1 + a (z - z0) < 0, p = 2 / (B + 1)."""
    draws = np.sort(np.random.default_rng(0).normal(size=1999))
    alone = [-1.0, *[0.0] * 399]
    away = 2 * ss.norm.ppf(1 / 2000)
    assert 1 + away / 6 < 0
    between = float(draws[-2:].mean())  # one draw is above the value, all are above the null
    assert bca_p(draws, value=between, jackknife=alone, null=-50.0) == pytest.approx(2 / 2000)
