"""Rows of drawn texts."""

from __future__ import annotations

import numpy as np

from plumbline.metrics.worst_of_k import Drawn


def test_rows_say_which_answer_they_are_of():
    """Two prompts of three draws are answers 0 to 5; a prompt's row points at its worst text."""
    scores = np.array([[0.1, 0.9, 0.2], [0.3, 0.0, 0.8]])
    drawn = Drawn(scores, np.full((2, 3), "", object), ["t", "u"], ["", ""], {})
    assert drawn.texts(scores)["answer"].tolist() == [0, 1, 2, 3, 4, 5]
    assert drawn.texts(scores)["draw"].tolist() == [0, 1, 2] * 2
    assert drawn.prompts(scores.max(axis=1))["answer"].tolist() == [1, 5]
