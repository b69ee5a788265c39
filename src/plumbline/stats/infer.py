"""The one door from scored items to findings.

`infer` looks at a method's card (null, sign, units), chooses what to resample, and gives each
`Measure` an interval, a test where the null allows one, and a reason where there is no number.
Adjusting for the number of questions and judging against margins happens over a whole run, in
`families.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Card, Null
from plumbline.core.results import Estimate, Finding, Outcome, Undefined
from plumbline.core.scored import Items, Measure, Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.design import FEWEST, Design, design
from plumbline.stats.estimators import Estimator, estimator
from plumbline.stats.exchange import exchange
from plumbline.stats.interval import Bounds, interval, spread, sums_of
from plumbline.stats.inversion import unsigned_interval
from plumbline.stats.permutation import permutation_p
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
LEVEL = 0.95
DRAWS = 1999


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to infer: confidence level, and Monte-Carlo draws (at least 20 x family / alpha)."""

    level: float = LEVEL
    draws: int = DRAWS


def draws_for(family: int, *, alpha: float = 0.05) -> int:
    """Monte-Carlo draws that let the smallest adjusted p of a family be resolved."""
    return max(DRAWS, int(np.ceil(20 * family / alpha)) - 1)


def infer(
    scored: Scored, card: Card, *, seeds: Seeds, settings: Settings | None = None
) -> list[Finding]:
    """One finding a measure.

    Args:
        scored: Scored items and the measures to infer.
        card: The method's declaration.
        seeds: Random streams; each measure draws from a stream named after its labels.
        settings: Level and draws.

    Returns:
        Findings in the order of the measures, without adjustment or verdict.
    """
    settings = settings or Settings()
    findings = []
    for measure in scored.measures:
        outcome, notes = infer_one(scored.items, measure, card, seeds=seeds, settings=settings)
        findings.append(label(outcome, measure, card, notes=notes))
    return findings


def label(
    outcome: Outcome, measure: Measure, card: Card, *, notes: tuple[str, ...] = ()
) -> Finding:
    """The outcome with what card and measure say about it."""
    null = measure.null or card.null
    tested = null.kind != "none" and measure.role != "reference"
    return Finding(
        metric=card.id,
        outcome=outcome,
        labels=dict(measure.labels),
        role=measure.role,
        unit=measure.unit or card.unit,
        estimand=measure.estimand or card.estimand,
        null=null.value if tested else None,
        sign=measure.sign or card.sign,
        worse=measure.worse or card.worse,
        paper=card.paper,
        trust=card.trust,
        notes=notes,
    )


def _most_frequent_reason(items: Items) -> str:
    """Why most of the items without a score have none; "" where all have one."""
    whys = [str(why) for why in items.columns.get("why", ()) if why]
    return f"; most often: {Counter(whys).most_common(1)[0][0]}" if whys else ""


def infer_one(
    items: Items, measure: Measure, card: Card, *, seeds: Seeds, settings: Settings
) -> tuple[Outcome, tuple[str, ...]]:
    """One measure's outcome, and the plain sentences that belong to it."""
    if measure.floor is not None and measure.floor[0] < measure.floor[1]:
        share, smallest, why = measure.floor
        most = _most_frequent_reason(items.where(measure.where) if measure.where else items)
        reason = f"{why}: {share:.0%}, at least {smallest:.0%} is needed{most}"
        return Undefined(reason=reason, n=len(items)), ()
    chosen = items.where(measure.where) if measure.where else items
    asked = len(chosen)
    chosen = chosen.answered()
    est = estimator(measure.estimator)
    chosen, groups, why = grouped(chosen, measure, est)
    notes = _missing(asked, len(chosen))
    if why:
        return Undefined(reason=why, n=len(chosen)), notes
    plan = design(chosen, groups, card.units)
    if plan.fixed:
        notes = (*notes, *(f"for these {name}s" for name in plan.fixed))
    if plan.rows is None:
        names = ", ".join(f.column for f in card.units if f.random)
        reason = f"fewer than {FEWEST} independent units to resample ({names})"
        return Undefined(reason=reason, n=len(chosen)), notes
    work = _Work(chosen, groups, measure, card, est, plan, seeds, settings)
    try:
        return work.outcome(), notes
    except UndefinedStatistic as absent:
        return Undefined(reason=str(absent), n=len(chosen)), notes


def grouped(items: Items, measure: Measure, est: Estimator) -> tuple[Items, NDArray[np.int64], str]:
    """Rows of the measure's groups with their codes, or why there are none."""
    if len(items) == 0:
        return items, np.zeros(0, np.int64), "no item was answered"
    if est.groups == 1:
        return items, np.zeros(len(items), np.int64), ""
    names = measure.groups or tuple(str(g) for g in np.unique(items["group"]))
    if len(names) < 2 or (est.groups == 2 and len(names) != 2):
        wanted = "two groups" if est.groups == 2 else "two or more groups"
        return items, np.zeros(0, np.int64), f"{est.id} compares {wanted}; got {len(names)}"
    items = items.take(np.isin(items["group"], list(names)))
    codes = np.zeros(len(items), np.int64)
    for code, name in enumerate(names):
        codes[items["group"] == name] = code
    counts = np.bincount(codes, minlength=len(names))
    for name, count in zip(names, counts, strict=True):
        if count == 0:
            return items, codes, f"group {name!r} has no answered item"
        if count == 1:
            return items, codes, f"group {name!r} has one item: its spread is unknown"
    return items, codes, ""


def _missing(asked: int, answered: int) -> tuple[str, ...]:
    if answered == asked:
        return ()
    return (f"{asked - answered} of {asked} items have no answer and are left out",)


@dataclass(frozen=True)
class _Work:
    """One measure on its way to an outcome."""

    items: Items
    groups: NDArray[np.int64]
    measure: Measure
    card: Card
    est: Estimator
    plan: Design
    seeds: Seeds
    settings: Settings

    def _rng(self, part: str) -> np.random.Generator:
        labels = (f"{k}={v}" for k, v in sorted(self.measure.labels.items()))
        return self.seeds.stream(self.card.id, self.est.id, *labels, part)

    @property
    def null(self) -> Null:
        return self.measure.null or self.card.null

    def outcome(self) -> Outcome:
        options = self.est.prepare(self.items, self.measure.options)
        n_groups = int(self.groups.max()) + 1
        # Not kept beside the resamples: of a million items they are as large.
        sums = sums_of(
            self.est.features(self.items, options), self.groups, self.plan, n_groups=n_groups
        )
        value = float(self.est.value(sums.total, options))
        # Rows that were summed beforehand say how many they stand for.
        n = int(self.items["rows"].sum()) if "rows" in self.items else len(self.items)
        if not np.isfinite(value):
            return Undefined(reason=self._absent(), n=n)
        signed = (self.measure.sign or self.card.sign) == "signed"
        tested = self.measure.role in {"primary", "group"} and self.null.kind != "none"
        try_point = tested and signed and self.null.kind == "point"
        bounds = self._bounds(
            sums, options, null=self.null.value if try_point else None, signed=signed
        )
        if isinstance(bounds, str):
            return Undefined(reason=bounds, n=n)
        made = Estimate(
            value=value, low=bounds.low, high=bounds.high, level=self.settings.level, n=n,
            units=self.plan.units, se=bounds.se, df=bounds.df, p=bounds.p,
            test=bounds.test, method=bounds.method,
        )  # fmt: skip
        if self.null.kind == "exchangeable" and (tested or not signed):
            features = self.est.features(self.items, options)
            return self._exchanged(made, features, options, signed=signed, tested=tested)
        return made

    def _absent(self) -> str:
        if self.est.id == "effect_size":
            return "all associations are equal: the effect size divides by zero"
        return (
            "the statistic does not exist for these items (a zero denominator or a constant column)"
        )

    def _bounds(
        self, sums: Any, options: Mapping[str, Any], *, null: float | None, signed: bool
    ) -> Bounds | str:
        level, draws = self.settings.level, self.settings.draws
        # Inversion moves groups toward each other: a statistic of one pooled group has none.
        if signed or self.est.plain or self.est.groups == 1:
            return interval(
                sums, self.est, options,
                level=level, null=null, draws=draws, rng=self._rng("bootstrap"),
            )  # fmt: skip
        sp = spread(sums, self.est, options)
        df = sp.df if np.isfinite(sp.df) and sp.df > 0 else float(self.plan.units - 1)
        got = unsigned_interval(
            sums, self.est, options, level=level, df=df, draws=draws, rng=self._rng("inversion")
        )
        if isinstance(got, str):
            return got
        along = (
            "the observed, the denoised and the sparse shape"
            if self.est.parts
            else "the observed shape"
        )
        return Bounds(*got, sp.se, df, None, f"test inversion along {along}, t({df:.3g})", "")

    def _exchanged(
        self,
        made: Estimate,
        features: Floats,
        options: Mapping[str, Any],
        *,
        signed: bool,
        tested: bool,
    ) -> Estimate:
        got = exchange(
            self.items, self.groups, features,
            null=self.null, est=self.est, options=options, n_groups=int(self.groups.max()) + 1,
            draws=self.settings.draws, rng=self._rng("exchange"),
        )  # fmt: skip
        values = got.values[np.isfinite(got.values)]
        p = permutation_p(
            values,
            made.value,
            exact=got.exact,
            side="two" if signed else "greater",
            centre=self.null.value if signed else None,
        )
        return replace(
            made,
            p=float(p) if tested else None,
            test=got.what if tested else "",
            expected=None if signed else float(values.mean()),
        )
