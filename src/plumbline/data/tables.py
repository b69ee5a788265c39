"""Tables from files: CSV, TSV, JSON Lines (plain or gzipped UTF-8) and Parquet, as columns.

A table is a dict of equally long lists, in the order of the file's columns. Text formats are
read with the standard library; Parquet goes through DuckDB, imported when it is needed.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from plumbline.core.errors import BadInput
from plumbline.core.json_text import parse
from plumbline.core.packed import gunzip

Table = dict[str, list[Any]]
FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_bytes(path: Path) -> bytes:
    """The file's bytes, decompressed where the name ends in `.gz`.

    Raises:
        BadInput: The file is not there, cannot be read, is empty, or is cut off or damaged gzip.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}. Check the path and the folder") from None
    except OSError as problem:
        raise BadInput(f"cannot read {path}: {problem.strerror or problem}") from None
    if path.suffix.lower() == ".gz":
        raw = unzip(raw, str(path))
    if not raw:
        raise BadInput(f"{path} is empty; wanted a table with at least one row")
    return raw


def unzip(raw: bytes, name: str) -> bytes:
    """Decompressed gzip content; `name` is what to call it in an error."""
    return gunzip(raw, name)


def read_text(path: Path) -> str:
    """The file's text (UTF-8, with or without a byte-order mark), gunzipped by its name.

    Raises:
        BadInput: As `read_bytes`, or the bytes are not UTF-8.
    """
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise BadInput(
            f"{path} is not UTF-8: byte 0x{raw[problem.start]:02x} in line {line}. "
            "Save it as UTF-8 (for instance: iconv -f latin1 -t utf-8)"
        ) from None


def read_json(path: Path) -> Any:
    """One JSON document."""
    try:
        return parse(read_text(path))
    except ValueError as problem:
        raise BadInput(f"{path} is not whole JSON: {problem}") from None


def read_table(path: str | Path, *, columns: Iterable[str] = (), quotes: bool = True) -> Table:
    """Read a table; the format follows the file's name (`.csv`, `.tsv`, `.jsonl`, ..., `.gz`).

    CSV and TSV values stay text. A header name that repeats gets `.1`, `.2`, ... appended, as
    pandas does. In JSON Lines a key that a row lacks reads as null, except for wanted columns.

    Args:
        path: The file.
        columns: Columns that must be there; the table may have others.
        quotes: False for CSV/TSV files in which a quotation mark is an ordinary character.

    Returns:
        Column name to list of values, all lists of one length (at least 1).

    Raises:
        BadInput: Unknown format, no file, empty, damaged, not UTF-8, ragged rows, no rows, or a
            wanted column is missing.
    """
    path = Path(path)
    name = path.name.lower().removesuffix(".gz")
    kind = Path(name).suffix
    if kind not in FORMATS or (kind == ".parquet" and name != path.name.lower()):
        raise BadInput(f"cannot tell the format of {path}; wanted one of {', '.join(FORMATS)}, "
                       "text formats also with .gz")  # fmt: skip
    wanted = tuple(columns)
    if kind == ".parquet":
        table = _parquet(path)
    elif kind in _SEPARATORS:
        table = _separated(read_text(path), path, separator=_SEPARATORS[kind], quotes=quotes)
    else:
        table = _json_lines(read_text(path), path, wanted)
    require(table, wanted, str(path))
    return table


def require(table: Table, columns: Iterable[str], what: str) -> None:
    """Raise `BadInput` unless the table has these columns and at least one row."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise BadInput(
            f"{what} lacks the columns {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, table)) or 'none'}. Rename its columns or name them in the plan"
        )
    if not table or not next(iter(table.values())):
        raise BadInput(f"{what} has no rows; wanted at least one")


def numbers(values: Sequence[Any], what: str) -> list[float]:
    """Finite numbers from a column of text or numbers.

    Raises:
        BadInput: A value is not a finite number; the message names its row (counted from 1).
    """
    out: list[float] = []
    for row, value in enumerate(values, start=1):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadInput(
                f"{what}: row {row} holds {value!r}; wanted a number in every row"
            ) from None
        if not math.isfinite(number):
            raise BadInput(f"{what}: row {row} holds {value!r}; wanted a finite number")
        out.append(number)
    return out


def _separated(text: str, path: Path, *, separator: str, quotes: bool) -> Table:
    # Strict: otherwise a quotation mark that never closes swallows the rest of the file silently.
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        header = next(reader, [])
        names = _unrepeated(header)
        table: Table = {name: [] for name in names}
        for row in reader:
            if not row:
                continue
            if len(row) != len(names):
                raise BadInput(
                    f"{path}, line {reader.line_num}: {len(row)} fields where the header has "
                    f"{len(names)}. The file may be cut off, or a field is not quoted"
                )
            for name, value in zip(names, row, strict=True):
                table[name].append(value)
    except csv.Error as problem:
        raise BadInput(
            f"{path}, line {reader.line_num}: {problem}. The file may be cut off, or its quotation "
            "marks do not close (then read it with quotes=False)"
        ) from None
    return table


def _unrepeated(header: Sequence[str]) -> list[str]:
    names: list[str] = []
    for name in header:
        fresh, count = name, 0
        while fresh in names:
            count += 1
            fresh = f"{name}.{count}"
        names.append(fresh)
    return names


def _json_lines(text: str, path: Path, wanted: Sequence[str]) -> Table:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    # Not splitlines(): U+2028 and its kin are legal inside JSON strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse(line)
        except ValueError as problem:
            raise BadInput(
                f"{path}, line {number}: not whole JSON ({problem}). The file may be cut off"
            ) from None
        if not isinstance(row, dict):
            raise BadInput(f"{path}, line {number}: wanted a JSON object, got {type(row).__name__}")
        rows.append(row)
        lines.append(number)
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in set(wanted) & set(names):
        gaps = [line for line, row in zip(lines, rows, strict=True) if name not in row]
        if gaps:
            raise BadInput(f"{path}, line {gaps[0]}: no {name!r}; every row needs it")
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(path: Path) -> Table:
    import duckdb

    if not path.is_file():
        raise BadInput(f"there is no file {path}. Check the path and the folder")
    with duckdb.connect() as connection:
        try:
            cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
        except duckdb.Error as problem:
            first = str(problem).splitlines()[0]
            raise BadInput(f"{path} is not a whole Parquet file: {first}") from None
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
