"""Power, the smallest effect that could be detected, and how many items that takes.

All tests are two-sided; both tails count towards power. Degrees of freedom may be infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import fraction, positive, whole
from plumbline.stats.noncentral import t_cdf


def power(difference: float, *, se: float, df: float, alpha: float) -> float:
    """Probability that |estimate - null| / se exceeds the t quantile when the truth is away.

    Args:
        difference: True value minus null value, in the unit of `se`.
        se: Standard error of the estimate.
        df: Degrees of freedom of `se`; `math.inf` for the normal.
        alpha: Size of the two-sided test.
    """
    shift, bound = difference / positive(se, "se"), _critical(df, alpha)
    return 1.0 - t_cdf(bound, df, shift) + t_cdf(-bound, df, shift)


def minimum_detectable_effect(se: float, *, df: float, alpha: float, power: float) -> float:
    """The smallest |true value - null| that the two-sided test finds with probability `power`.

    Solves the noncentral t distribution, so it is exact for few clusters too.

    Raises:
        BadInput: power at or below alpha (reached by no effect at all).
    """
    positive(se, "se")
    _above(power, alpha)
    return se * _solve(lambda shift: _power(shift, se=1.0, df=df, alpha=alpha) - power)


def design_effect(size: float, icc: float) -> float:
    """1 + (m-1) icc: variance of a mean over that of independent items (Kish 1965).

    Args:
        size: Items of a cluster, m.
        icc: Intraclass correlation, from -1/(m-1) to 1.
    """
    if not size >= 1.0:
        raise BadInput(f"a cluster has {size!r} items; wanted at least 1")
    effect = 1.0 + (size - 1.0) * icc
    if not (icc <= 1.0 and effect >= 0.0):
        raise BadInput(f"an intraclass correlation of {icc!r} is impossible with {size:g} items")
    return effect


def clustered_se(sd: float, *, clusters: int, size: float, icc: float) -> float:
    """Standard error of the mean of `clusters` x `size` items: sd sqrt(deff / (clusters size)).

    Use it with df = clusters - 1 in `power` and `minimum_detectable_effect`.
    """
    positive(sd, "sd")
    effect = positive(design_effect(size, icc), "the design effect")
    return sd * math.sqrt(effect / (whole(clusters, "clusters", least=2) * size))


def mean_power(
    difference: float,
    *,
    sd: float,
    clusters: int,
    size: float = 1.0,
    icc: float = 0.0,
    alpha: float,
) -> float:
    """Power of the t test of a mean against its null, items clustered; df = clusters - 1."""
    se = clustered_se(sd, clusters=clusters, size=size, icc=icc)
    return power(difference, se=se, df=clusters - 1, alpha=alpha)


def two_means_power(
    difference: float, *, sd: float, n_first: int, n_second: int, alpha: float
) -> float:
    """Power of the pooled two-sample t test, `sd` within either group."""
    first, second = whole(n_first, "n_first", least=2), whole(n_second, "n_second", least=2)
    se = positive(sd, "sd") * math.sqrt(1.0 / first + 1.0 / second)
    return power(difference, se=se, df=first + second - 2, alpha=alpha)


def paired_power(difference: float, *, sd: float, n: int, alpha: float) -> float:
    """Power of the paired t test, `sd` that of the differences between partners."""
    pairs = whole(n, "n", least=2)
    return power(difference, se=positive(sd, "sd") / math.sqrt(pairs), df=pairs - 1, alpha=alpha)


def proportion_power(p: float, *, null: float, n: int, alpha: float) -> float:
    """Power of the z test of one proportion, its variance taken at the null (normal limit)."""
    base, truth = fraction(null, "null"), _share(p)
    at_null = math.sqrt(base * (1.0 - base) / whole(n, "n"))
    return _two_variances(truth - base, at_null, math.sqrt(truth * (1.0 - truth) / n), alpha)


def two_proportions_power(
    p_first: float, p_second: float, *, n_first: int, n_second: int, alpha: float
) -> float:
    """Power of the z test of two proportions, pooled variance under the null (normal limit)."""
    p1, p2 = _share(p_first), _share(p_second)
    n1, n2 = whole(n_first, "n_first"), whole(n_second, "n_second")
    common = fraction((n1 * p1 + n2 * p2) / (n1 + n2), "the pooled proportion")
    at_null = math.sqrt(common * (1.0 - common) * (1.0 / n1 + 1.0 / n2))
    at_truth = math.sqrt(p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2)
    return _two_variances(p1 - p2, at_null, at_truth, alpha)


def detectable_proportion(
    *, null: float, n: int, alpha: float, power: float, above: bool = True
) -> float:
    """The proportion nearest to the null, above or below it, found with probability `power`.

    Raises:
        BadInput: not even a proportion of 1 (or 0) would be.
    """
    base = fraction(null, "null")
    _above(power, alpha)

    def lacking(p: float) -> float:
        return proportion_power(p, null=base, n=n, alpha=alpha) - power

    return _nearest(lacking, base, 1.0 if above else 0.0, f"{n} items")


def detectable_second_proportion(
    p_first: float, *, n_first: int, n_second: int, alpha: float, power: float, above: bool = True
) -> float:
    """The second proportion nearest to the first that is told from it with probability `power`.

    Raises:
        BadInput: not even a proportion of 1 (or 0) would be.
    """
    base = fraction(p_first, "p_first")
    _above(power, alpha)

    def lacking(p: float) -> float:
        got = two_proportions_power(base, p, n_first=n_first, n_second=n_second, alpha=alpha)
        return got - power

    return _nearest(lacking, base, 1.0 if above else 0.0, f"{n_first} and {n_second} items")


def sample_size(power_of: Callable[[int], float], *, power: float, most: int = 10**9) -> int:
    """The smallest n of at least 2 with power_of(n) >= power; `power_of` must grow with n.

    Example: sample_size(lambda n: paired_power(0.1, sd=1.0, n=n, alpha=0.05), power=0.8).

    Raises:
        BadInput: more than `most` are needed.
    """
    fraction(power, "power")
    high = 2
    while power_of(high) < power:
        if high >= most:
            raise BadInput(f"{most:,} are not enough for a power of {power:g}; is the effect zero?")
        high = min(2 * high, most)
    low = max(high // 2, 1)  # too few, or below the least
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high


def units_to_settle(
    room: float, *, se: float, units: int, alpha: float, power: float = 0.8, most: int = 10**9
) -> int | None:
    """Independent units at which a one-sided limit clears a bound with probability `power`.

    The truth is taken to be where the estimate is, and `se` to fall with the root of the units.

    Args:
        room: Distance from the estimate to the bound, in the unit of `se`.
        se: Standard error of the estimate.
        units: Independent units that it was made from.
        alpha: One minus the level of the one-sided limit.
        power: Probability with which it should clear the bound.
        most: Where to give up.

    Returns:
        The number of units in all, or None where `most` are not enough.
    """
    shift = positive(room, "room") / (
        positive(se, "se") * math.sqrt(whole(units, "units", least=2))
    )

    def clears(n: int) -> float:
        df = n - 1 if n <= 10_000 else math.inf
        return 1.0 - t_cdf(_critical(df, 2 * alpha), df, shift * math.sqrt(n))

    return sample_size(clears, power=power, most=most) if clears(most) >= power else None


_power = power  # the functions above take a parameter of that name


def _critical(df: float, alpha: float) -> float:
    upper = 1.0 - fraction(alpha, "alpha") / 2.0
    return float(ndtri(upper) if np.isinf(positive(df, "df")) else stdtrit(df, upper))


def _above(power: float, alpha: float) -> None:
    if fraction(power, "power") <= fraction(alpha, "alpha"):
        raise BadInput(f"a power of {power:g} at alpha {alpha:g} needs no effect; ask for more")


def _share(p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise BadInput(f"a proportion is {p!r}; wanted 0 to 1")
    return float(p)


def _two_variances(gap: float, at_null: float, at_truth: float, alpha: float) -> float:
    bound = _critical(math.inf, alpha) * at_null
    if at_truth == 0.0:  # the estimate does not vary
        return float(abs(gap) > bound)
    return float(ndtr((gap - bound) / at_truth) + ndtr((-gap - bound) / at_truth))


def _solve(lacking: Callable[[float], float]) -> float:
    from scipy.optimize import brentq

    high = 1.0
    while lacking(high) < 0.0:
        high *= 2.0
    return float(brentq(lacking, 0.0, high, xtol=1e-12, rtol=1e-12))


def _nearest(lacking: Callable[[float], float], base: float, end: float, what: str) -> float:
    from scipy.optimize import brentq

    if lacking(end) < 0.0:
        raise BadInput(f"with {what} not even a proportion of {end:g} would be told from {base:g}")
    return float(brentq(lacking, base, end, xtol=1e-12))
