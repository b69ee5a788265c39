"""Where a model's findings moved: tests between successive runs of one plan, corrected together.

Runs of one plan ask the same items, so two of them are compared item by item (`compare`): what the
items have in common cancels, and the interval of the difference has only what an answer may vary.
A change point is a pair of successive runs whose difference is significant after Holm (1979) over
all pairs and findings of the series, which is valid under any dependence (neighbouring pairs share
a run). So in a series in which nothing moves, any change point at all appears with probability at
most alpha. A drift too slow to be seen in one step is looked for between the first run and the
last; that test is in the same family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import stats as ss

from plumbline.audit.compare import Comparison, key_of, paired, shared_index
from plumbline.audit.store import Run
from plumbline.core.errors import BadInput, PlumblineError
from plumbline.stats.multiplicity import holm

Compare = Callable[[Run, Run], Comparison]
Key = tuple[str, ...]
INDEX: Key = ("index",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The difference between two runs of a series, later minus earlier.

    Attributes:
        before, after: Places of the two runs in the series, from 0.
        value, low, high: The difference and its interval; None where there is no number.
        p, p_adjusted: Two-sided, before and after Holm over the whole family.
        changed: Whether p_adjusted is at most alpha.
        reason: Why there is no number, or "".
    """

    before: int
    after: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    changed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One finding over the runs of a plan.

    Attributes:
        key: Metric and labels; `INDEX` for the composite index.
        finding: The row of the first run that has it; empty for the index.
        points: (place of the run, value, low, high) of every run that has a number.
        steps: Successive pairs.
        overall: First against last, where there are at least three runs.
    """

    key: Key
    finding: Mapping[str, Any]
    points: Sequence[tuple[int, float, float, float]]
    steps: Sequence[Step]
    overall: Step | None

    @property
    def change_points(self) -> list[int]:
        """Places of the runs from which on the finding is another."""
        return [s.after for s in self.steps if s.changed]


def primaries(a: Run, b: Run) -> Comparison:
    """What a history needs of a comparison: primary findings, uncorrected, and the index."""
    rows = (row for run in (a, b) for row in run.findings)
    wanted = {key_of(row) for row in rows if row["role"] == "primary"}
    found = paired(a, b, only=wanted)
    return Comparison(
        a.header, b.header, [f.row() for f in found.values()], shared_index(a, b), unmatched=()
    )


def pairs_of(runs: Sequence[Run]) -> list[tuple[int, int]]:
    """Places of the runs that are compared: successive ones, and the first with the last."""
    found = list(pairwise(range(len(runs))))
    return [*found, (0, len(runs) - 1)] if len(runs) >= 3 else found


def changes(
    runs: Sequence[Run], *, alpha: float = 0.05, compare_runs: Compare = primaries
) -> list[Series]:
    """Every primary finding of a series of runs over time, the index first, with change points.

    The findings are one family. The index is a summary of them and has a family of its own; its
    differences are tested from the two bands as if the runs were independent, which is
    conservative where both runs answer the same items.

    Args:
        runs: Runs of one plan, oldest first; at least one.
        alpha: Probability of any change point where nothing moves.
        compare_runs: What compares two runs; for callers that keep comparisons.

    Raises:
        BadInput: The runs are of several plans, whose numbers are not comparable.
    """
    plans = {run.header["plan_hash"] for run in runs}
    if len(plans) != 1:
        raise BadInput(f"a series has runs of one plan; got {len(plans)} plans")
    steps: dict[Key, list[Step]] = {}
    for before, after in pairs_of(runs):
        for key, step in _differences(runs, before, after, compare_runs).items():
            steps.setdefault(key, []).append(step)
    points = _points(runs)
    for key in points:
        steps.setdefault(key, [])
    index = {INDEX: steps.pop(INDEX, [])}
    return [
        *_series(index, points, runs, alpha=alpha),
        *_series({k: steps[k] for k in points if k != INDEX}, points, runs, alpha=alpha),
    ]


def _differences(
    runs: Sequence[Run], before: int, after: int, compare_runs: Compare
) -> dict[Key, Step]:
    """Steps of all primary findings and of the index between two runs."""
    try:
        found = compare_runs(runs[before], runs[after])
    except PlumblineError as error:
        # Shown where the change would be: one damaged run does not hide the others.
        return {INDEX: Step(before=before, after=after, reason=str(error))}
    steps = {INDEX: _of_index(found.index, before, after)}
    for row in found.findings:
        if row["role"] != "primary":
            continue
        steps[key_of(row)] = Step(
            before=before, after=after, value=row["value"], low=row["low"], high=row["high"],
            p=row["p"], reason=row["reason"] or "",
        )  # fmt: skip
    return steps


def _of_index(index: Mapping[str, Any], before: int, after: int) -> Step:
    a, b = index["a"], index["b"]
    if a["value"] is None or b["value"] is None:
        reason = a.get("reason") or b.get("reason") or "no reason was recorded"
        return Step(before=before, after=after, reason=reason)
    value = b["value"] - a["value"]
    # Half of each band's width: near 0, where the index cannot go lower, the band lies to one side
    # of its value, so the distances from the value to the ends are not what it may vary by.
    half = float(np.hypot(a["high"] - a["low"], b["high"] - b["low"])) / 2
    if half <= 0:
        return Step(before=before, after=after, reason="the bands of the index have no width")
    z = value / half * ss.norm.ppf(0.5 + a["level"] / 2)
    return Step(
        before=before, after=after, value=value, low=value - half, high=value + half,
        p=float(2 * ss.norm.sf(abs(z))),
    )  # fmt: skip


def _points(runs: Sequence[Run]) -> dict[Key, list[tuple[int, float, float, float]]]:
    points: dict[Key, list[tuple[int, float, float, float]]] = {INDEX: []}
    for place, run in enumerate(runs):
        index = run.header.get("index") or {}
        if index.get("value") is not None:
            points[INDEX].append((place, index["value"], index["low"], index["high"]))
        for row in run.findings:
            if row["role"] == "primary" and row["status"] == "estimate":
                points.setdefault(key_of(row), []).append(
                    (place, row["value"], row["low"], row["high"])
                )
    return points


def _series(
    steps: Mapping[Key, Sequence[Step]], points: Mapping[Key, Any], runs: Sequence[Run], *, alpha: float
) -> list[Series]:  # fmt: skip
    """One family: Holm over all its steps, then a series a key."""
    flat = [(key, step) for key, own in steps.items() for step in own]
    tested = [i for i, (_, step) in enumerate(flat) if step.p is not None]
    if tested:
        for i, p in zip(tested, holm([flat[i][1].p or 0.0 for i in tested]), strict=True):
            key, step = flat[i]
            flat[i] = key, replace(step, p_adjusted=float(p), changed=bool(p <= alpha))
    rows = {
        key_of(row): row
        for run in reversed(runs)
        for row in run.findings
        if row["role"] == "primary" and row["status"] == "estimate"
    }
    whole = (0, len(runs) - 1) if len(runs) >= 3 else None
    return [
        Series(
            key=key, finding=rows.get(key, {}), points=points[key],
            steps=[s for k, s in flat if k == key and (s.before, s.after) != whole],
            overall=next((s for k, s in flat if k == key and (s.before, s.after) == whole), None),
        )
        for key in steps
    ]  # fmt: skip
