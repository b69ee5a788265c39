"""Two runs, finding by finding, paired by item."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.faces import Shown
from plumbline.audit.index import composite
from plumbline.audit.measures import again, from_json
from plumbline.audit.pairing import matched
from plumbline.audit.store import Run, json_row
from plumbline.core.card import Card, Null
from plumbline.core.catalog import catalog, find
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate, Finding, Undefined
from plumbline.core.scored import Items, Measure
from plumbline.core.seeds import Seeds
from plumbline.stats.estimators import Estimator, estimator
from plumbline.stats.families import adjust
from plumbline.stats.infer import Settings, infer_one, label


@dataclass(frozen=True)
class Comparison(Shown):
    """Differences B - A, finding by finding.

    Attributes:
        a, b: Headers of the two runs.
        findings: Rows as in a run; `value` is B - A, `null` 0, `labels["compare"]` says so.
        index: The composite over shared components: `a`, `b`.
        unmatched: Findings that only one run has, with the reason.
    """

    TEXT, CELL, CHART = "comparison:plain_text", "notebook:comparison", "plots:comparison"

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]
    index: Mapping[str, Any]
    unmatched: Sequence[Mapping[str, Any]]

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "a": dict(self.a), "b": dict(self.b),
            "findings": [json_row(f) for f in self.findings],
            "index": dict(self.index), "unmatched": [dict(u) for u in self.unmatched],
        }  # fmt: skip


def compare(
    a: Run, b: Run, *, seed: int = 0, level: float = 0.95, correction: str = "bh"
) -> Comparison:
    """Paired differences of all findings that both runs have.

    Items answered in both runs are matched by identity; statistics of both models are computed
    on the same items and their difference is resampled by the same clusters, so that what the
    items have in common cancels.

    Raises:
        BadInput: The runs share no finding.
    """
    measures_a, measures_b = measures_of(a), measures_of(b)
    findings = list(paired(a, b, seed=seed, level=level).values())
    if not findings:
        raise BadInput(
            "the two runs share no finding that can be compared: audit both models with the same plan"
        )
    findings = adjust(findings, how=correction)
    unmatched = [
        {"metric": key[0], "labels": list(key[1:]), "only_in": side}
        for side, mine, other in (("a", measures_a, measures_b), ("b", measures_b, measures_a))
        for key in mine
        if key not in other
    ]
    index = shared_index(a, b, seed=seed, level=level)
    return Comparison(a.header, b.header, [f.row() for f in findings], index, unmatched)


def shared_index(a: Run, b: Run, *, seed: int = 0, level: float = 0.95) -> dict[str, Any]:
    """The composite of both runs over the findings that both have: `a`, `b`."""
    seeds = Seeds(seed).child("compare").child("index")
    return {
        side: composite(as_findings(run), seeds=seeds, level=level, only=_estimated(a, b))
        for side, run in (("a", a), ("b", b))
    }


def paired(
    a: Run, b: Run, *, seed: int = 0, level: float = 0.95,
    only: Collection[tuple[str, ...]] | None = None, total: bool = False,
) -> dict[tuple[str, ...], Finding]:  # fmt: skip
    """The difference B - A of every finding that both runs have, by what it is about.

    Args:
        a: A stored run.
        b: Another one.
        seed: Of the resampling.
        level: Confidence level of the differences.
        only: Only these findings (see `key_of`); None for all.
        total: The sum A + B in place of the difference; its null is 0 too, and of no meaning.

    Returns:
        Findings without a correction for their number.
    """
    measures, others = measures_of(a), measures_of(b)
    wanted = {k: m for k, m in measures.items() if k in others and (only is None or k in only)}
    seeds, settings = Seeds(seed).child("compare"), Settings(level=level)
    sign = 1.0 if total else -1.0
    found: dict[tuple[str, ...], Finding] = {}
    entries = catalog()
    for metric in dict.fromkeys(key[0] for key in wanted):
        # Read once a metric: a catalog and two files a finding made long comparisons slow.
        first, second = matched([a.items(metric), b.items(metric)])
        pairing = _Pairing(
            first, second, (entries.get(metric) or find(metric)).card, seeds, settings, sign
        )
        found |= {key: pairing.of(m) for key, m in wanted.items() if key[0] == metric}
    return found


def key_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What a row is about, in a run or in a comparison: metric and labels, in their order."""
    labels = {k: v for k, v in row["labels"].items() if k != "compare"}
    return (row["metric"], *(f"{k}={v}" for k, v in sorted(labels.items())))


def measures_of(run: Run) -> dict[tuple[str, ...], Measure]:
    """What a run inferred, by metric and labels; left out are references, and what its items alone do not give."""
    found = {}
    for metric, given in run.header.get("measures", {}).items():
        for one in filter(again, given):
            measure = from_json(one, metric)
            if measure.role != "reference":
                found[metric, *(f"{k}={v}" for k, v in sorted(measure.labels.items()))] = measure
    return found


def as_findings(run: Run) -> list[Finding]:
    """Primary findings of a stored run, as far as the index needs them."""
    found = []
    for row in run.findings:
        if row["status"] != "estimate":
            continue
        outcome = Estimate(
            **{k: row[k] for k in ("value", "low", "high", "level", "n", "units", "se", "df")}
        )
        found.append(
            Finding(
                metric=row["metric"], outcome=outcome, labels=row["labels"], role=row["role"],
                unit=row["unit"], null=row["null"], sign=row["sign"],
            )
        )  # fmt: skip
    return found


def _estimated(a: Run, b: Run) -> frozenset[tuple[str, ...]]:
    keys = [{f.key for f in as_findings(run)} for run in (a, b)]
    return frozenset(keys[0] & keys[1])


@dataclass(frozen=True)
class _Pairing:
    """One metric's items that both runs answered, on their way to differences (`sign` -1) or sums (1)."""

    first: Items
    second: Items
    card: Card
    seeds: Seeds
    settings: Settings
    sign: float

    @cached_property
    def alike(self) -> bool:
        """Whether every number of every item is the same in both runs."""
        numbers = [
            n for n, c in self.first.columns.items() if c.dtype != object and n in self.second
        ]
        return all(np.array_equal(self.first[n], self.second[n], equal_nan=True) for n in numbers)

    def of(self, measure: Measure) -> Finding:
        """One measure of both runs."""
        point = Null(kind="point", value=0.0, says="the two models lean alike")
        word = "B - A" if self.sign < 0 else "B + A"
        changed = replace(
            measure, null=point, sign="signed", labels={**measure.labels, "compare": word},
            estimator=measure.estimator,
        )  # fmt: skip
        if len(self.first) == 0:
            outcome: Any = Undefined(reason="no item was answered in both runs")
            return label(outcome, changed, self.card)
        if self.alike:
            outcome = Undefined(
                reason=f"both runs score all {len(self.first):,} items alike: a difference has no spread to judge by",
                n=len(self.first),
            )
            return label(outcome, changed, self.card)
        both = _both(estimator(measure.estimator), self.second, self.sign)
        columns = {**self.first.columns, "__row": np.arange(len(self.first))}
        outcome, notes = infer_one(
            Items(columns), replace(changed, estimator=both), self.card,
            seeds=self.seeds, settings=self.settings,
        )  # fmt: skip
        return label(outcome, changed, self.card, notes=notes)


def _both(est: Estimator, second: Items, sign: float) -> Estimator:
    """The second run's statistic plus `sign` times the one of the given items."""

    def features(items: Items, options: Mapping[str, Any]) -> NDArray[np.float64]:
        other = second.take(items["__row"])
        return np.hstack([est.features(items, options), est.features(other, options)])

    def value(sums: NDArray[np.float64], options: Mapping[str, Any]) -> NDArray[np.float64]:
        half = sums.shape[-1] // 2
        return np.asarray(
            est.value(sums[..., half:], options) + sign * est.value(sums[..., :half], options)
        )

    name = "difference" if sign < 0 else "sum"
    return Estimator(f"{name} of {est.id}", features, value, groups=est.groups, prepare=est.prepare)
