"""Paired slopes: every finding of two runs as a line from the one to the other, a figure a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.report import format as show
from plumbline.report.figures import CONFIG, Figure, svg

LONGEST = 30  # lines of one figure
LEGEND = (
    "A line a finding, from the one run to the other; a thick orange line has changed after correction for all "
    "differences. The dashed rule is what no lean would give."
)
_CHANGED, _ALIKE = "#d97706", "#7c8594"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """One finding in both runs."""

    name: str
    unit: str
    before: float
    after: float
    null: float | None
    changed: bool


def paired(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]],
    differences: Sequence[Mapping[str, Any]], *, alpha: float,
) -> list[Slope]:  # fmt: skip
    """Primary estimates that both runs have; `changed` where the paired difference holds at alpha.

    Args:
        before: Rows of the first run.
        after: Rows of the second run.
        differences: Rows of `plumbline.audit.compare`.
        alpha: Level of the corrected tests.
    """
    held = {_key(d): d for d in differences if d["status"] == "estimate"}
    second = {_key(f): f for f in after if f["status"] == "estimate"}
    made = []
    for found in before:
        key = _key(found)
        if found["role"] != "primary" or found["status"] != "estimate" or key not in second:
            continue
        p = held.get(key, {}).get("p_adjusted")
        made.append(
            Slope(
                name=_name(found), unit=found["unit"], before=found["value"], after=second[key]["value"],
                null=found["null"], changed=p is not None and p <= alpha,
            )
        )  # fmt: skip
    return made


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    labels = {k: v for k, v in row["labels"].items() if k != "compare"}
    return (row["metric"], *(f"{k}={v}" for k, v in sorted(labels.items())))


def _name(row: Mapping[str, Any]) -> str:
    from plumbline.report.rows import about_text

    return show.clip(f"{row['metric']}: {about_text(row['labels'])}".rstrip(": "), 56)


def slope_figures(slopes: Sequence[Slope], *, before: str, after: str) -> list[Figure]:
    """A figure for every unit; the findings that moved farthest where there are too many.

    Call only where `figures.available()`.
    """
    by_unit: dict[str, list[Slope]] = {}
    for one in slopes:
        by_unit.setdefault(one.unit, []).append(one)
    made = []
    for unit, members in by_unit.items():
        far = sorted(members, key=lambda s: (not s.changed, -abs(s.after - s.before)))[:LONGEST]
        more = (
            f" (the {LONGEST} of {len(members)} that moved most)" if len(members) > LONGEST else ""
        )
        made.append(Figure(unit, f"{show.clean(unit)}{more}", svg(_spec(far, (before, after)))))
    return made


def _spec(slopes: Sequence[Slope], names: tuple[str, str]) -> dict[str, Any]:
    data = [
        {"name": f"{i + 1}. {s.name}", "run": run, "value": value,
         "colour": _CHANGED if s.changed else _ALIKE, "width": 3 if s.changed else 1.5}
        for i, s in enumerate(slopes)
        for run, value in zip(names, (s.before, s.after), strict=True)
    ]  # fmt: skip
    nulls = sorted({s.null for s in slopes if s.null is not None})
    x = {"field": "run", "type": "nominal", "title": None, "sort": list(names),
         "axis": {"labelAngle": 0}, "scale": {"padding": 0.25}}  # fmt: skip
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False, "nice": True},
    }
    colour = {"field": "colour", "type": "nominal", "scale": None}
    text = {"mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 11, "color": "currentColor", "limit": 380},
            "transform": [{"filter": {"field": "run", "equal": names[1]}}],
            "encoding": {"x": x, "y": y, "text": {"field": "name"}}}  # fmt: skip
    return {
        "data": {"values": data},
        "width": 300,
        "height": max(160, 16 * len(slopes)),
        "padding": {"left": 5, "top": 5, "bottom": 5, "right": 400},
        "background": "transparent",
        "layer": [
            {"data": {"values": [{"null": n} for n in nulls]},
             "mark": {"type": "rule", "strokeDash": [4, 4], "color": "currentColor", "opacity": 0.6},
             "encoding": {"y": {"field": "null", "type": "quantitative"}}},
            {"mark": {"type": "line", "point": {"filled": True, "size": 50}},
             "encoding": {"x": x, "y": y, "detail": {"field": "name"}, "color": colour,
                          "strokeWidth": {"field": "width", "type": "quantitative", "scale": None}}},
            text,
        ],
        "config": dict(CONFIG),
    }  # fmt: skip
