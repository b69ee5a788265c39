"""Alphas against closed forms and Krippendorff's own example."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.reliability import cronbach_alpha, krippendorff_alpha
from plumbline.stats.undefined import UndefinedStatistic

# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C: four observers, twelve units.
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def parallel(rng, n, k, r):
    """Items with one common part and pairwise correlation r."""
    return np.sqrt(r) * rng.normal(size=(n, 1)) + np.sqrt(1 - r) * rng.normal(size=(n, k))


def test_parallel_items_follow_spearman_and_brown():
    """S077 check 3: r = .5, k = 10 gives .909 +- .02; independent items give 0 +- .1."""
    rng = np.random.default_rng(0)
    assert cronbach_alpha(parallel(rng, 4000, 10, 0.5)).value == pytest.approx(0.909, abs=0.02)
    assert cronbach_alpha(rng.normal(size=(4000, 10))).value == pytest.approx(0, abs=0.1)


def test_feldts_interval_covers():
    """200 samples of 40 respondents: the interval holds k r / (1 + (k - 1) r) at its nominal rate."""
    rng = np.random.default_rng(1)
    truth = 8 * 0.3 / (1 + 7 * 0.3)
    found = [cronbach_alpha(parallel(rng, 40, 8, 0.3)) for _ in range(200)]
    covered = sum(a.low <= truth <= a.high for a in found)
    assert 178 <= covered <= 199  # Binomial(200, .95): 99.9 %


def test_alpha_that_does_not_exist():
    """One item, or sums that never vary."""
    with pytest.raises(UndefinedStatistic, match="two of each"):
        cronbach_alpha([[1.0], [2.0]])
    with pytest.raises(UndefinedStatistic, match="same sum"):
        cronbach_alpha([[1.0, 2.0], [2.0, 1.0]])


@pytest.mark.parametrize(("distance", "alpha"), [("nominal", 0.743), ("interval", 0.849)])
def test_krippendorffs_own_example(distance, alpha):
    """Krippendorff 2011: .743 nominal and .849 interval for his example with missing ratings."""
    assert krippendorff_alpha(EXAMPLE, distance=distance) == pytest.approx(alpha, abs=5e-4)


def test_two_coders_with_a_planted_agreement():
    """S102 check 3: agreeing with chance a, else independent uniform codes: alpha is a, +-.03."""
    rng = np.random.default_rng(2)
    for agree in (0.0, 0.4, 0.8):
        first = rng.integers(0, 4, 8000)
        second = np.where(rng.random(8000) < agree, first, rng.integers(0, 4, 8000))
        assert krippendorff_alpha([first.tolist(), second.tolist()]) == pytest.approx(
            agree, abs=0.03
        )


def test_ratings_that_say_nothing():
    """No unit rated twice, one code only, ragged rows, words as numbers."""
    with pytest.raises(UndefinedStatistic, match="rated twice"):
        krippendorff_alpha([["a", ""], [None, "b"]])
    with pytest.raises(UndefinedStatistic, match="equal"):
        krippendorff_alpha([["a", "a"], ["a", "a"]])
    with pytest.raises(BadInput, match="one number"):
        krippendorff_alpha([["a"], ["a", "b"]])
    with pytest.raises(BadInput, match="wants numbers"):
        krippendorff_alpha([["a", "b"], ["b", "a"]], distance="interval")
    with pytest.raises(BadInput, match="nominal"):
        krippendorff_alpha([["a"], ["a"]], distance="ratio")


def test_small_scores_have_an_alpha_too():
    """Alpha does not depend on the unit: scores of a millionth give the same."""
    table = np.random.default_rng(3).normal(size=(20, 4)) + np.random.default_rng(4).normal(
        size=(20, 1)
    )
    assert cronbach_alpha(table * 1e-4).value == pytest.approx(cronbach_alpha(table).value)
