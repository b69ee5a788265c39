"""Deferral by confidence: card S054's checks on its own simulation, closed forms, ties, bad input."""

from __future__ import annotations

import itertools
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.deferral import (
    GRID,
    chow_average,
    chow_quantile,
    chow_sum,
    confidence,
    deferral_curve,
    features,
    matched_gap,
    network_output,
    oracle_curve,
    spearman,
    terciles,
    threshold,
)
from plumbline.stats.undefined import UndefinedStatistic

GOLDEN = tomllib.loads(
    (Path(__file__).parents[1] / "golden" / "length_confidence.toml").read_text("utf-8")
)["simulation"]


def streams(rng, n=6_000):
    """The card's simulation: token losses, lengths, whether the small and the large model are right."""
    length = rng.integers(2, 40, n)
    easy = rng.random(n) < 0.6
    offsets = np.concatenate(([0], np.cumsum(length)))
    loss = rng.exponential(0.15, offsets[-1])
    place = offsets[:-1] + (rng.random(n) * length).astype(int)
    loss[place] += np.where(easy, 0.0, 0.3 + rng.exponential(1.5, n))
    return -loss, offsets, easy.astype(float), (rng.random(n) < 0.9).astype(float)


def logistic_scores(x, right, train):
    """Held-out log-odds of a logistic regression of scikit-learn, on the learned rule's features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fit = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    fit.fit(x[train], right[train])
    return fit.decision_function(x[~train])


def areas(seed):
    """AUC-DF of every rule on one draw of the simulation."""
    tokens, offsets, small, large = streams(np.random.default_rng(seed))
    scores = {rule: confidence(tokens, offsets, rule) for rule in ("sum", "average", "quantile")}
    got = {rule: deferral_curve(s, small, large).area() for rule, s in scores.items()}
    train = np.arange(small.size) < 3_000
    learned = logistic_scores(features(tokens, offsets), small, train)
    got["learned"] = deferral_curve(learned, small[~train], large[~train]).area()
    got["random"] = float(small.mean() + large.mean()) / 2
    got["oracle"] = oracle_curve(small, large).area()
    got["length"] = spearman(np.diff(offsets), scores["sum"])
    return got


def test_simulation_of_the_card():
    """S054 check 1: AUC-DF of random, Sum, Average, worst token, learned as in the card, within .02.

    The card's own run is one draw; ten draws scatter by about .006. Worst token and learned exceed Sum by
    .03 at least, Spearman of length and Chow-Sum is -.75 at most.
    """
    runs = [areas(seed) for seed in range(10)]
    means = {name: np.mean([r[name] for r in runs]) for name in runs[0]}
    for name in ("random", "sum", "average", "quantile", "learned"):
        assert abs(means[name] - GOLDEN[name]) < 0.02, name
    for run in runs:
        assert run["quantile"] - run["sum"] >= 0.03
        assert run["learned"] - run["sum"] >= 0.03
        assert run["length"] <= -0.75
    assert abs(means["length"] - GOLDEN["spearman"]) < 0.02


def test_where_correctness_falls_with_length_the_sum_wins():
    """S054 check 2: every token can be the wrong one, so long answers are wrong more often."""
    rng = np.random.default_rng(1)
    n = 6_000
    length = rng.integers(2, 40, n)
    offsets = np.concatenate(([0], np.cumsum(length)))
    chance = rng.beta(20, 0.6, offsets[-1])  # of each token to be right
    right = np.multiply.reduceat(rng.random(offsets[-1]) < chance, offsets[:-1]).astype(float)
    large = (rng.random(n) < 0.9).astype(float)
    tokens = np.log(chance)
    one, two = (
        deferral_curve(confidence(tokens, offsets, rule), right, large).area()
        for rule in ("sum", "average")
    )
    assert spearman(length, right) < -0.2
    assert one > two + 0.01


def test_random_rule_is_a_straight_line_and_the_oracle_is_above_all():
    """S054 check 3: a random rule's area is the mean of both qualities within .01; the oracle's is largest.

    The oracle's curve is above every rule's at every rate, not only on average.
    """
    rng = np.random.default_rng(2)
    tokens, offsets, small, large = streams(rng)
    by_chance = (small.mean() + large.mean()) / 2
    for _ in range(5):
        assert abs(deferral_curve(rng.random(small.size), small, large).area() - by_chance) < 0.01
    assert deferral_curve(np.zeros(small.size), small, large).area() == pytest.approx(by_chance)
    best = oracle_curve(small, large)
    for rule in ("sum", "average", "quantile"):
        curve = deferral_curve(confidence(tokens, offsets, rule), small, large)
        assert all(best.at(r) >= curve.at(r) - 1e-12 for r in np.linspace(0, 1, 101))
        assert curve.quality[[0, -1]] == pytest.approx([small.mean(), large.mean()])
        assert curve.rate[[0, -1]].tolist() == [0, 1]


def test_doubling_every_token():
    """S054 check 4: each log-probability twice leaves Average and the worst and best token, doubles Sum.

    Other quantiles do not stay exactly the same by linear interpolation between order statistics (the card says
    they do): of the tokens -3, -1 the median is -2, of -3, -3, -1, -1 too, but the .25-quantile moves
    from -2.5 to -3. With the inverse of the distribution function they all stay.
    """
    tokens, offsets, *_ = streams(np.random.default_rng(3), 200)
    twice, wide = np.repeat(tokens, 2), offsets * 2
    assert chow_sum(twice, wide) == pytest.approx(2 * chow_sum(tokens, offsets))
    assert chow_average(twice, wide) == pytest.approx(chow_average(tokens, offsets))
    for a in (0.0, 0.5, 1.0):
        assert chow_quantile(twice, wide, a) == pytest.approx(chow_quantile(tokens, offsets, a))
    assert chow_quantile([-3, -1], [0, 2], 0.25)[0] == -2.5
    assert chow_quantile([-3, -3, -1, -1], [0, 4], 0.25)[0] == -3
    for a in (0.1, 0.25, 0.9):
        for i, j in itertools.pairwise(offsets):
            lower = np.quantile(tokens[i:j], a, method="inverted_cdf")
            assert lower == np.quantile(twice[2 * i : 2 * j], a, method="inverted_cdf")


def test_independent_tokens_in_closed_form():
    """Losses Exp(h): E[Chow-Sum] = -h L, E[Chow-Average] = -h with sd h / sqrt(L)."""
    rng = np.random.default_rng(4)
    for length in (4, 25):
        tokens = -rng.exponential(0.15, 20_000 * length)
        offsets = np.arange(20_001) * length
        sums, means = chow_sum(tokens, offsets), chow_average(tokens, offsets)
        assert sums.mean() == pytest.approx(-0.15 * length, rel=0.01)
        assert means.mean() == pytest.approx(-0.15, rel=0.01)
        assert means.std() == pytest.approx(0.15 / math.sqrt(length), rel=0.02)


def test_quantiles_and_features_are_numpys():
    """Every row's quantiles equal `numpy.quantile`; the features' columns stand in the stated order."""
    tokens, offsets, *_ = streams(np.random.default_rng(5), 60)
    got = features(tokens, offsets)
    assert got.shape == (60, len(GRID) + 2)
    for i in range(60):
        row = tokens[offsets[i] : offsets[i + 1]]
        assert got[i, : len(GRID)] == pytest.approx(np.quantile(row, GRID), abs=1e-12)
        assert got[i, -2:] == pytest.approx([row.sum(), row.mean()])


def test_ties_are_deferred_in_random_order():
    """Four answers of which three tie: the curve is the mean over all orders, and a straight line there."""
    small, large = np.array([1.0, 0, 1, 0]), np.array([0.0, 1, 1, 1])
    curve = deferral_curve([0.5, 0.5, 0.5, 0.9], small, large)
    assert curve.rate.tolist() == [0, 0.75, 1]
    assert curve.quality == pytest.approx([0.5, 0.5, 0.75])
    orders = [
        deferral_curve([*np.argsort(p), 9], small, large).area()
        for p in itertools.permutations(range(3))
    ]
    assert curve.area() == pytest.approx(np.mean(orders))


def test_area_is_the_mid_rank_sum():
    """AUC-DF = q_small + mean(gain (1 - (rank - 1/2) / n)) with mid-ranks, a second formula."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(6)
    score, small, large = rng.integers(0, 9, 50).astype(float), rng.random(50), rng.random(50)
    place = (rankdata(score) - 0.5) / 50
    area = deferral_curve(score, small, large).area()
    assert area == pytest.approx(small.mean() + np.mean((large - small) * (1 - place)))


def test_per_cent_over_random():
    """S054's reported form: .803 over .749 is 7.2 per cent; two models of quality 0 have none."""
    curve = deferral_curve([1.0, 2.0], [0.0, 1.0], [1.0, 1.0])
    assert curve.area() == pytest.approx(0.875)
    assert curve.over_random() == pytest.approx(100 * (0.875 / 0.75 - 1))
    with pytest.raises(UndefinedStatistic):
        deferral_curve([1.0, 2.0], [0, 0], [0, 0]).over_random()


def test_threshold_defers_the_wanted_share():
    """Between two scores; with ties at the nearer end of the block; a constant has none."""
    score = np.arange(10.0)
    assert (score < threshold(score, 0.3)).sum() == 3
    tied = np.array([0.0, 1, 1, 1, 1, 1, 1, 1, 1, 2])
    assert (tied < threshold(tied, 0.4)).sum() == 1
    assert (tied < threshold(tied, 0.6)).sum() == 9
    with pytest.raises(UndefinedStatistic):
        threshold(np.ones(5), 0.3)


def test_deferral_rates_of_groups_at_equal_correctness():
    """S054 pitfall: a rule that knows the group defers it more often among equally right answers.

    Longer tokens of one language alone do it: Chow-Sum defers it more, the average does not.
    """
    rng = np.random.default_rng(7)
    n = 8_000
    second = rng.random(n) < 0.5
    length = np.where(second, 2, 1) * rng.integers(3, 12, n)
    offsets = np.concatenate(([0], np.cumsum(length)))
    right = rng.random(n) < np.where(second, 0.5, 0.7)
    loss = rng.exponential(0.15, offsets[-1])
    loss[offsets[:-1]] += np.where(right, 0, 0.3 + rng.exponential(1.5, n))
    found = {}
    for rule in ("sum", "average", "quantile"):
        score = confidence(-loss, offsets, rule)
        sent = score < threshold(score, 0.3)
        found[rule] = matched_gap(sent, second, ~second, right)
    assert found["sum"] > 0.2
    assert abs(found["quantile"]) < 0.1
    assert found["average"] < 0


def test_matched_gap_by_hand():
    """Right: 1/2 against 1/4 with weight 2*4/6; wrong: 1 against 0 with weight 1*1/2."""
    first = np.array([1, 1, 0, 0, 0, 0, 1, 0], bool)
    right = np.array([1, 1, 1, 1, 1, 1, 0, 0])
    sent = np.array([1, 0, 1, 0, 0, 0, 1, 0])
    wanted = (0.25 * 4 / 3 + 1 * 0.5) / (4 / 3 + 0.5)
    assert matched_gap(sent, first, ~first, right) == pytest.approx(wanted)
    with pytest.raises(UndefinedStatistic):
        matched_gap([1, 0], [True, False], [False, True], [1, 0])


def test_terciles_never_part_equal_lengths():
    """Thirds by mid-rank."""
    got = terciles([1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert got.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert set(terciles([4.0] * 9)) == {1}


def test_a_network_of_numbers_says_what_scikit_learn_says():
    """ReLU layers from plain lists give the logits of `MLPClassifier`."""
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    fit = MLPClassifier((6, 5), max_iter=900, tol=1e-2, random_state=0).fit(x, y)
    layers = [
        {"weight": w.tolist(), "bias": b.tolist()}
        for w, b in zip(fit.coefs_, fit.intercepts_, strict=True)
    ]
    chance = 1 / (1 + np.exp(-network_output(x, layers)))
    assert chance == pytest.approx(fit.predict_proba(x)[:, 1], abs=1e-12)


@pytest.mark.parametrize(
    ("values", "offsets", "says"),
    [
        ([-1.0, -2.0], [0, 1], "offsets go from 0"),
        ([-1.0, -2.0], [0, 2, 2], "no token"),
        ([-1.0, 0.5], [0, 2], "log-probability 0.5"),
        ([-1.0, math.nan], [0, 2], "NaN"),
    ],
)
def test_bad_traces(values, offsets, says):
    """Empty answers, positive numbers and NaN are told, never scored."""
    with pytest.raises(BadInput, match=says):
        chow_sum(values, offsets)
    with pytest.raises(BadInput, match="rule"):
        confidence([-1.0], [0, 1], "mean")
    with pytest.raises(BadInput, match="quantile"):
        chow_quantile([-1.0], [0, 1], 1.5)
    with pytest.raises(BadInput, match="as many"):
        deferral_curve([1.0], [1.0, 0.0], [1.0, 0.0])
