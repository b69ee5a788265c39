"""An explanation as text, and its arrays as drawings."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.core.explanation import Array, Drawing
from plumbline.report import format as show
from plumbline.report import overview
from plumbline.report.figures import CONFIG, Figure, available, svg
from plumbline.report.files import write_text
from plumbline.report.rows import rows, titles_of
from plumbline.report.terminal import WIDTH, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from plumbline.audit.explain import Explained

MOST = 10  # cells of an array that a terminal shows; its Parquet file has all of them
# Distinct in lightness too; more lines than this are not told apart by colour.
_SCHEME = {"scheme": "dark2"}
_TWO_SIDED = {"scheme": "purpleorange", "reverse": True, "domainMid": 0}


def plain_text(found: Explained) -> str:
    """Head, findings with their intervals, the largest cells of each array, notes."""
    from rich.console import Console

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, force_terminal=False)
    print_explained(found, console)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def print_explained(found: Explained, console: Console) -> None:
    """As `plain_text`, on a console; no markup in other people's text is interpreted."""
    header = found.run.header

    def say(line: str) -> None:
        console.print(show.clean(line), markup=False, highlight=False)

    titles = titles_of([found.method])
    say(f"{titles[found.method]} ({found.method}) of {header['subject']['model']}")
    say("; ".join(f"{name}: {value}" for name, value in overview.model_facts(header)))
    console.print()
    for note in header["notes"].get(found.method, ()):
        say(note)
    shown = rows(found.findings, titles)
    measured = [row for row in shown if row.status == "estimate"]
    if measured:
        console.print(table(measured, console.width))
    for row in shown:
        if row.status != "estimate":
            say(f"  {row.about}: {row.reason}")
    for name, array in found.arrays.items():
        console.print()
        say(f"{name}, in {array.unit}: {array.says}")
        console.print(_largest(array))
        if len(array) > MOST:
            say(f"the {MOST} farthest from 0 of {len(array)} cells")


def _largest(array: Array) -> Table:
    """The cells farthest from 0 (all, in their order, where they are few)."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for name in array.dims:
        made.add_column(name)
    made.add_column("value", justify="right")
    cells = list(array.cells())
    if len(cells) > MOST:
        numbers = [(labels, cell) for labels, cell in cells if isinstance(cell, float)]
        cells = [*sorted(numbers, key=lambda c: -abs(c[1]))[:MOST]]
    for labels, cell in cells:
        said = show.number(cell, signed=True) if isinstance(cell, float) else cell
        made.add_row(*(show.clip(label, 40) for label in labels), show.clip(said, 60))
    return made


def write_figures(
    arrays: Mapping[str, Array], drawings: Sequence[Drawing], folder: Path
) -> list[Path]:
    """One SVG file a drawing; none where the `plots` extra is not installed."""
    if not available():
        return []
    written = []
    for number, drawing in enumerate(drawings):
        path = folder / f"{number + 1}-{drawing.array}.svg"
        written.append(write_text(path, figure(arrays[drawing.array], drawing).svg))
    return written


def figure(array: Array, drawing: Drawing) -> Figure:
    """One array drawn. Call only where `figures.available()`."""
    return Figure(array.unit, drawing.caption, svg(spec(array, drawing)))


def spec(array: Array, drawing: Drawing) -> dict[str, Any]:
    """A Vega-Lite specification; cells without a number are left out."""
    said = {d: dict(zip(array.coords[d], _labels(array, d), strict=True)) for d in array.dims}
    data = [
        {"value": cell, **{d: said[d][v] for d, v in zip(array.dims, labels, strict=True)}}
        for labels, cell in array.cells()
        if isinstance(cell, float)
    ]
    return {
        "data": {"values": data},
        "title": {"text": _broken(drawing.caption), "anchor": "start", "fontSize": 12,
                  "fontWeight": "normal", "color": "currentColor"},
        "width": 480,
        "height": {"step": 18} if drawing.mark == "heat" else 220,
        "background": "transparent",
        **_marks(array, drawing),
        "config": {**CONFIG, "legend": {"labelColor": "currentColor", "titleColor": "currentColor"}},
    }  # fmt: skip


def _marks(array: Array, drawing: Drawing) -> dict[str, Any]:
    across = {"labelAngle": 0, "labelOverlap": True}
    x = {**_channel(array, drawing.x), "axis": across}
    value = {"field": "value", "type": "quantitative", "title": array.unit}
    if drawing.mark == "heat":
        by, colour = _channel(array, drawing.by), {**value, "scale": _TWO_SIDED}
        return {"mark": "rect", "encoding": {"x": x, "y": by, "color": colour}}
    by = {"color": {**_channel(array, drawing.by), "scale": _SCHEME}} if drawing.by else {}
    if drawing.mark == "bar":
        apart = {"xOffset": _channel(array, drawing.by)} if drawing.by else {}
        return {"mark": "bar", "encoding": {"x": x, "y": value, **by, **apart}}
    line = {"type": "line", "strokeWidth": 2.5, "point": {"size": 30}}
    return {"mark": line, "encoding": {"x": x, "y": value, **by}}


def _channel(array: Array, name: str) -> dict[str, Any]:
    """A dimension with its labels in their order."""
    return {"field": name, "type": "ordinal", "sort": _labels(array, name), "title": name}


def _labels(array: Array, name: str) -> list[Any]:
    """Labels as a figure shows them: numbers, or texts where one of them is a text."""
    labels = array.coords[name]
    if all(isinstance(label, int | float) for label in labels):
        return list(labels)
    return [show.clip(label, 40) for label in labels]


def _broken(text: str, width: int = 84) -> Sequence[str]:
    """Lines of a caption."""
    lines = [""]
    for word in show.clean(text).split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
