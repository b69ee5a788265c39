"""Deferral by confidence: scores of token sequences, curves of quality against deferral rate.

Gupta, Narasimhan, Jitkrittum, Rawat, Menon & Kumar, "Language Model Cascades: Token-level
uncertainty and beyond", ICLR 2024, arXiv:2404.10136. All scores are confidences in nats: the answers
with the lowest ones are deferred first. (LM-Polygraph's `MaximumSequenceProbability` and `Perplexity` are
minus Chow-Sum and minus Chow-Average; arXiv:2311.07383.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, Integers, fraction, vector
from plumbline.stats.undefined import UndefinedStatistic

GRID: Final = tuple(round(i / 10, 1) for i in range(11))
RULES: Final = ("sum", "average", "quantile")


def chow_sum(values: ArrayLike, offsets: ArrayLike) -> Floats:
    """Log-probability of each sequence: the sum over its tokens; shape (rows,).

    Args:
        values: Token log-probabilities of all rows, end to end.
        offsets: Row i is `values[offsets[i]:offsets[i + 1]]`; every row has a token.

    Raises:
        BadInput: An empty row, offsets that do not fit, or a value that is no log-probability.
    """
    tokens, ends = _ragged(values, offsets)
    return np.asarray(np.add.reduceat(tokens, ends[:-1]))


def chow_average(values: ArrayLike, offsets: ArrayLike) -> Floats:
    """Mean log-probability of a token; arguments as in `chow_sum`."""
    return np.asarray(chow_sum(values, offsets) / np.diff(np.asarray(offsets)))


def chow_quantile(values: ArrayLike, offsets: ArrayLike, a: float) -> Floats:
    """The a-quantile of each row's log-probabilities: 0 is the worst token, 1 the best.

    Linear between order statistics (Hyndman & Fan's definition 7, NumPy's default).
    """
    return _quantiles(*_ragged(values, offsets), (a,))[:, 0]


def features(values: ArrayLike, offsets: ArrayLike, grid: tuple[float, ...] = GRID) -> Floats:
    """What a learned rule sees: quantiles at the grid, Chow-Sum, Chow-Average; (rows, grid + 2)."""
    sums, means = chow_sum(values, offsets), chow_average(values, offsets)
    return np.column_stack([_quantiles(*_ragged(values, offsets), grid), sums, means])


def confidence(values: ArrayLike, offsets: ArrayLike, rule: str, a: float = 0.0) -> Floats:
    """The score of a rule by its name: `sum`, `average` or `quantile`."""
    if rule not in RULES:
        raise BadInput(f"a rule without training is one of {', '.join(RULES)}; got {rule!r}")
    if rule == "quantile":
        return chow_quantile(values, offsets, a)
    return (chow_sum if rule == "sum" else chow_average)(values, offsets)


def _ragged(values: ArrayLike, offsets: ArrayLike) -> tuple[Floats, Integers]:
    tokens, ends = vector(values, "token log-probabilities"), np.asarray(offsets, np.int64)
    if ends.ndim != 1 or ends.size < 2 or ends[0] != 0 or ends[-1] != tokens.size:
        raise BadInput(
            f"offsets go from 0 to the {tokens.size} tokens; got {ends[:1]}..{ends[-1:]}"
        )
    if (np.diff(ends) < 1).any():
        row = int(np.argmax(np.diff(ends) < 1))
        raise BadInput(f"row {row} has no token: an empty answer has no confidence; leave it out")
    if tokens.max() > 1e-6:
        raise BadInput(f"a token has log-probability {tokens.max():g}; wanted 0 at most")
    return tokens, ends


def _quantiles(tokens: Floats, ends: Integers, grid: tuple[float, ...]) -> Floats:
    if not all(0 <= a <= 1 for a in grid):
        raise BadInput(f"a quantile lies between 0 and 1; got {grid}")
    sizes = np.diff(ends)
    ordered = tokens[np.lexsort((tokens, np.repeat(np.arange(sizes.size), sizes)))]
    place = np.multiply.outer(sizes - 1, np.asarray(grid))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, (sizes - 1)[:, None])
    start = ends[:-1, None]
    return np.asarray(
        ordered[start + low] + (place - low) * (ordered[start + high] - ordered[start + low])
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality of the cascade against the share of questions that the large model answers.

    Attributes:
        rate: Deferral rates, ascending, 0 first and 1 last.
        quality: Mean quality there; between two points it is linear (ties are deferred in random order).
    """

    rate: Floats
    quality: Floats

    def area(self) -> float:
        """AUC-DF: the mean quality over all deferral rates."""
        return float(np.trapezoid(self.quality, self.rate))

    def over_random(self) -> float:
        """Per cent by which the area exceeds that of deferring at random, the mean of both ends.

        Raises:
            UndefinedStatistic: Both models have quality 0.
        """
        by_chance = float(self.quality[0] + self.quality[-1]) / 2
        if by_chance <= 0:
            raise UndefinedStatistic("both models have quality 0: there is nothing to exceed")
        return 100 * (self.area() / by_chance - 1)

    def at(self, rate: float) -> float:
        """Quality at a deferral rate."""
        return float(np.interp(rate, self.rate, self.quality))


def deferral_curve(score: ArrayLike, small: ArrayLike, large: ArrayLike) -> Curve:
    """The curve of deferring the least confident answers first.

    Args:
        score: Confidence in the small model's answer, (n,). Equal scores are deferred together: inside
            such a block the curve is the expectation over random orders, a straight line.
        small: Quality of the small model's answer to each question, (n,).
        large: Quality of the large model's.
    """
    given, one, two = (
        vector(x, n) for x, n in ((score, "score"), (small, "small"), (large, "large"))
    )
    if not given.size == one.size == two.size:
        raise BadInput(f"{given.size} scores, {one.size} and {two.size} qualities; wanted as many")
    levels, codes = np.unique(given, return_inverse=True)
    counts = np.bincount(codes, minlength=levels.size)
    gains = np.bincount(codes, weights=two - one, minlength=levels.size)
    rate = np.concatenate(([0.0], np.cumsum(counts) / given.size))
    quality = one.mean() + np.concatenate(([0.0], np.cumsum(gains) / given.size))
    rate[-1] = 1.0
    return Curve(rate, quality)


def oracle_curve(small: ArrayLike, large: ArrayLike) -> Curve:
    """The best any rule can do: questions are deferred in the order of what is gained by it."""
    one, two = vector(small, "small"), vector(large, "large")
    return deferral_curve(one - two, one, two)


def threshold(score: ArrayLike, rate: float) -> float:
    """The confidence below which about this share of answers lies.

    Halfway between two neighbouring scores, so that no calibration answer stands on it; with ties at
    the place the nearer end of their block.
    """
    got, wanted = np.sort(vector(score, "score", least=2)), fraction(rate, "rate")
    levels, counts = np.unique(got, return_counts=True)
    if levels.size < 2:
        raise UndefinedStatistic("all calibration answers have the same confidence")
    below = np.cumsum(counts)[:-1] / got.size
    k = int(np.argmin(np.abs(below - wanted)))
    return float((levels[k] + levels[k + 1]) / 2)


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Rank correlation with mid-ranks.

    Raises:
        UndefinedStatistic: One of them is constant.
    """
    one, two = vector(x, "x", least=3), vector(y, "y", least=3)
    if np.ptp(one) == 0 or np.ptp(two) == 0:
        raise UndefinedStatistic("a constant has no rank correlation")
    return float(np.corrcoef(rankdata(one), rankdata(two))[0, 1])


def terciles(length: ArrayLike) -> NDArray[np.int64]:
    """0 for the shorter third, 2 for the longer, by mid-rank: equal lengths are never parted."""
    got = vector(length, "length", least=3)
    place = (rankdata(got) - 0.5) / got.size
    return np.asarray(np.digitize(place, (1 / 3, 2 / 3)), dtype=np.int64)


def matched_gap(
    deferred: ArrayLike, first: ArrayLike, second: ArrayLike, right: ArrayLike
) -> float:
    """Deferral rate of the first group minus that of the second, at equal correctness.

    The difference inside right and inside wrong answers, weighted by n1 n2 / (n1 + n2) of each
    (Mantel & Haenszel's weights; Greenland & Robins 1985).

    Raises:
        UndefinedStatistic: No kind of answer has members of both groups.
    """
    sent, kind = np.asarray(deferred, float), np.asarray(right)
    one, two = np.asarray(first, bool), np.asarray(second, bool)
    top = weight = 0.0
    for level in np.unique(kind):
        a, b = one & (kind == level), two & (kind == level)
        if a.any() and b.any():
            share = a.sum() * b.sum() / (a.sum() + b.sum())
            top, weight = top + share * (sent[a].mean() - sent[b].mean()), weight + share
    if weight == 0:
        raise UndefinedStatistic("no answers of both groups are equally right")
    return float(top / weight)


def network_output(x: Floats, layers: list[dict[str, Any]]) -> Floats:
    """What a network of plain numbers says: ReLU between layers, none after the last; (rows,)."""
    for k, layer in enumerate(layers):
        x = x @ np.asarray(layer["weight"], float) + np.asarray(layer["bias"], float)
        if k < len(layers) - 1:
            x = np.maximum(x, 0.0)
    return np.asarray(x[:, 0])
