"""Factors of texts by hand."""

from __future__ import annotations

import math

import pytest

from plumbline.data import text_factors as f

TEXT = "# Plan\n\n- Buy **two** apples.\n- Don't buy `pears`!\n\nIt is late. We go home."


def test_words_and_sentences():
    """Headings and list items are lines of their own; an apostrophe does not part a word."""
    assert f.length(TEXT) == 13
    assert f.words("Don't stop-gap 3 times") == ["don't", "stop-gap", "3", "times"]
    assert f.sentence_length(TEXT) == pytest.approx(13 / 5)
    assert f.length("") == 0
    assert math.isnan(f.sentence_length("..."))


def test_reading_grade():
    """Automated Readability Index, Senter & Smith 1967: 4.71 letters/words + .5 words/sentences - 21.43."""
    assert f.reading_grade("The cat sat. A dog ran off.") == pytest.approx(
        4.71 * 19 / 7 + 0.5 * 3.5 - 21.43
    )
    assert f.reading_grade("Considerable organisational complexity.") > f.reading_grade(
        "I am here."
    )
    assert math.isnan(f.reading_grade("!"))


def test_formatting_marks():
    """One heading, two items, one bold and one code span; a hyphen inside a line is no mark."""
    assert f.formatting(TEXT) == 5
    assert f.formatting("1. one\n2) two\n> quote\n| a | b |\n```\ncode\n```") == 6
    assert f.formatting("a - b, c * d, 3.5 metres") == 0


def test_novelty():
    """Share of word pairs that the source does not have: copied 0, new 1, half copied in between."""
    source = "the cat sat on the mat"
    assert f.novelty("The cat sat on the mat.", source) == 0
    assert f.novelty("dogs bark at night", source) == 1
    assert f.novelty("the cat sat down", source) == pytest.approx(1 / 3)
    assert math.isnan(f.novelty("word", source))
