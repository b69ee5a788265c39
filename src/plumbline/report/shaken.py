"""Brittleness beside bias: how far a finding moves with wording and names, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show
from plumbline.report.rows import about_text

if TYPE_CHECKING:
    from plumbline.audit.brittleness import Brittleness

LEGEND = (
    "Lean: distance of the finding from parity. Spread: standard deviation of what the finding would be in one "
    "single template, or with one single pair of names, after the noise of the items is taken out."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One finding: what leans, how far, and how far each factor moves it."""

    about: str
    lean: str
    spread: tuple[tuple[str, str], ...]
    reading: str


def lines(found: Sequence[Brittleness], titles: Mapping[str, str]) -> list[Line]:
    """All findings as text, the most brittle first."""
    ordered = sorted(found, key=lambda b: -(b.largest / (b.lean or 1e-12)))
    return [_line(b, titles) for b in ordered]


def _line(one: Brittleness, titles: Mapping[str, str]) -> Line:
    row: Mapping[str, Any] = one.finding
    title = show.clean(titles.get(row["metric"], row["metric"]))
    places = show.decimals(row["low"], row["high"])
    spread = tuple(
        (f"{name} ({one.levels[name]})", show.number(sd, places=places))
        for name, sd in one.spread.items()
    )
    return Line(
        f"{title}: {about_text(row['labels'])}".rstrip(": "),
        show.with_unit(show.number(one.lean, places=places), row["unit"]),
        spread, _reading(one),
    )  # fmt: skip


def _reading(one: Brittleness) -> str:
    if one.reason:
        return show.clean(one.reason)
    if one.largest == 0.0:
        return "no more than the noise of the items"
    factor = max(one.spread, key=lambda n: one.spread[n])
    if one.largest > one.lean:
        return f"moves more with {factor} than it leans"
    return f"leans more than it moves with {factor}"
