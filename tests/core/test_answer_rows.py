"""Rows out of parts: equal to what packing and unpacking them gives, for every class of answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.answer_rows import normal, picked, taken
from plumbline.core.answers import Choices, Classes, LogProbs, Nexts, Numbers, Texts, Vectors
from plumbline.core.errors import PlumblineError

NONE = np.empty(0)


def log_probs(n: int, rng: np.random.Generator) -> LogProbs:
    """Rows of 0 to 4 tokens, some without an answer."""
    rows = []
    for i in range(n):
        size = int(rng.integers(0, 5))
        pieces = [f" t{t}" for t in rng.integers(0, 3, size)]
        rows.append("truncated" if i % 4 == 3 else (rng.normal(size=size), pieces))
    return LogProbs.of(rows)


MADE = {
    "logprob": log_probs,
    "next": lambda n, rng: Nexts(
        [rng.normal(size=rng.integers(0, 4)).astype(np.float32) for _ in range(n)], [""] * n
    ),
    "texts": lambda n, rng: Texts(
        [f"said {i}" for i in rng.integers(0, 9, n)], ["stop"] * n, [""] * n
    ),
    "choices": lambda n, rng: Choices(
        rng.integers(-1, 3, n), [rng.normal(size=3) if i % 2 else NONE for i in range(n)],
        [""] * n, ["logprob"] * n, ["" if i % 2 else "refused" for i in range(n)],
    ),
    "vectors": lambda n, rng: Vectors(rng.normal(size=(n, 3)).astype(np.float32), [""] * n),
    "classes": lambda n, rng: Classes(rng.random((n, 2)), ("bad", "good"), [""] * n),
    "numbers": lambda n, rng: Numbers(rng.normal(size=n), [""] * n),
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE)
def test_rows_are_those_that_packing_gives(kind):
    """Any rows, repeated and out of order, of three parts of which one is empty."""
    rng = np.random.default_rng(7)
    parts = [MADE[kind](n, rng) for n in (5, 0, 4)]
    rows = np.array([8, 0, 3, 3, 7, 5, 1])
    packed = [part.pack(i) for part in parts for i in range(len(part))]
    want = type(parts[0]).unpack([packed[i] for i in rows])
    for spend in (False, True):
        got = taken(list(parts), rows, spend=spend)
        assert [got.pack(i) for i in range(7)] == [want.pack(i) for i in range(7)]
        np.testing.assert_array_equal(got.ok, want.ok)


def test_spent_parts_are_let_go():
    """The last reader's parts are empty afterwards, another's are not."""
    parts = [MADE["numbers"](3, np.random.default_rng(0)) for _ in range(2)]
    taken(parts, np.array([1]))
    assert len(parts) == 2
    taken(parts, np.array([1]), spend=True)
    assert parts == []


def test_numbers_become_float64():
    """As from the cache: what was float32 is widened, exactly."""
    made = normal(Vectors(np.float32([[0.1, 0.2]]), [""]))
    assert made.values.dtype == np.float64
    np.testing.assert_array_equal(made.values, np.float64(np.float32([[0.1, 0.2]])))


def test_vectors_of_unanswered_rows_have_no_width():
    """A row of another width was not answered: NaN, as `Vectors.unpack` has it."""
    got = taken(
        [Vectors(np.empty((1, 0)), ["unknown word"]), Vectors(np.ones((1, 2)), [""])], np.arange(2)
    )
    assert np.isnan(got.values[0]).all()
    assert got.values[1].tolist() == [1, 1]
    assert got.status == ["unknown word", ""]


def test_classes_over_other_labels_do_not_mix():
    """Columns of two classifiers are no table."""
    one = Classes(np.ones((1, 1)), ("a",), [""])
    with pytest.raises(PlumblineError, match="different labels"):
        taken([one, Classes(np.ones((1, 1)), ("b",), [""])], np.arange(2))


@given(st.lists(st.integers(0, 999), max_size=50))
def test_picked_is_indexing(rows):
    """Over the edge of a block too."""
    column = list(range(1000))
    assert picked(column, np.array(rows, np.int64)) == rows


def test_picked_over_a_block():
    """More rows than a block has."""
    rows = np.arange(70_000)[::-1]
    assert picked(range(70_000), rows) == rows.tolist()
