"""Heat maps of findings: how many margins each lies from parity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plumbline.report import format as show
from plumbline.report.figures import CONFIG, EXTENT, LABELS, Figure, svg
from plumbline.report.strength import Cell

CLIP = 4.0  # margins at which the colour ends; a sign says the verdict, so no reading needs more
LEGEND = (
    "Colour: margins from parity, purple below and orange above; an unsigned difference is always above. "
    "Diamond: leans. Dot: within the margin. Question mark: insufficient evidence."
)
# Two hues that all common kinds of colour vision tell apart, pale at parity.
_RANGE = ("#5e3c99", "#b2abd2", "#f7f7f7", "#fdb863", "#e66101")
_DOMAIN = (-CLIP, -1.0, 0.0, 1.0, CLIP)


def heat_maps(cells: Sequence[Cell], caption: str) -> list[Figure]:
    """One map a part, all with the same colours. Call only where `figures.available()`."""
    parts: dict[str, list[Cell]] = {}
    for cell in cells:
        parts.setdefault(cell.part, []).append(cell)
    return [
        Figure("margins", f"{caption}: {show.clean(part)}", svg(_spec(members)))
        for part, members in parts.items()
    ]


def _spec(cells: Sequence[Cell]) -> dict[str, Any]:
    data = [
        {
            "row": show.clip(c.row, 52), "column": show.clip(c.column, 28), "mark": c.mark, "order": i,
            "margins": max(-CLIP, min(CLIP, c.margins)),
            # Dark cells carry a light sign.
            "ink": "#ffffff" if c.margins < -2.5 else "#1a2230",
        }
        for i, c in enumerate(cells)
    ]  # fmt: skip
    place: Mapping[str, Any] = {
        "x": {"field": "column", "type": "nominal", "title": None, "sort": {"field": "order"},
              "axis": {"labelAngle": -35, "labelLimit": 180, "orient": "top"}},
        "y": {"field": "row", "type": "nominal", "title": None, "sort": {"field": "order"},
              "axis": {"labelLimit": LABELS, "minExtent": EXTENT}},
    }  # fmt: skip
    colour = {
        "field": "margins", "type": "quantitative", "title": "margins from parity",
        "scale": {"domain": list(_DOMAIN), "range": list(_RANGE), "type": "linear"},
        "legend": {"orient": "bottom", "gradientLength": 200, "labelColor": "currentColor", "titleColor": "currentColor"},
    }  # fmt: skip
    return {
        "data": {"values": data},
        "width": {"step": 44},
        "height": {"step": 22},
        "padding": {"left": 5, "top": 5, "bottom": 5, "right": 120},  # slanted names lean out
        "background": "transparent",
        "layer": [
            {"mark": {"type": "rect", "stroke": "#94a3b8", "strokeWidth": 0.5}, "encoding": {**place, "color": colour}},
            {"mark": {"type": "text", "fontSize": 12}, "encoding": {
                **place, "text": {"field": "mark"}, "color": {"field": "ink", "type": "nominal", "scale": None}}},
        ],
        # The signs have colours of their own, without a scale.
        "resolve": {"scale": {"color": "independent"}},
        "config": dict(CONFIG),
    }  # fmt: skip
