"""How preferences follow factors: tau by factor, its value for a known weight, agreement of two holders.

tau(f) = (C - D) / (C + D + T) over pairs: C where the preferred response has more of the factor, D where it has
less, T where nothing is preferred or both have the same. Every T counts in the denominator, so ties pull
tau toward 0 and never turn it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.scored import Items
from plumbline.stats.arrays import Floats
from plumbline.stats.bootstrap import cluster_weights
from plumbline.stats.estimators import Estimator, item_weights

DRAWS: Final = 999
KINDS: Final = ("pearson", "spearman", "kendall")


def concordance(preferred: ArrayLike, first: ArrayLike, second: ArrayLike) -> Floats:
    """+1 where the preferred response has more of the factor, -1 where less, 0 for a tie of either.

    Args:
        preferred: +1 the first response, -1 the second, 0 neither.
        first: The first response's factor; NaN gives NaN.
        second: The second's.
    """
    gap = np.asarray(first, float) - np.asarray(second, float)
    return np.asarray(np.sign(np.asarray(preferred, float)) * np.sign(gap))


def gaussian_tau(weight: ArrayLike) -> Floats:
    """tau of a factor whose difference is N(0, 1) and has the log-odds `weight`: 2 E[sigma(b|d|)] - 1.

    It is E[tanh(b|d| / 2)]: sigma(x) = (1 + tanh(x / 2)) / 2. By the trapezoid rule, error below 1e-6 for
    weights up to 20.
    """
    grid = np.linspace(0.0, 9.0, 9_001)
    density = np.sqrt(2 / np.pi) * np.exp(-(grid**2) / 2)
    values = np.tanh(np.asarray(weight, float)[..., None] * grid / 2) * density
    return np.asarray(np.trapezoid(values, grid, axis=-1))


def correlations(first: Floats, second: Floats) -> dict[str, Floats]:
    """Pearson, Spearman (mid-ranks) and Kendall's tau-b along the last axis; NaN for a constant vector."""
    signs = [np.sign(v[..., :, None] - v[..., None, :]) for v in (first, second)]
    # Ranks up to shift and scale: how many lie below minus how many above.
    low, high = (s.sum(axis=-1) for s in signs)
    flat = [s.reshape(*s.shape[:-2], -1) for s in signs]
    return {
        "pearson": _pearson(first, second),
        "spearman": _pearson(low, high),
        "kendall": _cosine(*flat),
    }


def _pearson(first: Floats, second: Floats) -> Floats:
    return _cosine(*(v - v.mean(axis=-1, keepdims=True) for v in (first, second)))


def _cosine(first: Floats, second: Floats) -> Floats:
    sizes = (first * first).sum(axis=-1), (second * second).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        got = (first * second).sum(axis=-1) / np.sqrt(sizes[0] * sizes[1])
    flat = (sizes[0] < 1e-18) | (sizes[1] < 1e-18)
    return np.asarray(np.where(flat, np.nan, np.clip(got, -1, 1)))


@dataclass(frozen=True, slots=True)
class Alignment:
    """Correlations of two vectors of taus: kind to (value, low, high), or why there is none."""

    found: Mapping[str, tuple[float, float, float] | str]


def alignment(cells: Floats, *, rng: np.random.Generator, level: float = 0.95, draws: int = DRAWS) -> Alignment:  # fmt: skip
    """Correlations of two holders' taus over factors, with percentile intervals that resample clusters.

    Args:
        cells: (clusters, 2, factors, 2): weight and weighted concordance of each holder and factor.
        rng: The stream.
        level: Confidence level.
        draws: Bootstrap samples.
    """
    if cells.shape[2] < 3:
        return Alignment(dict.fromkeys(KINDS, f"not defined: {cells.shape[2]} factors, three are needed"))  # fmt: skip
    drawn = cluster_weights(rng, len(cells), draws)
    sums = np.concatenate([cells.sum(axis=0)[None], (drawn @ cells.reshape(len(cells), -1)).reshape(draws, *cells.shape[1:])])  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = sums[..., 1] / sums[..., 0]
    found: dict[str, tuple[float, float, float] | str] = {}
    tail = (1 - level) / 2
    for kind, values in correlations(tau[:, 0], tau[:, 1]).items():
        kept = values[1:][np.isfinite(values[1:])]
        if np.isnan(values[0]) or len(kept) < 0.95 * draws:
            found[kind] = "not defined: the taus of one side are all equal"
        else:
            low, high = np.quantile(kept, [tail, 1 - tail])
            found[kind] = float(values[0]), float(low), float(high)
    return Alignment(found)


def _features(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight; then weight and weighted score in the columns of the item's factor."""
    weight, names = item_weights(items), list(options["factors"])
    code = np.array([names.index(p) for p in items["part"].tolist()])
    made = np.zeros((len(items), 1 + 2 * len(names)))
    rows = np.arange(len(items))
    made[:, 0] = weight
    made[rows, 1 + 2 * code] = weight
    made[rows, 2 + 2 * code] = weight * items["score"]
    return made


def _value(sums: Floats, _: Mapping[str, Any]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = sums[..., 2::2] / sums[..., 1::2]
    return _pearson(tau[..., 0, :], tau[..., 1, :])


# No Fisher scale: with few factors a correlation of exactly 1 occurs, where that scale ends.
ALIGNED: Final = Estimator("factor_alignment", _features, _value, groups=2, bounds=(-1.0, 1.0))
"""Pearson correlation of two groups' taus over the factors named in the option `factors` (column `part`)."""
