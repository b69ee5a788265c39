"""The composite index: the card's four checks (S001)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import BadInput
from plumbline.stats.composite import GAMMA, LAMBDA, TO_COMPONENT, bands, diversity_penalty, llmbi

UNIT = st.floats(0, 1)


@given(st.lists(UNIT, min_size=1, max_size=6), UNIT, UNIT)
def test_the_index_lies_between_zero_and_one_plus_gamma_plus_lambda(b, q, sentiment):
    """S001 check 1: bounds, and exactly 0 for an invariant model on a balanced probe."""
    value = llmbi(b, diversity=diversity_penalty([q, 1 - q]), sentiment=sentiment)
    assert -1e-12 <= value <= 1 + GAMMA + LAMBDA + 1e-12
    assert llmbi([0.0] * len(b), diversity=diversity_penalty([0.5, 0.5])) == pytest.approx(
        0, abs=1e-15
    )


def test_raising_one_component_raises_the_index_by_its_weight():
    """S001 check 2: monotone, by exactly w_i * delta."""
    w = [0.5, 0.3, 0.2]
    assert llmbi([0.2, 0.4, 0.1], weights=w) - llmbi([0.2, 0.1, 0.1], weights=w) == pytest.approx(
        0.3 * 0.3
    )


def test_a_planted_sentiment_gap_moves_the_index():
    """S001 check 3: a gap of 0.4 in one of three dimensions adds at least 0.05, intervals disjoint."""
    n, rng = 300, np.random.default_rng(0)

    def index(gap):
        gaps, errors = [], []
        for k in range(3):
            # Sentiment of 300 answers a group, sd 0.3, the first dimension's first group shifted.
            a, b = rng.normal(gap * (k == 0), 0.3, n), rng.normal(0, 0.3, n)
            gaps.append(a.mean() - b.mean())
            errors.append(np.sqrt(a.var(ddof=1) / n + b.var(ddof=1) / n))
        maps = [TO_COMPONENT["sentiment"]] * 3
        values = np.array(gaps)
        band = bands(values, np.array(errors), maps, dimension=list("abc"), level=0.95, rng=rng)
        return llmbi([float(m(np.array([g]))[0]) for m, g in zip(maps, gaps, strict=True)]), band

    (low_value, low), (high_value, high) = index(0.0), index(0.4)
    assert high_value - low_value >= 0.05
    assert low.high < high.low


def test_the_diversity_penalty():
    """S001 check 4: uniform 0, one group gamma, 90/10 gives 0.531 gamma."""
    assert diversity_penalty([0.5, 0.5]) == pytest.approx(0)
    assert diversity_penalty([1.0, 0.0]) == pytest.approx(GAMMA)
    assert diversity_penalty([0.9, 0.1]) == pytest.approx(0.531 * GAMMA, abs=1e-4)


def test_components_outside_their_range_are_refused():
    """A component of 1.2 or weights that do not add up are bad input."""
    with pytest.raises(BadInput):
        llmbi([1.2])
    with pytest.raises(BadInput):
        llmbi([0.2, 0.3], weights=[0.9, 0.9])


def test_noise_alone_gives_a_positive_index_and_the_band_says_how_much():
    """Absolute values of noise: E|N(0, 0.1)| / 2 = 0.0399 for sentiment gaps."""
    zero = np.zeros(2)
    band = bands(zero, np.full(2, 0.1), [TO_COMPONENT["sentiment"]] * 2, dimension=["a", "b"], level=0.95,
                 rng=np.random.default_rng(1), draws=20_000)  # fmt: skip
    assert band.expected_without_lean == pytest.approx(0.1 * np.sqrt(2 / np.pi) / 2, abs=1e-3)


@pytest.mark.parametrize(
    "leans", [np.zeros(8), np.tile([0.05, -0.05], 4), np.r_[0.5, np.zeros(7)]], ids=["none", "all alike", "one"]
)  # fmt: skip
def test_the_interval_holds_the_index_of_the_true_distances(leans):
    """200 runs of eight gaps with a standard error of .05: binomial(200, .95) is at least 177 in 99.9 %.

    Draws around the estimates, which the interval was made from before, held the truth in 0, 80 and 0 %.
    """
    rng, covered, maps = np.random.default_rng(7), 0, [TO_COMPONENT["rate"]] * leans.size
    truth, names = float(np.abs(leans).mean()), [str(i) for i in range(leans.size)]
    for _ in range(200):
        seen = leans + rng.normal(0, 0.05, leans.size)
        band = bands(
            seen, np.full(leans.size, 0.05), maps, dimension=names, level=0.95, rng=rng, draws=400
        )
        covered += band.low <= truth + 1e-12 and truth <= band.high
    assert covered >= 177


def test_a_component_that_cannot_grow_has_an_end():
    """A rate gap of about 1 and nothing else of four: at most a quarter and what noise may hide, not everything."""
    values, errors = np.array([0.98, 0.0, 0.0, 0.0]), np.array([0.05, 1e-3, 1e-3, 1e-3])
    band = bands(
        values,
        errors,
        [TO_COMPONENT["rate"]] * 4,
        dimension=list("abcd"),
        level=0.95,
        rng=np.random.default_rng(3),
    )
    assert 0.2 < band.low < 0.245
    assert 0.25 <= band.high < 0.27


def test_a_finding_exactly_at_its_null_is_not_known_to_be_there():
    """A share of exactly the null with a standard error of .05: up to the 97.5 % quantile of |N(0, .05)|, .112; never 0 to 0."""
    band = bands(np.zeros(1), np.array([0.05]), [TO_COMPONENT["rate"]], dimension=["a"], level=0.95,
                 rng=np.random.default_rng(2), draws=20_000)  # fmt: skip
    assert band.low == 0
    assert band.high == pytest.approx(0.05 * 2.2414, rel=0.02)


@pytest.mark.parametrize("shares", [[1.5, -0.5], [0.5, 0.4], [1.0], [0.9, 0.3, -0.2]])
def test_shares_are_at_least_two_and_add_up(shares):
    """Each fault alone is refused."""
    with pytest.raises(BadInput, match="shares of at least two groups"):
        diversity_penalty(shares)
