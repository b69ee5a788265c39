"""Rankings by voters who undervalue a group: the utility model of Boehmer et al. 2023, arXiv:2306.09835.

A voter's utility of an item is multiplied by theta of the item's group before the voter ranks; latent
rankings come from the utilities themselves. Only orders are kept, so any increasing transformation of all
utilities gives the same rankings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plumbline.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rankings:
    """What voters say, and what they would say without the bias.

    Attributes:
        observed: (n, m) positions, 0 is best.
        latent: (n, m) positions by the utilities themselves.
    """

    observed: Ints
    latent: Ints


def utilities(
    rng: np.random.Generator, voters: int, items: int, *,
    low: float = 0.3, high: float = 1.0, spread: float = 0.5,
) -> Floats:  # fmt: skip
    """An item's base, uniform from `low` to `high`, times a log-normal factor for every voter; (n, m)."""
    import numpy as np

    base = rng.uniform(low, high, items)
    return np.asarray(base * np.exp(spread * rng.standard_normal((voters, items))))


def biased_rankings(
    rng: np.random.Generator, values: Floats, groups: Sequence[int] | Ints, theta: Sequence[float]
) -> Rankings:
    """Rankings of positive utilities, each multiplied by theta of the item's group.

    Args:
        rng: Breaks ties.
        values: (n, m) utilities, above 0.
        groups: Code of each item's group.
        theta: A factor each group, above 0; 1 is no bias.

    Raises:
        BadInput: Utilities or factors that are not above 0.
    """
    import numpy as np

    from plumbline.stats.committee import positions

    factors, codes = np.asarray(theta, float), np.asarray(groups, np.int64)
    if not (factors > 0).all() or not (values > 0).all():
        raise BadInput(
            "utilities and theta must be above 0: a factor is no undervaluation of a debt"
        )
    if codes.shape != values.shape[1:] or codes.max() >= factors.size:
        raise BadInput(
            f"{codes.size} group codes for {values.shape[1]} items and {factors.size} theta"
        )
    return Rankings(positions(values * factors[codes], rng), positions(values, rng))
