"""What leans lie behind noisy ones: the mixing distribution of normal means.

Kiefer & Wolfowitz 1956 (doi:10.1214/aoms/1177728066): observed z_j ~ N(theta_j, 1), theta_j ~ G; G is fitted by
nonparametric maximum likelihood over a grid, with the EM steps of Laird 1978 (doi:10.1080/01621459.1978.10480103).
"""

from __future__ import annotations

import numpy as np

from plumbline.stats.arrays import Floats

_STEPS = 200
_POINTS = 121


def mixing(z: Floats) -> tuple[Floats, Floats]:
    """(grid, weights) of G; the weights sum to 1.

    Args:
        z: Estimates over their standard errors; shape (n,).
    """
    reach = max(1.0, float(np.abs(z).max()))
    # The grid holds 0 exactly: many leans may be none.
    grid = np.linspace(-reach, reach, _POINTS)
    likely = np.exp(-0.5 * (z[:, None] - grid) ** 2)
    weights = np.full(_POINTS, 1 / _POINTS)
    for _ in range(_STEPS):
        joint = likely * weights
        weights = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return grid, weights


def denoised(z: Floats) -> Floats:
    """Values in the order of `z` that are spread as the leans behind them are; shape (n,).

    They are the quantiles of G, the largest for the largest z. Single values are no estimates of single leans (those
    would be posterior means, which are spread too little); their distribution is that of the leans.
    """
    grid, weights = mixing(z)
    reached = np.cumsum(weights)
    place = (np.argsort(np.argsort(z, kind="stable"), kind="stable") + 0.5) / z.size
    return np.asarray(grid[np.minimum(np.searchsorted(reached, place), grid.size - 1)])
