"""What a correction may have broken: every paired difference tested for not being worse.

A difference that is not significant has not been shown to be small. So each finding of the plan is held
against the plan's margin for its unit by a one-sided test of non-inferiority, on the items that the
audits before and after share. A list of findings that are all shown to be "not worse" needs no
correction for their number: the claim is that every one of them holds (an intersection-union test,
Berger 1982, doi:10.1080/00401706.1982.10487790).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from plumbline.audit.compare import Comparison, key_of
from plumbline.audit.harm import harm

Reading = Literal["not worse", "worse", "not shown", "not judged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffect:
    """One finding after a correction against the same finding before.

    Attributes:
        metric: Its method.
        labels: What it is about.
        unit: Unit of the change.
        change: After minus before; None where it could not be computed.
        bound: Limit of the harm at level 1 - alpha: how much worse it may still be, in the unit. Above 0
            is harm; None where there is no estimate.
        margin: Tolerated harm in the unit, or None where the plan states none.
        reading: `not worse`: harm of the margin or more is ruled out. `worse`: harm is shown (its
            lower limit is above 0) and not shown to be below the margin. `not shown`: neither, or
            there is no estimate. `not judged`: no margin, or neither direction is worse.
        reason: Why there is no estimate or no judgement, or "".
    """

    metric: str
    labels: Mapping[str, str]
    unit: str
    change: float | None
    bound: float | None
    margin: float | None
    reading: Reading
    reason: str = ""

    def row(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "labels": dict(self.labels)}


def side_effects(
    difference: Comparison,
    before: Sequence[Mapping[str, Any]],
    margins: Mapping[str, float],
    *,
    totals: Mapping[tuple[str, ...], Mapping[str, Any]] | None = None,
    alpha: float = 0.05,
) -> list[SideEffect]:
    """Every paired difference as harm, against its margin.

    Harm is what the method calls worse: a higher or a lower value. For a lean that is worse in both
    directions it is a lean that grows: away from the null on its own side, or past the null to more
    than it was (`plumbline.audit.harm`).

    Args:
        difference: After minus before (`plumbline.audit.compare.compare`).
        before: The findings before the correction, which say where the null is.
        margins: Tolerated harm by unit.
        totals: After plus before of leans, by what they are about; without them a lean that got much
            smaller cannot be told from one that grew on the other side.
        alpha: Size of each one-sided test.
    """
    leans = {key_of(row): row for row in before}
    found = []
    for row in difference.findings:
        was, total = leans.get(key_of(row), {}), (totals or {}).get(key_of(row))
        found.append(_one(row, was, total, margins=margins, alpha=alpha))
    return found


def _one(
    row: Mapping[str, Any], before: Mapping[str, Any], total: Mapping[str, Any] | None, *,
    margins: Mapping[str, float], alpha: float,
) -> SideEffect:  # fmt: skip
    labels = {k: v for k, v in row["labels"].items() if k != "compare"}
    margin = margins.get(row["unit"])
    about: dict[str, Any] = {
        "metric": row["metric"], "labels": labels, "unit": row["unit"], "margin": margin,
    }  # fmt: skip
    if row["status"] != "estimate":
        return SideEffect(
            **about, change=None, bound=None, reading="not shown", reason=str(row["reason"])
        )
    found = harm(row, before, total, alpha=alpha)
    if found is None:
        why = "no null says which direction is worse"
        return SideEffect(
            **about, change=row["value"], bound=None, reading="not judged", reason=why
        )
    if margin is None:
        why = f"the plan states no margin for {row['unit']}"
        return SideEffect(
            **about, change=row["value"], bound=found.high, reading="not judged", reason=why
        )
    reading: Reading = (
        "not worse" if found.high < margin else "worse" if found.low > 0 else "not shown"
    )
    return SideEffect(**about, change=row["value"], bound=found.high, reading=reading)


def summary(found: Sequence[SideEffect]) -> str:
    """One plain sentence on what was, and was not, shown."""
    judged = [f for f in found if f.reading != "not judged"]
    if not judged:
        return "No finding of the plan could be judged, so nothing is shown about side effects."
    fine = sum(f.reading == "not worse" for f in judged)
    worse = sum(f.reading == "worse" for f in judged)
    parts = [f"{fine} of {len(judged)} are shown not to be worse by the margin or more"]
    if worse:
        parts.append(f"{worse} are worse")
    if left := len(judged) - fine - worse:
        parts.append(f"for {left} the evidence is insufficient")
    without = len(found) - len(judged)
    more = f" {without} have no margin or no worse direction." if without else ""
    return f"After against before: {', '.join(parts)}.{more}"
