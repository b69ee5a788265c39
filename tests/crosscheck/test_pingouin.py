"""Our statistics beside pingouin's, on closed data; where its number is an approximation, the exact one."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pingouin as pg
import pytest
from scipy import stats as ss

from plumbline.stats import multiplicity as mult
from plumbline.stats.association import cramers_v, pearson, spearman
from plumbline.stats.effects import cohen_d, hedges_g, paired_dz, probability_of_superiority
from plumbline.stats.equivalence import tost
from plumbline.stats.power import minimum_detectable_effect, paired_power, two_means_power
from plumbline.stats.reliability import cronbach_alpha
from plumbline.stats.variance_components import variance_components

# Shrout & Fleiss 1979, table 2: six targets (rows), four judges (columns).
SHROUT = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
X = np.array([4.1, 5.3, 6.0, 7.7, 3.8, 5.9, 6.4, 8.2, 5.5])
Y = np.array([3.0, 5.1, 4.4, 6.9, 4.0, 4.7, 6.6, 5.8, 3.9])


def test_cohen_d_and_superiority():
    """Pooled standard deviation; ties count one half in the probability of superiority."""
    assert cohen_d(X, Y, level=0.95).value == pytest.approx(
        pg.compute_effsize(X, Y, eftype="cohen")
    )
    tied = np.round(X), np.round(Y)
    theirs = pg.compute_effsize(*tied, eftype="CLES")
    assert probability_of_superiority(*tied, level=0.95).value == pytest.approx(theirs)


def test_hedges_factor_of_pingouin_is_the_approximation():
    """Its factor is 1 - 3 / (4 n - 9); ours the exact ratio of gamma functions of Hedges (1981)."""
    d, df = cohen_d(X, Y, level=0.95).value, X.size + Y.size - 2
    exact = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    assert hedges_g(X, Y, level=0.95).value == pytest.approx(d * exact, rel=1e-12)
    theirs = pg.compute_effsize(X, Y, eftype="hedges")
    assert theirs == pytest.approx(d * (1 - 3 / (4 * (df + 2) - 9)), rel=1e-12)
    assert theirs != pytest.approx(d * exact, rel=1e-5)  # so that it is known when it changes


def test_paired_effect_is_of_the_differences():
    """dz is t over the root of n; pingouin's paired "cohen" is another effect, of the single variances."""
    t = float(pg.ttest(X, Y, paired=True)["T"].iloc[0])
    assert paired_dz(X - Y, level=0.95).value == pytest.approx(t / math.sqrt(X.size))
    average = (X.mean() - Y.mean()) / math.sqrt((X.var(ddof=1) + Y.var(ddof=1)) / 2)
    assert pg.compute_effsize(X, Y, paired=True, eftype="cohen") == pytest.approx(average)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_cronbach_alpha_with_its_interval(level):
    """Value and Feldt's interval; four judges of six targets."""
    got = cronbach_alpha(SHROUT, level=level)
    value, interval = pg.cronbach_alpha(pd.DataFrame(SHROUT), ci=level)
    assert got.value == pytest.approx(value)
    assert (got.low, got.high) == pytest.approx(tuple(interval), abs=5e-4)  # theirs is rounded


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pingouin's own, on pandas 3.1
def test_variance_components_give_the_intraclass_correlations():
    """Published: ICC(1,1) .17, ICC(2,1) .29, ICC(3,1) .71 (Shrout & Fleiss 1979, table 4), and pingouin's."""
    targets, judges = (axis.ravel() for axis in np.indices(SHROUT.shape))
    long = pd.DataFrame({"target": targets, "judge": judges, "score": SHROUT.ravel()})
    theirs = pg.intraclass_corr(long, targets="target", raters="judge", ratings="score")[
        "ICC"
    ].to_numpy()
    one = variance_components(SHROUT.ravel(), {"target": targets}).raw
    two = variance_components(SHROUT.ravel(), {"target": targets, "judge": judges}).raw
    single = one["target"] / (one["target"] + one["residual"])
    random = two["target"] / sum(two.values())
    fixed = two["target"] / (two["target"] + two["residual"])
    assert [single, random, fixed] == pytest.approx([0.17, 0.29, 0.71], abs=0.006)
    assert [single, random, fixed] == pytest.approx(theirs[:3].tolist())


def test_correlations():
    """Pearson's and Spearman's coefficient, and Pearson's interval on Fisher's z."""
    for ours, method in ((pearson, "pearson"), (spearman, "spearman")):
        row = pg.corr(X, Y, method=method).iloc[0]
        assert ours(X, Y, level=0.95).value == pytest.approx(row["r"])
    got = pearson(X, Y, level=0.95)
    low, high = pg.compute_esci(stat=got.value, nx=X.size, decimals=12, eftype="r")
    assert (got.low, got.high) == pytest.approx((low, high))


def test_cramers_v():
    """From a table of counts, without Yates' correction."""
    table = np.array([[12, 7, 5], [6, 9, 14]])
    rows = [(i, j) for i in range(2) for j in range(3) for _ in range(table[i, j])]
    frame = pd.DataFrame(rows, columns=["a", "b"])
    _, _, tests = pg.chi2_independence(frame, "a", "b", correction=False)
    theirs = float(tests.loc[tests["test"] == "pearson", "cramer"].iloc[0])
    assert cramers_v(table, level=0.95).value == pytest.approx(theirs)


def test_corrections_of_p():
    """Holm, Bonferroni, Sidak, Benjamini-Hochberg and -Yekutieli on one family."""
    p = np.array([0.001, 0.011, 0.012, 0.04, 0.2, 0.78])
    names = {"holm": mult.holm, "bonf": mult.bonferroni, "sidak": mult.sidak,
             "fdr_bh": mult.benjamini_hochberg, "fdr_by": mult.benjamini_yekutieli}  # fmt: skip
    for theirs, ours in names.items():
        assert ours(p) == pytest.approx(pg.multicomp(p, method=theirs)[1]), theirs


def test_equivalence():
    """Two one-sided tests within +-1 of paired and of unpaired scores: the larger p."""
    paired = float(pg.tost(X, Y, bound=1, paired=True)["pval"].iloc[0])
    gaps = X - Y
    se = gaps.std(ddof=1) / math.sqrt(gaps.size)
    assert tost(gaps.mean(), se=se, df=gaps.size - 1, low=-1, high=1).p == pytest.approx(paired)
    pooled = math.sqrt((X.var(ddof=1) + Y.var(ddof=1)) / X.size)
    ours = tost(X.mean() - Y.mean(), se=pooled, df=2 * X.size - 2, low=-1, high=1)
    assert ours.p == pytest.approx(float(pg.tost(X, Y, bound=1)["pval"].iloc[0]))


def test_power_and_the_smallest_effect():
    """Power of paired and unpaired t tests, and the effect found with 80 %."""
    got = two_means_power(0.6, sd=1.0, n_first=20, n_second=20, alpha=0.05)
    assert got == pytest.approx(
        pg.power_ttest(d=0.6, n=20, power=None, contrast="two-samples"), abs=1e-6
    )
    got = paired_power(0.6, sd=1.0, n=20, alpha=0.05)
    assert got == pytest.approx(
        pg.power_ttest(d=0.6, n=20, power=None, contrast="paired"), abs=1e-6
    )
    effect = minimum_detectable_effect(1 / math.sqrt(20), df=19, alpha=0.05, power=0.8)
    theirs = pg.power_ttest(d=None, n=20, power=0.8, contrast="one-sample")
    assert effect == pytest.approx(theirs, abs=1e-4)
    assert ss.nct.sf(ss.t.isf(0.025, 19), 19, effect * math.sqrt(20)) == pytest.approx(
        0.8, abs=1e-3
    )
