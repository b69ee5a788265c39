"""Labels of words from marked places."""

from __future__ import annotations

from plumbline.core.tagged import marked


def test_the_first_word_of_a_run_begins_it():
    """Places 1, 2 and 4 of six: two runs, the second of one word."""
    got = marked(["w"] * 6, {1, 2, 4}, "STEREO")
    assert [sorted(labels) for labels in got] == [
        [], ["B-STEREO"], ["I-STEREO"], [], ["B-STEREO"], [],
    ]  # fmt: skip
    assert sorted(marked(["w"], {0}, "E")[0]) == ["B-E"]
