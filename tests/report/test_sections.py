"""What a section says of one finding beside its number."""

from __future__ import annotations

import math

import pytest
from scipy import stats as ss

from plumbline.core.results import Estimate, Finding
from plumbline.report.rows import rows
from plumbline.report.sections import power_text


def row(**fields):
    """A tested finding with a standard error of .1 and infinitely many degrees of freedom."""
    made = Estimate(
        value=0.3, low=0.1, high=0.5, level=0.95, n=99, units=99, se=0.1, df=math.inf, p=0.003
    )
    finding = Finding(
        metric="weat", outcome=made, unit="nats", **{"null": 0.0, "sign": "signed", **fields}
    )
    return rows([finding.row()])[0]


def test_the_smallest_lean_is_that_of_the_normal_test():
    """(z of 97.5 % + z of 80 %) standard errors, but for the far tail: .280 nats."""
    least = (ss.norm.ppf(0.975) + ss.norm.ppf(0.8)) * 0.1
    assert least == pytest.approx(0.280, abs=5e-4)
    assert "A lean of 0.280 nats would be found by 80%" in power_text(row())


def test_no_power_is_told_where_the_normal_says_nothing():
    """Unsigned statistics, and numbers without a null, have no such sentence."""
    assert power_text(row(sign="unsigned")) == ""
    assert power_text(row(null=None)) == ""
