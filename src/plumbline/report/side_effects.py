"""Side effects of a correction as plain text: each finding against its margin."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from plumbline.report import format as show
from plumbline.report.terminal import WIDTH

if TYPE_CHECKING:
    from plumbline.audit.side_effects import SideEffect


class Line(NamedTuple):
    """One finding after a correction against its margin."""

    metric: str
    about: str
    change: str
    bound: str
    margin: str
    reading: str


def plain_text(effects: Sequence[SideEffect]) -> str:
    """A sentence on what was shown, and a row a finding that was judged."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from plumbline.audit.side_effects import summary

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, force_terminal=False)
    console.print(summary(effects), markup=False, highlight=False)
    judged = lines(effects)
    if judged:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
        table.add_column("method", width=24, overflow="fold")
        table.add_column("of what, toward what", ratio=1)
        table.add_column("change", justify="right", width=14)
        table.add_column("worse by at most", justify="right", width=16)
        table.add_column("margin", justify="right", width=8)
        table.add_column("reading", width=10)
        for one in judged:
            cells = (one.metric, one.about, one.change, one.bound, one.margin, one.reading)
            table.add_row(*map(Text, cells))
        console.print(table)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def lines(effects: Sequence[SideEffect]) -> list[Line]:
    """Every effect that was judged, as text."""
    return [
        Line(one.metric, _about(one), *_numbers(one), one.reading)
        for one in effects
        if one.reading != "not judged"
    ]


def _about(one: SideEffect) -> str:
    words = [show.clean(str(v)) for k, v in one.labels.items() if k != "axis"]
    about = "; ".join(words or map(str, one.labels.values()))
    return f"{about}: {show.clean(one.reason)}" if one.reason else about


def _numbers(one: SideEffect) -> tuple[str, str, str]:
    if one.change is None or one.bound is None:
        return "", "", "" if one.margin is None else f"{one.margin:g}"
    places = show.decimals(one.change, one.bound)
    return (
        show.number(one.change, places=places, signed=True),
        show.number(one.bound, places=places, signed=True),
        "" if one.margin is None else f"{one.margin:g}",
    )
