"""Cells of a table as names: the same value always gives the same text, and two values never do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput


def number_text(value: float) -> str:
    """Shortest text that reads back as this number, whole numbers without a fraction; "" for NaN."""
    if math.isnan(value):
        return ""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))


def cell_texts(values: NDArray[Any]) -> NDArray[np.object_]:
    """Text of every cell; "" where a column of numbers holds none."""
    if values.dtype.kind == "f":
        return np.array([number_text(v) for v in values.tolist()], dtype=object)
    return np.array([str(v).strip() for v in values.tolist()], dtype=object)


def named(values: NDArray[Any], column: str) -> NDArray[np.object_]:
    """`cell_texts` of a column in which every row has a name.

    Raises:
        BadInput: An empty cell.
    """
    found = cell_texts(values)
    if (found == "").any():
        row = int(np.argmax(found == "")) + 1
        raise BadInput(
            f"row {row} has nothing in the column {column!r}; fill it or leave the row out"
        )
    return found
