"""Agreement between raters beside statsmodels; proportions, powers and corrections: `tests/stats`."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from plumbline.core.scored import Items
from plumbline.stats.rater_agreement import COHEN, FLEISS, KRIPPENDORFF

# Ratings of eight units by five raters in three categories.
TABLE = np.array(
    [[5, 0, 0], [4, 1, 0], [2, 2, 1], [0, 5, 0], [1, 3, 1], [0, 1, 4], [0, 0, 5], [1, 1, 3]]
)
NAMES = ("n0", "n1", "n2")


def of(estimator, **columns) -> float:
    """An estimator's value on unweighted items."""
    n = len(next(iter(columns.values())))
    items = Items.of(item=[f"u{i}" for i in range(n)], score=[0.0] * n, **columns)
    sums = estimator.features(items, {}).sum(axis=0, keepdims=True)
    return float(estimator.value(sums, {}))


def test_fleiss_kappa():
    """Five raters."""
    columns = dict(zip(NAMES, TABLE.T, strict=True))
    assert of(FLEISS, **columns) == pytest.approx(fleiss_kappa(TABLE))


def test_krippendorff_is_fleiss_without_its_small_sample_bias():
    """Nominal, complete: 1 - alpha = (1 - kappa) (1 - 1 / n), n all ratings (Krippendorff 2004, ch. 11)."""
    columns = dict(zip(NAMES, TABLE.T, strict=True))
    kappa = fleiss_kappa(TABLE)
    assert 1 - of(KRIPPENDORFF, **columns) == pytest.approx((1 - kappa) * (1 - 1 / TABLE.sum()))


def test_cohens_kappa_of_two_columns():
    """From the joint counts of what was said and what is right."""
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 3, 60)
    said = np.where(rng.random(60) < 0.7, gold, rng.integers(0, 3, 60))
    joint = np.zeros((3, 3))
    np.add.at(joint, (said, gold), 1)
    wanted = cohens_kappa(joint, return_results=False)
    assert of(COHEN, said=said, gold=gold) == pytest.approx(wanted)


def test_constant_disagreement_is_below_zero_and_inside_the_bounds():
    """Ten units of two raters who never agree: 1 - 20 / ((400 - 200) / 19) = -0.9."""
    apart = {"n0": np.ones(10), "n1": np.ones(10), "n2": np.zeros(10)}
    assert of(KRIPPENDORFF, **apart) == pytest.approx(-0.9)
    assert of(FLEISS, **apart) == pytest.approx(-1)
    turned = of(COHEN, said=np.array([0, 1] * 5), gold=np.array([1, 0] * 5))
    assert turned == pytest.approx(-1)
    for estimator in (COHEN, FLEISS, KRIPPENDORFF):
        assert estimator.bounds == (-1.0, 1.0)
