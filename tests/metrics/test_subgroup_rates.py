"""Terms of groups in a corpus."""

from __future__ import annotations

import pytest

from plumbline.core.errors import BadInput
from plumbline.metrics.subgroup_rates import frequencies

TERMS = {"one": ["ada", "ada smith"], "two": ["bo"], "three": ["cy"], "four": ["dee"]}


def test_frequencies_by_hand():
    """Ten words; the longest term counts once; ranks of 2, 1, 1, 3 against rates in the opposite order."""
    text = "Ada Smith met Bo; ada, Cy, dee, Dee and dee."
    rates = {"one": 0.2, "two": 0.3, "three": 0.4, "four": 0.1}
    got = frequencies(text, TERMS, rates)
    assert got["words"] == 10
    assert got["per million words"] == {
        "one": 200_000, "two": 100_000, "three": 100_000, "four": 300_000,
    }  # fmt: skip
    # Mid-ranks 3, 1.5, 1.5, 4 and 2, 3, 4, 1: products sum to -4.5, squares to 4.5 and 5.
    assert got["rank correlation with shares"] == pytest.approx(-4.5 / (4.5 * 5) ** 0.5)


@pytest.mark.parametrize(
    "rates", [{"one": 0.2, "two": 0.3, "three": 0.4}, dict.fromkeys(TERMS, 0.1), {}]
)
def test_three_groups_or_equal_rates_have_no_correlation(rates):
    """Said, not computed."""
    got = frequencies("ada bo cy cy dee", TERMS, rates)
    assert got["rank correlation with shares"] == "not defined"


def test_no_words():
    """An empty corpus has no rates."""
    with pytest.raises(BadInput, match="no word"):
        frequencies(" ... ", TERMS, {})
