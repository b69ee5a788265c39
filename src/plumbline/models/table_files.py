"""Columns of CSV and Parquet files, each damage told with its place."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.core.errors import BadInput
from plumbline.core.packed import gunzip
from plumbline.models.column_values import Column, from_array, from_text
from plumbline.models.parquet import without_wildcards

PARQUET = b"PAR1"


def read_columns(path: Path) -> dict[str, Column]:
    """All columns of a CSV (comma, semicolon or tab; also .gz) or Parquet file, by name.

    Raises:
        BadInput: Not there, empty, truncated, not UTF-8, or rows of differing lengths.
    """
    if not path.is_file():
        raise BadInput(f"no file at {path}; wanted is a CSV or Parquet file")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty (0 bytes)")
    with path.open("rb") as file:
        start = file.read(4)
    if start == PARQUET or path.suffix == ".parquet":
        return _parquet(path)
    header, *rows = read_csv(path)
    cells = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    # A column that is written twice is one column; others of one name stay apart.
    twice = [n for n in cells if n.endswith(" (2)") and cells[n] == cells.get(n[:-4])]
    return {name: from_text(name, column) for name, column in cells.items() if name not in twice}


def read_csv(path: Path) -> list[list[str]]:
    """Header and rows of a CSV file, all of one length."""
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadInput(
            f"{path} is not UTF-8: byte {wrong.start} is 0x{wrong.object[wrong.start]:02x}. Save "
            "it as UTF-8"
        ) from None
    if "\x00" in text:
        raise BadInput(f"{path} holds NUL bytes: it is no text file, or is damaged")
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    try:
        rows = list(
            _rows(path, csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
        )
    except csv.Error as wrong:
        raise BadInput(f"{path} is not readable as CSV: {wrong}; was it cut short?") from None
    if not rows:
        raise BadInput(f"{path} has no header line")
    seen: Counter[str] = Counter()
    for i, name in enumerate(rows[0]):
        seen[name] += 1
        if not name or seen[name] > 1:
            rows[0][i] = repeated(name or "unnamed", seen[name])
    return rows


def repeated(name: str, count: int) -> str:
    """What the second, third, ... column of one name is called."""
    return f"{name} ({count})"


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        return data
    return gunzip(data, str(path))


def _rows(path: Path, reader: Any) -> Iterator[list[str]]:
    width = 0
    for cells in reader:
        if not cells:
            continue
        row = [cell.strip() for cell in cells] if not width else cells
        width = width or len(row)
        if len(row) != width:
            raise BadInput(
                f"{path}, line {reader.line_num}: {len(row)} cells; the header has {width}"
            )
        yield row


def _parquet(path: Path) -> dict[str, Column]:
    import duckdb

    try:
        with duckdb.connect() as base:
            found = base.execute(
                "SELECT * FROM read_parquet(?)", [without_wildcards(path)]
            ).fetchnumpy()
    except duckdb.Error as wrong:
        said = str(wrong).splitlines()[0]
        raise BadInput(f"{path} is not a whole Parquet file: {said}") from None
    return {name: from_array(name, values) for name, values in found.items()}
