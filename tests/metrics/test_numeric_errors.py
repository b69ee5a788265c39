"""Errors of recalled numbers."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics.numeric_errors import log_ratios


def test_log_ratios_need_a_common_sign():
    """log 2 and log 1/4; undefined for other signs, zeros, infinite and missing answers."""
    answers = np.array([2.0, -1.0, -3.0, 0.0, np.inf, -np.inf, np.nan, 5.0])
    truth = np.array([1.0, -4.0, 3.0, 2.0, 2.0, 2.0, 2.0, 0.0])
    got = log_ratios(answers, truth)
    assert got[:2] == pytest.approx([np.log(2), -np.log(4)])
    assert np.isnan(got[2:]).all()
