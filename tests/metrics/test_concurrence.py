"""Facts of a run on disputed territories, by hand."""

from __future__ import annotations

import pytest

from plumbline.data.sets.borderlines import Territory
from plumbline.metrics.concurrence import Row, facts_of


def test_facts_by_hand():
    """Two territories, two orders, one answer missing; the control question names no country of a language."""
    territories = [
        Territory("One", ("A", "B"), ("a", "b"), "A", "here"),
        Territory("Two", ("C", "B"), ("c", "b"), "E", "there"),
    ]
    rows = [
        Row(0, 0, "en", control=True, claimants=("A", "B")), Row(0, 1, "en", control=True, claimants=("B", "A")),
        Row(0, 0, "a", control=False, claimants=("A", "B")), Row(0, 1, "a", control=False, claimants=("B", "A")),
        Row(0, 0, "b", control=False, claimants=("A", "B")), Row(0, 1, "b", control=False, claimants=("B", "A")),
        Row(1, 0, "c", control=False, claimants=("C", "B")), Row(1, 0, "b", control=False, claimants=("C", "B")),
    ]  # fmt: skip
    # en: A then A; a: A then A; b: B then A; c: none; b: B.
    chosen = [0, 1, 0, 1, 1, 1, -1, 1]
    got = facts_of(territories, rows, chosen, ["", "", "", "", "", "", "refused", ""])
    assert got["territories"] == 2
    assert got["questions"] == 8
    assert got["languages"] == 4
    assert got["unanswered"] == {"refused": 1}
    assert got["unanswered_by_language"] == {"c": 1}
    assert got["answers_by_place"] == {"0": 2, "1": 5}
    assert got["same_country_in_both_orders"] == pytest.approx(2 / 3)
    # In the claimants' languages: A and B were named for One, B for Two.
    assert got["countries_named_a_territory"] == pytest.approx((2 + 1) / 2)
    assert got["controller_not_an_option"] == ["Two"]
