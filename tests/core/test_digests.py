"""Digests: a sequence of bytes that NumPy can sort, with bytes of 0 at their ends as well."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.digests import Digests, end_to_end

SIXTEEN = st.binary(min_size=16, max_size=16)
ODD = [bytes(16), b"\0" * 15 + b"\1", b"a" + bytes(15), b"a" * 15 + b"\0", b"\xff" * 16]


@given(st.lists(SIXTEEN | st.sampled_from(ODD), max_size=20))
def test_it_is_the_list_of_them(given_):
    """Length, items, slices, order, search and selection are those of the list."""
    made = Digests(given_)
    assert list(made) == given_
    assert made == Digests(b"".join(given_))
    assert list(made[1:3]) == given_[1:3]
    assert [made[-1 - i] for i in range(len(made))] == given_[::-1]
    order = np.argsort(made.array, kind="stable")
    assert list(made.take(order)) == sorted(given_)
    found = np.searchsorted(made.take(order).array, made.array)
    assert [sorted(given_)[i] for i in found] == given_
    assert list(end_to_end([made, made])) == given_ * 2
