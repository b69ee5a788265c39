"""Who is among the selected: shares of groups as estimators, and the score of a selection against the best.

A group's share of the selected minus its share of all equals the difference in selection rates times
w (1 - w) / s, with w the group's share of all and s the share that is selected. The estimator is that
difference with the factor held fixed: the error is then that of two rates, and does not vanish for a group of
which nobody is selected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]


def _selected(items: Items, _: Mapping[str, Any]) -> Floats:
    """Weight, weight of what is selected."""
    weight = item_weights(items)
    return np.stack([weight, weight * items["score"]], axis=1)


def _representation(sums: Floats, options: Mapping[str, Any]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = sums[..., 1] / sums[..., 0]
    return np.asarray((rate[..., 0] - rate[..., 1]) * options["factor"])


def _distance(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """Total variation between the groups' shares of what is selected and of all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = sums / sums.sum(axis=-2, keepdims=True)
    return np.asarray(np.abs(share[..., 1] - share[..., 0]).sum(-1) / 2)


def _pair(items: Items, _: Mapping[str, Any]) -> Floats:
    weight = item_weights(items)
    return np.stack([weight, weight * items["score"], weight * items["best"]], axis=1)


def _quality(sums: Floats, _: Mapping[str, Any]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 0, 1] / sums[..., 0, 2])


REPRESENTATION: Final = Estimator(
    "representation", _selected, _representation, groups=2, bounds=(-1.0, 1.0)
)
"""Options: `factor`, see `factor`. Score 1 is selected."""
DISTANCE: Final = Estimator("selected_distance", _selected, _distance, groups=0, bounds=(0.0, 1.0))
QUALITY: Final = Estimator("quality_ratio", _pair, _quality, bounds=(0.0, math.inf))
"""Sum of `score` over the sum of `best`, over voters."""


def factor(member: NDArray[np.bool_], selected: NDArray[np.bool_]) -> float:
    """w (1 - w) / s: from a difference in selection rates to one of shares."""
    share = float(member.mean())
    return share * (1 - share) / float(selected.mean())
