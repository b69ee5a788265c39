"""Power, minimum detectable effects and sample sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as ss
from statsmodels.stats.power import NormalIndPower, TTestIndPower, TTestPower, normal_power_het
from statsmodels.stats.proportion import power_proportions_2indep

from plumbline.core.errors import BadInput
from plumbline.stats import power as pw


@pytest.mark.parametrize("n", [3, 10, 80, 1000])
@pytest.mark.parametrize("effect", [0.0, 0.1, -0.5, 1.5])
def test_t_powers_agree_with_statsmodels(n, effect):
    """One-sample, paired and two-sample powers equal statsmodels', both tails counted."""
    one = TTestPower().power(effect, nobs=n, alpha=0.05)
    assert pw.mean_power(effect * 7, sd=7.0, clusters=n, alpha=0.05) == pytest.approx(one, abs=1e-8)
    assert pw.paired_power(effect * 7, sd=7.0, n=n, alpha=0.05) == pytest.approx(one, abs=1e-8)
    two = TTestIndPower().power(effect, nobs1=n, ratio=2, alpha=0.01)
    got = pw.two_means_power(effect * 3, sd=3.0, n_first=n, n_second=2 * n, alpha=0.01)
    assert got == pytest.approx(two, abs=1e-8)


def test_normal_power_agrees_with_statsmodels():
    """df = infinity is the z test."""
    wanted = NormalIndPower().power(0.4, nobs1=50, alpha=0.05)
    assert pw.power(0.4, se=math.sqrt(2 / 50), df=math.inf, alpha=0.05) == pytest.approx(
        wanted, abs=1e-10
    )


@given(st.floats(0.01, 100), st.sampled_from([2, 5, 29, math.inf]), st.floats(0.1, 0.99))
def test_detectable_effect_is_detected(se, df, target):
    """Power at the minimum detectable effect is the power asked for, and grows with the effect."""
    effect = pw.minimum_detectable_effect(se, df=df, alpha=0.05, power=target)
    assert pw.power(effect, se=se, df=df, alpha=0.05) == pytest.approx(target, abs=1e-7)
    assert pw.power(-effect, se=se, df=df, alpha=0.05) == pytest.approx(target, abs=1e-7)
    assert pw.power(1.1 * effect, se=se, df=df, alpha=0.05) > target


def test_minimum_detectable_effect_textbook():
    """Two-sided 5 %, 80 %: 1.95996 + 0.84162 = 2.8016 standard errors (the other tail is 1e-6)."""
    got = pw.minimum_detectable_effect(1.0, df=math.inf, alpha=0.05, power=0.8)
    assert got == pytest.approx(2.80159, abs=1e-4)
    wanted = TTestPower().solve_power(nobs=25, alpha=0.05, power=0.8)
    assert pw.minimum_detectable_effect(0.2, df=24, alpha=0.05, power=0.8) == pytest.approx(
        wanted, rel=1e-6
    )


def test_power_at_the_null_is_alpha():
    """No effect is 'found' with probability alpha."""
    for df in (1, 4, 100, math.inf):
        assert pw.power(0.0, se=1.0, df=df, alpha=0.03) == pytest.approx(0.03, abs=1e-9)


def test_clusters_cost_power_as_simulated():
    """Design effect 1 + (m-1) icc: 12 clusters of 6, icc .3, effect .4 sd.

    20,000 simulated t tests of cluster means; their share of rejections has an error of .0035.
    """
    rng = np.random.default_rng(16)
    means = rng.normal(0.4, math.sqrt(0.3 + 0.7 / 6), size=(20_000, 12))
    t = means.mean(1) / means.std(1, ddof=1) * math.sqrt(12)
    found = (abs(t) > ss.t.isf(0.025, 11)).mean()
    got = pw.mean_power(0.4, sd=1.0, clusters=12, size=6, icc=0.3, alpha=0.05)
    assert got == pytest.approx(found, abs=4 * 0.0035)
    assert pw.design_effect(6, 0.3) == pytest.approx(2.5)
    # Items of a cluster that differ more than strangers: the mean of 6 hardly varies.
    assert pw.design_effect(6, -0.15) == pytest.approx(0.25)
    assert pw.design_effect(6, -0.2) == pytest.approx(0, abs=1e-12)
    assert pw.clustered_se(2.0, clusters=12, size=6, icc=0.3) == pytest.approx(
        2 * math.sqrt(2.5 / 72)
    )


@pytest.mark.parametrize(("p", "null", "n"), [(0.6, 0.5, 100), (0.02, 0.1, 60), (0.5, 0.5, 40)])
def test_one_proportion_agrees_with_statsmodels(p, null, n):
    """Variance at the null for the bound, at the truth for the power."""
    wanted = normal_power_het(
        p - null, n, 0.05,
        std_null=math.sqrt(null * (1 - null)), std_alternative=math.sqrt(p * (1 - p)),
        alternative="two-sided",
    )  # fmt: skip
    assert pw.proportion_power(p, null=null, n=n, alpha=0.05) == pytest.approx(
        float(wanted), abs=1e-10
    )


@pytest.mark.parametrize(("p1", "p2", "n1", "ratio"), [(0.3, 0.2, 150, 1), (0.9, 0.8, 80, 2)])
def test_two_proportions_agree_with_statsmodels(p1, p2, n1, ratio):
    """Pooled variance under the null, separate variances under the truth; both tails."""
    wanted = power_proportions_2indep(p1 - p2, p2, n1, ratio=ratio, alpha=0.05).power
    got = pw.two_proportions_power(p1, p2, n_first=n1, n_second=n1 * ratio, alpha=0.05)
    assert got == pytest.approx(float(wanted), abs=1e-10)


def test_detectable_proportions_are_detected():
    """Power at the detectable proportion is the one asked for, on the side asked for."""
    high = pw.detectable_proportion(null=0.5, n=200, alpha=0.05, power=0.8)
    low = pw.detectable_proportion(null=0.5, n=200, alpha=0.05, power=0.8, above=False)
    assert high - 0.5 == pytest.approx(0.5 - low, abs=1e-9)
    assert pw.proportion_power(high, null=0.5, n=200, alpha=0.05) == pytest.approx(0.8, abs=1e-8)
    more = pw.detectable_second_proportion(0.2, n_first=90, n_second=120, alpha=0.05, power=0.9)
    assert more > 0.2
    got = pw.two_proportions_power(0.2, more, n_first=90, n_second=120, alpha=0.05)
    assert got == pytest.approx(0.9, abs=1e-8)
    with pytest.raises(BadInput, match="not even a proportion of 1"):
        pw.detectable_proportion(null=0.9, n=5, alpha=0.05, power=0.9)


def test_sample_sizes_agree_with_statsmodels():
    """The smallest n is statsmodels' solution rounded up; one less is not enough."""
    n = pw.sample_size(lambda n: pw.paired_power(0.3, sd=1.0, n=n, alpha=0.05), power=0.8)
    assert n == math.ceil(TTestPower().solve_power(0.3, alpha=0.05, power=0.8))

    def two(n):
        return pw.two_means_power(0.5, sd=1.0, n_first=n, n_second=n, alpha=0.05)

    n = pw.sample_size(two, power=0.9)
    assert n == math.ceil(TTestIndPower().solve_power(0.5, alpha=0.05, power=0.9))
    assert two(n - 1) < 0.9 <= two(n)
    with pytest.raises(BadInput, match="effect zero"):
        pw.sample_size(lambda _: 0.05, power=0.8, most=10_000)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pw.power(0.1, se=0.0, df=10, alpha=0.05),
        lambda: pw.power(0.1, se=1.0, df=0, alpha=0.05),
        lambda: pw.minimum_detectable_effect(1.0, df=10, alpha=0.05, power=0.05),
        lambda: pw.design_effect(0.5, 0.1),
        lambda: pw.design_effect(5, -0.5),
        lambda: pw.mean_power(0.1, sd=1.0, clusters=1, alpha=0.05),
        lambda: pw.two_proportions_power(0.0, 0.0, n_first=5, n_second=5, alpha=0.05),
        lambda: pw.proportion_power(1.5, null=0.5, n=10, alpha=0.05),
    ],
)
def test_impossible_plans_are_refused(call):
    """Zero standard errors, one cluster, impossible correlations and shares."""
    with pytest.raises(BadInput):
        call()


def test_one_unit_has_no_variance():
    """Each side of a comparison has at least two units."""
    for n in ((1, 5), (5, 1)):
        with pytest.raises(BadInput):
            pw.two_means_power(0.5, sd=1.0, n_first=n[0], n_second=n[1], alpha=0.05)
    with pytest.raises(BadInput):
        pw.paired_power(0.5, sd=1.0, n=1, alpha=0.05)
    assert 0.05 < pw.two_means_power(0.5, sd=1.0, n_first=2, n_second=2, alpha=0.05) < 0.1


def test_units_to_settle_is_the_smallest_one_sided_t_test():
    """By SciPy's noncentral t: the answer has the power, one unit fewer has not."""
    for room, se, units, alpha in (
        (0.3, 0.2, 12, 0.05),
        (0.5, 0.4, 4, 0.05),
        (0.1, 0.05, 40, 0.01),
    ):
        n = pw.units_to_settle(room, se=se, units=units, alpha=alpha, power=0.8)
        shift = room / (se * math.sqrt(units))

        def power(n, shift=shift, alpha=alpha):
            return ss.nct.sf(ss.t.isf(alpha, n - 1), n - 1, shift * math.sqrt(n))

        assert power(n) >= 0.8 > power(n - 1)
