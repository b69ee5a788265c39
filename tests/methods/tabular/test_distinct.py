"""Distinct values: the same rows as NumPy's sorting finds, for texts, numbers, gaps and mixtures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.metrics.distinct import distinct
from plumbline.metrics.recorded import read


@given(st.lists(st.sampled_from(["a", "b", "", None, 1, 1.0, 2.5, True]), max_size=30))
def test_objects_come_back_from_their_codes(rows):
    """Codes lead back to the values, their types too; each value of each type has one code."""
    found, codes = distinct(np.array([*rows, None], dtype=object)[:-1])
    assert [(type(found[c]), found[c]) for c in codes] == [(type(v), v) for v in rows]
    assert len({(type(v), v) for v in found}) == len(found)


@pytest.mark.parametrize("kind", [int, float, str])
def test_plain_columns_are_numpys(kind):
    """Sorted, as `np.unique` has them."""
    values = np.array([3, 1, 3, 2]).astype(kind)
    found, codes = distinct(values)
    want, where = np.unique(values, return_inverse=True)
    assert found == want.tolist()
    np.testing.assert_array_equal(codes, where)


def test_gaps_of_a_group_column_are_one_group():
    """None, NaN and empty text are `not stated`, however many objects they are."""
    group = np.array(["b", None, "", float("nan"), math.nan, "a", "b"], dtype=object)
    (grouping,) = read({"prediction": np.array([0, 1, 0, 1, 1, 0, 1]), "group:g": group}).groupings
    assert grouping.names == ("a", "b", "not stated")
    assert grouping.codes.tolist() == [1, 2, 2, 2, 2, 0, 1]


def test_true_and_1_are_two_groups():
    """They are equal in Python, and two texts in a table: no group takes another's rows."""
    group = np.array([True, 1, 1, "a", 1.0], dtype=object)
    (grouping,) = read({"prediction": np.array([0, 1, 1, 0, 1]), "group:g": group}).groupings
    assert grouping.names == ("1", "1.0", "True", "a")
    assert grouping.counts.tolist() == [2, 1, 1, 1]


def test_numbers_as_groups():
    """Their texts name the groups; the order is that of the texts."""
    (grouping,) = read({"prediction": np.array([0, 1, 1]), "group:g": np.array([10, 9, 10])}).groupings  # fmt: skip
    assert grouping.names == ("10", "9")
    assert grouping.codes.tolist() == [0, 1, 0]
