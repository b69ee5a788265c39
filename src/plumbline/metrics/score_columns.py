"""Named columns of a recorded table: text, numbers with gaps, and whether a column is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, NotRecorded, UnknownName
from plumbline.metrics.cell_texts import cell_texts
from plumbline.metrics.recorded import column_called

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]
EMPTY: Final = frozenset({"", "nan", "none", "not stated", "na", "n/a"})


def has(columns: Columns, name: str, about: Mapping[str, Any]) -> bool:
    """Whether the table calls a column so."""
    try:
        column_called(columns, name, about)
    except UnknownName:
        return False
    return True


def given(columns: Columns, name: str, about: Mapping[str, Any]) -> NDArray[Any]:
    """The column that the source calls so, or that has this role.

    Raises:
        NotRecorded: There is none.
    """
    try:
        return np.asarray(column_called(columns, name, about))
    except UnknownName as absent:
        raise NotRecorded(f"{absent} Name it in the arguments") from None


def texts(columns: Columns, name: str, about: Mapping[str, Any]) -> NDArray[Any]:
    """Text of every cell; whole numbers without a fraction, "" where nothing stands.

    Raises:
        NotRecorded: There is no such column.
    """
    cells = given(columns, name, about)
    return np.array(
        ["" if t.casefold() in EMPTY else t for t in cell_texts(cells).tolist()], dtype=object
    )


def numbers(columns: Columns, name: str, about: Mapping[str, Any]) -> Floats:
    """Numbers, NaN where nothing stands.

    Raises:
        NotRecorded: There is no such column.
        BadInput: A cell that is no number.
    """
    cells = texts(columns, name, about)
    try:
        made = np.array([float(t) if t else np.nan for t in cells.tolist()])
    except ValueError as wrong:
        raise BadInput(f"column {name!r} must hold numbers: {wrong}") from None
    if np.isinf(made).any():
        raise BadInput(f"column {name!r} holds an infinite number")
    return made
