"""A change between two runs as harm: how much worse it made a finding, with one-sided limits.

Corrections (`side_effects`) and gates (`gate_rules`) read a paired difference in the same way: harm
is what the method calls worse, and for a lean that is worse in both directions it is a lean that grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri

from plumbline.stats.equivalence import non_inferiority

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """Harm in the finding's unit: above 0 is worse.

    Attributes:
        value: As estimated.
        low, high: One-sided limits at level 1 - alpha each.
    """

    value: float
    low: float
    high: float


def two_sided(row: Row) -> bool:
    """Whether a finding's lean may be worse on either side of its null."""
    return bool(row["worse"] == "either" and row["sign"] != "unsigned")


def level_for(row: Row, *, alpha: float) -> float:
    """Level of an interval whose ends are the limits that `harm` looks at."""
    return 1 - alpha if two_sided(row) else 1 - 2 * alpha


def harm(change: Row, before: Row, total: Row | None, *, alpha: float) -> Harm | None:
    """The harm of a paired change; None where nothing says which direction is worse.

    For a one-sided statistic it is the change itself. For a lean a that became b it is |b| - |a|, which
    is max(min(b - a, b + a), min(-b - a, a - b)). On which side a lay is not known, only estimated, and
    taking the estimate's side for the true one would pass a lean that grew from 0 by the margin in 9 % of
    all cases at 5 % (simulated, a and b of equal error). So limits of both b - a and b + a are used,
    each at alpha / 2: a lean is shown not to have grown if, on either side of the null, one of two bounds
    shows it; and to have grown if, on one of two sides, both do.

    Args:
        change: The estimated difference b - a, as `plumbline.audit.compare.paired` gives it.
        before: The finding a, which says where the null is.
        total: The sum a + b of the same items; without one, |b - a| bounds the harm.
        alpha: Size of each one-sided test.
    """
    if not two_sided({**change, "sign": before.get("sign", change["sign"])}):
        sign = -1.0 if change["worse"] == "lower" else 1.0
        low, high = _limits(change, alpha)
        ends = sorted((sign * low, sign * high))
        return Harm(value=sign * float(change["value"]), low=ends[0], high=ends[1])
    if before.get("value") is None or before.get("null") is None:
        return None
    d_low, d_high = _limits(change, alpha / 2)
    d = float(change["value"])
    if total is None or total["status"] != "estimate":
        lean, most = float(before["value"]) - float(before["null"]), max(d_high, -d_low)
        return Harm(value=abs(lean + d) - abs(lean), low=-most, high=most)
    twice = 2 * float(before["null"])
    s, (s_low, s_high) = float(total["value"]) - twice, _limits(total, alpha / 2)
    s_low, s_high = s_low - twice, s_high - twice
    return Harm(
        value=max(min(d, s), min(-s, -d)),
        low=max(min(d_low, s_low), min(-s_high, -d_high)),
        high=max(min(d_high, s_high), min(-s_low, -d_low)),
    )


def _limits(row: Row, alpha: float) -> tuple[float, float]:
    """One-sided limits at level 1 - alpha each."""
    value, se, df = float(row["value"]), row.get("se"), row.get("df")
    if se and df:
        test = non_inferiority(value, se=se, df=df, margin=1.0, alpha=alpha, worse="higher")
        return value - (test.bound - value), test.bound
    # Without degrees of freedom the interval itself gives the limits: as they are where its level is
    # strict enough, and stretched by the normal quantiles where it is not.
    wanted, own = float(ndtri(1 - alpha)), float(ndtri(0.5 + float(row["level"]) / 2))
    stretch = max(1.0, wanted / own)
    return (
        value - stretch * (value - float(row["low"])),
        value + stretch * (float(row["high"]) - value),
    )
