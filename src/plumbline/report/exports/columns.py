"""Findings and items as Parquet: numbers are numbers, and a missing one is null beside its reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.core.errors import StoreError
from plumbline.models.parquet import literal, unreadable, words, writing
from plumbline.report.exports.flat import Table, findings

if TYPE_CHECKING:
    from plumbline.audit.store import Run


def write(run: Run, folder: Path, *, redact_items: bool = False) -> list[Path]:
    """`findings.parquet` and `items.parquet` in a folder; no items where they are redacted.

    Raises:
        StoreError: The folder is that of the run itself, or cannot be written.
    """
    if run.folder is not None and folder.resolve() == run.folder.resolve():
        raise StoreError(
            f"{folder} is the run's own directory, whose tables have the same names: choose another"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder}: {error}") from error
    made = [_findings(folder / "findings.parquet", findings(run))]
    if run.folder is not None and not redact_items:
        made.append(_items(folder / "items.parquet", run.folder / "items.parquet"))
    return made


def _findings(path: Path, table: Table) -> Path:
    given = {}
    for name in table.names:
        given[name] = np.empty(len(table), dtype=object)
        given[name][:] = table.numbers.get(name, table.texts.get(name, ()))
    # Columns without a single number would otherwise lose their type.
    casts = ", ".join(
        f'cast("{_quoted(n)}" as {"double" if n in table.numbers else "varchar"}) as "{_quoted(n)}"'
        for n in table.names
    )
    return _copied(path, f"select {casts} from given", given)  # noqa: S608 - names are quoted


def _items(path: Path, stored: Path) -> Path:
    """The stored items with null where the store has NaN."""
    import duckdb

    source = f"read_parquet('{literal(stored)}')"
    try:
        with duckdb.connect() as connection:
            told = connection.execute(f"describe select * from {source}").fetchall()  # noqa: S608 - the path is quoted
    except duckdb.Error as error:
        raise unreadable(stored, f"as Parquet: {words(error)}") from error
    numbers = [str(name) for name, kind, *_ in told if kind in {"DOUBLE", "FLOAT"}]
    gaps = ", ".join(
        f'case when isnan("{_quoted(n)}") then null else "{_quoted(n)}" end as "{_quoted(n)}"'
        for n in numbers
    )
    chosen = f"* replace ({gaps})" if gaps else "*"
    return _copied(path, f"select {chosen} from {source}", {})  # noqa: S608 - names and path are quoted


def _copied(path: Path, query: str, given: Mapping[str, Any]) -> Path:
    with writing(path, more="") as (connection, part):
        target = str(part).replace("'", "''")
        if given:
            connection.register("given", dict(given))
        connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)")
    return path


def _quoted(name: str) -> str:
    return name.replace('"', '""')
