"""Intervals of the mean size of many noisy parts: coverage whatever the leans' distribution, and the denoising."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core.card import Factor, Null
from plumbline.core.scored import Items, Measure
from plumbline.core.seeds import Seeds
from plumbline.metrics.cooccurrence import mean_absolute
from plumbline.metrics.generation.cooccurrence_bias import cooccurrence_bias
from plumbline.stats.deconvolution import denoised, mixing
from plumbline.stats.estimators import Estimator, item_weights
from plumbline.stats.infer import Settings, infer_one

WORDS, EACH, RUNS = 30, 60, 100


def _features(items, _):
    weight = item_weights(items)
    return np.column_stack([weight, *(weight * items[f"w{j}"] for j in range(WORDS))])


def _parts(sums, _):
    means = sums[..., 1:] / sums[..., :1]
    return means[..., 0, :] - means[..., 1, :]


SIZE = Estimator(
    "size", _features, lambda sums, o: mean_absolute(_parts(sums, o), o), groups=2,
    bounds=(0.0, np.inf), parts=_parts, size=mean_absolute,
)  # fmt: skip
CARD = replace(cooccurrence_bias.card, units=(Factor("item", random=True),))
MEASURE = Measure(
    estimator=SIZE, groups=("a", "b"), sign="unsigned",
    null=Null(kind="exchangeable", labels="group", unit="item"),
)  # fmt: skip


def outcome(lean, seed, measure=MEASURE, draws=400):
    """Two groups of 60 items with unit noise whose means differ by `lean`, word by word."""
    rng = np.random.default_rng([seed, 7])
    values = rng.normal(size=(2 * EACH, WORDS))
    values[:EACH] += lean / 2
    values[EACH:] -= lean / 2
    items = Items.of(
        item=np.arange(2 * EACH).astype(str).astype(object), score=values[:, 0],
        group=np.array(["a"] * EACH + ["b"] * EACH, object),
        **{f"w{j}": values[:, j] for j in range(WORDS)},
    )  # fmt: skip
    return infer_one(items, measure, CARD, seeds=Seeds(seed), settings=Settings(draws=draws))[0]


LEANS = {
    "all alike": np.full(WORDS, 0.2),
    "spread": np.linspace(-0.4, 0.4, WORDS),
    "three of thirty": np.r_[np.full(3, 1.0), np.zeros(WORDS - 3)],
    "none": np.zeros(WORDS),
}


@pytest.mark.parametrize("name", LEANS)
def test_the_interval_holds_the_truth(name):
    """100 data sets: at least 89 intervals hold the mean absolute lean (95 % nominal: 99.8 % point)."""
    truth = float(np.abs(LEANS[name]).mean())
    held = 0
    for seed in range(RUNS):
        got = outcome(LEANS[name], seed)
        held += got.low <= truth <= got.high
    assert held >= 89


def test_what_the_hull_costs():
    """All lean alike: 0 is left out, and the interval is at most twice that along the observed shape alone."""
    alone = replace(MEASURE, estimator=replace(SIZE, parts=None, size=None))
    for seed in range(10):
        hull, one = (outcome(LEANS["all alike"], seed, m, 4000) for m in (MEASURE, alone))
        assert 0 < hull.low <= one.low + 0.015
        assert one.high - 0.015 <= hull.high
        assert hull.high - hull.low < 2 * (one.high - one.low)


def test_swapping_the_groups_changes_nothing():
    """Unsigned: the same value, and the same ends up to Monte-Carlo error."""
    lean = LEANS["spread"]
    one, two = outcome(lean, 3), outcome(lean, 3, replace(MEASURE, groups=("b", "a")))
    assert two.value == pytest.approx(one.value)
    assert (two.low, two.high) == pytest.approx((one.low, one.high), abs=0.03)


def test_denoising_finds_the_distribution():
    """Point masses: 2,000 z of one lean collapse to it; 9 in 10 zeros and 1 in 10 at 4 come apart."""
    rng = np.random.default_rng(0)
    one = denoised(1.5 + rng.normal(size=2000))
    assert np.abs(one).mean() == pytest.approx(1.5, abs=0.05)
    assert one.std() < 0.35
    two = denoised(np.r_[np.zeros(1800), np.full(200, 4.0)] + rng.normal(size=2000))
    assert (np.abs(two) < 1).mean() == pytest.approx(0.9, abs=0.03)
    assert two[two > 2].mean() == pytest.approx(4.0, abs=0.2)
    grid, weights = mixing(rng.normal(size=500))
    assert weights.sum() == pytest.approx(1.0)
    assert 0.0 in grid


def test_denoised_spread_is_the_leans_and_not_the_noises():
    """Leans ~ N(0, 2): z has variance 5, what is left of it about 4."""
    rng = np.random.default_rng(1)
    got = denoised(rng.normal(0, 2, 3000) + rng.normal(size=3000))
    assert got.var() == pytest.approx(4.0, rel=0.1)
