"""Satisfaction of all from those who spoke: inverse-propensity weighting (Hajek 1971).

With r the probability that a unit in its state speaks up, the mean over all is estimated by
sum z / r over sum 1 / r of those who did (Horvitz & Thompson 1952, normalised).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as ss

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, vector
from plumbline.stats.undefined import UndefinedStatistic


@dataclass(frozen=True, slots=True)
class Corrected:
    """A mean over all, estimated from those who spoke.

    Attributes:
        naive: Mean of those who spoke.
        value: Mean weighted by 1 / r.
        low, high: Interval of `value`, by linearisation and Student's t; propensities taken as known.
        effective: Kish's effective number of units.
    """

    naive: float
    value: float
    low: float
    high: float
    effective: float


def inverse_propensity(
    outcome: ArrayLike, propensity: ArrayLike, *, cluster: ArrayLike | None = None, level: float = 0.95
) -> Corrected:  # fmt: skip
    """Corrected mean of those who spoke.

    Args:
        outcome: (n,) what they said, a number.
        propensity: (n,) their probability of speaking, in (0, 1].
        cluster: (n,) which units hang together (one conversation); default each its own.
        level: Confidence level.

    Raises:
        BadInput: Lengths differ, or a propensity is not in (0, 1].
        UndefinedStatistic: Fewer than two clusters.
    """
    z, r = vector(outcome, "outcome", least=1), vector(propensity, "propensity", least=1)
    if z.size != r.size:
        raise BadInput(f"{z.size} outcomes and {r.size} propensities; wanted as many")
    if not ((r > 0) & (r <= 1)).all():
        raise BadInput("a propensity is not above 0 and at most 1: who never speaks has no weight")
    weight = 1 / r
    value = float((weight * z).sum() / weight.sum())
    codes = np.arange(z.size) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    parts: Floats = np.bincount(codes, weights=weight * (z - value)) / weight.sum()
    if parts.size < 2:
        raise UndefinedStatistic("one cluster: its spread is unknown")
    se = float(np.sqrt(parts.size / (parts.size - 1) * (parts**2).sum()))
    half = float(ss.t.ppf(0.5 + level / 2, parts.size - 1)) * se
    kish = float(weight.sum() ** 2 / (weight**2).sum())
    return Corrected(float(z.mean()), value, value - half, value + half, kish)


def propensities(spoke: ArrayLike, state: ArrayLike) -> dict[float, float]:
    """Share of those who spoke in each state, from units whose state is known.

    Args:
        spoke: (n,) of 0 and 1.
        state: (n,) state of each unit.

    Raises:
        UndefinedStatistic: Nobody spoke in some state: no weight brings it back.
    """
    said, where = vector(spoke, "spoke", least=1), vector(state, "state", least=1)
    found = {float(s): float(said[where == s].mean()) for s in np.unique(where)}
    silent = [s for s, share in found.items() if share == 0]
    if silent:
        raise UndefinedStatistic(f"nobody in state {silent[0]:g} spoke: no weight brings them back")
    return found
