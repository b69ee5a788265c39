"""Cells as names: distinct values stay distinct, whatever their size, and nothing is no name."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.metrics import rating_table, score_columns, verdict_table
from plumbline.metrics.cell_texts import cell_texts, named


def test_long_numbers_are_told_apart():
    """Question 1234567 is not question 1234568, and a score keeps all its digits."""
    assert cell_texts(np.array([1234567.0, 1234568.0, 3.0, np.nan])).tolist() == [
        "1234567", "1234568", "3", "",
    ]  # fmt: skip
    score = np.array([0.123456789, 1 / 3, np.nan])
    assert [float(t) for t in cell_texts(score).tolist()[:2]] == score[:2].tolist()
    got = score_columns.numbers({"score": score}, "score", {})
    assert got[:2].tolist() == score[:2].tolist()
    assert np.isnan(got[2])
    assert cell_texts(np.array([" ada ", 7], dtype=object)).tolist() == ["ada", "7"]


def test_questions_with_long_numbers_stay_two():
    """Six significant digits would make one question of two."""
    columns = {
        "judge": np.array(["j"] * 2, object), "question": np.array([1234567.0, 1234568.0]),
        "first": np.array(["a"] * 2, object), "second": np.array(["b"] * 2, object),
        "verdict": np.array(["first", "second"], object),
    }  # fmt: skip
    assert len(set(verdict_table.read(columns, {}).question)) == 2
    rated = {
        "judge": columns["judge"], "system": columns["first"], "task": columns["question"],
        "rating": np.array([1.0, 2.0]),
    }  # fmt: skip
    assert len(set(rating_table.recorded(rated, {}).task)) == 2
    columns["question"][1] = np.nan
    with pytest.raises(BadInput, match="row 2 has nothing in the column 'question'"):
        verdict_table.read(columns, {})
    with pytest.raises(BadInput, match="row 1"):
        named(np.array(["", "x"], object), "judge")
