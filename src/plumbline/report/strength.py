"""How far findings lie from parity on one scale, so that a map can hold all of them.

The scale is margins: (value - null) / margin, and for an unsigned statistic its distance from what
exchanged labels alone would give. A finding without null or margin has no place on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.report.rows import Row

MARKS = {
    "leans": "\N{BLACK DIAMOND}",
    "within the margin": "\N{BULLET}",
    "insufficient evidence": "?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One place on a map: the finding that lies farthest among those that share it.

    Attributes:
        row, column: Where it stands.
        part: Heading under which the row stands.
        margins: Distance from parity in margins; signed where the statistic is.
        signed: Whether the sign says anything.
        mark: One sign for the verdict.
        says: The finding's sentence.
    """

    row: str
    column: str
    part: str
    margins: float
    signed: bool
    mark: str
    says: str


def margins_from_parity(row: Row) -> float | None:
    """Distance in margins, or None where the finding has no null or no margin."""
    found = row.finding
    if row.status != "estimate" or found["null"] is None or not found["margin"]:
        return None
    centre = found["null"]
    if found["sign"] == "unsigned" and found["expected_under_null"] is not None:
        centre = max(centre, found["expected_under_null"])
    return float((found["value"] - centre) / found["margin"])


def by_family(shown: Sequence[Row], families: dict[str, str]) -> list[Cell]:
    """Primary findings: methods down, axes across, a part a family of methods."""
    return _farthest(
        [
            (_cell(r, r.title, r.finding["labels"].get("axis", "all") or "all",
                   families.get(r.metric, "other")), r)
            for r in shown
            if r.role == "primary"
        ]
    )  # fmt: skip


def by_group(shown: Sequence[Row], *, most: int = 40) -> list[Cell]:
    """Findings for single groups: groups down, methods across, a part an axis.

    At most so many groups; those that lie farthest from parity.
    """
    cells = _farthest(
        [
            (_cell(r, r.short, r.title, r.finding["labels"].get("axis", "all") or "all"), r)
            for r in shown
            if r.role == "group"
        ]
    )  # fmt: skip
    reach: dict[tuple[str, str], float] = {}
    for cell in cells:
        key = cell.part, cell.row
        reach[key] = max(reach.get(key, 0.0), abs(cell.margins))
    kept = set(sorted(reach, key=lambda k: -reach[k])[:most])
    return [c for c in cells if (c.part, c.row) in kept]


def _cell(row: Row, down: str, across: str, part: str) -> Cell | None:
    margins = margins_from_parity(row)
    if margins is None:
        return None
    return Cell(
        row=down, column=across, part=part, margins=margins, signed=row.finding["sign"] == "signed",
        mark=MARKS.get(row.verdict, ""), says=row.sentence,
    )  # fmt: skip


def _farthest(found: Sequence[tuple[Cell | None, Row]]) -> list[Cell]:
    best: dict[tuple[str, str, str], tuple[bool, float, Cell]] = {}
    for cell, row in found:
        if cell is None:
            continue
        key = cell.part, cell.row, cell.column
        rank = (row.verdict == "leans", abs(cell.margins), cell)
        if key not in best or rank[:2] > best[key][:2]:
            best[key] = rank
    return [cell for _, _, cell in best.values()]
