"""Do two judges rank systems alike? Kendall's tau-b and Spearman's rho with questions resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, matrix
from plumbline.stats.bootstrap import cluster_weights, percentile_interval
from plumbline.stats.undefined import UndefinedStatistic

LOST = 0.05  # largest share of resamples in which a correlation may not exist


@dataclass(frozen=True)
class RankAgreement:
    """Correlations of two rankings of systems.

    Attributes:
        systems: How many are ranked.
        questions: How many were resampled.
        kendall, spearman: (value, low, high); the intervals speak about questions like these and these
            systems.
    """

    systems: int
    questions: int
    kendall: tuple[float, float, float]
    spearman: tuple[float, float, float]


def tau_b(one: Floats, other: Floats) -> Floats:
    """Kendall's tau-b over the last axis; NaN where one of the two does not vary (Kendall 1945)."""
    x, y = (np.sign(a[..., :, None] - a[..., None, :]) for a in (one, other))
    both = (x * y).sum(axis=(-1, -2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(both / np.sqrt((x**2).sum(axis=(-1, -2)) * (y**2).sum(axis=(-1, -2))))


def rho(one: Floats, other: Floats) -> Floats:
    """Spearman's rho over the last axis: Pearson's correlation of mid-ranks; NaN where one is constant."""
    x, y = (rankdata(a, axis=-1) for a in (one, other))
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1)))


def rank_agreement(
    wins: ArrayLike, games: ArrayLike, wins_other: ArrayLike, games_other: ArrayLike, *,
    draws: int, rng: np.random.Generator, level: float = 0.95,
) -> RankAgreement:  # fmt: skip
    """Rank correlations of the systems' win rates by two judges.

    Win rates are rounded to twelve digits, so that equal rates tie.

    Args:
        wins: Shape (questions, systems), wins of each system on each question, ties half.
        games: Of the same shape, comparisons of each system on each question.
        wins_other: Wins by the other judge.
        games_other: Comparisons by the other judge.
        draws: Resamples of questions (percentile interval).
        rng: The stream.
        level: Confidence level.

    Raises:
        UndefinedStatistic: Fewer than three systems, a system that was never compared, equal rates
            throughout, or correlations that do not exist or do not vary over resamples.
    """
    tables = [matrix(t, n) for t, n in zip((wins, games, wins_other, games_other), "abcd", strict=True)]  # fmt: skip
    shape = tables[0].shape
    if any(t.shape != shape for t in tables):
        raise BadInput(f"wanted four tables of one shape; got {[t.shape for t in tables]}")
    if shape[1] < 3:
        raise UndefinedStatistic(f"{shape[1]} systems: a ranking of fewer than three says nothing")
    weights = np.vstack([np.ones(shape[0]), cluster_weights(rng, shape[0], draws)])
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c, d = (weights @ t for t in tables)
        one, other = (
            np.where(of > 0, np.round(won / of, 12), np.nan) for won, of in ((a, b), (c, d))
        )
    if np.isnan(one[0]).any() or np.isnan(other[0]).any():
        raise UndefinedStatistic("a system was never compared")
    return RankAgreement(
        shape[1], shape[0], *(_told(f(one, other), level) for f in (tau_b, rho))
    )  # fmt: skip


def _told(values: Floats, level: float) -> tuple[float, float, float]:
    if np.isnan(values[0]):
        raise UndefinedStatistic("all systems have one win rate with one of the judges")
    drawn = values[1:][~np.isnan(values[1:])]
    if drawn.size < (1 - LOST) * (values.size - 1):
        raise UndefinedStatistic("the rank correlation does not exist in many resamples")
    if np.ptp(drawn) == 0:
        return float(values[0]), float(drawn[0]), float(drawn[0])
    return (float(values[0]), *percentile_interval(drawn, level=level))
