"""Bradley-Terry strengths from a table of wins: the ranking of players that no order of games moves."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, matrix
from plumbline.stats.undefined import UndefinedStatistic

STEPS: Final = 200
_CLOSE: Final = 1e-10


def bradley_terry(wins: ArrayLike) -> Floats:
    """Maximum-likelihood strengths in logits, mean 0 (Bradley & Terry 1952; Newton's method).

    P(j beats k) = 1 / (1 + exp(s_k - s_j)); a tie counts as half a win for both.

    Args:
        wins: (M, M), how often the player of the row beat the player of the column; the diagonal is not read.

    Raises:
        BadInput: Not a square table of numbers of at least 0.
        UndefinedStatistic: No maximum exists: some players never lost (or never won) against all the others
            (Ford 1957).
    """
    table = matrix(wins, "wins", least=2).copy()
    if table.shape[0] != table.shape[1] or (table < 0).any():
        raise BadInput(f"wins have shape {table.shape}; wanted a square table of counts")
    np.fill_diagonal(table, 0.0)
    if not connected(table):
        raise UndefinedStatistic(
            "some players won or lost all games against the others: their strengths have no finite estimate"
        )
    games, won = table + table.T, table.sum(axis=1)
    strength = np.zeros(len(table))
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(strength[None, :] - strength[:, None]))
        slope = won - (games * chance).sum(axis=1)
        if np.abs(slope).max() <= _CLOSE * max(1.0, float(games.sum())):
            return np.asarray(strength - strength.mean())
        pull = games * chance * (1.0 - chance)
        information = np.diag(pull.sum(axis=1)) - pull
        step = np.linalg.pinv(information) @ slope
        strength = strength + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
    raise UndefinedStatistic(f"the strengths did not settle in {STEPS} steps")


def connected(wins: ArrayLike) -> bool:
    """Whether every player is reached from every other along wins (Ford's condition for a maximum)."""
    reach = (np.asarray(wins, float) > 0) | np.eye(len(np.asarray(wins)), dtype=bool)
    for _ in range(len(reach)):
        reach = reach.astype(int) @ reach.astype(int) > 0
    return bool(reach.all())
