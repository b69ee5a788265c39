"""What a gate asks of a run: frozen rules, and the smallest checks that each is possible.

The file that people write is read by `gate_file`; what a rule means is in `gate_rules`; a run is held
against all of them by `gate_result`. Why the outcomes are as they are: docs/adr/0006-gates.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from plumbline.core.errors import BadInput

Outcome = Literal["pass", "fail", "insufficient", "skipped"]
UndefinedIs = Literal["insufficient", "fail"]
NotApplicableIs = Literal["insufficient", "skip"]
VERDICTS: Final = ("leans", "within the margin", "insufficient evidence")
ROLES: Final = ("primary", "secondary", "group", "reference", "*")
CONDITIONS: Final = ("value", "bound", "distance", "p", "verdict", "regression")
ALPHA: Final = 0.05
POWER: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The smallest and the largest number that is allowed, in the finding's unit; None: no limit."""

    low: float | None = None
    high: float | None = None

    def text(self) -> str:
        """`at least -0.1 and at most 0.1`."""
        parts = [("at least", self.low), ("at most", self.high)]
        return " and ".join(f"{word} {limit:g}" for word, limit in parts if limit is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size that matters: so many units of the finding, or so many of the plan's margins for its unit."""

    units: float | None = None
    margins: float | None = None

    def of(self, unit: str, margins: Mapping[str, float]) -> float | None:
        """In the finding's unit; None where the plan states no margin for it."""
        if self.units is not None:
            return self.units
        margin = margins.get(unit)
        return None if margin is None or self.margins is None else self.margins * margin

    def text(self) -> str:
        """`0.1`, or `2 margins`."""
        if self.units is not None:
            return f"{self.units:g}"
        return "1 margin" if self.margins == 1 else f"{self.margins:g} margins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detect:
    """What a test must have been able to find before its silence passes.

    Attributes:
        effect: Distance from the null.
        power: Probability with which the test would have found it.
    """

    effect: Size = field(default_factory=lambda: Size(margins=1.0))
    power: float = POWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which findings, and what must hold for each of them.

    Attributes:
        metric: Id of a method; `*` stands for any text.
        labels: Label -> text that it must have; `*` as above.
        role: `primary`, `secondary`, `group`, `reference`, or `*`.
        name: What people call it; made from metric and conditions where it is empty.
        optional: Whether it may select no finding.
        undefined: What a finding without a number is worth.
        not_applicable: What a method that does not apply to the model is worth.
        value: Limits of the estimate.
        bound: Limits that the whole interval must keep.
        distance: Largest distance of the whole interval from the null.
        p: The test against the null must not reject, and must have been able to.
        verdict: Verdicts that are allowed.
        regression: Largest harm since the baseline.
    """

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    role: str = "primary"
    name: str = ""
    optional: bool = False
    undefined: UndefinedIs = "insufficient"
    not_applicable: NotApplicableIs = "insufficient"
    value: Limits | None = None
    bound: Limits | None = None
    distance: Size | None = None
    p: Detect | None = None
    verdict: tuple[str, ...] = ()
    regression: Size | None = None

    def __post_init__(self) -> None:
        if not self.conditions:
            raise BadInput(
                f"rule {self.title!r} has no condition; wanted one or more of {', '.join(CONDITIONS)}"
            )
        low, high = self._tightest("low", max), self._tightest("high", min)
        if low is not None and high is not None and low > high:
            raise BadInput(
                f"rule {self.title!r} contradicts itself: nothing is at least {low:g} and at most {high:g}"
            )

    def _tightest(self, end: str, choose: Any) -> float | None:
        """The narrowest of the limits that `value` and `bound` state on one side."""
        given = [getattr(c, end) for c in (self.value, self.bound) if c is not None]
        stated = [limit for limit in given if limit is not None]
        return choose(stated) if stated else None

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions that the rule states."""
        return tuple(c for c in CONDITIONS if getattr(self, c))

    @property
    def tests(self) -> bool:
        """Whether its findings belong to the family of tests that is corrected together."""
        return bool(self.p or self.verdict)

    @property
    def title(self) -> str:
        """Its name, or what it is about."""
        if self.name:
            return self.name
        about = "".join(f", {k} {v}" for k, v in self.labels.items())
        role = "" if self.role == "primary" else f" ({self.role})"
        return f"{self.metric}{about}{role}: {' and '.join(self.conditions) or 'nothing'}"

    def selects(self, row: Mapping[str, Any]) -> bool:
        """Whether a finding is the rule's business.

        A method that does not apply has one row without labels, which stands for all its findings.
        """
        if not like(self.metric, row["metric"]):
            return False
        if row["status"] == "not_applicable":
            return True
        return like(self.role, row["role"]) and all(
            name in row["labels"] and like(wanted, str(row["labels"][name]))
            for name, wanted in self.labels.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Rules that a run must keep, all of them.

    Attributes:
        rules: At least one.
        alpha: Family-wise level of all tests of the gate, corrected by Holm; of each interval and each
            comparison with the baseline by itself.
        name: Where it came from.
    """

    rules: tuple[Rule, ...]
    alpha: float = ALPHA
    name: str = "gate"

    def __post_init__(self) -> None:
        if not self.rules:
            raise BadInput(f"{self.name} has no rule: a gate that asks nothing cannot pass")
        if not 0 < self.alpha < 0.5:
            raise BadInput(
                f"{self.name}: alpha is {self.alpha:g}; wanted a number above 0 and below 0.5"
            )

    @property
    def compares(self) -> bool:
        """Whether a rule needs a baseline."""
        return any(rule.regression for rule in self.rules)


def like(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, `*` standing for any text and nothing else for more."""
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None
