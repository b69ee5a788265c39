"""`plumbline list`: the methods, read from their declarations without importing them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from plumbline.core.card import FAMILIES, KINDS
from plumbline.core.errors import UnknownName
from plumbline.core.json_text import written

if TYPE_CHECKING:
    from rich.table import Table

    from plumbline.core.catalog import Entry

# What people call the kinds of methods.
SAID: Mapping[str, str] = {
    "metrics": "asking",
    "explainers": "opening",
    "corrections": "correction",
    "testbeds": "testbed",
}
HELP = """List the methods: what each measures or corrects, what it needs, how it was checked.

KIND is metrics, explainers, corrections or testbeds, or a family: social, evaluation, shortcut,
data, inductive; or a shelf of metrics, as `audit --metrics` takes it: choice, embedding, generation,
judge, probability, tabular, ...

\b
Examples
  plumbline list
  plumbline list corrections
  plumbline list judge
  plumbline list --json | jq '.[].id'
"""


@click.command("list", help=HELP, short_help="List the methods.")
@click.argument("kind", required=False)
@click.option(
    "--json", "as_json", is_flag=True, help="Print every field of every card as one JSON document."
)
def command(*, kind: str | None, as_json: bool) -> None:
    """Print the catalog."""
    entries = chosen(kind)
    if as_json:
        click.echo(written([fields(e) for e in entries]))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    if entries:
        console.print(_table(entries))
    console.print(
        f"{len(entries)} {'method' if len(entries) == 1 else 'methods'}; `plumbline show ID` has the rest.",
        markup=False,
    )


def chosen(kind: str | None) -> list[Entry]:
    """Entries of a kind, a family or a shelf of metrics, by id.

    Raises:
        UnknownName: None of them.
    """
    from plumbline.core.catalog import catalog

    found = [entry for _, entry in sorted(catalog().items())]
    if kind is None:
        return found
    wanted = SAID.get(kind, kind)
    if wanted in (*KINDS, *FAMILIES):
        return [e for e in found if wanted in (e.card.kind, e.card.family)]
    shelves = {e.shelf.removeprefix("metrics.") for e in found if e.card.kind == "asking"}
    if wanted not in shelves:
        raise UnknownName("kind, family or shelf", kind, {*SAID, *FAMILIES, *shelves})
    return [e for e in found if e.shelf == f"metrics.{wanted}" and e.card.kind == "asking"]


def fields(entry: Entry) -> dict[str, Any]:
    """Every field of a card, JSON-able, and where the method lives."""
    card: dict[str, Any] = json.loads(written(asdict(entry.card)))
    return {**card, "shelf": entry.shelf, "target": entry.target}


def _table(entries: Sequence[Entry]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("id", "what", "kind", "suite", "needs", "checked by"):
        made.add_column(name, ratio=1 if name == "what" else None, overflow="fold")
    kinds = {kind: said.removesuffix("s") for said, kind in SAID.items()}
    for entry in entries:
        card = entry.card
        needs = ", ".join(n.replace("|", " or ") for n in card.needs)
        cells = (entry.id, card.title, kinds[card.kind], card.suite, needs, card.trust)
        made.add_row(*map(Text, cells))
    return made
