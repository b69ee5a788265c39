"""From a card's factors to what is resampled: clusters, strata, and sums by cluster.

The outermost random factor is resampled, two ways where the next one is crossed with it. A
factor with fewer than `FEWEST` levels is fixed: the finding then speaks "for these templates".
Levels that belong to one group only (names, words) are resampled inside their group; groups
themselves are only where a card names their column as a random factor (personas), and the estimator
has to do without the one that is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Factor
from plumbline.core.scored import Items

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
FEWEST = 6
MANY = 100


@dataclass(frozen=True)
class Axis:
    """Clusters of one factor: a code a row, and the stratum of each cluster."""

    name: str
    codes: Codes
    strata: Codes

    @property
    def size(self) -> int:
        """Number of clusters."""
        return int(self.strata.size)

    @property
    def smallest(self) -> int:
        """Clusters in the smallest stratum."""
        return int(np.bincount(self.strata).min()) if self.strata.size else 0


@dataclass(frozen=True)
class Design:
    """What is resampled, and what is held as it is."""

    rows: Axis | None
    columns: Axis | None
    fixed: tuple[str, ...]

    @property
    def units(self) -> int:
        """Independent units: the clusters of the scarcer resampled factor."""
        sizes = [a.size for a in (self.rows, self.columns) if a is not None]
        return min(sizes, default=0)


def codes_of(values: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    """Integer codes in sorted order of the distinct values, and those values."""
    if values.dtype.kind in "iu" and values.size and (values[1:] >= values[:-1]).all():
        # Numbers in order, as methods give their items: nothing to sort, and a fifth of the memory.
        first = np.ones(values.size, bool)
        np.not_equal(values[1:], values[:-1], out=first[1:])
        return np.cumsum(first, dtype=np.int64) - 1, values[first]
    levels, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64, copy=False).reshape(-1), levels


def axis(name: str, values: NDArray[np.generic], groups: Codes) -> Axis:
    """Clusters of one column; stratified by group where every cluster lies in one group."""
    codes, levels = codes_of(values)
    low = np.full(levels.size, np.iinfo(np.int64).max)
    high = np.full(levels.size, -1)
    np.minimum.at(low, codes, groups)
    np.maximum.at(high, codes, groups)
    nested = bool((low == high).all())
    strata = codes_of(low)[0] if nested else np.zeros(levels.size, np.int64)
    if nested and np.unique(low).size == levels.size:
        # One cluster a group: the groups themselves are the sample (personas, say).
        strata = np.zeros(levels.size, np.int64)
    return Axis(name, codes, strata)


def design(items: Items, groups: Codes, factors: Sequence[Factor]) -> Design:
    """Choose what to resample from the card's factors and the levels that are there."""
    fixed = [f.column for f in factors if not f.random and f.column in items]
    rows: Axis | None = None
    for factor in factors:
        if not factor.random or factor.column not in items:
            continue
        if rows is not None and not factor.crossed:
            break  # nested inside what is resampled already
        found = axis(factor.column, items[factor.column], groups)
        if found.size < FEWEST or found.smallest < 2:
            fixed.append(factor.column)
        elif rows is None:
            rows = found
        else:
            return Design(rows, found, tuple(fixed))
    return Design(rows, None, tuple(fixed))


def cluster_sums(
    features: Floats, groups: Codes, clusters: Codes, *, size: int, n_groups: int
) -> Floats:
    """Sums of features by cluster and group; shape (clusters, G, M)."""
    cells = clusters * n_groups + groups
    width = features.shape[1]
    sums = np.empty((size * n_groups, width))
    for j in range(width):
        sums[:, j] = np.bincount(cells, weights=features[:, j], minlength=size * n_groups)
    return sums.reshape(size, n_groups, width)
