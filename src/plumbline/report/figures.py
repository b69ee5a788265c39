"""Forest plots: one a unit, a finding a line, with its interval, its null and its margin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from plumbline.report import format as show
from plumbline.report.rows import Row

LABELS = 340  # pixels of the names by the drawing's own font
EXTENT = 420  # pixels kept for them: a reader's font may be wider; equal, so that figures line up
NAME = 50  # characters of a name
LONGEST = 40  # lines of one figure; the table has the rest
WITHOUT = (
    'Figures need the package vl-convert-python: pip install "plumbline[plots]". '
    "The tables below say the same."
)
LEGEND = "Point: value. Bar: interval. Tick: what no lean would give. Shaded: within the margin."
# Colours that differ in lightness too, so that they survive a grey printer and both themes.
COLOURS = {"leans": "#d97706", "within the margin": "#0d9488", "insufficient evidence": "#7c8594"}
_OTHER = "#7c8594"
_ROLES = re.compile(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")')


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing: its unit, the heading that says so, and SVG text."""

    unit: str
    caption: str
    svg: str


def available() -> bool:
    """Whether the `plots` extra is installed."""
    return find_spec("vl_convert") is not None


def forest_plots(shown: Sequence[Row]) -> list[Figure]:
    """A figure for every unit that a primary finding was measured in.

    Call only where `available()`.
    """
    by_unit: dict[str, list[Row]] = {}
    for row in shown:
        if row.status == "estimate" and row.role == "primary":
            by_unit.setdefault(row.finding["unit"], []).append(row)
    return [_figure(unit, members) for unit, members in by_unit.items()]


def _figure(unit: str, members: Sequence[Row]) -> Figure:
    drawn = members[:LONGEST]
    more = f" (the first {LONGEST} of {len(members)})" if len(members) > LONGEST else ""
    caption = f"{show.clean(unit)}{more}"
    data = [datum(r, i, n) for i, (r, n) in enumerate(zip(drawn, names(drawn), strict=True))]
    return Figure(unit, caption, svg(spec(data)))


def names(drawn: Sequence[Row]) -> list[str]:
    """A name for each line, never twice the same: two findings must not share a line.

    Long names lose their middle, since what sets findings of one method apart often stands at the end.
    """
    made: list[str] = []
    for row in drawn:
        whole = show.clean(f"{row.metric}: {row.about}" if row.about else row.metric)
        if len(whole) > NAME:
            whole = f"{whole[: NAME // 2 - 1]}\N{HORIZONTAL ELLIPSIS}{whole[-NAME // 2 :]}"
        name, again = whole, 2
        while name in made:
            name, again = f"{whole} ({again})", again + 1
        made.append(name)
    return made


def datum(row: Row, order: int, name: str) -> dict[str, Any]:
    """One line of a forest: value, interval, null, margin, and the verdict's colour."""
    found = row.finding
    null, margin = found["null"], found["margin"]
    return {
        "order": order,
        "name": name,
        "value": found["value"],
        "low": _finite(found["low"], found["value"]),
        "high": _finite(found["high"], found["value"]),
        "null": null,
        "from": None if null is None or margin is None else null - margin,
        "to": None if null is None or margin is None else null + margin,
        "colour": COLOURS.get(row.verdict, _OTHER),
    }


def _finite(end: float, value: float) -> float:
    return end if abs(end) < 1e300 else value


CONFIG: Mapping[str, Any] = {
    # Screen readers get the caption and the tables; hundreds of labelled marks would bury them.
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "gridColor": "#94a3b8",
        "gridOpacity": 0.25,
        "domainColor": "#94a3b8",
        "tickColor": "#94a3b8",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
    },
}


def spec(data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A Vega-Lite specification: margin, null, interval and value, one over the other."""
    return {
        "data": {"values": list(data)},
        "width": 360,
        "height": {"step": 22},
        "background": "transparent",
        "layer": [
            _layer(
                {"type": "bar", "color": "#94a3b8", "opacity": 0.25, "height": 18}, "from", "to"
            ),
            _layer(
                {"type": "tick", "color": "currentColor", "thickness": 1.5, "height": 18}, "null"
            ),
            _layer({"type": "rule", "strokeWidth": 2.5}, "low", "high"),
            _layer({"type": "point", "filled": True, "size": 70, "opacity": 1}, "value"),
        ],
        "config": dict(CONFIG),
    }


def _layer(mark: Mapping[str, Any], start: str, end: str = "") -> dict[str, Any]:
    """One mark a row, from a column or between two; rows without the column are left out."""
    names = {"labelLimit": LABELS, "minExtent": EXTENT, "domain": False, "ticks": False}
    encoding: dict[str, Any] = {
        "y": {"field": "name", "type": "nominal", "title": None, "sort": {"field": "order"}, "axis": names},
        "x": {"field": start, "type": "quantitative", "title": None, "scale": {"zero": False, "nice": True}},
    }  # fmt: skip
    if end:
        encoding["x2"] = {"field": end}
    if "color" not in mark:
        encoding["color"] = {"field": "colour", "type": "nominal", "scale": None}
    shown = {"filter": f"isValid(datum['{start}'])"}
    return {"mark": dict(mark), "transform": [shown], "encoding": encoding}


def svg(spec: Mapping[str, Any]) -> str:
    """SVG text of a Vega-Lite specification, drawn without a browser."""
    import vl_convert

    # The drawing is one image with one name, given around it; parts with roles but no names would only be noise.
    return _ROLES.sub("", str(vl_convert.vegalite_to_svg(dict(spec))))
