"""`assert_no_gap` as a function: its three outcomes, their borders, and what its message shows."""

from __future__ import annotations

import unittest

import numpy as np
import pytest

from plumbline.audit import api
from plumbline.core.errors import BadInput, UnknownName
from plumbline.testing import (
    GapShown,
    InsufficientEvidence,
    PlantedEmbedder,
    assert_no_gap,
    planted_records,
)
from plumbline.testing.gap import check_no_gap


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test sees another's answers."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))


def test_equal_rates_pass_and_the_run_is_returned():
    """12,000 rows without a gap: within .1; the run holds the findings."""
    run = assert_no_gap(planted_records(gap=0.0, n=12_000), metrics=["group_rates"], margin=0.1)
    assert {f["metric"] for f in run.findings} == {"group_rates"}
    assert run.folder is None


def test_a_gap_above_the_margin_is_shown_with_sentence_interval_and_items(tmp_path):
    """The finding in words, its interval, what was allowed, and the lots that score farthest out."""
    with pytest.raises(GapShown) as shown:
        assert_no_gap(
            planted_records(gap=0.4), metrics="group_rates", margin=0.1, out=tmp_path / "kept"
        )
    text = str(shown.value)
    (kept,) = (tmp_path / "kept").iterdir()
    row = next(f for f in api.load_run(kept).findings if f["role"] == "primary")
    assert text.startswith("a gap above the margin is shown: python:Recorded")
    assert "Leans: " in text
    assert "95% interval" in text
    assert (
        f"the interval, {row['low']:.4g} to {row['high']:.4g}, lies wholly further than 0.1 from 0"
        in text
    )
    assert "allowed: within 0.1 of 0" in text
    assert text.count("; score ") >= 4


def test_few_rows_are_insufficient_evidence_and_say_how_many_would_do():
    """150 rows: its own exception, with about how much more would settle it."""
    with pytest.raises(
        InsufficientEvidence, match=r"about [\d.,]+ times as much evidence"
    ) as lacking:
        assert_no_gap(planted_records(gap=0.0, n=150), metrics=["group_rates"], margin=0.1)
    assert not isinstance(lacking.value, GapShown)
    assert "Insufficient evidence: " in str(lacking.value)


def test_insufficient_evidence_can_be_skipped_or_let_through_but_a_gap_cannot():
    """`skip` is unittest's, `pass` is said by whoever wrote the test."""
    few, bad = planted_records(gap=0.0, n=150), planted_records(gap=0.4)
    with pytest.raises(unittest.SkipTest, match="insufficient evidence"):
        assert_no_gap(few, metrics=["group_rates"], margin=0.1, insufficient="skip")
    assert assert_no_gap(few, metrics=["group_rates"], margin=0.1, insufficient="pass").findings
    for word in ("skip", "pass"):
        with pytest.raises(GapShown):
            assert_no_gap(bad, metrics=["group_rates"], margin=0.1, insufficient=word)


def test_a_method_that_does_not_apply_is_no_pass():
    """Its reason is the message."""
    with pytest.raises(InsufficientEvidence, match="does not apply"):
        assert_no_gap(planted_records(gap=0.0), metrics=["weat"], margin=0.1)


def test_items_are_those_of_the_finding(tmp_path):
    """Two tests of one metric: only the words of the finding that fails are quoted."""
    from plumbline.data.lexicons.weat import weat_tests

    test = weat_tests()[6]
    leans = {
        w: s for ws, s in ((test.x, 1.0), (test.a, 1.0), (test.y, -1.0), (test.b, -1.0)) for w in ws
    }
    model = PlantedEmbedder(dial=4.0, leans=leans)
    plan = {"params": {"weat": {"tests": [6, 7]}}}
    with pytest.raises(GapShown) as shown:
        assert_no_gap(
            model, metrics=["weat"], labels={"test": "6"}, margin=0.5, out=tmp_path, **plan
        )
    quoted = [line for line in str(shown.value).splitlines() if line.startswith("    ")]
    assert quoted
    assert all(any(f"item {w}" in line for w in (*test.x, *test.y)) for line in quoted)


def test_without_a_margin_the_plans_margins_count():
    """The margin of the finding's unit, as the plan states it."""
    model = planted_records(gap=0.15, n=12_000)
    assert_no_gap(model, metrics=["group_rates"], margins={"rate": 0.3})
    with pytest.raises(GapShown, match=r"within 0\.05 of 0"):
        assert_no_gap(model, metrics=["group_rates"])


def test_a_run_can_be_asserted_on_but_not_planned_again():
    """What was asked is what was asked."""
    run = api.audit(planted_records(gap=0.4), metrics=["group_rates"])
    with pytest.raises(GapShown):
        assert_no_gap(run, metrics=["group_rates"], margin=0.1)
    with pytest.raises(BadInput, match="cannot be given seed any more"):
        assert_no_gap(run, metrics=["group_rates"], margin=0.1, seed=3)
    with pytest.raises(BadInput, match="does not ask"):
        assert_no_gap(run, metrics=["weat"], margin=0.1)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"metrics": []}, "wants the ids of metrics"),
        ({"metrics": ["group_rate"]}, "Nearest: group_rates"),
        ({"metrics": ["group_rates"], "margin": 0}, "must be above 0; got 0"),
        ({"metrics": ["group_rates"], "insufficient": "passed"}, "Nearest: pass"),
        ({"metrics": ["group_rates"], "sed": 1}, "Nearest: seed"),
    ],
)
def test_slips_are_errors_and_no_failures(more, said):
    """A misspelt test must not look like a biased model."""
    with pytest.raises((BadInput, UnknownName)) as error:
        assert_no_gap(planted_records(gap=0.0, n=100), **more)
    assert said in str(error.value)


def test_the_border_is_the_intervals_far_end():
    """A hair above it passes, a hair below is insufficient; the near end parts that from a gap that is shown."""
    run = api.audit(planted_records(gap=0.2, n=2000), metrics=["group_rates"])
    (row,) = (f for f in run.findings if f["role"] == "primary")
    near, far = sorted((abs(row["low"]), abs(row["high"])))
    check_no_gap(run, ["group_rates"], margin=far + 1e-9)
    for margin in (far - 1e-9, near + 1e-9):
        with pytest.raises(InsufficientEvidence):
            check_no_gap(run, ["group_rates"], margin=margin)
    with pytest.raises(GapShown):
        check_no_gap(run, ["group_rates"], margin=near - 1e-9)


def test_everything_in_the_message_is_clean():
    """A model's own words cannot drive the terminal that shows the failure."""
    rng = np.random.default_rng(0)
    names = np.array(["\x1b[31ma\x07", "b\u202e"], object)[rng.integers(0, 2, 4000)]
    frame = {
        "prediction": (rng.random(4000) < 0.2 + 0.5 * (names == "b\u202e")).astype(float),
        "sex": names,
    }
    with pytest.raises(GapShown) as shown:
        assert_no_gap(
            frame, metrics="group_rates", margin=0.1, options={"extra": {"groups": ["sex"]}}
        )
    assert "\x1b" not in str(shown.value)
    assert "\u202e" not in str(shown.value)
