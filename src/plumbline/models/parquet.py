"""Columns to Parquet and back through DuckDB, written to a temporary name and moved into place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import StoreError
from plumbline.core.json_text import encodable

Column = NDArray[Any]


def write(path: Path, columns: Mapping[str, Column]) -> None:
    """Write columns of one length; an interrupted write leaves no half file behind.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    import duckdb

    part = path.with_suffix(".part")
    columns = {name: _encodable(values) for name, values in columns.items()}
    if not columns or len(next(iter(columns.values()))) == 0:
        columns = {name: np.asarray(values, dtype=object) for name, values in columns.items()}
    try:
        with duckdb.connect() as connection:
            # One thread: the same columns give the same bytes.
            connection.execute("set threads to 1")
            connection.register("given", dict(columns))
            connection.execute(
                f"copy given to '{_quoted(part)}' (format parquet, compression zstd)"
            )
        part.replace(path)
    except (duckdb.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"could not write {path}: {error}. Free space or choose another folder with --out; "
            "answers already given are in the cache and are not asked again."
        ) from error


def read(path: Path, *, where: str = "", values: tuple[Any, ...] = ()) -> dict[str, Column]:
    """Columns of a Parquet file, optionally filtered by a SQL condition with `?` placeholders.

    Raises:
        StoreError: The file is missing, truncated or not Parquet.
    """
    import duckdb

    condition = f" where {where}" if where else ""
    query = f"select * from read_parquet('{literal(path)}'){condition}"  # noqa: S608 - path is quoted, values are bound
    try:
        with duckdb.connect() as connection:
            got = connection.execute(query, values).fetchnumpy()
    except duckdb.Error as error:
        raise StoreError(f"{path} cannot be read as Parquet: {error}") from error
    return {name: _plain(column) for name, column in got.items()}


def rows(path: Path) -> int:
    """Rows of a Parquet file, from its footer.

    Raises:
        StoreError: The file is missing, truncated or not Parquet.
    """
    import duckdb

    query = f"select count(*) from read_parquet('{literal(path)}')"  # noqa: S608 - path is quoted
    try:
        with duckdb.connect() as connection:
            found = connection.execute(query).fetchone()
    except duckdb.Error as error:
        raise StoreError(f"{path} cannot be read as Parquet: {error}") from error
    return int(found[0]) if found else 0


def _plain(column: Column) -> Column:
    if np.ma.isMaskedArray(column):
        mask, values = np.ma.getmaskarray(column), np.ma.getdata(column)
        filled: Column = values.copy() if values.dtype == object else values.astype(float)
        filled[mask] = None if values.dtype == object else np.nan
        return filled
    return column


def _encodable(column: Column) -> Column:
    """Texts that UTF-8 can hold: half of a surrogate pair becomes the sign for what cannot be shown."""
    if column.dtype != object or all(not isinstance(v, str) or encodable(v) for v in column):
        return column
    made = column.copy()
    made[:] = [
        v.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(v, str) else v
        for v in column
    ]
    return made


def without_wildcards(path: Path) -> str:
    """A path for `read_parquet`, whose signs that would be wildcards are taken as they are."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def literal(path: Path) -> str:
    """The same, to stand between quotes."""
    return without_wildcards(path).replace("'", "''")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
