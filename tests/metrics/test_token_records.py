"""Whether recorded answers are right."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.metrics.cooccurrence import cutoff
from plumbline.metrics.token_records import correctness


def test_an_answer_is_right_where_it_equals_the_label():
    """Compared as text; a named column of yes and no comes first."""
    columns = {
        "prediction": np.array(["a", "b", "1"], object), "label": np.array(["a", "a", 1], object),
        "right": np.array([0, 1, 1]), "odd": np.array([0, 1, np.nan]),
    }  # fmt: skip
    assert correctness(columns, "").tolist() == [1.0, 0.0, 1.0]
    assert correctness(columns, "right").tolist() == [0.0, 1.0, 1.0]
    with pytest.raises(BadInput, match="neither yes nor no"):
        correctness(columns, "odd")
    for lacking in ("prediction", "label"):
        with pytest.raises(NotRecorded, match="not recorded"):
            correctness({k: v for k, v in columns.items() if k != lacking}, "")


def test_genbits_cutoff_leaves_out_words_that_were_hardly_seen():
    """Smoothed counts 1.5, 2.5 and 5.5: the median of those above 2 is 4; none above 2 is 2."""
    assert cutoff(np.array([0.0, 1.0, 4.0]), percentile=50, smoothing=0.75) == pytest.approx(4.0)
    assert cutoff(np.array([0.0, 0.0]), percentile=50) == 2.0
