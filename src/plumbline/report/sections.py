"""One metric's part of the report: its findings, the items behind each, its card and certificate."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.audit.measures import measure_of
from plumbline.report import certificate
from plumbline.report import format as show
from plumbline.report.card import card_lines
from plumbline.report.drill import Drill, drill
from plumbline.report.examples import Table, tables
from plumbline.report.record import behind
from plumbline.report.rows import Row

if TYPE_CHECKING:
    from plumbline.audit.store import Run
    from plumbline.core.catalog import Entry

Columns = Mapping[str, Any]
POWER = 0.8  # the power at which the smallest effect is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One primary finding as it can be opened.

    Attributes:
        row: The finding.
        below: What restates it, and its single groups.
        power: What these items could have shown, in one sentence, or "".
        drill: The items behind it, or None.
    """

    row: Row
    below: Sequence[Row]
    power: str
    drill: Drill | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One metric's part of the report."""

    metric: str
    title: str
    opened: Sequence[Opened]
    notes: Sequence[str]
    card: Sequence[tuple[str, str]]
    paper: str
    link: str
    certificate: Sequence[tuple[str, str]]
    facts: str
    examples: Sequence[Table]


@dataclass(frozen=True)
class Stored:
    """A run's tables, read once for the whole report; without a folder there are none."""

    run: Run
    items: Callable[[str], Columns]
    answers: Callable[[str], Columns]
    known: Mapping[str, Entry]

    @classmethod
    def of(cls, run: Run) -> Stored:
        """Read the tables."""
        from plumbline.core.catalog import catalog

        if run.folder is None:
            return cls(run, _nothing, _nothing, catalog())
        return cls(run, run.each("items"), run.each("answers"), catalog())


def _nothing(_: str) -> Columns:
    return {}


def section(
    stored: Stored, metric: str, part: Sequence[Row], most: int, *, redacted: bool
) -> Section:
    """The section of one metric.

    Args:
        stored: The run's tables.
        metric: Its id.
        part: Its rows, each restatement after its primary.
        most: Items quoted for each finding; 0 for none.
        redacted: Leave out the method's facts too, which may name words of the test material.
    """
    from plumbline.audit.certificates import certificate as shipped

    run, entry = stored.run, stored.known.get(metric)
    found = part[0].finding
    measured = most > 0 and any(r.status == "estimate" for r in part)
    items, answers = (stored.items(metric), stored.answers(metric)) if measured else ({}, {})
    facts = None if redacted else run.header.get("facts", {}).get(metric)
    return Section(
        metric=show.clean(metric), title=part[0].title,
        opened=_opened(run, part, entry, items, answers, most=most),
        notes=[show.clean(n) for n in run.header.get("notes", {}).get(metric, ())],
        card=card_lines(entry.card) if entry else [("estimand", show.clean(found["estimand"]))],
        paper=show.clean(found["paper"]), link=show.paper_link(found["paper"]),
        certificate=certificate.lines(shipped(metric)),
        facts=show.clip(json.dumps(facts, indent=1, ensure_ascii=False), 4000, lines=True) if facts else "",
        examples=tables(items, answers, most),
    )  # fmt: skip


def _opened(
    run: Run,
    part: Sequence[Row],
    entry: Entry | None,
    items: Columns,
    answers: Columns,
    *,
    most: int,
) -> list[Opened]:
    record = behind(items, answers)
    factors = [f.column for f in entry.card.units] if entry else []
    made = []
    for i, row in enumerate(part):
        if row.depth:
            continue
        below = []
        for other in part[i + 1 :]:
            if not other.depth:
                break
            below.append(other)
        measure = measure_of(run.header, row.finding, said=show.clean)
        got = None
        if measure is not None and row.status == "estimate" and most > 0:
            got = drill(
                items, measure, row.finding, factors=factors, record=record, most=min(most, 3)
            )
        made.append(Opened(row=row, below=below, power=power_text(row), drill=got))
    return made


def power_text(row: Row) -> str:
    """The smallest lean that these items would have shown, where the finding has a standard error.

    An unsigned statistic is not normal about its null, so a standard error says nothing about its power.
    """
    from plumbline.stats.power import minimum_detectable_effect

    found = row.finding
    se, df = found.get("se"), found.get("df")
    if row.status != "estimate" or not se or found["null"] is None or found["p"] is None:
        return ""
    if found["sign"] == "unsigned":
        return ""
    alpha = 1.0 - found["level"]
    size = minimum_detectable_effect(se, df=df or math.inf, alpha=alpha, power=POWER)
    if not np.isfinite(size):
        return ""
    said = show.with_unit(show.number(size), found["unit"])
    return (
        f"A lean of {said} would be found by {POWER:.0%} of audits of this size and with this spread "
        f"(at {alpha:.0%}, before correction for the number of tests)."
    )
