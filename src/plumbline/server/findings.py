"""Findings of a run as numbered rows, and which of them a reader asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plumbline.audit.measures import chosen_by, measure_of
from plumbline.audit.store import Run
from plumbline.core.errors import UnknownName
from plumbline.report.rows import ROLES, VERDICTS, Row, of_run

NUMBER = "number"  # place of a finding in its run, from 1
NONE = "none"  # not judged


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which findings; "" for any."""

    verdict: str = ""
    role: str = ""
    metric: str = ""
    axis: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in {"", NONE, *VERDICTS}:
            raise UnknownName("verdict", self.verdict, (*VERDICTS, NONE))
        if self.role not in {"", "primary", *ROLES}:
            raise UnknownName("role", self.role, ("primary", *ROLES))


def numbered(run: Run) -> list[Row]:
    """Rows of a run; the finding of each says its place in the run."""
    findings = [{**f, NUMBER: i} for i, f in enumerate(run.findings, start=1)]
    return of_run(replace(run, findings=findings))


def chosen(rows: Sequence[Row], wanted: Wanted) -> list[Row]:
    """The rows that pass, in their order."""
    return [r for r in rows if _passes(r, wanted)]


def one(rows: Sequence[Row], number: int) -> Row:
    """The finding of this number.

    Raises:
        UnknownName: The run has fewer.
    """
    for row in rows:
        if row.finding[NUMBER] == number:
            return row
    raise UnknownName("finding", str(number), [str(r.finding[NUMBER]) for r in rows])


def where_of(header: Mapping[str, Any], finding: Mapping[str, Any]) -> dict[str, Any] | None:
    """Which items entered a finding, its groups included; None where the record does not say."""
    measure = measure_of(header, finding)
    return None if measure is None else chosen_by(measure)


def _passes(row: Row, wanted: Wanted) -> bool:
    if wanted.verdict and (row.verdict or NONE) != wanted.verdict:
        return False
    if wanted.role and row.role != wanted.role:
        return False
    if wanted.metric and row.metric != wanted.metric:
        return False
    if wanted.axis and row.finding["labels"].get("axis") != wanted.axis:
        return False
    said = f"{row.sentence}\n{row.metric}\n{row.title}\n{row.about}\n{row.reason}"
    return wanted.text.casefold() in said.casefold()
