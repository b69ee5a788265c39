"""A run held against a gate: every rule's outcome with its reasons, and the outcome of all of them.

The outcome is `fail` if any rule fails, else `insufficient` if any is, else `pass`; a gate whose every
rule was skipped has shown nothing. Passing needs no correction for the number of rules, since all of
them must hold (an intersection-union test, Berger 1982, doi:10.1080/00401706.1982.10487790). Failing by
a test does: the p-values of all findings that rules with `p` or `verdict` select are one family, by Holm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from plumbline.audit import gate_rules as rules_of
from plumbline.audit.compare import key_of, paired
from plumbline.audit.gate import Gate, Outcome, Rule
from plumbline.audit.gate_rules import Check, InFamily, Row, Since
from plumbline.audit.gate_select import fits, selected
from plumbline.audit.harm import level_for, two_sided
from plumbline.audit.store import Run
from plumbline.core.errors import BadInput
from plumbline.stats.multiplicity import holm

EXIT: Final[Mapping[str, int]] = {"pass": 0, "fail": 1, "insufficient": 3}
_WORST: Final[tuple[Outcome, ...]] = ("fail", "insufficient", "pass", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One finding under one rule."""

    row: Row
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of its conditions."""
        return worst([check.outcome for check in self.checks])


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule with all its findings; none for an optional rule that selects nothing."""

    rule: Rule
    findings: tuple[Judged, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of its findings."""
        return worst([found.outcome for found in self.findings])


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate's outcome over a run.

    Attributes:
        gate: The rules.
        run: Header of the run.
        baseline: Header of the run that it was compared with, or None.
        rules: Results in the order of the rules.
        family: How many tests were corrected together.
    """

    gate: Gate
    run: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    rules: tuple[RuleResult, ...]
    family: int

    @property
    def outcome(self) -> Outcome:
        """`pass`, `fail` or `insufficient`."""
        found = worst([result.outcome for result in self.rules])
        return "insufficient" if found == "skipped" else found

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 insufficient evidence."""
        return EXIT[self.outcome]

    def document(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "outcome": self.outcome, "exit_code": self.exit_code, "gate": self.gate.name,
            "alpha": self.gate.alpha, "correction": "holm", "family": self.family,
            "plan_hash": self.run["plan_hash"], "fingerprint": self.run["subject"]["fingerprint"],
            "baseline": None if self.baseline is None else self.baseline["subject"]["fingerprint"],
            "rules": [
                {
                    "rule": result.rule.title, "metric": result.rule.metric, "outcome": result.outcome,
                    "findings": [
                        {
                            "metric": found.row["metric"], "labels": dict(found.row["labels"]),
                            "role": found.row["role"], "unit": found.row["unit"],
                            "outcome": found.outcome, "checks": [asdict(c) for c in found.checks],
                        }
                        for found in result.findings
                    ],
                }
                for result in self.rules
            ],
        }  # fmt: skip


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """`fail` before `insufficient` before `pass`; `skipped` where there is nothing else."""
    return next((o for o in _WORST if o in outcomes), "skipped")


def held(run: Run, gate: Gate, baseline: Run | None = None) -> GateResult:
    """Hold a run against a gate.

    Args:
        run: An audit's record; rules on regression need a stored one.
        gate: The rules.
        baseline: The run that rules on regression compare with.

    Raises:
        UnknownName: A rule's metric does not exist.
        BadInput: A rule selects nothing, or the gate does not fit the run's plan.
        StoreError: Items are to be compared and a run was not stored.
    """
    if any("explainer" in one.header for one in (run, baseline) if one is not None):
        raise BadInput("a gate judges an audit; this run is an explanation, not an audit")
    plan = run.header["plan"]
    fits(
        gate, level=plan["level"], alpha=plan["alpha"], baseline=baseline is not None,
        metrics={row["metric"] for row in run.findings},
    )  # fmt: skip
    places = [selected(rule, run.findings) for rule in gate.rules]
    adjusted = _family(run.findings, gate, places)
    since = _since(run, gate, places, baseline) if baseline is not None else {}
    results = []
    for rule, chosen in zip(gate.rules, places, strict=True):
        found = []
        for i in chosen:
            test = InFamily(p=adjusted.get(i), family=max(1, len(adjusted)), alpha=gate.alpha)
            checks = _checks(rule, run.findings[i], test, since.get(i, Since()), plan["margins"])
            found.append(Judged(row=run.findings[i], checks=checks))
        results.append(RuleResult(rule=rule, findings=tuple(found)))
    return GateResult(
        gate=gate, run=run.header, baseline=None if baseline is None else baseline.header,
        rules=tuple(results), family=len(adjusted),
    )  # fmt: skip


def _checks(
    rule: Rule, row: Row, test: InFamily, since: Since, margins: Mapping[str, float]
) -> tuple[Check, ...]:
    if row["status"] == "undefined":
        return (rules_of.unmeasured(row, rule.undefined),)
    if row["status"] != "estimate":
        worth: Outcome = "skipped" if rule.not_applicable == "skip" else "insufficient"
        return (rules_of.unmeasured(row, worth),)
    alpha = test.alpha
    checks = []
    if rule.value:
        checks.append(rules_of.value(row, rule.value))
    if rule.bound:
        checks.append(rules_of.bound(row, rule.bound, alpha=alpha))
    if rule.distance:
        checks.append(rules_of.distance(row, rule.distance, margins, alpha=alpha))
    if rule.p:
        checks.append(rules_of.p(row, rule.p, margins, test))
    if rule.verdict:
        checks.append(rules_of.verdict(row, rule.verdict, test))
    if rule.regression:
        checks.append(rules_of.regression(row, rule.regression, margins, since, alpha=alpha))
    return tuple(checks)


def _family(
    findings: Sequence[Row], gate: Gate, places: Sequence[Sequence[int]]
) -> dict[int, float]:
    """Holm's p-value of every finding that a testing rule selects; each is one test, however often."""
    members = sorted(
        {
            i
            for rule, chosen in zip(gate.rules, places, strict=True)
            if rule.tests
            for i in chosen
            if findings[i]["p"] is not None
        }
    )
    if not members:
        return {}
    adjusted = holm([findings[i]["p"] for i in members])
    return dict(zip(members, map(float, adjusted), strict=True))


def _since(
    run: Run, gate: Gate, places: Sequence[Sequence[int]], baseline: Run
) -> dict[int, Since]:
    """What the baseline says to every finding that a rule on regression selects."""
    wanted = sorted(
        {
            i
            for rule, chosen in zip(gate.rules, places, strict=True)
            if rule.regression
            for i in chosen
            if run.findings[i]["status"] == "estimate"
        }
    )
    before = {key_of(row): row for row in baseline.findings}
    one_model = run.header["subject"]["fingerprint"] == baseline.header["subject"]["fingerprint"]
    found: dict[int, Since] = {}
    for i in wanted:
        row, was = run.findings[i], before.get(key_of(run.findings[i]))
        why = _incomparable(run, baseline, row, was)
        same = one_model and was is not None and was["value"] == row["value"] and not why
        found[i] = Since(before=was, same=same, why=why)
    open_ones = {
        key_of(run.findings[i]): i for i, one in found.items() if not (one.same or one.why)
    }
    made = _paired(baseline, run, open_ones, gate.alpha)
    for key, i in open_ones.items():
        change, total = made.get(key, (None, None))
        why = "" if change else "the two runs share no measure of it that can be paired"
        found[i] = Since(before=found[i].before, change=change, total=total, why=why)
    return found


def _paired(
    baseline: Run, run: Run, wanted: Mapping[tuple[str, ...], int], alpha: float
) -> dict[tuple[str, ...], tuple[Row, Row | None]]:
    """Difference and, for leans that may be worse on either side, sum; ends are one-sided limits."""
    made: dict[tuple[str, ...], tuple[Row, Row | None]] = {}
    for both in (False, True):
        keys = [key for key, i in wanted.items() if two_sided(run.findings[i]) is both]
        if not keys:
            continue
        level = level_for(run.findings[wanted[keys[0]]], alpha=alpha)
        change = paired(baseline, run, level=level, only=keys)
        total = paired(baseline, run, level=level, only=keys, total=True) if both else {}
        for key, finding in change.items():
            made[key] = (finding.row(), total[key].row() if both else None)
    return made


def _incomparable(run: Run, baseline: Run, row: Row, was: Row | None) -> str:
    """Why a finding cannot be compared with the baseline's, or ""."""
    if was is None:
        return "the baseline has no such finding: audit it again with this plan"
    if was["status"] != "estimate":
        return f"the baseline has no number for it: {was['reason']}"
    versions = [r.header["methods"][row["metric"]]["version"] for r in (baseline, run)]
    if versions[0] != versions[1]:
        return (
            f"the method changed from version {versions[0]} to {versions[1]} since the baseline: "
            "audit it again with this version"
        )
    return ""
