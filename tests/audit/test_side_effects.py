"""Side effects of a correction: non-inferiority of every finding, in closed form and by simulation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.audit.side_effects import side_effects, summary
from plumbline.report.side_effects import plain_text


def finding(value, *, worse="higher", se=0.01, df=20, unit="rate", null=0.0, measure="m"):
    """A row as a run or a comparison has it."""
    half = ss.t.ppf(0.975, df) * se if se else 0.02
    return {
        "metric": "toy", "labels": {"measure": measure}, "status": "estimate", "value": value,
        "low": value - half, "high": value + half, "level": 0.95, "se": se, "df": df, "unit": unit, "null": null,
        "worse": worse, "sign": "signed", "reason": None,
    }  # fmt: skip


def judged(change, *, before=0.2, margin=0.05, **more):
    """The reading of one change."""
    was = finding(before, **more)
    difference = finding(change, **more)
    difference["labels"] = {**difference["labels"], "compare": "B - A"}
    margins = {} if margin is None else {"rate": margin}
    total = finding(2 * before + change, **more)
    totals = {("toy", "measure=m"): total} if more.get("worse") == "either" else None
    (one,) = side_effects(SimpleNamespace(findings=[difference]), [was], margins, totals=totals)
    return one


def test_bound_is_the_one_sided_limit():
    """value + t(.95, df) se, by SciPy; harm of a metric where lower is worse is the negative change."""
    t = ss.t.ppf(0.95, 20)
    assert judged(0.02).bound == pytest.approx(0.02 + t * 0.01)
    assert judged(0.02, worse="lower").bound == pytest.approx(-0.02 + t * 0.01)


@pytest.mark.parametrize(
    ("change", "worse", "reading"),
    [
        (0.02, "higher", "not worse"), (0.04, "higher", "worse"), (0.2, "higher", "worse"),
        (0.2, "lower", "not worse"), (-0.2, "lower", "worse"), (-0.2, "higher", "not worse"),
    ],
)  # fmt: skip
def test_readings_follow_the_worse_direction(change, worse, reading):
    """The same change is harm for one statistic and gain for the other."""
    assert judged(change, worse=worse).reading == reading


def test_a_wide_interval_shows_nothing():
    """An insignificant change is not a small one."""
    assert judged(0.0, se=0.2).reading == "not shown"


@pytest.mark.parametrize("before", [0.2, -0.2])
def test_a_lean_may_shrink_but_not_grow_to_either_side(before):
    """Worse in both directions: harm is |after| - |before|, whatever side it was on."""
    side = np.sign(before)
    for change, harm in ((0.1, 0.1), (-0.1, -0.1), (-0.2, -0.2), (-0.39, -0.01), (-0.6, 0.2)):
        one = judged(side * change, before=before, worse="either", se=1e-6)
        assert one.bound == pytest.approx(abs(before + side * change) - abs(before), abs=1e-4)
        assert one.reading == ("worse" if harm >= 0.05 else "not worse")


def test_lean_is_measured_from_its_null():
    """A share of .7 that falls to .3 leans as far as before, to the other side of .5."""
    one = judged(-0.4, before=0.7, null=0.5, worse="either", se=1e-6)
    assert one.bound == pytest.approx(0.0, abs=1e-4)


def test_what_cannot_be_judged_says_why():
    """No margin for the unit; no null and no worse direction; no estimate."""
    assert judged(0.1, margin=None).reason == "the plan states no margin for rate"
    assert "which direction" in judged(0.1, worse="either", null=None).reason
    gone = {**finding(0.0), "status": "undefined", "value": None, "reason": "nobody answered"}
    (one,) = side_effects(SimpleNamespace(findings=[gone]), [], {"rate": 0.05})
    assert (one.reading, one.reason) == ("not shown", "nobody answered")


def test_without_a_standard_error_the_interval_decides():
    """A bootstrap interval is used as it stands: stricter, never looser."""
    assert judged(0.02, se=None).bound == pytest.approx(0.04)
    assert judged(0.02, se=None, worse="lower").bound == pytest.approx(0.0)


def test_error_rate_at_the_margin():
    """A change of exactly the margin is called `not worse` in 5 % of draws (20,000, t with 20 df)."""
    rng = np.random.default_rng(5)
    called = 0
    for _ in range(20_000):
        se = 0.01 * np.sqrt(rng.chisquare(20) / 20)
        value = 0.05 + 0.01 * rng.standard_normal()
        called += value + ss.t.ppf(0.95, 20) * se < 0.05
    assert 0.045 < called / 20_000 < 0.055
    # The same rule as `side_effects` applies.
    assert judged(0.0327, se=0.01).reading == "not worse"
    assert judged(0.0328, se=0.01).reading == "worse"


def test_harm_to_a_lean_on_either_side_is_shown_at_alpha_in_all():
    """No lean before, no change, margin next to nothing: `worse` in 5 % of 4,000 draws, on both sides together."""
    rng = np.random.default_rng(8)
    seen = [
        judged(v, before=0.0, worse="either", margin=1e-9, df=1e6)
        for v in 0.01 * rng.standard_normal(4000)
    ]
    assert 160 < sum(one.reading == "worse" for one in seen) < 246


def test_summary_and_table():
    """One sentence counts the readings; rows without a judgement are not in the table."""
    rows = [judged(0.0), judged(0.2), judged(0.0, se=0.2), judged(0.0, margin=None)]
    said = summary(rows)
    assert "1 of 3 are shown not to be worse" in said
    assert "1 are worse" in said
    assert "for 1 the evidence is insufficient" in said
    assert "1 have no margin" in said
    text = plain_text(rows)
    assert text.count("toy") == 3
    assert "not shown" in text
