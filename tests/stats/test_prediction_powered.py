"""Prediction-powered means and corrected shares: by hand, against the published form, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from plumbline.core.errors import BadInput
from plumbline.core.scored import Items
from plumbline.stats.confusion import corrected_shares, true_shares, weighted_f1
from plumbline.stats.prediction_powered import POWERED, powered_mean
from plumbline.stats.undefined import UndefinedStatistic


def test_by_hand():
    """arXiv:2301.09633, w = 1: mean(rest) + mean(human - judge), variances with ddof 0 over N and n."""
    got = powered_mean([1, 0, 2, 1], [2, 0, 2, 2], [2, 2, 0, 2, 2, 1], weight=1)
    assert got.value == pytest.approx(9 / 6 - 2 / 4)
    variance = (4 * 4 + 0 + 1) / 6 - 1.5**2, 2 / 4 - 0.25
    half = 1.959964 * np.sqrt(variance[0] / 6 + variance[1] / 4)
    assert (got.high - got.low) / 2 == pytest.approx(half, rel=1e-6)
    assert (got.naive, got.people) == (pytest.approx(1.5), 1.0)
    # w = 0 is the mean of the labels with its own interval.
    alone = powered_mean([1, 0, 2, 1], [2, 0, 2, 2], [2, 2], weight=0)
    assert alone.value == 1
    assert (alone.high - alone.low) / 2 == pytest.approx(1.959964 * np.sqrt(0.5 / 4), rel=1e-6)


def test_the_mean_over_all_items_is_a_weight():
    """mean(judge over all) + mean(human - judge) = the weighted form with w = N / (n + N), also as an estimator."""
    rng = np.random.default_rng(0)
    human, judge, rest = rng.integers(0, 3, 20), rng.integers(0, 3, 20), rng.integers(0, 3, 80)
    want = np.concatenate([judge, rest]).mean() + (human - judge).mean()
    assert powered_mean(human, judge, rest).value == pytest.approx(want)
    items = Items.of(
        item=np.arange(100), score=np.concatenate([judge, rest]),
        human=np.concatenate([human, np.full(80, np.nan)]),
    )  # fmt: skip
    sums = POWERED.features(items, {}).sum(axis=0)[None, :]
    assert float(POWERED.value(sums, {})) == pytest.approx(want)


def test_error_and_coverage():
    """S063 check 3: 2,000 items, 200 labels, the judge says 2 half of the time: error < 1/3 of naive, 92-98 %.

    The card's own run: mean absolute error .036 against .276, coverage 94 %. 400 runs of 95 % have 92.1 to 97.6 %
    in 99 % of cases.
    """
    errors, naive, covered = [], [], 0
    shares = np.array([0.15, 0.25, 0.6])
    truth = float(shares @ np.arange(3))
    for seed in range(400):
        rng = np.random.default_rng([seed, 63])
        human = rng.choice(3, 2_000, p=shares)
        judge = np.where(rng.random(2_000) < 0.5, 2, human)
        got = powered_mean(human[:200], judge[:200], judge[200:])
        errors.append(abs(got.value - truth))
        naive.append(abs(got.naive - truth))
        covered += got.low <= truth <= got.high
    assert np.mean(errors) < np.mean(naive) / 3
    assert np.mean(naive) == pytest.approx(0.276, abs=0.01)
    assert np.mean(errors) == pytest.approx(0.036, abs=0.01)
    assert 0.92 * 400 <= covered <= 0.98 * 400


def test_bad_input():
    """As many scores as labels, a weight between 0 and 1."""
    with pytest.raises(BadInput, match="scores of the same items"):
        powered_mean([1, 2], [1, 2, 3], [1])
    with pytest.raises(BadInput, match="weight"):
        powered_mean([1, 2], [1, 2], [1], weight=2)


def test_weighted_f1_is_that_of_scikit_learn():
    """Any table; a class that nobody was put into counts 0."""
    rng = np.random.default_rng(1)
    true, said = rng.integers(0, 4, 300), rng.integers(0, 3, 300)
    table = np.zeros((4, 4))
    np.add.at(table, (true, said), 1)
    assert weighted_f1(table) == pytest.approx(f1_score(true, said, average="weighted", zero_division=0))  # fmt: skip


def test_true_shares_by_algebra():
    """M pi = q has the known solution; without one inside, shares are not negative and sum to 1."""
    chance = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9]])
    pi = np.array([0.2, 0.5, 0.3])
    assert true_shares(1_000 * chance, pi @ chance) == pytest.approx(pi)
    odd = true_shares(1_000 * chance, np.array([1.0, 0.0, 0.0]))
    assert odd == pytest.approx([1, 0, 0], abs=1e-9)
    with pytest.raises(UndefinedStatistic, match="same"):
        true_shares([[0, 10], [0, 5]], [0, 15])
    with pytest.raises(UndefinedStatistic, match="no labelled"):
        true_shares([[5, 5], [0, 0]], [1, 2])


def test_corrected_shares_cover_the_truth():
    """95 % intervals of each class hold it in 90 to 99 % of 60 tables (three classes, 180 intervals)."""
    pi = np.array([0.2, 0.2, 0.6])
    held = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 64])
        human = rng.choice(3, 1_000, p=pi)
        judge = np.where(rng.random(1_000) < 0.4, 2, human)
        one = np.eye(3)[judge]
        tables = np.eye(3)[human[:200]][:, :, None] * one[:200][:, None, :]
        got = corrected_shares(tables, one[:200], one[200:].sum(axis=0), level=0.95, rng=rng, draws=199)  # fmt: skip
        held += int(((got.low <= pi) & (pi <= got.high)).sum())
    assert 0.9 * 180 <= held <= 0.99 * 180


@pytest.mark.parametrize("table", [np.zeros((2, 2)), np.ones((2, 3)), np.ones(4)])
def test_weighted_f1_wants_a_square_table_with_an_item(table):
    """Nothing to average is no 0."""
    with pytest.raises(BadInput, match="square table"):
        weighted_f1(table)


def test_corrected_shares_need_their_labels_in_most_resamples():
    """One of three labelled items is of a class: (2/3)^3 = 30 % of the resamples have none of it."""
    one = np.eye(2)[[0, 1, 1]]
    tables = np.eye(2)[[0, 1, 1]][:, :, None] * one[:, None, :]
    with pytest.raises(UndefinedStatistic, match=r"(2\d|3\d)% of the resamples"):
        corrected_shares(
            tables, one, [5, 5], level=0.95, rng=np.random.default_rng(0), draws=400
        )  # fmt: skip
