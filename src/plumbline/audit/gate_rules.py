"""What each condition of a gate means: a finding and a limit in, an outcome and its reason out.

An interval that straddles a limit shows neither side, and a test that could not have found anything
shows nothing by its silence: both are `insufficient`, never `pass`. All functions are pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.audit.gate import Detect, Limits, Outcome, Size
from plumbline.audit.harm import harm
from plumbline.stats.power import minimum_detectable_effect, units_to_settle

Row = Mapping[str, Any]
Margins = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition on one finding.

    Attributes:
        condition: Its name, or `measured` where there is no number.
        outcome: `pass`, `fail`, `insufficient` or `skipped`.
        why: One plain sentence.
        limit: What was allowed, in words.
        value, low, high: What was measured, in the finding's unit (a p-value for `p`), where it is a
            number.
        said: What was measured, where it is a word.
    """

    condition: str
    outcome: Outcome
    why: str
    limit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFamily:
    """A finding's place in the gate's own family of tests.

    Attributes:
        p: After Holm's correction; None where the finding has no test.
        family: How many tests were corrected together.
        alpha: Level of the family.
    """

    p: float | None
    family: int
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A finding beside the same finding of the baseline.

    Attributes:
        before: The baseline's row, or None.
        change: The paired difference, or None.
        total: The paired sum, where a lean may be worse on either side; else None.
        same: Whether both runs are of one model and have one value.
        why: Why there is nothing to compare with, or "".
    """

    before: Row | None = None
    change: Row | None = None
    total: Row | None = None
    same: bool = False
    why: str = ""


def unmeasured(row: Row, outcome: Outcome) -> Check:
    """A finding without a number: what the rule says that it is worth."""
    word = "no number" if row["status"] == "undefined" else "does not apply"
    return Check(condition="measured", outcome=outcome, why=f"{word}: {row['reason']}")


def value(row: Row, limits: Limits) -> Check:
    """The estimate itself, whatever its interval.

    An unsigned statistic is positive even where nothing is there. Where exchanged labels alone would
    put it above the limit, no model could keep the limit on these items, and that is no evidence.
    """
    got, chance = float(row["value"]), row["expected_under_null"]
    outcome: Outcome = "pass"
    why = f"{got:.4g} is {limits.text()}"
    if limits.high is not None and got > limits.high:
        outcome, why = "fail", f"{got:.4g} is above {limits.high:g}"
        if row["sign"] == "unsigned" and chance is not None and chance >= limits.high:
            outcome = "insufficient"
            why += f", but exchanged labels alone would give {chance:.4g} with so few items"
    elif limits.low is not None and got < limits.low:
        outcome, why = "fail", f"{got:.4g} is below {limits.low:g}"
    return Check(condition="value", outcome=outcome, why=why, limit=limits.text(), value=got)


def bound(row: Row, limits: Limits, *, alpha: float) -> Check:
    """The whole interval must keep the limits: inside is shown, outside is shown, or neither.

    A model whose true value lies at a limit passes with probability alpha / 2 at most.
    """
    low, high = float(row["low"]), float(row["high"])
    least = -math.inf if limits.low is None else limits.low
    most = math.inf if limits.high is None else limits.high
    room = min(abs(row["value"] - limit) for limit in (least, most))
    about = f"the interval, {low:.4g} to {high:.4g},"
    outcome: Outcome
    if low > most or high < least:
        outcome, why = "fail", f"{about} lies wholly {'above' if low > most else 'below'} the limit"
    elif least <= low and high <= most:
        outcome, why = "pass", f"{about} keeps the limit"
    else:
        outcome = "insufficient"
        why = f"{about} straddles the limit{_needed(row, room, alpha / 2)}"
    return Check(
        condition="bound", outcome=outcome, why=why, limit=f"interval {limits.text()}",
        value=row["value"], low=low, high=high,
    )  # fmt: skip


def distance(row: Row, size: Size, margins: Margins, *, alpha: float) -> Check:
    """The whole interval must lie within so much of the null, on either side."""
    null, most = row["null"], size.of(row["unit"], margins)
    stated = f"within {size.text()} of the null"
    lacking = _lacking(row, most)
    if lacking or most is None:
        return Check(condition="distance", outcome="insufficient", why=lacking, limit=stated)
    near, far = _apart(row)
    limit = f"within {most:g} of {null:g}"
    about = f"the interval, {row['low']:.4g} to {row['high']:.4g},"
    outcome: Outcome
    if far <= most:
        outcome, why = "pass", f"{about} lies {limit}"
    elif near > most:
        outcome, why = "fail", f"{about} lies wholly further than {most:g} from {null:g}"
    else:
        outcome = "insufficient"
        room = abs(abs(row["value"] - null) - most)
        why = f"{about} does not show on which side of {most:g} from {null:g} the truth lies"
        why += _needed(row, room, alpha / 2)
    return Check(
        condition="distance", outcome=outcome, why=why, limit=limit,
        value=row["value"], low=row["low"], high=row["high"],
    )  # fmt: skip


def p(row: Row, detect: Detect, margins: Margins, test: InFamily) -> Check:
    """The test against the null must not reject, and must have been able to.

    Its silence passes only where an effect of the stated size would have been found with the stated
    power, at the level of the smallest step of Holm's correction.
    """
    effect = detect.effect.of(row["unit"], margins)
    limit = f"p above {test.alpha:g}, effect {detect.effect.text()}"
    lacking = _lacking(row, effect)
    if test.p is None:
        lacking = lacking or f"a {row['role']} finding without a test: it has no p-value"
    elif test.p <= test.alpha:
        why = f"p = {test.p:.3g} after Holm's correction for the gate's {_tests(test.family)}"
        return Check(condition="p", outcome="fail", why=why, limit=limit, value=test.p)
    if lacking or effect is None:
        return Check(condition="p", outcome="insufficient", why=lacking, limit=limit, value=test.p)
    least = _detectable(row, alpha=test.alpha / test.family, power=detect.power)
    outcome: Outcome
    if least <= effect:
        outcome, why = "pass", f"p = {test.p:.3g}, and a lean of {effect:g} would have been found"
    else:
        outcome = "insufficient"
        why = f"p = {test.p:.3g}, but only a lean of {least:.3g} would have been found, not one of {effect:g}"
    return Check(condition="p", outcome=outcome, why=why, limit=limit, value=test.p)


def verdict(row: Row, allowed: Sequence[str], test: InFamily) -> Check:
    """The verdict must be one that is allowed; a lean counts if the gate's own correction leaves it."""
    got = row["verdict"]
    limit = " or ".join(allowed)
    if got is None:
        why = (
            "it has no verdict: nothing says what it would be without a lean, or it was not tested"
        )
        return Check(condition="verdict", outcome="insufficient", why=why, limit=limit)
    why = got
    if got == "leans" and (test.p is None or test.p > test.alpha):
        got = "insufficient evidence"
        why = f"leans, but not after Holm's correction for the gate's {_tests(test.family)}"
    if got in allowed:
        outcome: Outcome = "pass"
    else:
        outcome = "insufficient" if got == "insufficient evidence" else "fail"
    return Check(condition="verdict", outcome=outcome, why=why, limit=limit, said=row["verdict"])


def regression(row: Row, size: Size, margins: Margins, since: Since, *, alpha: float) -> Check:
    """Harm since the baseline, paired by item, held against a margin by a test on either side of it."""
    most = size.of(row["unit"], margins)
    limit = f"worse by less than {size.text()}"
    if since.same:
        why = "the same model gave the same number"
        return Check(condition="regression", outcome="pass", why=why, limit=limit, value=0.0)
    lacking = since.why or ("" if most is not None else _no_margin(row))
    if not lacking and since.change is not None and since.change["status"] != "estimate":
        lacking = f"no paired difference: {since.change['reason']}"
    if lacking or since.change is None or since.before is None or most is None:
        return Check(condition="regression", outcome="insufficient", why=lacking, limit=limit)
    found = harm(since.change, since.before, since.total, alpha=alpha)
    if found is None:
        why = "nothing says which direction is worse: it has no null"
        return Check(condition="regression", outcome="insufficient", why=why, limit=limit)
    limit = f"worse by less than {most:g}"
    at_most = f"worse by {found.value:.4g}, at most {found.high:.4g}"
    outcome: Outcome
    if found.high < most:
        outcome, why = "pass", f"{at_most}: shown not to be worse by {most:g}"
    elif found.low > most:
        outcome, why = "fail", f"worse by {found.value:.4g}, at least {found.low:.4g}"
    else:
        outcome = "insufficient"
        room = abs(found.value - most)
        why = f"{at_most}: neither shown to be worse by {most:g} nor shown not to be"
        why += _needed(since.change, room, alpha)
    return Check(
        condition="regression", outcome=outcome, why=why, limit=limit,
        value=found.value, low=found.low, high=found.high,
    )  # fmt: skip


def _lacking(row: Row, size: float | None) -> str:
    """Why a distance from the null cannot be judged, or ""."""
    if row["null"] is None:
        return "it has no null: nothing says what the number would be without a lean"
    return _no_margin(row) if size is None else ""


def _no_margin(row: Row) -> str:
    return f"the plan states no margin for {row['unit']}: state the limit in the finding's unit"


def _apart(row: Row) -> tuple[float, float]:
    """Nearest and farthest point of the interval from the null; an unsigned statistic has one side."""
    below, above = float(row["null"]) - float(row["low"]), float(row["high"]) - float(row["null"])
    far = above if row["sign"] == "unsigned" else max(below, above)
    return max(0.0, -below, -above), far


def _detectable(row: Row, *, alpha: float, power: float) -> float:
    """Smallest lean that the test would have found; without a standard error, the interval's far end."""
    se, df = row["se"], row["df"]
    if not se or row["sign"] == "unsigned":
        return _apart(row)[1]
    return minimum_detectable_effect(se, df=df or math.inf, alpha=alpha, power=power)


def _needed(row: Row, room: float, alpha: float) -> str:
    """How much more evidence would settle it, if the estimate is right; "" where nobody can say."""
    se, units = row["se"], row["units"]
    if not se or not units or not 0 < room < math.inf:
        return ""
    wanted = units_to_settle(room, se=se, units=units, alpha=alpha)
    if wanted is None or wanted <= units:
        return ""
    times = wanted / units
    much = f"{times:.1f}" if times < 10 else f"{times:,.0f}"
    return (
        f"; about {much} times as much evidence ({units:,} independent units now) would settle it, "
        "if the estimate holds"
    )


def _tests(count: int) -> str:
    return "one test" if count == 1 else f"{count} tests"
