"""A finding over time: values with intervals, one place a run, and where it became another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plumbline.report import format as show
from plumbline.report.figures import CONFIG, svg

LEGEND = (
    "Point: value. Bar: interval. Level line: what no lean would give. Dashed upright: a change point, "
    "at the first run after it."
)
COLOUR = "#3b82f6"
CHANGED = "#d97706"
STEP = 64  # pixels a run
Point = tuple[int, float, float, float]


def timeline(
    points: Sequence[Point], names: Sequence[str], changed: Sequence[int], *, null: float | None, unit: str
) -> str:  # fmt: skip
    """SVG text of one series.

    Args:
        points: (place of the run, value, low, high).
        names: What each run is called, by its place.
        changed: Places of the runs from which on the finding is another.
        null: What no lean would give, or None.
        unit: What the values are measured in.
    """
    data = [
        {
            "run": place, "name": show.clip(names[place], 24), "value": value,
            "low": low if abs(low) < 1e300 else value, "high": high if abs(high) < 1e300 else value,
            "colour": CHANGED if place in changed else COLOUR,
        }
        for place, value, low, high in points
    ]  # fmt: skip
    return svg(_spec(data, [show.clip(n, 24) for n in names], changed, null=null, unit=unit))


def _spec(
    data: Sequence[Mapping[str, Any]], names: Sequence[str], changed: Sequence[int], *,
    null: float | None, unit: str,
) -> dict[str, Any]:  # fmt: skip
    """A Vega-Lite specification; runs stand at equal distances, whatever time lay between them."""
    # Two runs of one minute have one name: places are what is drawn, names only label them.
    labels = {str(i): name for i, name in enumerate(names)}
    x = {
        "field": "run", "type": "ordinal", "title": None, "scale": {"domain": list(range(len(names)))},
        "axis": {"labelExpr": f"{_json(labels)}[datum.value]", "labelAngle": -40, "labelLimit": 130},
    }  # fmt: skip
    y = {
        "field": "value", "type": "quantitative", "title": show.clean(show.unit(unit)),
        "scale": {"zero": False, "nice": True},
    }  # fmt: skip
    colour = {"field": "colour", "type": "nominal", "scale": None}
    layers: list[dict[str, Any]] = []
    if null is not None:
        rule = {"type": "rule", "color": "currentColor", "opacity": 0.6}
        layers.append(
            {
                "data": {"values": [{"null": null}]},
                "mark": rule,
                "encoding": {"y": {"field": "null", "type": "quantitative"}},
            }
        )
    if changed:
        rule = {"type": "rule", "color": CHANGED, "strokeDash": [5, 4], "strokeWidth": 2}
        layers.append(
            {"data": {"values": [{"run": c} for c in changed]}, "mark": rule, "encoding": {"x": x}}
        )
    layers += [
        {"mark": {"type": "line", "color": COLOUR, "opacity": 0.5}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}, "encoding": {"x": x, "y": y, "color": colour}},
    ]  # fmt: skip
    return {
        "data": {"values": list(data)}, "width": {"step": STEP}, "height": 170,
        # Room for labels in a browser whose letters are wider than those that were measured with.
        "background": "transparent", "padding": {"left": 24, "bottom": 16, "right": 8, "top": 8}, "layer": layers, "config": dict(CONFIG),
    }  # fmt: skip


def _json(labels: Mapping[str, str]) -> str:
    """A Vega expression: JSON is one, and quotes inside names stay inside them."""
    import json

    return json.dumps(dict(labels))
