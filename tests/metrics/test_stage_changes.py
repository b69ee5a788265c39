"""Rows of leans by stage."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from plumbline.metrics.stage_changes import changes, items_of

LEANS = {
    "draft": {"a": 0.1, "b": 0.2, "c": np.nan},
    "edit": {"a": 0.3, "b": 0.1, "c": 0.5},
    "final": {"a": 0.6, "b": -0.1, "c": 0.4},
    "hints": {"a": 1.0, "b": -1.0},
}
STAGES = ("draft", "edit", "final")


def test_transfer_is_from_the_suggestions_to_the_last_stage():
    """Three stages; who has no lean at one is left out of the stages, and of the transfer without a suggestion."""
    leans = {k: {u: SimpleNamespace(value=v) for u, v in d.items()} for k, d in LEANS.items()}
    got = items_of(leans, STAGES, "hints")
    assert changes(got, STAGES).tolist() == [0.5, -0.30000000000000004]
    transfer = got.where({"part": "transfer"})
    assert transfer["group"].tolist() == ["final"] * 3
    assert transfer["score"][:2].tolist() == [0.6, -0.1]
    assert transfer["suggested"].tolist() == [1.0, -1.0, 0.0]
    assert [bool(why) for why in transfer["why"]] == [False, False, True]
    left_out = got.where({"part": "stage", "user": "c"})
    assert np.isnan(left_out["score"]).all()
