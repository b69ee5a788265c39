"""A leaderboard as plain text: win rates, ranks that hold together, and the band of the judge's bias."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show
from plumbline.report.terminal import WIDTH

if TYPE_CHECKING:
    from rich.table import Table

    from plumbline.audit.leaderboard import Leaderboard


def plain_text(found: Leaderboard) -> str:
    """Systems in order, pairs that are not sure or hang on the judge, and the ways of counting."""
    from rich.console import Console

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, force_terminal=False)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    unread = sum(found.unread.values())
    say(
        f"Win rates over {found.verdicts:,} verdicts on {found.questions:,} questions"
        f"{f' ({unread:,} could not be read)' if unread else ''}; every opponent counts alike. "
        f"Ranks hold together at {found.level:.0%}."
    )
    console.print(_table(found))
    for pair in found.pairs:
        if not pair["order_holds"] or pair["low"] <= 0:
            say(_pair(pair, found))
    say(f"Ways of counting: {', '.join(found.ways)}.")
    for way, why in found.left_out.items():
        say(f"  not counted: {show.clean(way)}: {show.clean(why)}")
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def _pair(pair: Mapping[str, Any], found: Leaderboard) -> str:
    one, two = (show.clip(found.systems[pair[k]]["system"], 40) for k in ("first", "second"))
    said = [] if pair["low"] > 0 else [f"cannot be told apart (p {show.p_value(pair['p'])})"]
    if not pair["order_holds"]:
        said.append("their order hangs on how the judge's leans are counted")
    return f"{one} and {two}: {'; '.join(said)}"


def _table(found: Leaderboard) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("rank", "system", "win rate", "interval", "band of the judge's bias", "its ranks"):
        made.add_column(name, overflow="fold")
    for row in found.systems:
        cells = (
            _places(row["rank"], row["rank_low"], row["rank_high"]), show.clip(row["system"], 48),
            f"{row['value']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}",
            f"{row['band_low']:.3f} to {row['band_high']:.3f}",
            _range(row["band_rank_low"], row["band_rank_high"]),
        )  # fmt: skip
        made.add_row(*(Text(show.clean(c)) for c in cells))
    return made


def _places(rank: int, low: int, high: int) -> str:
    return f"{rank}" if low == high else f"{rank} ({_range(low, high)})"


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
