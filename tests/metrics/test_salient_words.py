"""Words that set two groups apart: a vocabulary of one word says nothing."""

from __future__ import annotations

import numpy as np

from plumbline.metrics.salient_words import salient


def test_one_word_has_no_odds_against_others():
    """A model that says one word over and over: no salient word, and no NaN for the record."""
    texts = [["same"] * 4] * 8
    first = np.array([True, False] * 4)
    found = salient(
        texts, first, objects=list("abcdefgh"), blocks=["x"] * 8, rng=np.random.default_rng(0)
    )
    assert found == []


def test_two_words_are_mirror_images():
    """Of two words the odds of one are the inverse odds of the other."""
    texts = [["he", "he", "she"], ["she", "she", "he"]] * 4
    first = np.array([True, False] * 4)
    found = salient(
        texts, first, objects=list("abcdefgh"), blocks=["x"] * 8, rng=np.random.default_rng(0)
    )
    assert {s.word for s in found} == {"he", "she"}
    assert found[0].log_odds == -found[1].log_odds
