"""`plumbline history`: past runs with their index and verdicts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plumbline.cli.options import RUNS
from plumbline.core.json_text import written

if TYPE_CHECKING:
    from rich.table import Table

HELP = """List past runs, oldest first: model, composite index, and the verdicts of its primary findings.

\b
Examples
  plumbline history
  plumbline history demo --json
"""


@click.command("history", help=HELP, short_help="List past runs with their index and verdicts.")
@click.argument("model", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=RUNS,
    show_default=True,
    help="Folder of runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, model: str | None, out: Path, as_json: bool) -> None:
    """Print the runs."""
    from plumbline.audit import api

    found = api.history(model, folder=out)
    if as_json:
        click.echo(written(found))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 180)
    if found:
        console.print(_table(found))
    console.print(
        f"{len(found)} {'run' if len(found) == 1 else 'runs'} below {out}",
        markup=False,
        highlight=False,
    )


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from plumbline.report import format as show

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in (
        "started",
        "model",
        "fingerprint",
        "index",
        "leans",
        "within",
        "insufficient",
        "no number",
        "run",
    ):
        made.add_column(name, overflow="fold", no_wrap=name in {"started", "run"})
    for row in found:
        index = show.number(row["index"])
        interval = show.interval(row["low"], row["high"])
        cells = (
            row["started"][:16].replace("T", " "), row["model"], row["fingerprint"][:12],
            f"{index} ({interval})" if index else "none",
            f"{row['leans']} of {row['findings']}", str(row["within"]), str(row["insufficient"]),
            str(row["undefined"]), row["folder"],
        )  # fmt: skip
        made.add_row(*(Text(show.clean(c)) for c in cells))
    return made
