"""What a failed assertion about a gap says: the finding, its interval, and the items to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plumbline.audit.measures import measure_of, rows_of
from plumbline.report import format as show
from plumbline.report.examples import Table, extreme_items
from plumbline.report.rows import rows, titles_of

if TYPE_CHECKING:
    from plumbline.audit.gate_result import GateResult, Judged
    from plumbline.audit.gate_rules import Check
    from plumbline.audit.store import Run

WORST = 6  # items shown a finding


def message(run: Run, result: GateResult) -> str:
    """Everything that does not pass, finding by finding.

    Args:
        run: The run; its items are quoted where it was stored.
        result: Its outcome under rules on the distance from the null.
    """
    said = (
        "a gap above the margin is shown" if result.outcome == "fail" else "insufficient evidence"
    )
    parts = [f"{said}: {show.clip(run.header['subject']['model'], 80)}"]
    for one in result.rules:
        for found in one.findings:
            if found.outcome in {"fail", "insufficient"}:
                parts += _told(run, found)
    return "\n".join(parts)


def _told(run: Run, found: Judged) -> list[str]:
    check = found.checks[0]
    (said,) = rows([_judged(found.row, check)], titles_of([found.row["metric"]]))
    lines = ["", said.sentence, f"  {show.clean(check.why)}"]
    if check.limit:
        lines.append(f"  allowed: {show.clean(check.limit)}")
    if found.row["status"] == "estimate" and run.folder is not None:
        table = extreme_items(_items(run, found.row), WORST)
        lines += [] if table is None else _quoted(table)
    return lines


def _judged(row: Mapping[str, Any], check: Check) -> Mapping[str, Any]:
    """The row as this assertion reads it, whose margin need not be the plan's."""
    if row["status"] != "estimate" or row["null"] is None:
        return row
    shown = check.outcome == "fail" or row["verdict"] == "leans"
    verdict = "leans" if shown else "insufficient evidence"
    return {**row, "verdict": verdict, "margin": None}


def _items(run: Run, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Only the items that this finding was made from."""
    columns, measure = run.items(row["metric"]), measure_of(run.header, row)
    places = None if measure is None else rows_of(columns, measure)
    return columns if places is None else {name: c[places] for name, c in columns.items()}


def _quoted(table: Table) -> list[str]:
    lines = [f"  {table.heading}:"]
    for cells in table.lines:
        named = (f"{n} {c}" for n, c in zip(table.names, cells, strict=True) if c)
        lines.append(f"    {show.clip('; '.join(named), 200)}")
    return lines
