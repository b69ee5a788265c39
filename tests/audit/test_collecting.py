"""The collector's thresholds: higher inside, as they were outside, also after an error."""

from __future__ import annotations

import gc

import pytest

from plumbline.audit.collecting import THRESHOLDS, seldom


def test_thresholds_come_back():
    """Whatever happens inside."""
    before = gc.get_threshold()
    with seldom():
        assert gc.get_threshold() == THRESHOLDS
    assert gc.get_threshold() == before
    with pytest.raises(RuntimeError, match="made to fail"), seldom():
        raise RuntimeError("made to fail")
    assert gc.get_threshold() == before
