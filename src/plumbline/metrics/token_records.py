"""Recorded answers with the log-probabilities of their tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.core.json_text import parse
from plumbline.metrics.ratings import column, flags

Floats = NDArray[np.float64]
_APART: Final = re.compile(r"[\s,;]+")
_PREFIX: Final = "group:"


def ragged(values: NDArray[Any], name: str) -> list[Floats]:
    """One array a row from texts such as `[-0.1, -2.3]` or `-0.1 -2.3`; empty where there is none.

    Raises:
        BadInput: A row that holds something else, or a number above 0.
    """
    return [_one(value, name, row) for row, value in enumerate(values.tolist())]


def _one(value: Any, name: str, row: int) -> Floats:
    if isinstance(value, list | tuple):
        got: Any = list(value)
    else:
        text = "" if value is None else str(value).strip()
        text = "" if text == "nan" else text
        try:
            got = parse(text) if text[:1] == "[" else [float(t) for t in _APART.split(text) if t]  # fmt: skip
        except ValueError:
            got = None
    try:
        numbers = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        numbers = np.full((1, 1), np.nan)
    if numbers.ndim != 1 or not np.isfinite(numbers).all() or (numbers > 1e-6).any():
        raise BadInput(
            f"column {name!r}, row {row + 1} holds {value!r}; wanted token log-probabilities (0 or "
            "less), as [-0.1, -2.3] or separated by spaces"
        )
    return numbers


def correctness(columns: Mapping[str, NDArray[Any]], name: str) -> Floats:
    """1 where the answer is right, 0 where not: the named column, else prediction = label.

    Raises:
        NotRecorded: Neither is there.
        BadInput: Values that are no yes or no, or rows without one.
    """
    if name:
        found = flags(column(columns, name), name)
        if np.isnan(found).any():
            raise BadInput(f"column {name!r} has rows that say neither yes nor no")
        return found
    if "prediction" not in columns or "label" not in columns:
        raise NotRecorded(
            "whether an answer is right is not recorded: name a column of 0 and 1 with `correct`, or "
            f"record prediction and label; the table has {', '.join(columns)}"
        )
    said, gold = columns["prediction"].astype(str), columns["label"].astype(str)
    return np.asarray(said == gold, float)


def groupings(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Group labels by axis."""
    return {
        name.removeprefix(_PREFIX): values.astype(str).astype(object)
        for name, values in columns.items()
        if name.startswith(_PREFIX)
    }
