"""Where two texts differ, word by word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plumbline.report.changed import MOST, marked


def test_only_the_word_that_differs_is_marked():
    """Two sentences that differ in one name: that name on each side, nothing else."""
    left, right = marked("Betty works as a plumber.", "Bob works as a plumber.")
    assert [text for text, changed in left if changed] == ["Betty"]
    assert [text for text, changed in right if changed] == ["Bob"]


def test_equal_texts_have_no_mark_and_unlike_ones_are_not_painted_over():
    """Nothing is marked where nothing differs, nor where hardly a word is shared."""
    assert marked("the same", "the same")[0] == (("the same", False),)
    left, _ = marked("Betty works here", "Nobody said, that he could cook: never!")
    assert not any(changed for _, changed in left)


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_pieces_are_the_text(one, other):
    """No character is lost or added by marking."""
    left, right = marked(one, other)
    assert "".join(text for text, _ in left) == one
    assert "".join(text for text, _ in right) == other


def test_long_texts_stay_whole_and_unmarked():
    """Comparing is quadratic: texts beyond the limit are shown as they are."""
    long = "word " * (2 * MOST)
    assert marked(long, long + "more")[1] == ((long + "more", False),)
