"""Columns to Parquet and back through DuckDB, written to a temporary name and moved into place."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import StoreError
from plumbline.core.json_text import encodable
from plumbline.core.placed import ANSWERS_KEPT, placed

if TYPE_CHECKING:
    import duckdb

Column = NDArray[Any]
_FORM, _GROUP = "format parquet, compression zstd", 20_480


def write(path: Path, columns: Mapping[str, Column]) -> None:
    """Write columns of one length; an interrupted write leaves no half file behind.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    if not columns or len(next(iter(columns.values()))) == 0:
        columns = {name: np.asarray(values, dtype=object) for name, values in columns.items()}
    with writing(path) as (connection, part):
        connection.register("given", {name: _encodable(values) for name, values in columns.items()})
        connection.execute(f"copy given to '{_quoted(part)}' ({_FORM})")


def write_parts(path: Path, parts: Iterable[Mapping[str, Column]]) -> None:
    """The same for a table that comes in parts: numbers (float64) and texts (object) only.

    Several parts wait beside the file, each in one of its own, until all are there.

    Args:
        path: The file.
        parts: At least one, all with the same columns; an empty one states them.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    waiting = path.with_suffix(".parts")
    parts = iter(parts)
    few = list(islice(parts, 3))
    filled = [some for some in few if len(next(iter(some.values())))] or few[:1]
    try:
        with writing(path) as (connection, part):
            if len(filled) == 1 and len(few) < 3:
                _copy(connection, filled[0], part)
                return
            shutil.rmtree(waiting, ignore_errors=True)
            waiting.mkdir()
            for number, some in enumerate(chain(filled, parts)):
                _copy(connection, some, waiting / f"{number:06}.parquet")
            every = f"select * from read_parquet('{literal(waiting)}/*.parquet')"  # noqa: S608 - path is quoted
            connection.execute(
                f"copy ({every}) to '{_quoted(part)}' ({_FORM}, row_group_size {_GROUP})"
            )
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def _copy(connection: duckdb.DuckDBPyConnection, table: Mapping[str, Column], to: Path) -> None:
    """One part as a file; small groups of rows, since a group waits in memory until it is whole."""
    connection.register("given", {name: _encodable(values) for name, values in table.items()})
    listed = ", ".join(_as_kind(name, column) for name, column in table.items())
    chosen = f"select {listed} from given"  # noqa: S608 - names are quoted
    connection.execute(f"copy ({chosen}) to '{_quoted(to)}' ({_FORM}, row_group_size {_GROUP})")
    connection.unregister("given")


def _as_kind(name: str, column: Column) -> str:
    """A column with its kind stated: one of nothing but None would have none of its own."""
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{quoted}::{'varchar' if column.dtype == object else 'double'} as {quoted}"


@contextmanager
def writing(
    path: Path, *, more: str = ANSWERS_KEPT
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection, and the temporary name whose file becomes `path` when all is written.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    import duckdb

    with (
        placed(path, also=(duckdb.Error,), said=words, more=more) as part,
        duckdb.connect() as connection,
    ):
        # One thread: the same columns give the same bytes.
        connection.execute("set threads to 1")
        yield connection, part


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
        raise unreadable(path, f"as Parquet: {words(error)}") from error
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
        raise unreadable(path, f"as Parquet: {words(error)}") from error
    return int(found[0]) if found else 0


def unreadable(path: Path, how: str) -> StoreError:
    """The error of a file of a run that was cut off or overwritten."""
    return StoreError(
        f"{path} cannot be read {how.rstrip('.')}. Bring it back from a copy, or run the same "
        "command again: answers that are in the cache are not asked again."
    )


def words(error: Exception) -> str:
    """What went wrong: DuckDB shows its query behind it, and wraps the system's words in JSON."""
    text = str(error).partition("\n\nLINE ")[0]
    found = re.search(r'"exception_message":("(?:[^"\\]|\\.)*")', text)
    return str(json.loads(found[1])) if found else text


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
