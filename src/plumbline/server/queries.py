"""Queries over the Parquet files of runs: paths are quoted, values are bound, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import StoreError
from plumbline.models.parquet import literal

if TYPE_CHECKING:
    import duckdb

Row = tuple[Any, ...]


@contextmanager
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory; its errors are `StoreError`.

    Nothing may be loaded or installed: a path that names a server is not fetched.
    """
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(config=settings) as connection:
            yield connection
    except duckdb.Error as error:
        raise StoreError(f"a file of the run cannot be read: {error}") from error


def rows(query: str, values: Sequence[Any] = ()) -> list[Row]:
    """All rows of one query.

    Raises:
        StoreError: A file is missing, truncated or not Parquet.
    """
    with opened() as connection:
        found: list[Row] = connection.execute(query, list(values)).fetchall()
    return found


def table(*paths: Path, numbered: bool = False, named: bool = False) -> str:
    """`read_parquet(...)` of these very files; signs that would be wildcards are taken literally.

    Args:
        paths: The files.
        numbered: Add `file_row_number`, from 0.
        named: Add `filename`.
    """
    listed = ", ".join(f"'{literal(p)}'" for p in paths)
    more = (", file_row_number = true" if numbered else "") + (", filename = true" if named else "")
    return f"read_parquet([{listed}]{more})"


def columns(path: Path) -> list[str]:
    """Names of a file's columns."""
    return [str(r[0]) for r in rows(f"describe select * from {table(path)}")]  # noqa: S608 - quoted


def name(column: str) -> str:
    """A column's name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def pattern(text: str) -> str:
    """A `like` pattern for a part of a text, with a backslash as the escape sign."""
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"
