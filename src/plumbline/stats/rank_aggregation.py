"""Rankings by several judges put together: mid-ranks, mean rank, Borda count."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from plumbline.stats.arrays import Floats
from plumbline.stats.undefined import UndefinedStatistic


def mid_ranks(scores: ArrayLike) -> Floats:
    """Ranks along the last axis, 1 for the highest score; equal scores share their mean rank.

    NaN is not ranked, and stays NaN.
    """
    values = np.asarray(scores, float)
    a, b = values[..., :, None], values[..., None, :]
    above = (b > a).sum(axis=-1)
    alike = (b == a).sum(axis=-1)
    return np.asarray(np.where(np.isfinite(values), above + (alike + 1) / 2, np.nan))


def borda(scores: ArrayLike) -> Floats:
    """Share of the others that each one beats along the last axis (ties half); NaN where it was not ranked.

    The Borda count over its largest value, so that rankings of different lengths count alike. A row in which only
    one has a score ranks nobody.
    """
    values = np.asarray(scores, float)
    others = np.isfinite(values).sum(axis=-1, keepdims=True) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (others + 1 - mid_ranks(values)) / others
    return np.asarray(np.where(others > 0, share, np.nan))


def mean_over(rankings: ArrayLike) -> Floats:
    """Mean over the rankings (first axis) in which each was ranked: mean rank, mean Borda share.

    Raises:
        UndefinedStatistic: Nobody ranked one of them.
    """
    values = np.asarray(rankings, float)
    count = np.isfinite(values).sum(axis=0)
    if (count == 0).any():
        raise UndefinedStatistic(f"{int((count == 0).sum())} of {count.size} are in no ranking")
    return np.asarray(np.where(np.isfinite(values), values, 0.0).sum(axis=0) / count)


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b of two scores of the same players.

    Raises:
        UndefinedStatistic: Fewer than two players, or one of the scores is constant.
    """
    x, y = np.asarray(first, float), np.asarray(second, float)
    sx, sy = (np.sign(v[:, None] - v[None, :]) for v in (x, y))
    size = float(np.sqrt(np.abs(sx).sum() * np.abs(sy).sum()))
    if size == 0:
        raise UndefinedStatistic("all scores of one ranking are equal: no order to compare")
    return float((sx * sy).sum() / size)
