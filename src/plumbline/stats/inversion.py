"""Intervals for unsigned statistics (max-min, variance of means, total variation, Wasserstein).

Such a statistic is positive even where nothing is there, so a bootstrap of it is centred in the
wrong place. Instead a family of truths is indexed by a dial: the observed deviations of the
groups from their common mean, times lambda >= 0. For each lambda the statistic's distribution
follows from the sampling error of the group means (cluster jackknife covariance, multivariate
t). The interval holds every value T(lambda) whose distribution does not put T(observed) into
its outer tails: the inversion of a test (Casella & Berger 2002, section 9.2.1).

Where the statistic is the mean size of many noisy parts (the leans of many words), the observed parts alone are a
bad shape: they hold the noise, which spreads them where all words lean alike and fills them where most do not lean at all.
There the interval is the hull of three: along the observed parts, along what is left of them without the noise
(`deconvolution`), and along those parts alone that are sure. In simulations of 30 words the first alone held the truth
in 86 % (all lean alike) and 68 % (three of 30 lean), the hull in 95 to 99 % (`tests/stats/test_inversion_of_parts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.stats.deconvolution import denoised
from plumbline.stats.estimators import Estimator
from plumbline.stats.interval import Sums
from plumbline.stats.two_way import counted_twice, jackknife_covariance

Floats = NDArray[np.float64]
_LARGEST = 64.0
_SURE = 2.5  # standard errors from which a part counts as a lean where few are taken to lean


def _mean_features(sums: Floats) -> Floats:
    """Features divided by the weight, shape (..., G, M); feature 0 becomes 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums / sums[..., :1])


def _noise(sums: Sums, *, df: float, draws: int, rng: np.random.Generator) -> Floats:
    """Draws of the sampling error of the mean features; shape (draws, G, M)."""
    shape = sums.total.shape

    def left(by: Floats) -> Floats:
        return _mean_features(sums.total - by).reshape(len(by), -1)

    drawn = _drawn(_jackknifed(sums, left), df=df, draws=draws, rng=rng)
    return drawn.reshape(draws, *shape)


def _jackknifed(sums: Sums, left: Callable[[Floats], Floats]) -> Floats:
    """Covariance over the resampled units of what `left` makes of the sums without each of them."""
    design = sums.design
    assert design.rows is not None  # noqa: S101 - `Sums` is only made from designs with rows
    cov = jackknife_covariance(left(sums.rows), design.rows.strata)
    if sums.columns is not None and sums.cells is not None and sums.crossing is not None:
        assert design.columns is not None  # noqa: S101 - sums by column come from a second factor
        cov = cov + jackknife_covariance(left(sums.columns), design.columns.strata)
        cov = cov - counted_twice(
            left(sums.cells), sums.crossing,
            row_strata=design.rows.strata, column_strata=design.columns.strata,
        )  # fmt: skip
    return cov


def _drawn(cov: Floats, *, df: float, draws: int, rng: np.random.Generator) -> Floats:
    """Draws of a multivariate t with this scale; (draws, n)."""
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal = rng.standard_normal((draws, root.shape[1])) @ root.T
    return np.asarray(normal / np.sqrt(rng.chisquare(df, size=(draws, 1)) / df))


def _bisect(above: Callable[[float], bool]) -> float | None:
    """Smallest lambda at which `above` is true, by bisection; None if not below `_LARGEST`."""
    if above(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while not above(high):
        low, high = high, high * 2
        if high > _LARGEST:
            return None
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) else (middle, high)
    return (low + high) / 2


def unsigned_interval(
    sums: Sums, est: Estimator, options: Mapping[str, Any], *,
    level: float, df: float, draws: int, rng: np.random.Generator,
) -> tuple[float, float] | str:  # fmt: skip
    """[low, high] by inversion, or why there is none."""
    if est.parts is not None and est.size is not None:
        return _of_parts(sums, est, options, level=level, df=df, draws=draws, rng=rng)
    observed = float(est.value(sums.total, options))
    means = _mean_features(sums.total)
    if not np.isfinite(means).all():
        return "a group has no weight"
    centre = sums.total.sum(axis=0) / sums.total[..., 0].sum()
    weight = sums.total[..., :1]
    noise = _noise(sums, df=df, draws=draws, rng=rng)

    def values(dial: float) -> Floats:
        return est.value((centre + dial * (means - centre) + noise) * weight, options)

    def truth(dial: float) -> float:
        return float(est.value((centre + dial * (means - centre)) * weight, options))

    return _inverted(values, truth, observed, level=level, bounds=est.bounds)


def _inverted(
    values: Callable[[float], Floats], truth: Callable[[float], float], observed: float, *,
    level: float, bounds: tuple[float, float], saturates: bool = False,
) -> tuple[float, float] | str:  # fmt: skip
    """Both ends along one shape; where the size saturates and no dial is too large, the largest size is the end."""
    tail = (1 - level) / 2
    # T grows with the dial, so the share of draws at or above the observed value grows too.
    low = _bisect(lambda dial: float((values(dial) >= observed).mean()) > tail)
    high = _bisect(lambda dial: float((values(dial) <= observed).mean()) < tail)
    if high is None and saturates:
        high = _LARGEST
    if low is None or high is None:
        return "the interval cannot be closed: the groups' means are too uncertain"
    floor, ceiling = bounds
    return max(truth(low), floor), min(truth(high), ceiling)


def _of_parts(
    sums: Sums, est: Estimator, options: Mapping[str, Any], *,
    level: float, df: float, draws: int, rng: np.random.Generator,
) -> tuple[float, float] | str:  # fmt: skip
    """The interval of a size of many parts."""
    assert est.parts is not None  # noqa: S101 - the caller looked
    assert est.size is not None  # noqa: S101 - the caller looked
    parts = est.parts

    def left(by: Floats) -> Floats:
        return np.asarray(parts(sums.total - by, options))

    found = np.asarray(parts(sums.total, options))
    cov = _jackknifed(sums, left)
    if not (np.isfinite(found).all() and np.isfinite(cov).all()):
        return "a part of the statistic hangs on one unit alone"
    noise = _drawn(cov, df=df, draws=draws, rng=rng)
    size = est.size
    return _hull(
        found, np.sqrt(np.diag(cov)), noise, lambda x: np.asarray(size(x, options)),
        level=level, bounds=est.bounds,
    )  # fmt: skip


def size_interval(
    found: Floats, error: Floats, size: Callable[[Floats], Floats], *,
    level: float, bounds: tuple[float, float], draws: int, rng: np.random.Generator,
) -> tuple[float, float] | str:  # fmt: skip
    """[low, high] of the size of parts that were each measured with an error of their own.

    Args:
        found: The parts, signed, 0 where there is no lean; shape (n,).
        error: Their standard errors, independent of each other; shape (n,).
        size: (..., n) -> (...), growing with every |part|, up to where it saturates.
        level: Confidence level.
        bounds: Smallest and largest size.
        draws: Monte-Carlo draws.
        rng: The stream.

    Returns:
        The ends, or why there are none.
    """
    noise = rng.standard_normal((draws, found.size)) * error
    got = _hull(found, error, noise, size, level=level, bounds=bounds, saturates=True)
    alone, tail = size(noise), (1 - level) / 2
    if isinstance(got, str) or float((alone <= size(found)).mean()) >= tail:
        return got
    # Nearer to nothing than noise alone comes in one of 1 / tail cases (parts of counts can be exactly 0): every dial would
    # be too large, and 0 to 0 would claim to know. What noise alone reaches it could hide as well.
    return got[0], min(bounds[1], max(got[1], float(np.quantile(alone, 1 - tail))))


def _hull(
    found: Floats, error: Floats, noise: Floats, size: Callable[[Floats], Floats], *,
    level: float, bounds: tuple[float, float], saturates: bool = False,
) -> tuple[float, float] | str:  # fmt: skip
    """The hull of the intervals along the observed, the denoised and the sparse shape."""
    shapes = [found]
    noisy = error > 0
    if noisy.sum() > 1:
        score = found[noisy] / error[noisy]
        for made in (denoised(score), np.where(np.abs(score) > _SURE, score, 0.0)):
            if np.any(made):
                shapes.append(found.copy())
                shapes[-1][noisy] = made * error[noisy]
    observed = float(size(found))
    got = []
    for one in shapes:
        values, truth = _along(one, noise=noise, size=size)
        got.append(
            _inverted(values, truth, observed, level=level, bounds=bounds, saturates=saturates)
        )
    ends = [pair for pair in got if not isinstance(pair, str)]
    if len(ends) < len(got):
        return next(why for why in got if isinstance(why, str))
    return min(low for low, _ in ends), max(high for _, high in ends)


def _along(
    shape: Floats, *, noise: Floats, size: Callable[[Floats], Floats]
) -> tuple[Callable[[float], Floats], Callable[[float], float]]:
    """Draws of the statistic, and its truth, where the parts lean in these proportions, by the dial."""

    def values(dial: float) -> Floats:
        return size(dial * shape + noise)

    def truth(dial: float) -> float:
        return float(size(dial * shape))

    return values, truth
