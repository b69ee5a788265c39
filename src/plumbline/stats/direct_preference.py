"""Direct preference optimisation: its loss, and its closed case of a linear policy.

Rafailov et al. 2023 (arXiv:2305.18290); used on feedback pairs by Shi et al. 2024 (arXiv:2408.15549):

    loss = -log sigma( beta [ log pi/pi_ref(y+) - log pi/pi_ref(y-) ] )
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats


def reward_margin(preferred: ArrayLike, dispreferred: ArrayLike, *, beta: float) -> Floats:
    """beta times the log-ratio of the preferred reply minus that of the dispreferred one.

    Args:
        preferred: log pi - log pi_ref of the preferred replies.
        dispreferred: The same of the dispreferred ones.
        beta: Strength of the tie to the reference, above 0.
    """
    if not beta > 0:
        raise BadInput(f"beta is {beta}; wanted a number above 0")
    return np.asarray(beta * (np.asarray(preferred, float) - np.asarray(dispreferred, float)))


def dpo_loss(preferred: ArrayLike, dispreferred: ArrayLike, *, beta: float) -> Floats:
    """Loss of each pair; log 2 where the policy is its reference."""
    return np.asarray(np.logaddexp(0, -reward_margin(preferred, dispreferred, beta=beta)))


def fit_linear_policy(difference: ArrayLike, *, beta: float = 0.1, ridge: float = 1e-3) -> Floats:
    """Weights theta of log pi/pi_ref(y | x) = theta . phi(x, y) + const that minimise the mean loss.

    The constant (log of the normaliser) depends on x alone, so that it cancels inside a pair.

    Args:
        difference: phi of the preferred reply minus phi of the dispreferred one, shape (pairs, features).
        beta: As above.
        ridge: Penalty on theta squared; without it separable pairs have no minimum.
    """
    phi = np.asarray(difference, float)
    if phi.ndim != 2 or not len(phi) or not np.isfinite(phi).all():
        raise BadInput(f"wanted finite differences, pairs by features; got shape {phi.shape}")
    if not (beta > 0 and ridge > 0):
        raise BadInput(f"beta is {beta}, ridge {ridge}; wanted both above 0")

    def loss(theta: Floats) -> tuple[float, Floats]:
        margin = beta * phi @ theta
        pull = -beta * phi / (1 + np.exp(np.clip(margin, -500, 500)))[:, None]
        value = np.logaddexp(0, -margin).mean() + ridge * theta @ theta
        return float(value), pull.mean(axis=0) + 2 * ridge * theta

    found = optimize.minimize(loss, np.zeros(phi.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x)
