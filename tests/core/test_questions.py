"""Keys of questions: what counts as the same question."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch


def key(value) -> bytes:
    """Of a question whose only column holds this."""
    (found,) = Batch(ability="choose", columns={"x": [value]}, settings={}, to="subject").keys()
    return found


def test_arrays_and_numbers_are_what_they_hold():
    """An array is its list, a NumPy number the number; other contents are other questions."""
    assert key(np.array([1.5, 2.0])) == key([1.5, 2.0])
    assert key(np.array([[1], [2]])) == key([[1], [2]])
    assert key(np.float64(0.25)) == key(0.25)
    assert key(np.int64(3)) == key(3)
    assert key(np.array([1.5, 2.0])) != key([2.0, 1.5])
    assert key(b"\x01\xff") == key("01ff")
    with pytest.raises(TypeError, match="cannot put object into a question"):
        key(object())


@pytest.mark.parametrize(
    "columns", [{"a": ["1"], "b": ["1", "2"]}, {"a": ["1"], "b": [], "c": ["1", "2"]}]
)
def test_columns_are_of_one_length(columns):
    """Two lengths are as wrong as three."""
    with pytest.raises(BadInput):
        Batch(ability="choose", columns=columns, settings={}, to="subject")
