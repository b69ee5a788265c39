"""How far a finding moves from wording to wording and from name to name, beside how far it leans.

A gap between groups that one template shows and the next does not is brittleness, not bias. From a
stored run's items this separates both: the variance that belongs to a factor which nobody means
(template, name, order) is estimated by variance components (`plumbline.stats.variance_components`),
so that mere noise of the items does not count as brittleness, and is told in the finding's own unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.measures import rows_of
from plumbline.audit.store import Run
from plumbline.stats.undefined import UndefinedStatistic
from plumbline.stats.variance_components import cross, variance_components

Column = NDArray[Any]
# Columns of scored items whose levels nobody means: another choice would have served as well. Not draws: the
# third answer to one prompt has nothing in common with the third to another, so they are noise.
NUISANCES = ("template", "paraphrase", "wording", "name", "order", "version", "rotation")
_CONTRAST = "difference"
_MEANS = frozenset({"mean", "share", "percent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brittleness:
    """One finding beside what moves it.

    Attributes:
        finding: The finding's row.
        lean: |value - null| (null 0 where none is stated), in the finding's unit.
        spread: Factor -> standard deviation, in the same unit, of what the finding would be in one
            single level of the factor (one template, one pair of names).
        levels: Factor -> number of its levels.
        reason: Why there is no spread, or "".
    """

    finding: Mapping[str, Any]
    lean: float
    spread: Mapping[str, float]
    levels: Mapping[str, int]
    reason: str = ""

    @property
    def largest(self) -> float:
        """The largest spread; 0 where there is none."""
        return max(self.spread.values(), default=0.0)


def brittleness(
    run: Run, items_of: Callable[[str], Mapping[str, Column]] | None = None
) -> list[Brittleness]:
    """Every primary estimate whose items vary in a factor that nobody means.

    Speaks of differences of two groups' means and of single means; statistics that are neither
    (slopes, effect sizes) have no such decomposition and are left out, and so are weighted means.

    Args:
        run: A stored run; one that was kept in memory has no items, and nothing comes back.
        items_of: A metric's items, where they have been read already.
    """
    if run.folder is None:
        return []
    items_of = items_of or run.items
    found = []
    measures = run.header.get("measures", {})
    for metric, given in measures.items():
        able = [
            m for m in given if m["role"] == "primary" and m["estimator"] in {_CONTRAST, *_MEANS}
        ]
        if not able:
            continue
        items = items_of(metric)
        rows = [
            r
            for r in run.findings
            if r["metric"] == metric and r["role"] == "primary" and r["status"] == "estimate"
        ]
        for measure in able:
            row = next((r for r in rows if r["labels"] == measure["labels"]), None)
            if row is not None and (one := _one(items, measure, row)) is not None:
                found.append(one)
    return found


def _one(
    items: Mapping[str, Column], measure: Mapping[str, Any], row: Mapping[str, Any]
) -> Brittleness | None:
    rows = rows_of(items, measure)
    if rows is None:
        return None
    if "weight" in items and np.unique(items["weight"][rows]).size > 1:
        return None  # the decomposition counts every item alike; the finding does not
    score = items["score"][rows].astype(float) * float(measure["options"].get("times", 1.0))
    group = items["group"][rows].astype(str) if measure["groups"] else None
    factors = {
        name: items[name][rows].astype(str)
        for name in NUISANCES
        if name in items and 1 < np.unique(items[name][rows].astype(str)).size < rows.size
    }
    if not factors:
        return None
    lean = abs(row["value"] - (row["null"] or 0.0))
    levels = {name: int(np.unique(column).size) for name, column in factors.items()}
    try:
        spread, reason = spreads(score, factors, group), ""
    except UndefinedStatistic as absent:
        spread, reason = {}, str(absent)
    return Brittleness(finding=row, lean=lean, spread=spread, levels=levels, reason=reason)


def spreads(score: Column, factors: Mapping[str, Column], group: Column | None) -> dict[str, float]:
    """Standard deviation of the statistic over single levels of each factor.

    A mean in one level of a factor with variance v scatters by sqrt(v). A difference of two groups'
    means takes out what both share, so that what is left is the interaction of factor and group,
    once for each group: sqrt(2 v). Where the levels belong to one group each (names), there is no
    interaction, and the factor's own variance counts.

    Args:
        score: (n,) scores.
        factors: Name -> (n,) levels.
        group: (n,) groups, or None for a single mean.

    Raises:
        UndefinedStatistic: The scores do not vary, or the factors cannot be told apart.
    """
    if group is None:
        found = variance_components(score, factors)
        return {n: math.sqrt(found.values[n]) for n in factors if n in found.values}
    terms = dict(factors)
    terms |= {f"group:{name}": cross(group, column) for name, column in factors.items()}
    found = variance_components(score, terms, groups=group)
    made = {}
    for name in factors:
        term = name if _nested(factors[name], group) else f"group:{name}"
        if term in found.values:
            made[name] = math.sqrt(2.0 * found.values[term])
    return made


def _nested(levels: Column, group: Column) -> bool:
    """Whether every level belongs to one group."""
    pairs = {*zip(levels.tolist(), group.tolist(), strict=True)}
    return len(pairs) == len(np.unique(levels))
