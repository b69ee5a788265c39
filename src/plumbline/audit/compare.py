"""Two runs, finding by finding, paired by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.faces import face
from plumbline.audit.index import composite
from plumbline.audit.measures import from_json
from plumbline.audit.pairing import matched
from plumbline.audit.store import Run
from plumbline.core.card import Card, Null
from plumbline.core.catalog import find
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate, Finding, Undefined
from plumbline.core.scored import Items, Measure
from plumbline.core.seeds import Seeds
from plumbline.stats.estimators import Estimator, estimator
from plumbline.stats.families import adjust
from plumbline.stats.infer import Settings, infer_one, label


@dataclass(frozen=True)
class Comparison:
    """Differences B - A, finding by finding.

    Attributes:
        a, b: Headers of the two runs.
        findings: Rows as in a run; `value` is B - A, `null` 0, `labels["compare"]` says so.
        index: The composite over shared components: `a`, `b`.
        unmatched: Findings that only one run has, with the reason.
    """

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]
    index: Mapping[str, Any]
    unmatched: Sequence[Mapping[str, Any]]

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "a": dict(self.a), "b": dict(self.b), "findings": [dict(f) for f in self.findings],
            "index": dict(self.index), "unmatched": [dict(u) for u in self.unmatched],
        }  # fmt: skip

    def __str__(self) -> str:
        return str(face("comparison", "plain_text")(self))

    def _repr_html_(self) -> str:
        return str(face("notebook", "comparison")(self))

    def plot(self) -> Any:
        """The paired differences as an Altair chart; it needs the extra `plots`."""
        return face("plots", "comparison")(self)


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
    shared = [key for key in measures_a if key in measures_b]
    if not shared:
        raise BadInput("the two runs share no finding: audit both models with the same plan")
    seeds = Seeds(seed).child("compare")
    settings = Settings(level=level)
    findings = []
    for metric in dict.fromkeys(key[0] for key in shared):
        # Read once a metric: a catalog and two files a finding made long comparisons slow.
        card, pair = find(metric).card, matched([a.items(metric), b.items(metric)])
        own = [measures_a[key] for key in shared if key[0] == metric]
        findings += [_difference(pair, m, card, seeds=seeds, settings=settings) for m in own]
    findings = adjust(findings, how=correction)
    unmatched = [
        {"metric": key[0], "labels": list(key[1:]), "only_in": side}
        for side, mine, other in (("a", measures_a, measures_b), ("b", measures_b, measures_a))
        for key in mine
        if key not in other
    ]
    index = {
        side: composite(
            as_findings(run), seeds=seeds.child("index"), level=level, only=_estimated(a, b)
        )
        for side, run in (("a", a), ("b", b))
    }
    return Comparison(a.header, b.header, [f.row() for f in findings], index, unmatched)


def measures_of(run: Run) -> dict[tuple[str, ...], Measure]:
    """What a run inferred, by metric and labels; references are left out."""
    found = {}
    for metric, given in run.header.get("measures", {}).items():
        for one in given:
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


def _difference(
    pair: Sequence[Items], measure: Measure, card: Card, *, seeds: Seeds, settings: Settings
) -> Finding:
    point = Null(kind="point", value=0.0, says="the two models lean alike")
    changed = replace(
        measure, null=point, sign="signed", labels={**measure.labels, "compare": "B - A"},
        estimator=measure.estimator,
    )  # fmt: skip
    first, second = pair
    if len(first) == 0:
        outcome: Any = Undefined(reason="no item was answered in both runs")
        return label(outcome, changed, card)
    est = estimator(measure.estimator)
    both = _both(est, second)
    columns = {**first.columns, "__row": np.arange(len(first))}
    outcome, notes = infer_one(
        Items(columns), replace(changed, estimator=both), card, seeds=seeds, settings=settings
    )
    return label(outcome, changed, card, notes=notes)


def _both(est: Estimator, second: Items) -> Estimator:
    """The difference of a statistic between the second run's items and the given ones."""

    def features(items: Items, options: Mapping[str, Any]) -> NDArray[np.float64]:
        other = second.take(items["__row"])
        return np.hstack([est.features(items, options), est.features(other, options)])

    def value(sums: NDArray[np.float64], options: Mapping[str, Any]) -> NDArray[np.float64]:
        half = sums.shape[-1] // 2
        return np.asarray(
            est.value(sums[..., half:], options) - est.value(sums[..., :half], options)
        )

    return Estimator(
        f"difference of {est.id}", features, value, groups=est.groups, prepare=est.prepare
    )
