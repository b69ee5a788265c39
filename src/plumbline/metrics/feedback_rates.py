"""Satisfaction among those who spoke and among all, as estimators of sums over conversations.

Horvitz & Thompson 1952 (normalised as by Hajek 1971), with propensities taken as known, or with the
mean of human labels on a random part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]
_ROUNDING: Final = 1e-12


def _spoke(items: Items, _: Mapping[str, Any]) -> Floats:
    """Of turns with a signal: weight, satisfied, 1 / r, satisfied / r."""
    w, z, r = item_weights(items), items["score"], items["propensity"].astype(float)
    return np.stack([w, w * z, w / r, w * z / r], axis=1)


def _bias(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """Naive minus corrected share of satisfied turns."""
    n, z, weight, weighted = np.moveaxis(sums[..., 0, :], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = z / n - weighted / weight
    # Where all speak up alike both rates are one number, and their difference is rounding.
    return np.where(weight > 0, np.where(np.abs(gap) < _ROUNDING, 0.0, gap), np.nan)


def _corrected(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """sum z / r over sum 1 / r."""
    _, _, weight, weighted = np.moveaxis(sums[..., 0, :], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0, weighted / weight, np.nan)


def _labelled(items: Items, _: Mapping[str, Any]) -> Floats:
    """Of all turns: weight, signal, satisfied signal, label, satisfied label."""
    w, said, z = item_weights(items), items["score"], items["satisfied"].astype(float)
    label = items["label"].astype(float)
    known = np.isfinite(label)
    return np.stack([w, w * said, w * said * z, w * known, w * np.where(known, label, 0)], axis=1)


def _label_bias(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """Share of satisfied signals minus share of satisfied labels."""
    _, said, z, known, glad = np.moveaxis(sums[..., 0, :], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((said > 0) & (known > 0), z / said - glad / known, np.nan)


BIAS: Final = Estimator("naive_minus_weighted", _spoke, _bias, bounds=(-1.0, 1.0))
CORRECTED: Final = Estimator("weighted_share", _spoke, _corrected, bounds=(0.0, 1.0))
LABEL_BIAS: Final = Estimator("naive_minus_labelled", _labelled, _label_bias, bounds=(-1.0, 1.0))
