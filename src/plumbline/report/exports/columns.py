"""Findings and items as Parquet: numbers are numbers, and a missing one is null beside its reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plumbline.core.errors import StoreError
from plumbline.report.exports.flat import Table, tables

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
    made = tables(run, redact_items=redact_items)
    return [_write(folder / f"{table.name}.parquet", table) for table in made]


def _write(path: Path, table: Table) -> Path:
    import duckdb

    given = {}
    for name in table.names:
        values = table.numbers.get(name, table.texts.get(name, ()))
        given[name] = np.empty(len(table), dtype=object)
        given[name][:] = values
    # Columns without a single number would otherwise lose their type.
    casts = ", ".join(
        f'cast("{_quoted(n)}" as {"double" if n in table.numbers else "varchar"}) as "{_quoted(n)}"'
        for n in table.names
    )
    part = path.with_suffix(".part")
    target = str(part).replace("'", "''")
    query = f"copy (select {casts} from given) to '{target}' (format parquet, compression zstd)"  # noqa: S608 - names are quoted
    try:
        with duckdb.connect() as connection:
            connection.execute("set threads to 1")
            connection.register("given", given)
            connection.execute(query)
        part.replace(path)
    except (duckdb.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"could not write {path}: {error}") from error
    return path


def _quoted(name: str) -> str:
    return name.replace('"', '""')
