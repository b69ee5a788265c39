"""Win rates from comparisons of two systems, every opponent counted alike, with their joint error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats
from plumbline.stats.two_way import jackknife_covariance
from plumbline.stats.undefined import UndefinedStatistic

Codes = NDArray[np.int64]


def tallies(
    first: ArrayLike, second: ArrayLike, credit: ArrayLike, clusters: ArrayLike, systems: int
) -> tuple[Floats, Floats]:
    """Shares won and comparisons made by cluster and ordered pair; both (clusters, S, S).

    `won[c, i, j]` sums system i's credit against j, `made[c, i, j]` counts their comparisons.

    Args:
        first: Codes of the systems that were compared, 0 to S - 1; shape (n,).
        second: Codes of those they were compared with; shape (n,).
        credit: The first one's share: 1, 0, or 1/2 for a tie; shape (n,).
        clusters: What hangs together (the question), as codes from 0; shape (n,).
        systems: S.

    Raises:
        BadInput: A system is compared with itself, or codes are out of range.
    """
    one, two = np.asarray(first, np.int64), np.asarray(second, np.int64)
    share, group = np.asarray(credit, float), np.asarray(clusters, np.int64)
    if one.size and (min(one.min(), two.min()) < 0 or max(one.max(), two.max()) >= systems):
        raise BadInput(f"codes of systems run from 0 to {systems - 1}")
    if (one == two).any():
        raise BadInput("a system is compared with itself")
    shape = (int(group.max(initial=-1)) + 1, systems, systems)
    won, made = np.zeros(shape), np.zeros(shape)
    np.add.at(won, (group, one, two), share)
    np.add.at(won, (group, two, one), 1 - share)
    np.add.at(made, (group, one, two), 1.0)
    np.add.at(made, (group, two, one), 1.0)
    return won, made


def win_rates(won: Floats, made: Floats) -> Floats:
    """Mean over its opponents of a system's share against each; NaN without opponents; (..., S).

    Args:
        won: As `tallies`, summed over clusters; (..., S, S).
        made: The same.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = won / made
    met = made > 0
    count = met.sum(axis=-1)
    total = np.where(met, shares, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def joint_covariance(won: Floats, made: Floats) -> Floats:
    """Covariance of the win rates over clusters, by leaving each out; (S, S).

    Args:
        won: As `tallies` gives it; (clusters, S, S).
        made: The same.

    Raises:
        UndefinedStatistic: Fewer than two clusters, or a win rate that hangs on one of them.
    """
    if len(won) < 2:
        raise UndefinedStatistic("one question alone: win rates have no error that could be told")
    left = win_rates(won.sum(axis=0) - won, made.sum(axis=0) - made)
    if np.isnan(left).any():
        raise UndefinedStatistic("a system met its opponents on one question only")
    return jackknife_covariance(left, np.zeros(len(left), np.int64))
