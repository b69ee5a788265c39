"""Elo ratings of players from games in an order, for many orders at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, vector

Ints = NDArray[np.int64]


def expected(rating: ArrayLike, other: ArrayLike, *, scale: float = 400.0) -> Floats:
    """Expected result 1 / (1 + 10^((other - rating) / scale)) of a player (Elo 1978)."""
    gap = np.asarray(other, float) - np.asarray(rating, float)
    return np.asarray(1.0 / (1.0 + 10.0 ** (gap / scale)))


def elo(
    first: ArrayLike, second: ArrayLike, results: ArrayLike, *, orders: ArrayLike, players: int,
    k: float = 16.0, start: float = 1000.0,
) -> Floats:  # fmt: skip
    """Ratings after all games, for each order of the games.

    The result depends on the order: later games weigh more, and about 1/K games are remembered. The mean over
    many orders, or Bradley-Terry, does not.

    Args:
        first: (G,) first player of each game, 0 to players - 1.
        second: (G,) second player.
        results: (G,) 1 where the first wins, 0 where the second does, 1/2 for a tie.
        orders: (B, G), each row an order of the games.
        players: How many there are.
        k: How far a game moves a rating at most.
        start: Rating of all before the first game.

    Returns:
        (B, players).

    Raises:
        BadInput: Columns of different lengths, results outside [0, 1], or a row that is no order.
    """
    score = vector(results, "results")
    one, two = np.asarray(first, np.int64), np.asarray(second, np.int64)
    rows = np.atleast_2d(np.asarray(orders, np.int64))
    if one.shape != score.shape or two.shape != score.shape:
        raise BadInput(f"{one.size} and {two.size} players for {score.size} results")
    if ((score < 0) | (score > 1)).any() or (one == two).any():
        raise BadInput("a result lies between 0 and 1, and nobody plays against himself")
    if not (np.sort(rows, axis=1) == np.arange(score.size)).all():
        raise BadInput(f"an order names each of the {score.size} games once")
    ratings = np.full((len(rows), players), float(start))
    every = np.arange(len(rows))
    for game in rows.T:  # one step a game, all orders side by side
        a, b = one[game], two[game]
        moved = k * (score[game] - expected(ratings[every, a], ratings[every, b]))
        ratings[every, a] += moved
        ratings[every, b] -= moved
    return ratings
