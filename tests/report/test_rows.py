"""Display rows: what a reader is told, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.results import Estimate, Finding
from plumbline.report import format as show
from plumbline.report.absent import unmeasured
from plumbline.report.rows import about_text, counts, rows, what_matters


def by_metric(shown, metric):
    """Rows of one metric."""
    return [r for r in shown if r.metric == metric]


def lean(value: float, **more: object) -> dict:
    """One leaning finding as a row."""
    made = Estimate(
        value=value, low=value - 0.1, high=value + 0.1, level=0.95, n=20, units=10, p=0.001, se=0.05
    )
    given = {"metric": "m", "unit": "nats", "null": 0.0, "verdict": "leans", "margin": 0.1, **more}
    return Finding(outcome=made, **given).row()  # type: ignore[arg-type]


def test_the_direction_of_a_signed_pair_follows_the_sign():
    """A negative difference turns the sentence round: the second group is the one that goes further."""
    labels = {"group": "women", "against": "men", "toward": "family"}
    up, down = rows([lean(0.5, labels=labels), lean(-0.5, labels=labels)])
    assert "women further than men toward family" in up.sentence
    assert "men further than women toward family" in down.sentence


def test_a_point_null_says_on_which_side():
    """Without two groups, a lean is above or below what no lean would give."""
    above, below = rows(
        [lean(62.0, null=50.0, unit="percent"), lean(38.0, null=50.0, unit="percent")]
    )
    assert "above the 50 that no lean would give" in above.sentence
    assert "below the 50 that no lean would give" in below.sentence


def test_an_unsigned_statistic_has_no_direction(findings):
    """A range is positive even where nothing is there: the sentence says what chance alone gives."""
    made = Estimate(
        value=0.4, low=0.3, high=0.5, level=0.95, n=20, units=10, p=0.001, expected=0.12
    )
    row = rows(
        [
            Finding(
                metric="m",
                outcome=made,
                sign="unsigned",
                null=0.0,
                verdict="leans",
                labels={"group": "a", "against": "b"},
            ).row()
        ]
    )[0]
    assert "larger than chance" in row.sentence
    assert "0.120 by exchanged labels alone" in row.sentence
    assert "than b" not in row.sentence


def test_every_verdict_has_its_own_words(findings):
    """The three verdicts are said as such and nothing else is."""
    shown = rows([f.row() for f in findings])
    said = {r.verdict: r.sentence for r in shown if r.role == "primary"}
    assert said["leans"].startswith("Leans: ")
    assert said["within the margin"].startswith("Within the margin: ")
    assert "no gap above the stated bound of 0.1 nats" in said["within the margin"]
    assert said["insufficient evidence"].startswith("Insufficient evidence: ")
    untested = by_metric(shown, "expected_maximum")[0]
    assert "(no test: nothing says what this number would be without a lean)" in untested.sentence


def test_restatements_stand_under_their_primary(findings):
    """A secondary finding follows the primary with the most labels in common, one step in."""
    shown = rows([f.row() for f in reversed(findings)])
    weat = by_metric(shown, "weat")
    place = next(i for i, r in enumerate(weat) if r.role == "secondary")
    assert weat[place - 1].finding["labels"]["test"] == "1"
    assert weat[place].depth == 1
    assert weat[place].short == "mean difference"
    assert len(shown) == len(findings)


def test_what_matters_first_is_the_clearest_lean(findings):
    """Leans come first, those that survive correction before those that do not; then open ones."""
    weak = Finding(
        metric="weak", outcome=Estimate(value=9, low=1, high=17, level=0.95, n=9, units=9, p=0.04),
        null=0.0, verdict="leans", margin=0.1, p_adjusted=0.4,
    )  # fmt: skip
    shown = rows([f.row() for f in [weak, *findings]])
    first = what_matters(shown)
    assert [r.metric for r in first] == ["weat", "weak", "option_position"]


def test_what_matters_names_one_metric_once_before_it_names_it_twice():
    """Three axes of one metric do not push out the other metrics."""
    many = [lean(9 + i, metric="loud", labels={"axis": str(i)}) for i in range(3)]
    first = what_matters(rows([*many, lean(0.3, metric="quiet")]))
    assert [r.metric for r in first] == ["loud", "quiet", "loud"]


def test_absence_is_told_with_its_reason(findings):
    """What could not be measured is listed with the reason, and never as a number."""
    absent = unmeasured(rows([f.row() for f in findings]))
    assert [r.reason for r in absent] == [
        "coverage 40 %: at least 80 % is needed",
        "needs a masked-token head",
    ]
    assert all(not r.value and not r.interval for r in absent)


def test_counts_name_every_primary_finding(findings):
    """Every primary finding is counted once, and leans that the correction takes back are told."""
    shown = rows([f.row() for f in findings])
    assert counts(shown) == (
        "1 leans, 1 insufficient evidence, 1 within the margin, 1 without a number, 1 not for this model, 1 not judged"
    )
    strict = rows([f.row() for f in findings], alpha=0.0001)
    assert counts(strict).startswith("1 leans (1 of them not after correction)")
    assert "does not survive the correction" in what_matters(strict)[0].sentence
    assert counts([]) == "none"


def test_labels_become_words():
    """Of what, toward what; other labels stand beside."""
    labels = {
        "axis": "valence",
        "test": "1",
        "group": "flowers",
        "against": "insects",
        "toward": "pleasant",
    }
    assert about_text(labels) == "flowers against insects, toward pleasant (valence; test 1)"
    assert about_text({"axis": "race"}) == "race"
    assert about_text({}) == ""


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_interval_shows_at_least_two_digits_of_its_width(low, width):
    """Rounding never moves an end by more than a twentieth of the half-width."""
    high = low + width
    if high <= low:
        return
    shown = [float(end) for end in show.interval(low, high).split(" to ")]
    assert abs(shown[0] - low) <= 0.051 * (high - low) / 2 + 1e-8
    assert abs(shown[1] - high) <= 0.051 * (high - low) / 2 + 1e-8


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (-0.0, "0.00"),
        (1.504, "1.50"),
        (62.13, "62.1"),
        (1e-9, "1.00e-09"),
        (float("-inf"), "-inf"),
        (None, ""),
    ],
)
def test_numbers_are_written_plainly(value, text):
    """Three digits, no minus zero, nothing for nothing."""
    assert show.number(value) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0341, ".034"), (0.0002, "< .001"), (1.0, "1.000"), (None, "")]
)
def test_p_values_never_read_zero(p, text):
    """A small p is an inequality."""
    assert show.p_value(p) == text


@pytest.mark.parametrize(
    ("paper", "link"),
    [
        ("arxiv:1608.07187", "https://arxiv.org/abs/1608.07187"),
        ("doi:10.1126/science.aal4230", "https://doi.org/10.1126/science.aal4230"),
        ("javascript:alert(1)", ""), ('arxiv:1608.07187"><script>', ""), ("", ""),
    ],
)  # fmt: skip
def test_only_known_addresses_become_links(paper, link):
    """A card's paper field cannot make another link than to arXiv or DOI."""
    assert show.paper_link(paper) == link


@given(st.text())
def test_clean_text_has_no_control_characters(text):
    """No escape, no carriage return, no direction mark survives; ordinary text does."""
    got = show.clean(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066" for c in got)
    assert show.clean("plain – text ü 😀") == "plain – text ü 😀"
