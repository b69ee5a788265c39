"""Corrections over a run, tests of single groups, verdicts against margins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.results import Estimate, Finding, Undefined
from plumbline.stats.families import adjust, judge, select_groups


def finding(
    p, *, role="primary", axis="gender", metric="m", value=0.2, half=0.1, sign="signed", df=20.0
):
    """A finding with an interval of this half width."""
    se = half / ss.t.ppf(0.975, df)
    got = Estimate(
        value=value,
        low=value - half,
        high=value + half,
        level=0.95,
        n=50,
        units=21,
        se=se,
        df=df,
        p=p,
    )
    return Finding(
        metric=metric,
        outcome=got,
        labels={"axis": axis},
        role=role,
        unit="rate",
        null=0.0,
        sign=sign,
    )


def test_only_primaries_form_the_family():
    """Benjamini-Hochberg over two primaries; the group's p and the Undefined stay out."""
    rows = [
        finding(0.01), finding(0.04, axis="race"), finding(0.001, role="group"),
        Finding(metric="u", outcome=Undefined(reason="r")),
    ]  # fmt: skip
    got = adjust(rows)
    assert [f.p_adjusted for f in got] == [0.02, 0.04, None, None]
    assert got[0].family == "primary (2 tests, Benjamini-Hochberg)"
    assert adjust(rows, how="holm")[1].p_adjusted == pytest.approx(0.04)


def test_groups_are_tested_only_inside_a_rejected_primary():
    """Gender is rejected, race is not: race's groups lose their p, gender's get a wider level."""
    rows = adjust(
        [finding(0.001), finding(0.6, axis="race"),
         finding(0.01, role="group"), finding(0.01, role="group", axis="race")]
    )  # fmt: skip
    asked = []

    def again(i, level):
        asked.append((i, level))
        return replace(rows[i], outcome=replace(rows[i].outcome, level=level))

    got = select_groups(rows, again)
    assert got[3].outcome.p is None
    # One of two group findings is selected: 1 - 0.05 * 1 / 2 (Benjamini & Yekutieli 2005).
    assert asked == [(2, pytest.approx(0.975))]
    assert got[2].outcome.level == pytest.approx(0.975)


@pytest.mark.parametrize(
    ("value", "half", "p", "verdict"),
    [
        (0.20, 0.10, 0.001, "leans"),
        (0.01, 0.03, 0.50, "within the margin"),
        (0.03, 0.01, 0.001, "within the margin"),
        (0.04, 0.20, 0.50, "insufficient evidence"),
    ],
)
def test_verdicts(value, half, p, verdict):
    """Inside the margin even if not zero; outside with evidence; or not enough evidence."""
    assert judge(finding(p, value=value, half=half), {"rate": 0.05}).verdict == verdict


def test_a_selected_group_is_judged_at_its_own_level():
    """p = .03 leans at 95 %, not at the 99 % that selecting one of five groups leaves."""
    wide = finding(0.03, role="group")
    assert judge(wide, {}).verdict == "leans"
    strict = replace(wide, outcome=replace(wide.outcome, level=0.99))
    assert judge(strict, {}).verdict == "insufficient evidence"


def test_equivalence_is_two_one_sided_tests():
    """The margin verdict agrees with TOST at 5 % computed from value, se and df."""
    for value in np.linspace(0, 0.06, 25):
        f = finding(0.5, value=float(value), half=0.03)
        se, df = f.outcome.se, f.outcome.df
        tost = max(ss.t.sf((value + 0.05) / se, df), ss.t.sf((0.05 - value) / se, df))
        assert (judge(f, {"rate": 0.05}).verdict == "within the margin") == (tost <= 0.05)


def test_a_restatement_and_a_null_free_number_have_no_verdict():
    """Restatements, a finding without a null, and a group inside no rejected primary are not judged."""
    assert judge(finding(None, role="group"), {"rate": 0.05}).verdict is None
    assert judge(finding(None, role="secondary"), {"rate": 0.05}).verdict is None
    assert judge(replace(finding(None), null=None), {"rate": 0.05}).verdict is None


def test_a_verdict_does_not_depend_on_other_metrics():
    """Adding metrics changes adjusted p-values, never a verdict."""
    alone = judge(adjust([finding(0.04)])[0], {"rate": 0.05})
    among = judge(
        adjust([finding(0.04), *(finding(0.9, axis=str(k)) for k in range(30))])[0], {"rate": 0.05}
    )
    assert alone.verdict == among.verdict == "leans"
    assert among.p_adjusted > 0.05


@pytest.mark.parametrize("value", [-0.035, -0.02, 0.0, 0.02, 0.035])
@pytest.mark.parametrize("half", [0.01, 0.02, 0.04, 0.06])
def test_equivalence_looks_at_both_sides(value, half):
    """Two one-sided t tests by hand: the verdict is the same for a value and its mirror image."""
    f = finding(0.5, value=value, half=half)
    se = f.outcome.se
    tost = max(ss.t.sf((value + 0.05) / se, 20), ss.t.sf((0.05 - value) / se, 20))
    assert (judge(f, {"rate": 0.05}).verdict == "within the margin") == (tost <= 0.05)
