"""Intervals and point-null p-values of a moment statistic by resampling clusters.

Up to 100 clusters in the smallest stratum, or two crossed factors: leave-one-cluster-out standard
error and Student's t. Beyond: the BCa cluster bootstrap, whose inversion also gives p, so that
interval and p never contradict each other. Why 100: docs/adr/0004-intervals.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats as ss

from plumbline.stats.bootstrap import bca_interval, bca_p, cluster_weights
from plumbline.stats.design import MANY, Axis, Design, cluster_sums
from plumbline.stats.estimators import Estimator
from plumbline.stats.scales import scale, slope
from plumbline.stats.two_way import Crossing, counted_twice, crossing

Floats = NDArray[np.float64]
_CHUNK = 4_000_000  # resampling weights held at once: 32 MB


@dataclass(frozen=True)
class Sums:
    """Features summed by cluster for each resampled factor, and over everything.

    Attributes:
        total: Shape (G, M).
        rows: Sums by cluster of the outer factor, shape (R, G, M).
        columns, cells: The same for the crossed factor and the crossing, or None.
        crossing: Which cells there are, or None.
    """

    total: Floats
    rows: Floats
    columns: Floats | None
    cells: Floats | None
    crossing: Crossing | None
    design: Design


def sums_of(features: Floats, groups: NDArray[np.int64], design: Design, *, n_groups: int) -> Sums:
    """Sum features over the clusters of a design with at least one resampled factor."""
    outer, inner = design.rows, design.columns
    if outer is None:
        raise ValueError("a design without a resampled factor has no clusters to sum over")

    def by(codes: NDArray[np.int64], size: int) -> Floats:
        return cluster_sums(features, groups, codes, size=size, n_groups=n_groups)

    rows = by(outer.codes, outer.size)
    if inner is None:
        return Sums(rows.sum(axis=0), rows, None, None, None, design)
    cells = crossing(outer.codes, inner.codes, row_strata=outer.strata, column_strata=inner.strata)
    columns = by(inner.codes, inner.size)
    return Sums(rows.sum(axis=0), rows, columns, by(cells.codes, cells.size), cells, design)


@dataclass(frozen=True)
class Spread:
    """Standard error of a statistic, and the degrees of freedom it was made from.

    Attributes:
        se: On the plain scale.
        scaled: On the estimator's scale.
        df: Satterthwaite over strata and crossed factors.
    """

    se: float
    scaled: float
    df: float


def _by_stratum(leave_out: Floats, strata: NDArray[np.int64]) -> tuple[float, float]:
    """Jackknife variance summed over strata, and its Satterthwaite degrees of freedom."""
    variance, denominator = 0.0, 0.0
    for s in range(int(strata.max()) + 1):
        part = leave_out[strata == s]
        size = part.size
        if size < 2:
            return np.nan, np.nan
        v = (size - 1) / size * float(((part - part.mean()) ** 2).sum())
        variance += v
        denominator += v * v / (size - 1)
    df = variance * variance / denominator if denominator > 0 else float(strata.size - 1)
    return variance, df


def spread(sums: Sums, est: Estimator, options: Mapping[str, Any]) -> Spread:
    """Leave-one-cluster-out standard error; two-way where two factors are crossed (`two_way`)."""
    parts = left_out(sums, est, options)
    se, df = _combined(parts, sums)
    if not se > 0:
        return Spread(se, se, df)
    onto, _ = scale(est.scale)
    moved = [onto(left) for left in parts]
    if all(np.isfinite(left).all() for left in moved):
        scaled, df = _combined(moved, sums)
    else:
        # A share of 0 or 1 without one cluster: carry the error over by the slope instead.
        scaled = se * slope(est.scale, float(est.value(sums.total, options)))
    return Spread(se, scaled, df)


def left_out(sums: Sums, est: Estimator, options: Mapping[str, Any]) -> list[Floats]:
    """The statistic without each cluster: of rows, and of columns and cells where crossed.

    Shapes (R,), (C,), (K,); the last two only where the design has two factors.
    """
    by = [sums.rows, sums.columns, sums.cells]
    return [est.value(sums.total - part, options) for part in by if part is not None]


def _combined(parts: list[Floats], sums: Sums) -> tuple[float, float]:
    """Standard error and degrees of freedom of one factor, or of two crossed ones."""
    rows, columns = sums.design.rows, sums.design.columns
    variance, df = _by_stratum(parts[0], _strata(rows))
    if columns is None or sums.crossing is None:
        return float(np.sqrt(variance)), df
    v_columns, df_columns = _by_stratum(parts[1], _strata(columns))
    twice = counted_twice(
        parts[2][:, None], sums.crossing, row_strata=_strata(rows), column_strata=columns.strata
    )
    total = max(variance + v_columns - float(twice[0, 0]), variance, v_columns)
    # Satterthwaite over both factors, never below the scarcer one's.
    spread_of = variance**2 / df + v_columns**2 / df_columns if min(df, df_columns) > 0 else 0.0
    both = total**2 / spread_of if spread_of > 0 else np.inf
    return float(np.sqrt(total)), float(min(max(both, min(df, df_columns)), df + df_columns))


def _strata(axis: Axis | None) -> NDArray[np.int64]:
    if axis is None:
        raise ValueError("a design without a resampled factor has no strata")
    return axis.strata


@dataclass(frozen=True)
class Bounds:
    """An interval, the p-value of a point null where one was asked, and how both were made."""

    low: float
    high: float
    se: float
    df: float | None
    p: float | None
    method: str
    test: str


def student(
    value: float, sp: Spread, est: Estimator, *, level: float, null: float | None
) -> Bounds:
    """Student's t on the estimator's scale."""
    onto, back = scale(est.scale)
    centre = float(onto(np.asarray(value)))
    half = float(ss.t.ppf(0.5 + level / 2, sp.df)) * sp.scaled
    low, high = (float(x) for x in back(np.array([centre - half, centre + half])))
    p = None
    if null is not None:
        t = (centre - float(onto(np.asarray(null)))) / sp.scaled
        p = float(2 * ss.t.sf(abs(t), sp.df))
    on = "" if est.scale == "identity" else f" on the {est.scale} scale"
    text = f"leave-one-cluster-out t({sp.df:.3g}){on}"
    low, high = max(low, est.bounds[0]), min(high, est.bounds[1])
    return Bounds(low, high, sp.se, sp.df, p, text, text if null is not None else "")


def bootstrap_values(
    sums: Sums, est: Estimator, options: Mapping[str, Any], *, draws: int, rng: np.random.Generator
) -> Floats:
    """The statistic under `draws` resamples of the outer factor's clusters, stratum by stratum."""
    rows = sums.design.rows
    assert rows is not None  # noqa: S101 - `Sums` is only made from designs with rows
    flat = sums.rows.reshape(rows.size, -1)
    values = np.empty(draws)
    step = max(1, _CHUNK // rows.size)
    strata = [np.flatnonzero(rows.strata == s) for s in range(int(rows.strata.max()) + 1)]
    for start in range(0, draws, step):
        here = min(step, draws - start)
        if len(strata) == 1:
            weights = cluster_weights(rng, rows.size, here)
        else:
            weights = np.zeros((here, rows.size))
            for members in strata:
                weights[:, members] = cluster_weights(rng, members.size, here)
        moved = (weights @ flat).reshape(here, *sums.total.shape)
        values[start : start + here] = est.value(moved, options)
        del weights  # before the next are made: they are the largest thing here
    return values


def bca(
    sums: Sums, est: Estimator, options: Mapping[str, Any], *,
    level: float, null: float | None, draws: int, rng: np.random.Generator,
) -> Bounds | str:  # fmt: skip
    """BCa cluster bootstrap (Efron & Tibshirani 1993, ch. 14), or why it cannot be made."""
    value = float(est.value(sums.total, options))
    values = bootstrap_values(sums, est, options, draws=draws, rng=rng)
    lost = float(np.isnan(values).mean())
    if lost > 0.01:
        return f"the statistic does not exist in {lost:.0%} of the resamples"
    values = values[~np.isnan(values)]
    left = est.value(sums.total - sums.rows, options)
    if np.isnan(left).any():
        return "the statistic does not exist when one cluster is left out"
    low, high = bca_interval(values, value=value, jackknife=left, level=level)
    p = None if null is None else bca_p(values, value=value, jackknife=left, null=null)
    se = float(np.std(values, ddof=1))
    text = f"BCa cluster bootstrap, {draws} draws"
    return Bounds(
        float(low), float(high), se, None, p, text, text + ", inverted" if p is not None else ""
    )


def interval(
    sums: Sums, est: Estimator, options: Mapping[str, Any], *,
    level: float, null: float | None, draws: int, rng: np.random.Generator,
) -> Bounds | str:  # fmt: skip
    """The interval that fits the design, or the reason why there is none."""
    value = float(est.value(sums.total, options))
    sp = spread(sums, est, options)
    axis = sums.design.rows
    assert axis is not None  # noqa: S101 - `Sums` is only made from designs with rows
    if not np.isfinite(sp.se):
        return "the statistic does not exist when one cluster is left out"
    if sp.se == 0:
        return _degenerate(value, sums, est, level=level, null=null)
    if sums.design.columns is not None or axis.smallest < MANY:
        return student(value, sp, est, level=level, null=null)
    return bca(sums, est, options, level=level, null=null, draws=draws, rng=rng)


def _degenerate(
    value: float, sums: Sums, est: Estimator, *, level: float, null: float | None
) -> Bounds | str:
    """No cluster differs from another: an interval only where the statistic is bounded.

    All n clusters gave v. With confidence 1 - alpha / 2 at most a share q = 1 - (alpha / 2)^(1/n)
    of the population gives anything else (Clopper & Pearson 1934), which moves the mean by at
    most q times the distance to the bound. The null's p inverts the same rule.
    """
    if np.isnan(value):
        return "the statistic does not exist for these items"
    units = sums.design.units
    floor, ceiling = est.bounds
    if not est.average or not np.isfinite([floor, ceiling]).all():
        return f"no variation: all {units} units give the same value ({value:.6g})"
    share = 1 - ((1 - level) / 2) ** (1 / units)
    low, high = value - share * (value - floor), value + share * (ceiling - value)
    p = None
    if null is not None:
        room = (ceiling - value) if null > value else (value - floor)
        p = min(1.0, 2 * (1 - abs(null - value) / room) ** units) if null != value else 1.0
    text = f"exact for {units} clusters that all agree"
    return Bounds(low, high, 0.0, None, p, text, text if p is not None else "")
