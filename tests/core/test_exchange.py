"""Contents trade places under fixed labels, and nothing else of a prompt changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import BadInput
from plumbline.core.exchange import contents, exchange_sets, filled, labels, places, reordered
from plumbline.core.questions import Segment, plain

PROMPT = (
    Segment("Which? A. "), Segment("red", exchange="options", option="A"), Segment(" B. "),
    Segment("blue", exchange="options", option="B"), Segment(" for "), Segment("a wall", exchange="input"),
    Segment(" C. "), Segment("green", exchange="options", option="C"),
)  # fmt: skip


def test_sets_places_contents_labels():
    """A set of one place cannot trade and is not listed."""
    assert exchange_sets(PROMPT) == ("options",)
    assert places(PROMPT, "options") == (1, 3, 7)
    assert contents(PROMPT, "options") == ("red", "blue", "green")
    assert labels(PROMPT, "options") == ("A", "B", "C")
    assert contents(PROMPT, "input") == ("a wall",)


def test_contents_move_under_their_labels():
    """Letters stay, contents move; a set of one is filled as well."""
    turned = reordered(PROMPT, "options", [2, 0, 1])
    assert plain(turned) == "Which? A. green B. red for a wall C. blue"
    assert labels(turned, "options") == ("A", "B", "C")
    assert plain(filled(PROMPT, "input", ["a door"])) == plain(PROMPT).replace("wall", "door")


@given(st.permutations([0, 1, 2]), st.permutations([0, 1, 2]))
def test_orders_compose(first, second):
    """One order after another is their composition; the inverse brings the prompt back."""
    both = reordered(reordered(PROMPT, "options", first), "options", second)
    assert both == reordered(PROMPT, "options", [first[j] for j in second])
    back = sorted(range(3), key=lambda j: first[j])
    assert reordered(reordered(PROMPT, "options", first), "options", back) == PROMPT


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [0, 1, 3]])
def test_what_is_no_order_is_refused(order):
    """Too short, a repeat, out of range."""
    with pytest.raises(BadInput, match="not an order of the 3 places"):
        reordered(PROMPT, "options", order)


def test_unknown_set_and_wrong_number_of_texts():
    """The message lists what is there."""
    with pytest.raises(BadInput, match="no exchange set 'answers'; it has options"):
        places(PROMPT, "answers")
    with pytest.raises(BadInput, match="1 texts for the 3 places"):
        filled(PROMPT, "options", ["x"])
