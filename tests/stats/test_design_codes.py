"""Codes of a column: what `numpy.unique` gives, also where nothing is sorted because numbers are in order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.stats.design import codes_of


@given(st.lists(st.integers(-3, 3), max_size=12), st.booleans())
def test_codes_are_those_of_unique(numbers, ordered):
    """In order or not, the same codes and levels."""
    values = np.array(sorted(numbers) if ordered else numbers, np.int64)
    levels, wanted = np.unique(values, return_inverse=True)
    codes, found = codes_of(values)
    assert codes.dtype == np.int64
    np.testing.assert_array_equal(codes, wanted)
    np.testing.assert_array_equal(found, levels)


@pytest.mark.parametrize(
    "values", [np.array(["b", "a", "b"], object), np.array([0.5, 0.25]), np.array([True, False])]
)
def test_other_columns_are_sorted(values):
    """Words, fractions and truth values."""
    levels, wanted = np.unique(values, return_inverse=True)
    codes, found = codes_of(values)
    np.testing.assert_array_equal(codes, wanted)
    np.testing.assert_array_equal(found, levels)
