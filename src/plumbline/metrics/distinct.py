"""Distinct values of a column and where each stands: a million texts by hashing, not by sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Distinct values and the number of each row's, as in `np.unique` but for the order.

    Args:
        values: A column; shape (rows,). Values of an object column must be hashable; equal ones of
            different types (1, 1.0, True) stay apart, NaN is one only where it is one object.

    Returns:
        The values (objects in order of first sight, all else sorted), and codes of shape (rows,).
    """
    if values.dtype != object:
        found, codes = np.unique(values, return_inverse=True)
        return found.tolist(), codes.astype(np.int64).reshape(-1)
    rows = values.tolist()
    # The types stand in the keys only where there are several: pairs take five times as long.
    several = len(set(map(type, rows)) - {str, type(None)}) > 1
    marked: list[Any] = list(zip(map(type, rows), rows, strict=True)) if several else rows
    index = {value: code for code, value in enumerate(dict.fromkeys(marked))}
    seen = [value[1] for value in index] if several else list(index)
    return seen, np.fromiter(map(index.__getitem__, marked), np.int64, len(rows))
