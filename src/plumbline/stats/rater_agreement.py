"""Agreement of raters as estimators of sums, so that questions can be resampled.

Cohen's kappa from pairs of ratings (Cohen 1960); Fleiss' kappa (1971) and Krippendorff's nominal alpha (2011)
from counts of ratings by unit. Categories are 0 .. 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]
CATEGORIES: Final = 3
COUNTS: Final = ("n0", "n1", "n2")


def _joint(items: Items, _: Mapping[str, Any]) -> Floats:
    """Weight, and the weight in the cell of (`said`, `gold`)."""
    weight = item_weights(items)
    made = np.zeros((len(items), 1 + CATEGORIES**2))
    made[:, 0] = weight
    cell = items["said"].astype(np.int64) * CATEGORIES + items["gold"].astype(np.int64)
    made[np.arange(len(items)), 1 + cell] = weight
    return made


def _cohen(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """(P - E) / (1 - E), E from both raters' own shares; NaN where both always say one and the same."""
    table = sums[..., 0, 1:].reshape(*sums.shape[:-2], CATEGORIES, CATEGORIES)
    n = table.sum(axis=(-1, -2))
    seen = np.einsum("...ii->...", table)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / n
        return np.asarray(np.where(n - chance > 1e-12 * n, (seen - chance) / (n - chance), np.nan))


def counts(items: Items) -> Floats:
    """Ratings of each unit by category, shape (units, 3)."""
    return np.stack([items[name].astype(float) for name in COUNTS], axis=1)


def _of_units(items: Items, _: Mapping[str, Any]) -> Floats:
    """Weight, agreeing share of pairs, counts, and coincidences off the diagonal, over units."""
    weight, given = item_weights(items), counts(items)
    size = given.sum(axis=1)
    agree = (given * (given - 1)).sum(axis=1) / (size * (size - 1))
    apart = (size**2 - (given**2).sum(axis=1)) / (size - 1)
    return np.column_stack([weight, weight * agree, weight[:, None] * given, weight * apart])


def _fleiss(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """(P - E) / (1 - E) with P the mean agreement of units and E from the pooled shares."""
    n, agree, *given = np.moveaxis(sums[..., 0, : 2 + CATEGORIES], -1, 0)
    shares = np.stack(given, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = shares / shares.sum(axis=-1, keepdims=True)
        chance = (shares**2).sum(axis=-1)
        return np.asarray(np.where(chance < 1 - 1e-12, (agree / n - chance) / (1 - chance), np.nan))


def _krippendorff(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """1 - observed over expected disagreement, each unit weighing as many ratings as it has."""
    given, apart = sums[..., 0, 2 : 2 + CATEGORIES], sums[..., 0, -1]
    n = given.sum(axis=-1)
    expected = (n**2 - (given**2).sum(axis=-1)) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 1e-12 * n, 1 - apart / expected, np.nan))


COHEN: Final = Estimator("cohen_kappa", _joint, _cohen, bounds=(-1.0, 1.0))
"""Columns `said` and `gold`."""
FLEISS: Final = Estimator("fleiss_kappa", _of_units, _fleiss, bounds=(-1.0, 1.0))
"""Columns `n0`, `n1`, `n2`: ratings of a unit by category, as many for every unit and at least two."""
KRIPPENDORFF: Final = Estimator("krippendorff_alpha", _of_units, _krippendorff, bounds=(-1.0, 1.0))
"""The same columns; units may have different numbers of ratings, at least two."""
