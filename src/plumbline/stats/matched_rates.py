"""Difference of two groups' means at equal values of a third column, as an estimator.

Within each level of the stratum the difference of means counts with n1 n2 / (n1 + n2), the weights of
Mantel & Haenszel (risk difference: Greenland & Robins 1985, doi:10.2307/2530643). Levels in which one
group is absent say nothing and count nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]


def _kinds(items: Items, options: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**options, "kinds": np.unique(items[options["stratum"]])}


def _features(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight; by stratum the weight and the weighted score."""
    weight = item_weights(items)
    inside = items[options["stratum"]][:, None] == options["kinds"]
    parts = weight[:, None] * inside
    return np.column_stack([weight, parts, parts * items["score"][:, None]])


def _value(sums: Floats, options: Mapping[str, Any]) -> Floats:
    k = len(options["kinds"])
    counts, totals = sums[..., 1 : 1 + k], sums[..., 1 + k :]
    n1, n2 = counts[..., 0, :], counts[..., 1, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = totals[..., 0, :] / n1 - totals[..., 1, :] / n2
        share = np.where((n1 > 0) & (n2 > 0), n1 * n2 / (n1 + n2), 0.0)
        return np.asarray((np.where(share > 0, gap, 0.0) * share).sum(-1) / share.sum(-1))


MATCHED: Final = Estimator(
    "matched_difference", _features, _value, groups=2, bounds=(-1.0, 1.0), prepare=_kinds
)
"""Options: `stratum`, the column at whose equal values the groups are compared."""
