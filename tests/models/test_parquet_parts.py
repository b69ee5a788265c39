"""Tables that come in parts: whole, in order, the same bytes each time, nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import StoreError
from plumbline.models import parquet

N = 50_000


def parts(size: int, said=lambda i: f"row {i}"):
    """A table of numbers, texts and nothing, in parts."""
    empty = np.empty(0, object)
    yield {"at": np.empty(0), "said": empty, 'odd "name"': empty}
    for start in range(0, N, size):
        rows = range(start, min(start + size, N))
        texts, none = np.empty(len(rows), object), np.empty(len(rows), object)
        texts[:] = [said(i) for i in rows]
        none[:] = [None if start < N // 2 else "late" for _ in rows]
        yield {"at": np.array(rows, float), "said": texts, 'odd "name"': none}


def test_parts_become_one_table_in_order(tmp_path):
    """Rows keep their order over parts and groups; a column of None first is one of texts."""
    parquet.write_parts(tmp_path / "t.parquet", parts(7_001))
    got = parquet.read(tmp_path / "t.parquet")
    assert list(got) == ["at", "said", 'odd "name"']
    np.testing.assert_array_equal(got["at"], np.arange(N))
    assert got["said"].tolist() == [f"row {i}" for i in range(N)]
    assert got['odd "name"'][0] is None
    assert got['odd "name"'][-1] == "late"
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_the_same_rows_are_the_same_bytes(tmp_path):
    """Written twice."""
    for name in "ab":
        parquet.write_parts(tmp_path / name, parts(20_000))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_rows_are_a_table_too(tmp_path):
    """The empty part states the columns."""
    parquet.write_parts(tmp_path / "t.parquet", list(parts(N))[:1])
    got = parquet.read(tmp_path / "t.parquet")
    assert {n: len(c) for n, c in got.items()} == {"at": 0, "said": 0, 'odd "name"': 0}


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    """The error of whoever makes the parts is theirs; a folder that is none is told of."""

    def failing(i: int) -> str:
        if i == 30_000:
            raise RuntimeError("made to fail")
        return ""

    with pytest.raises(RuntimeError, match="made to fail"):
        parquet.write_parts(tmp_path / "t.parquet", parts(10_000, failing))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match="could not write"):
        parquet.write_parts(tmp_path / "no" / "t.parquet", parts(10_000))
