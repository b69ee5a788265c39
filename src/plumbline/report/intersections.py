"""Findings about intersections of groups, beside the single attributes that they cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.report.rows import Row

CROSS = " x "  # how methods write an axis that crosses two attributes


@dataclass(frozen=True, slots=True)
class Crossed:
    """One finding on crossed attributes, and the same measure on each of them alone."""

    row: Row
    alone: tuple[Row, ...]


def crossed(shown: Sequence[Row]) -> list[Crossed]:
    """Primary estimates on a crossed axis, each with its single attributes of the same measure."""
    primary = [r for r in shown if r.role == "primary" and r.status == "estimate"]
    found = []
    for row in primary:
        parts = row.finding["labels"].get("axis", "").split(CROSS)
        if len(parts) < 2:
            continue
        alone = tuple(
            r
            for r in primary
            if r.metric == row.metric
            and r.finding["labels"].get("axis") in parts
            and _rest(r) == _rest(row)
        )
        found.append(Crossed(row, alone))
    return found


def _rest(row: Row) -> tuple[tuple[str, str], ...]:
    """Labels that do not name groups."""
    labels = row.finding["labels"].items()
    return tuple(sorted((k, v) for k, v in labels if k not in {"axis", "group", "against"}))
