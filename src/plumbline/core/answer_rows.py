"""Rows of answers out of several parts; columns stay columns."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import LogProbs, Vectors
from plumbline.core.errors import PlumblineError

Rows = NDArray[np.int64]
A = TypeVar("A", bound=Any)
_BLOCK = 1 << 16  # rows whose tokens are gathered together


def normal(answers: A) -> A:
    """The answers as a pass through the cache would give them: numbers as float64, plain lists."""
    return taken([answers], np.arange(len(answers)))


def taken(parts: list[A], rows: Rows, *, spend: bool = False) -> A:
    """Rows of answers of one class that come in parts, counted over all parts.

    One column is gathered after the other, so that the whole never stands in memory twice.

    Args:
        parts: At least one; of any class but `Records`.
        rows: Row numbers, repeats allowed; shape (wanted,).
        spend: Empty `parts` on the way, where nobody reads them again.

    Raises:
        PlumblineError: Classifications over different labels.
    """
    first = parts[0]
    labels = {getattr(part, "labels", None) for part in parts}
    if len(labels) > 1:
        raise PlumblineError(f"answers over different labels: {sorted(labels, key=str)}")
    names = [f.name for f in fields(first) if f.name not in {"labels", "offsets"}]
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    counts = [part.count for part in parts] if isinstance(first, LogProbs) else []
    if spend:
        parts.clear()
    if counts:
        return cast("A", _ragged(columns, np.concatenate(counts), rows))
    if isinstance(first, Vectors):
        columns["values"] = [_of_one_width(columns["values"])]
    return replace(first, **{name: _gathered(columns.pop(name), rows) for name in names})


def picked(column: Sequence[Any], rows: Rows) -> list[Any]:
    """Some values of a column, block by block: a million row numbers as Python integers are 40 MB."""
    made: list[Any] = [None] * len(rows)
    for start in range(0, len(rows), _BLOCK):
        made[start : start + _BLOCK] = [column[i] for i in rows[start : start + _BLOCK].tolist()]
    return made


def _gathered(columns: Sequence[Any], rows: Rows) -> Any:
    if isinstance(columns[0], np.ndarray):
        made = np.concatenate(columns)[rows]
        return made.astype(np.float64, copy=False) if made.dtype.kind == "f" else made
    return picked([_number(value) for column in columns for value in column], rows)


def _number(value: Any) -> Any:
    return np.asarray(value, np.float64) if isinstance(value, np.ndarray) else value


def _of_one_width(columns: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Vectors end to end; rows of another width than the widest were not answered, and stay NaN."""
    width = max(c.shape[1] for c in columns)
    made = np.full((sum(len(c) for c in columns), width), np.nan)
    at = 0
    for column in columns:
        if column.shape[1] == width:
            made[at : at + len(column)] = column
        at += len(column)
    return made


def _ragged(columns: dict[str, list[Any]], every: Rows, rows: Rows) -> LogProbs:
    """As `taken`, of rows that have `every` tokens each."""
    counts = every[rows]
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    # Token t of the result stands where its row begins, plus its place in the row.
    shift = (np.cumsum(every) - every)[rows] - offsets[:-1]
    values = np.concatenate(columns.pop("values"))
    made = np.empty(int(offsets[-1]))
    for to, token in _blocks(offsets, shift):
        made[to] = values[token]
    del values
    # A vocabulary has few texts, and each stands here once however many rows hold it.
    pieces = [sys.intern(str(piece)) for some in columns.pop("pieces") for piece in some]
    said = [""] * int(offsets[-1])
    for to, token in _blocks(offsets, shift):
        said[to] = [pieces[i] for i in token.tolist()]
    del pieces
    status = picked([why for some in columns.pop("status") for why in some], rows)
    return LogProbs(made, offsets, said, status)


def _blocks(offsets: Rows, shift: Rows) -> Iterator[tuple[slice, Rows]]:
    """Where a block's tokens come to stand, and where they stood."""
    for start in range(0, len(shift), _BLOCK):
        here = offsets[start : start + _BLOCK + 1]
        moved = np.repeat(shift[start : start + _BLOCK], np.diff(here))
        yield slice(int(here[0]), int(here[-1])), np.arange(here[0], here[-1]) + moved
