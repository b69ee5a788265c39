"""Spearman's rank correlation as an estimator of sums: ranks are made anew in every resample.

The features count items in cells of stratum x covariate level x score level. From their sums the
mid-ranks follow exactly, so no rank of the whole sample is carried into a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]
LEVELS: Final = (16, 32)  # most levels of the covariate and of the score


def _grid(items: Items, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Upper edges of the levels: every value, or quantiles where there are too many values.

    With as many levels as values the correlation is exact; with quantiles it is that of the values
    rounded to 16 and 32 levels, within about .005.
    """
    stratum = options.get("stratum", "")
    kinds = np.unique(items[stratum]) if stratum else np.array([""])
    columns = (items[options["covariate"]].astype(float), items["score"])
    edges = tuple(_edges(v, most) for v, most in zip(columns, LEVELS, strict=True))
    return {**options, "kinds": kinds, "edges": edges}


def _edges(values: Floats, most: int) -> Floats:
    found = np.unique(values)
    if found.size > most:
        found = np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:], method="higher"))
    return found


def _cells(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight, and the weight in the item's cell."""
    weight, stratum = item_weights(items), options.get("stratum", "")
    x, y = (
        np.minimum(np.searchsorted(edges, values), edges.size - 1)
        for edges, values in zip(
            options["edges"],
            (items[options["covariate"]].astype(float), items["score"]),
            strict=True,
        )
    )
    kind = np.searchsorted(options["kinds"], items[stratum]) if stratum else np.zeros(len(x), int)
    wide, high = (e.size for e in options["edges"])
    made = np.zeros((len(items), 1 + len(options["kinds"]) * wide * high))
    made[:, 0] = weight
    made[np.arange(len(items)), 1 + (kind * wide + x) * high + y] = weight
    return made


def _value(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Correlation of mid-ranks, pooled over strata: covariances and variances are added first."""
    shape = (len(options["kinds"]), *(e.size for e in options["edges"]))
    cells = sums[..., 0, 1:].reshape(*sums.shape[:-2], *shape)
    weight = cells.sum(axis=(-1, -2))
    x, y = (_ranks(cells.sum(axis=axis), weight) for axis in (-1, -2))
    cross = np.einsum("...kxy,...kx,...ky->...", cells, x, y)
    wide = (cells.sum(axis=-1) * x * x).sum(axis=(-1, -2))
    high = (cells.sum(axis=-2) * y * y).sum(axis=(-1, -2))
    with np.errstate(divide="ignore", invalid="ignore"):
        got = cross / np.sqrt(wide * high)
    # Constant columns leave rounding only.
    real = (wide > 1e-9 * weight.sum(-1)) & (high > 1e-9 * weight.sum(-1))
    return np.asarray(np.where(real, np.clip(got, -1, 1), np.nan))


def _ranks(counts: Floats, weight: Floats) -> Floats:
    """Centred mid-ranks as shares of the stratum; shape of `counts`."""
    whole = np.maximum(weight, 1e-300)[..., None]
    return (np.cumsum(counts, axis=-1) - counts / 2) / whole - 0.5


SPEARMAN: Final = Estimator(
    "spearman", _cells, _value, scale="fisher", bounds=(-1.0, 1.0), prepare=_grid
)
"""Options: `covariate`, and `stratum`, a column inside whose levels ranks are made ("" for none)."""
