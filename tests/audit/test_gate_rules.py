"""Each condition of a gate on one finding: pass, fail or insufficient, at the edges too."""

from __future__ import annotations

import math

import pytest
from scipy import stats as ss

from plumbline.audit import gate_rules as rules
from plumbline.audit.gate import Detect, Limits, Size
from plumbline.audit.gate_rules import InFamily, Since
from plumbline.audit.harm import harm
from plumbline.core.results import Estimate, Finding, Undefined
from plumbline.stats.power import minimum_detectable_effect, units_to_settle

MARGINS = {"rate": 0.1}
ONE = InFamily(p=0.5, family=1, alpha=0.05)


def row(value=0.0, half=0.05, *, df=28.0, **more):
    """A finding's row with a 95 % interval of this half width, in 29 units."""
    outcome = more.pop("outcome", None)
    estimate = Estimate(
        value=value, low=more.pop("low", value - half), high=more.pop("high", value + half), level=0.95,
        n=58, units=29, se=half / ss.t.ppf(0.975, df), df=df, p=more.pop("p", 0.5),
        expected=more.pop("expected", None),
    )  # fmt: skip
    fields = {"metric": "toy", "unit": "rate", "null": 0.0, "labels": {"axis": "gender"}, **more}
    return Finding(outcome=outcome or estimate, **fields).row()


@pytest.mark.parametrize(
    ("value", "limits", "outcome"),
    [
        (0.1, Limits(high=0.1), "pass"), (0.1000001, Limits(high=0.1), "fail"),
        (-0.1, Limits(low=-0.1), "pass"), (-0.2, Limits(low=-0.1), "fail"),
        (0.0, Limits(low=-0.1, high=0.1), "pass"), (0.2, Limits(low=-0.1, high=0.1), "fail"),
    ],
)  # fmt: skip
def test_value_looks_at_the_estimate_alone(value, limits, outcome):
    """However wide the interval is."""
    for half in (0.001, 10.0):
        assert rules.value(row(value, half), limits).outcome == outcome


def test_an_unsigned_value_that_chance_would_reach_is_no_evidence():
    """Above a limit that exchanged labels alone would exceed: insufficient; above a higher one: fail."""
    got = row(0.12, sign="unsigned", expected=0.09)
    assert rules.value(got, Limits(high=0.08)).outcome == "insufficient"
    assert "exchanged labels alone would give 0.09" in rules.value(got, Limits(high=0.08)).why
    assert rules.value(got, Limits(high=0.1)).outcome == "fail"
    assert rules.value(got, Limits(high=0.13)).outcome == "pass"
    # The value below the limit is what was measured, whatever chance would give.
    assert (
        rules.value(row(0.07, sign="unsigned", expected=0.09), Limits(high=0.08)).outcome == "pass"
    )


@pytest.mark.parametrize(
    ("value", "limits", "outcome"),
    [
        (0.05, Limits(high=0.1), "pass"), (0.0501, Limits(high=0.1), "insufficient"),
        (0.15, Limits(high=0.1), "insufficient"), (0.1501, Limits(high=0.1), "fail"),
        (-0.05, Limits(low=-0.1), "pass"), (-0.16, Limits(low=-0.1), "fail"),
        (-9.0, Limits(high=0.1), "pass"), (9.0, Limits(low=0.1), "pass"),
        (0.0, Limits(low=-0.1, high=0.1), "pass"), (0.08, Limits(low=-0.1, high=0.1), "insufficient"),
        (0.2, Limits(low=-0.1, high=0.1), "fail"), (-0.2, Limits(low=-0.1, high=0.1), "fail"),
    ],
)  # fmt: skip
def test_bound_looks_at_the_whole_interval(value, limits, outcome):
    """Inside, beyond, or astride; intervals of half width 0.05."""
    assert rules.bound(row(value), limits, alpha=0.05).outcome == outcome


def test_a_straddling_interval_says_how_much_more_would_settle_it():
    """The number is that of `units_to_settle`; none is named where the estimate lies on the limit."""
    got = row(0.06)
    wanted = units_to_settle(0.04, se=got["se"], units=29, alpha=0.025)
    assert (
        f"about {wanted / 29:.1f} times as much evidence (29 independent units now)"
        in rules.bound(got, Limits(high=0.1), alpha=0.05).why
    )
    on = rules.bound(row(0.1), Limits(high=0.1), alpha=0.05)
    assert on.outcome == "insufficient"
    assert "evidence" not in on.why


@pytest.mark.parametrize(
    ("value", "null", "outcome"),
    [
        (0.05, 0.0, "pass"), (-0.05, 0.0, "pass"), (0.06, 0.0, "insufficient"), (0.151, 0.0, "fail"),
        (-0.151, 0.0, "fail"), (0.5, 0.5, "pass"), (0.3, 0.5, "fail"), (0.0, 0.5, "fail"),
    ],
)  # fmt: skip
def test_distance_is_from_the_null_on_either_side(value, null, outcome):
    """In units, and in margins of the plan: the same limit."""
    for size in (Size(units=0.1), Size(margins=1.0)):
        assert rules.distance(row(value, null=null), size, MARGINS, alpha=0.05).outcome == outcome


def test_distance_of_an_unsigned_number_has_one_side():
    """Its interval may reach below the null, which is no distance."""
    got = row(0.02, low=-0.3, high=0.08, sign="unsigned")
    assert rules.distance(got, Size(units=0.1), MARGINS, alpha=0.05).outcome == "pass"


def test_what_has_no_null_or_no_margin_is_insufficient_with_the_reason():
    """Neither is ever a pass."""
    nowhere = rules.distance(row(null=None), Size(units=0.1), MARGINS, alpha=0.05)
    assert (nowhere.outcome, "no null" in nowhere.why) == ("insufficient", True)
    for check in (
        rules.distance(row(unit="cosine"), Size(margins=1.0), MARGINS, alpha=0.05),
        rules.p(row(unit="cosine"), Detect(), MARGINS, ONE),
        rules.regression(row(unit="cosine"), Size(margins=1.0), MARGINS, Since(), alpha=0.05),
    ):
        assert check.outcome == "insufficient"
        assert "no margin for cosine" in check.why


def test_p_fails_where_the_corrected_test_rejects():
    """The corrected p counts, not the raw one."""
    got = row(0.5, p=0.01)
    assert rules.p(got, Detect(), MARGINS, InFamily(p=0.05, family=5, alpha=0.05)).outcome == "fail"
    lost = rules.p(got, Detect(), MARGINS, InFamily(p=0.051, family=5, alpha=0.05))
    assert lost.outcome != "fail"


def test_silence_passes_only_where_the_effect_would_have_been_found():
    """The border is the minimum detectable effect at alpha over the family."""
    got = row(0.0)
    least = minimum_detectable_effect(got["se"], df=28, alpha=0.05 / 3, power=0.8)
    test = InFamily(p=0.9, family=3, alpha=0.05)
    for effect, outcome in ((least * 1.001, "pass"), (least * 0.999, "insufficient")):
        check = rules.p(got, Detect(effect=Size(units=effect)), MARGINS, test)
        assert check.outcome == outcome


def test_p_without_a_standard_error_needs_the_interval_inside():
    """And so does an unsigned statistic, whose error says nothing about its test."""
    for got in (row(0.0), row(0.0, sign="unsigned", low=0.0)):
        got = {**got, "se": None}
        assert rules.p(got, Detect(effect=Size(units=0.05)), MARGINS, ONE).outcome == "pass"
        assert rules.p(got, Detect(effect=Size(units=0.04)), MARGINS, ONE).outcome == "insufficient"


def test_a_finding_without_a_test_is_insufficient():
    """A restatement has no p-value."""
    check = rules.p(
        row(p=None, role="secondary"), Detect(), MARGINS, InFamily(p=None, family=1, alpha=0.05)
    )
    assert check.outcome == "insufficient"
    assert "secondary finding without a test" in check.why


@pytest.mark.parametrize(
    ("verdict", "allowed", "p", "outcome"),
    [
        ("within the margin", ("within the margin",), 0.9, "pass"),
        ("leans", ("within the margin",), 0.01, "fail"),
        ("leans", ("within the margin",), 0.2, "insufficient"),
        ("leans", ("within the margin", "insufficient evidence"), 0.01, "fail"),
        ("leans", ("within the margin", "insufficient evidence"), 0.2, "pass"),
        ("leans", ("leans",), 0.01, "pass"),
        ("leans", ("leans",), 0.2, "insufficient"),
        ("insufficient evidence", ("within the margin",), 0.2, "insufficient"),
        ("insufficient evidence", ("within the margin", "insufficient evidence"), 0.2, "pass"),
        ("insufficient evidence", ("leans",), 0.2, "insufficient"),
        ("within the margin", ("leans",), 0.2, "fail"),
        (None, ("within the margin",), None, "insufficient"),
    ],
)  # fmt: skip
def test_verdict_counts_a_lean_after_the_gates_own_correction(verdict, allowed, p, outcome):
    """Silence passes only where the rule says so."""
    test = InFamily(p=p, family=4, alpha=0.05)
    assert rules.verdict(row(verdict=verdict), allowed, test).outcome == outcome


def change(value, half=0.05, *, before=0.2, **more):
    """A change against a finding that was at `before`."""
    difference, total = row(value, half, **more), row(2 * before + value, half, **more)
    was = row(before, **more)
    return difference, Since(before=was, change=difference, total=total)


@pytest.mark.parametrize(
    ("value", "worse", "outcome"),
    [
        (0.0, "higher", "pass"), (0.1, "higher", "insufficient"), (0.2, "higher", "fail"), (-0.2, "higher", "pass"),
        (-0.2, "lower", "fail"), (0.2, "lower", "pass"),
        (0.2, "either", "fail"), (-0.2, "either", "pass"), (-0.6, "either", "fail"), (-0.4, "either", "pass"),
    ],
)  # fmt: skip
def test_regression_reads_harm_against_its_margin(value, worse, outcome):
    """Margin 0.1, limits 0.04 to 0.05 from the change; a lean of 0.2 may go to -0.2 and not to -0.4."""
    got, since = change(value, worse=worse)
    check = rules.regression(got, Size(units=0.1), MARGINS, since, alpha=0.05)
    assert check.outcome == outcome


def test_regression_passes_and_fails_by_one_sided_tests():
    """Its limits are value + t(.95, df) se and value - t(.95, df) se."""
    got, since = change(0.03, worse="higher")
    t = ss.t.ppf(0.95, 28) * got["se"]
    check = rules.regression(got, Size(units=0.1), MARGINS, since, alpha=0.05)
    assert (check.low, check.high) == (pytest.approx(0.03 - t), pytest.approx(0.03 + t))


def test_leans_are_held_to_half_of_alpha_on_each_side():
    """A lean that is wrong in either direction: both limits are those at alpha / 2."""
    got, since = change(0.03, worse="either")
    check = rules.regression(got, Size(units=0.1), MARGINS, since, alpha=0.05)
    t = ss.t.ppf(0.975, 28) * got["se"]
    assert (check.low, check.high) == (pytest.approx(0.03 - t), pytest.approx(0.03 + t))


@pytest.mark.parametrize(
    ("before", "after"),
    [(0.3, 0.1), (0.3, -0.1), (0.3, -0.5), (0.0, 0.4), (-0.3, -0.5), (-0.2, 0.6)],
)
def test_harm_is_how_much_further_a_lean_lies_from_its_null(before, after):
    """|after| - |before|, exactly so where nothing is uncertain, whatever the null."""
    for null in (0.0, 0.5):
        d = row(after - before, 1e-9, worse="either")
        s = row(after + before + 2 * null, 1e-9, worse="either")
        got = harm(d, row(before + null, worse="either", null=null), s, alpha=0.05)
        wanted = abs(after) - abs(before)
        assert (got.value, got.low, got.high) == pytest.approx((wanted,) * 3, abs=1e-6)


def test_without_the_sum_the_size_of_the_change_bounds_the_harm():
    """Safe on both sides: harm is at most |b - a| and at least minus that."""
    d = row(-0.3, worse="either")
    got = harm(d, row(0.3, worse="either"), None, alpha=0.05)
    assert (got.low, got.high) == (pytest.approx(-0.35), pytest.approx(0.35))


def test_an_unsigned_lean_has_one_side():
    """It cannot pass the null: harm is the change, at alpha."""
    d = row(0.03, worse="either")
    got = harm(d, row(0.3, worse="either", sign="unsigned"), None, alpha=0.05)
    assert got.high == pytest.approx(0.03 + ss.t.ppf(0.95, 28) * d["se"])


def test_a_bootstrap_interval_is_stretched_to_the_level_that_is_wanted_never_shrunk():
    """A 90 % interval gives one-sided limits at 5 %; where 2.5 % are wanted it is stretched."""
    narrow = {**row(0.0, worse="higher"), "df": None, "level": 0.9}
    assert harm(narrow, row(), None, alpha=0.05).high == pytest.approx(0.05)
    stretched = 0.05 * ss.norm.ppf(0.975) / ss.norm.ppf(0.95)
    assert harm(narrow, row(), None, alpha=0.025).high == pytest.approx(stretched)
    assert harm({**narrow, "level": 0.99}, row(), None, alpha=0.05).low == pytest.approx(-0.05)


def test_what_cannot_be_compared_is_insufficient_with_the_reason():
    """No baseline finding, no paired difference, no direction that is worse."""
    got, _ = change(0.0, worse="either")
    lost = row(outcome=Undefined(reason="no item was answered in both runs"))
    for given, said in (
        (Since(why="the baseline has no such finding"), "no such finding"),
        (Since(before=got, change=lost), "no item was answered in both runs"),
        (Since(before=row(null=None), change=got), "which direction is worse"),
    ):
        check = rules.regression(got, Size(units=0.1), MARGINS, given, alpha=0.05)
        assert check.outcome == "insufficient"
        assert said in check.why
    same = rules.regression(got, Size(units=0.1), MARGINS, Since(same=True), alpha=0.05)
    assert same.outcome == "pass"


@pytest.mark.parametrize("room", [0.02, 0.1, 0.5])
def test_units_to_settle_are_those_that_the_power_needs(room):
    """With that many units the one-sided limit clears the bound in 80 % of 20,000 draws, with fewer not."""
    import numpy as np

    se, units, alpha = 0.3, 20, 0.05
    wanted = units_to_settle(room, se=se, units=units, alpha=alpha)

    def clears(n):
        rng = np.random.default_rng([n, 7])
        error = se * math.sqrt(units / n)
        seen = error * np.sqrt(rng.chisquare(n - 1, 20_000) / (n - 1))
        return np.mean(rng.normal(0, error, 20_000) + ss.t.ppf(1 - alpha, n - 1) * seen < room)

    assert clears(wanted) > 0.79
    assert clears(max(2, int(wanted * 0.8))) < 0.8


def test_units_to_settle_gives_up_where_it_is_hopeless():
    """Next to the limit no number of units helps."""
    assert units_to_settle(1e-9, se=1.0, units=10, alpha=0.05) is None
