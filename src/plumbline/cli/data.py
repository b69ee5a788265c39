"""`plumbline data`: public data sets, their licences and flaws, and verified copies of them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from plumbline.core.json_text import written

HELP = """Find and fetch the public data sets that some methods need.

plumbline ships none of them. A file is looked for in the folder that PLUMBLINE_DATA names, then in
the cache, and is otherwise downloaded from its public home and checked against its checksum
(PLUMBLINE_OFFLINE=1 forbids that).

\b
Examples
  plumbline data list
  plumbline data get crows-pairs
  plumbline data path bbq Age.jsonl
  plumbline data table vicuna80-judgments --out verdicts.csv
"""


@click.group("data", help=HELP, short_help="Find and fetch public data sets.")
def command() -> None:
    """Four small verbs."""


@command.command("list", help="List the data sets with licence, flaws and files.")
@click.argument("set_id", metavar="[SET]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_sets(*, set_id: str | None, as_json: bool) -> None:
    """Print the catalogue, or one set with its files."""
    from plumbline.data.sets.registry import catalog, data_set

    found = [data_set(set_id)] if set_id else list(catalog().values())
    if as_json:
        click.echo(written([_plain(asdict(s)) for s in found]))
        return
    for one in found:
        rows = sum(f.rows for f in one.files.values())
        click.echo(
            f"{one.id}: {one.title}\n  {one.measures}\n  {len(one.files)} files, {rows:,} rows; licence: {one.licence}"
        )
        for name, values in (("form", one.form), ("harms", one.harms), ("groups", one.groups)):
            if values:
                click.echo(f"  {name}: {'; '.join(values)}")
        click.echo("".join(f"  flaw: {flaw}\n" for flaw in one.flaws), nl=False)
        if set_id:
            click.echo(
                "".join(f"  file: {f.name} ({f.rows:,} rows)\n" for f in one.files.values()),
                nl=False,
            )


@command.command("get", help="Fetch and check the files of a set (all, or the named ones).")
@click.argument("set_id", metavar="SET")
@click.argument("names", metavar="[FILE]...", nargs=-1)
def get_files(*, set_id: str, names: tuple[str, ...]) -> None:
    """Fetch; one file that cannot be had does not keep the others away."""
    from plumbline.core.errors import UsageError
    from plumbline.data.sets.registry import data_set, get

    wanted = names or tuple(data_set(set_id).files)
    failed = 0
    for name in wanted:
        try:
            click.echo(get(set_id, name))
        except UsageError as error:
            failed += 1
            click.echo(f"plumbline: {error}", err=True)
    if failed:
        click.echo(f"{failed} of {len(wanted)} files could not be had", err=True)
        sys.exit(2)


@command.command("path", help="Print where a verified copy of a file is; fetch it if need be.")
@click.argument("set_id", metavar="SET")
@click.argument("name", metavar="FILE")
def path_of(*, set_id: str, name: str) -> None:
    """Print one path."""
    from plumbline.data.sets.registry import get

    click.echo(get(set_id, name))


@command.command("table", help="Write the verdicts of judges that a set holds as one table.")
@click.argument("set_id", metavar="SET")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The CSV file to write.",
)
@click.option("--part", help="Only this part of the set.")
def write_table(*, set_id: str, out: Path, part: str | None) -> None:
    """One row a verdict, which `plumbline audit table:FILE` opens without settings."""
    from plumbline.core.errors import UnknownName
    from plumbline.data.sets import verdict_rows

    rows = verdict_rows.table_of(set_id)
    if part is not None:
        parts = {row.part for row in rows}
        if part not in parts:
            raise UnknownName(f"part of {set_id}", part, parts)
        rows = [row for row in rows if row.part == part]
    verdict_rows.write(rows, out)
    judges = len({row.judge for row in rows})
    click.echo(f"{out}: {len(rows):,} verdicts, {judges} judges")


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "files": list(value["files"].values())}
