"""Kappa against statsmodels; Rogan-Gladen against its algebra and a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from plumbline.core.errors import BadInput
from plumbline.stats.agreement import cohen_kappa, corrected_rates, error_rates, rogan_gladen
from plumbline.stats.undefined import UndefinedStatistic

TABLES = st.lists(st.integers(1, 60), min_size=9, max_size=9).map(lambda c: np.reshape(c, (3, 3)))


@given(TABLES)
def test_kappa_and_its_interval_are_those_of_statsmodels(table):
    """Value and Fleiss-Cohen-Everitt standard error agree with an independent implementation."""
    other = cohens_kappa(table)
    mine = cohen_kappa(table, level=0.95)
    assert mine.value == pytest.approx(other.kappa, abs=1e-12)
    assert mine.low == pytest.approx(max(-1, other.kappa_low), abs=1e-9)
    assert mine.high == pytest.approx(min(1, other.kappa_upp), abs=1e-9)


def test_kappa_of_a_worked_table():
    """Cohen's definition by hand: po = 35/50, pe = .5 x .6 + .5 x .4, so kappa = (.7 - .5) / .5."""
    assert cohen_kappa([[20, 5], [10, 15]], level=0.95).value == pytest.approx(0.4)


def test_kappa_of_one_label_is_undefined():
    """Where everybody always says the same there is no agreement beyond chance to speak of."""
    with pytest.raises(UndefinedStatistic):
        cohen_kappa([[0, 0], [0, 30]], level=0.95)


@given(st.floats(0, 1), st.floats(0.55, 1), st.floats(0.55, 1))
def test_rogan_gladen_undoes_the_errors(true, sensitivity, specificity):
    """The apparent rate of a true rate is true * se + (1 - true) * (1 - sp); it is turned back."""
    apparent = true * sensitivity + (1 - true) * (1 - specificity)
    got = rogan_gladen(apparent, sensitivity=sensitivity, specificity=specificity)
    assert float(got) == pytest.approx(true, abs=1e-9)


def test_an_instrument_no_better_than_chance_corrects_nothing():
    """Sensitivity + specificity = 1 says nothing about the truth: no number comes out."""
    assert np.isnan(rogan_gladen(0.3, sensitivity=0.4, specificity=0.6))
    with pytest.raises(UndefinedStatistic, match="better than chance"):
        corrected_rates(
            np.full((20, 1), 3), np.full((20, 1), 10), [[26, 24], [24, 26]],
            level=0.95, draws=400, rng=np.random.default_rng(0),
        )  # fmt: skip


def test_labels_of_one_kind_leave_the_error_rates_undefined():
    """Without a single yes there is no sensitivity."""
    with pytest.raises(UndefinedStatistic, match="'yes'"):
        error_rates([[10, 2], [0, 0]])


def test_corrected_intervals_cover_the_true_rates():
    """At 95 %, intervals hold the true rate in 92 to 98 % of 400 simulated validations.

    Two groups of 60 clusters x 5 items, 150 labels, sensitivity .8, specificity .9; the bound is
    3 binomial standard errors (.011) around the nominal level.
    """
    rng = np.random.default_rng(7)
    true, se, sp = np.array([0.5, 0.3]), 0.8, 0.9
    chance = true * se + (1 - true) * (1 - sp)
    covered = np.zeros(3)
    runs = 400
    for _ in range(runs):
        hits = rng.binomial(5, chance, size=(60, 2))
        cells = [0.6 * sp, 0.6 * (1 - sp), 0.4 * (1 - se), 0.4 * se]
        confusion = rng.multinomial(150, cells).reshape(2, 2)
        got = corrected_rates(hits, np.full((60, 2), 5), confusion, level=0.95, draws=500, rng=rng)
        covered[:2] += (got.low <= true) & (true <= got.high)
        covered[2] += got.gap[1] <= 0.2 <= got.gap[2]
    assert (np.abs(covered / runs - 0.95) < 3 * 0.011).all(), covered / runs


def test_corrected_rates_by_hand():
    """Said yes 30 of 100 and 66 of 120; sensitivity 80 / 100, specificity 90 / 100: (share - .1) / .7."""
    hits, sizes = [[10, 30], [20, 36]], [[40, 60], [60, 60]]
    confusion = [[90, 10], [20, 80]]
    rng = np.random.default_rng(0)
    got = corrected_rates(hits, sizes, confusion, level=0.95, draws=200, rng=rng)
    assert got.apparent == pytest.approx([0.3, 0.55])
    assert got.value == pytest.approx([0.2 / 0.7, 0.45 / 0.7])
    assert got.gap[0] == pytest.approx(-0.25 / 0.7)


@pytest.mark.parametrize(
    ("hits", "sizes"),
    [([[1, 2]], [[3]]), ([[1]], [[3, 4]]), ([1, 2], [3, 4]), ([[1, 2]], [[3, 4], [5, 6]])],
)
def test_hits_and_sizes_are_of_one_shape(hits, sizes):
    """(clusters, groups) both."""
    with pytest.raises(BadInput, match="clusters, groups"):
        corrected_rates(
            hits, sizes, [[9, 1], [1, 9]], level=0.95, draws=10, rng=np.random.default_rng(0)
        )


def test_rates_that_no_resample_moves_are_undefined():
    """All items said yes, all labels right: every resample gives 1."""
    with pytest.raises(UndefinedStatistic, match="in every resample"):
        corrected_rates(
            [[5], [6]], [[5], [6]], [[50, 0], [0, 50]], level=0.95, draws=100, rng=np.random.default_rng(0)
        )  # fmt: skip
