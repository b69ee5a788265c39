"""Dispersion of scores that should be equal: pairs within a tolerance, NDS, GES; accuracy with ties.

As MJ-Bench defines them (arXiv:2407.04842). They say how far scores differ, from whatever cause, and not toward
whom. NDS and GES divide by the mean, so the same gap counts more for a judge that scores low; none survives a
constant added to all scores, and negative scores have none.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, vector
from plumbline.stats.undefined import UndefinedStatistic

TOLERANCE: Final = 0.1
SLACK: Final = (
    1e-9  # .8 - .7 is .1 plus a rounding error: neighbours on a scale of ten are within .1
)


def min_max(scores: ArrayLike, *, low: float | None = None, high: float | None = None) -> Floats:
    """(scores - low) / (high - low); the ends are the smallest and largest score unless given.

    Raises:
        UndefinedStatistic: All scores are equal and no ends are given.
        BadInput: A score outside the given ends.
    """
    values = vector(scores, "scores")
    ends = (values.min() if low is None else low), (values.max() if high is None else high)
    if not ends[1] > ends[0]:
        raise UndefinedStatistic(f"all scores are {values[0]:g}: there is no range to scale by")
    if values.min() < ends[0] or values.max() > ends[1]:
        raise BadInput(
            f"scores from {values.min():g} to {values.max():g} leave the scale {ends[0]:g} to {ends[1]:g}"
        )
    return np.asarray((values - ends[0]) / (ends[1] - ends[0]))


def within(scores: ArrayLike, *, tolerance: float = TOLERANCE) -> float:
    """ACC: share of pairs whose scores differ by at most the tolerance.

    Raises:
        UndefinedStatistic: One score.
    """
    values = np.sort(vector(scores, "scores"))
    n = values.size
    if n < 2:
        raise UndefinedStatistic("one score: no pair to compare")
    # For each score, how many of the later ones lie within reach.
    reach = np.searchsorted(values, values + tolerance + SLACK, side="right")
    return float((reach - np.arange(n) - 1).sum() / (n * (n - 1) / 2))


def nds(scores: ArrayLike) -> float:
    """Normalised dispersion score, 1 - std / mean (population std).

    Raises:
        UndefinedStatistic: A negative score, or the mean 0.
    """
    values = _positive(scores)
    if not np.ptp(values):
        return 1.0  # exactly: the mean of equal numbers differs from them by rounding
    return float(1 - values.std() / values.mean())


def ges(scores: ArrayLike) -> float:
    """Gini-based equality score, 1 - (2 sum_i i s_(i) - (n + 1) sum s) / (n sum s), scores in order.

    Raises:
        UndefinedStatistic: A negative score, or the sum 0.
    """
    values = np.sort(_positive(scores))
    if not np.ptp(values):
        return 1.0
    n, total = values.size, values.sum()
    gini = (2 * (np.arange(1, n + 1) * values).sum() - (n + 1) * total) / (n * total)
    return float(1 - gini)


def _positive(scores: ArrayLike) -> Floats:
    values = vector(scores, "scores")
    if (values < 0).any():
        raise UndefinedStatistic(f"a negative score ({values.min():g}): dispersion over the mean says nothing")  # fmt: skip
    if values.mean() == 0:
        raise UndefinedStatistic("all scores are 0: dispersion over the mean divides by zero")
    return values


def preference(better: ArrayLike, worse: ArrayLike, *, tie: float = 0.0) -> Floats:
    """1 where the better one scores higher by more than `tie` (and rounding), 0 where the worse one does, NaN for a tie."""
    gap = vector(better, "better") - vector(worse, "worse")
    return np.where(np.abs(gap) <= tie + SLACK, np.nan, (gap > 0).astype(float))


def accuracies(better: ArrayLike, worse: ArrayLike, *, tie: float = 0.0) -> tuple[float, float | None]:  # fmt: skip
    """Accuracy with ties as errors, and of the decided pairs alone (None where all tie)."""
    said = preference(better, worse, tie=tie)
    decided = said[np.isfinite(said)]
    return float(np.nansum(said) / said.size), float(decided.mean()) if decided.size else None
