"""Distinct values of a column and where each stands: a million texts by hashing, not by sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Distinct values and the number of each row's, as in `np.unique` but for the order.

    Args:
        values: A column; shape (rows,). Values of an object column must be hashable; numbers that
            are equal (1, 1.0, True) are one value, NaN is one only where it is one object.

    Returns:
        The values (objects in order of first sight, all else sorted), and codes of shape (rows,).
    """
    if values.dtype != object:
        found, codes = np.unique(values, return_inverse=True)
        return found.tolist(), codes.astype(np.int64).reshape(-1)
    rows = values.tolist()
    index = {value: code for code, value in enumerate(dict.fromkeys(rows))}
    return list(index), np.fromiter(map(index.__getitem__, rows), np.int64, len(rows))
