"""Elo, Bradley-Terry, mid-ranks and Borda: closed forms and published examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.errors import BadInput
from plumbline.stats.bradley_terry import bradley_terry, connected
from plumbline.stats.elo import elo, expected
from plumbline.stats.rank_aggregation import borda, mean_over, mid_ranks, rank_correlation
from plumbline.stats.undefined import UndefinedStatistic


def test_elo_in_closed_form():
    """400 points are odds of 10 to 1; a first win moves K / 2; points only change hands."""
    assert expected(1400, 1000) == pytest.approx(10 / 11)
    got = elo([0, 1], [1, 2], [1.0, 0.5], orders=[[0, 1], [1, 0]], players=3)
    # Order 1: 0 beats 1 (+8, -8); then 1 (992) ties 2 (1000): 16 (1/2 - expected).
    gain = 16 * (0.5 - 1 / (1 + 10 ** (8 / 400)))
    assert got[0] == pytest.approx([1008, 992 + gain, 1000 - gain])
    # Order 2: a tie of equals moves nothing, then 8 points.
    assert got[1] == pytest.approx([1008, 992, 1000])
    assert got.sum(axis=1) == pytest.approx([3000, 3000])


def test_elo_takes_any_number_of_players():
    """S070 trap: the repository's list is made for two systems; here a sure ladder of six is ranked."""
    a, b = np.triu_indices(6, 1)
    first, second = np.tile(a, 40), np.tile(b, 40)
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(first.size), (20, 1)), axis=1)
    got = elo(first, second, np.ones(first.size), orders=orders, players=6)
    assert (np.diff(got, axis=1) < 0).all()
    # The names of the sides mean nothing: B beaten by A is A beating B.
    turned = elo(second, first, np.zeros(first.size), orders=orders, players=6)
    assert turned == pytest.approx(got)


def test_elo_scatters_with_the_order_and_bradley_terry_does_not():
    """Equal players: one order's ratings scatter as AR(1) noise of K; the mean over orders does not."""
    rng = np.random.default_rng(1)
    results = np.tile([0.0, 1.0], 300)
    orders = rng.permuted(np.tile(np.arange(600), (400, 1)), axis=1)
    got = elo(np.zeros(600, int), np.ones(600, int), results, orders=orders, players=2)
    assert got[:, 0].std() > 10
    assert abs(got[:, 0].mean() - 1000) < 5
    wins = np.array([[0.0, 300.0], [300.0, 0.0]])
    assert bradley_terry(wins) == pytest.approx([0, 0])


def test_bad_games():
    """Lengths, results and orders are checked."""
    with pytest.raises(BadInput, match="players for"):
        elo([0], [1, 2], [1.0], orders=[[0]], players=3)
    with pytest.raises(BadInput, match="between 0 and 1"):
        elo([0], [1], [2.0], orders=[[0]], players=2)
    with pytest.raises(BadInput, match="once"):
        elo([0, 1], [1, 0], [1.0, 0.0], orders=[[0, 0]], players=2)


def test_bradley_terry_recovers_exact_strengths():
    """Wins in the exact proportions of the model give the strengths back; two players: the logit."""
    assert bradley_terry([[0, 30], [10, 0]]) == pytest.approx([np.log(3) / 2, -np.log(3) / 2])
    strength = np.array([1.2, 0.3, -0.4, -1.1])
    chance = 1 / (1 + np.exp(strength[None] - strength[:, None]))
    assert bradley_terry(100 * chance) == pytest.approx(strength, abs=1e-8)
    games = np.array([[0, 5, 9, 2], [5, 0, 7, 30], [9, 7, 0, 4], [2, 30, 4, 0]])
    assert bradley_terry(games * chance) == pytest.approx(strength, abs=1e-8)


def test_bradley_terry_says_where_there_is_no_maximum():
    """Ford's condition: a player who never lost, or two worlds that never met."""
    never_lost = np.array([[0, 3, 3], [0, 0, 2], [0, 1, 0]])
    assert not connected(never_lost)
    with pytest.raises(UndefinedStatistic, match="no finite"):
        bradley_terry(never_lost)
    with pytest.raises(UndefinedStatistic):
        bradley_terry([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    with pytest.raises(BadInput, match="square"):
        bradley_terry([[0, 1, 2], [1, 0, 2]])


def test_mid_ranks():
    """Ranks agree with scipy's (turned); a gap is not ranked and moves nobody."""
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 5, (7, 9)).astype(float)
    want = np.stack([ss.rankdata(-row) for row in scores])
    assert mid_ranks(scores) == pytest.approx(want)
    got = mid_ranks([3.0, np.nan, 5.0, 3.0])
    assert got[[0, 2, 3]].tolist() == [2.5, 1.0, 2.5]
    assert np.isnan(got[1])


def test_borda_counts_of_a_published_election():
    """The capital of Tennessee (a textbook example): points 126, 194, 173, 107 of 100 voters."""
    ballots = {  # Memphis, Nashville, Chattanooga, Knoxville: higher is better
        42: [4, 3, 2, 1], 26: [1, 4, 3, 2], 15: [1, 2, 4, 3], 17: [1, 2, 3, 4],
    }  # fmt: skip
    rows = np.concatenate([np.tile(b, (n, 1)) for n, b in ballots.items()])
    points = mean_over(borda(rows)) * 3 * 100
    assert points == pytest.approx([126, 194, 173, 107])


def test_excluding_oneself_is_balanced():
    """With one true order every examiner's own model can be left out: the order stays."""
    truth = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    scores = np.tile(truth, (5, 1))
    scores[np.arange(5), np.arange(5)] = np.nan
    got = mean_over(borda(scores))
    assert got == pytest.approx([1, 0.75, 0.5, 0.25, 0])
    with pytest.raises(UndefinedStatistic):
        mean_over([[1.0, np.nan], [2.0, np.nan]])
    assert np.isnan(borda([1.0, np.nan])).all()


def test_rank_correlation_is_tau_b():
    """Against scipy, with ties; a constant has none."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, y = rng.integers(0, 4, (2, 8))
        if len(set(x)) > 1 and len(set(y)) > 1:
            assert rank_correlation(x, y) == pytest.approx(ss.kendalltau(x, y).statistic)
    with pytest.raises(UndefinedStatistic):
        rank_correlation([1, 1], [1, 2])
