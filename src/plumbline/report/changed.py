"""Where two texts differ, word by word, for showing them side by side."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

Segments = tuple[tuple[str, bool], ...]
MOST = 400  # words of a text that are compared; longer texts are shown unmarked
SHARED = 0.2  # share of words below which marks would only paint two texts over
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def marked(one: str, other: str) -> tuple[Segments, Segments]:
    """Both texts as (piece, whether the other text has something else there).

    Pieces end to end are the text. Nothing is marked where a text has more than `MOST` words, or
    where the two have hardly a word in common, which side by side is plain without marks.
    """
    a, b = _WORD.findall(one), _WORD.findall(other)
    if max(len(a), len(b)) > 2 * MOST:
        return _plain(one), _plain(other)
    match = SequenceMatcher(None, a, b, autojunk=False)
    # Spaces are alike in all texts; words decide whether the two have anything in common.
    alike = sum(not w.isspace() for m in match.get_matching_blocks() for w in a[m.a : m.a + m.size])
    words = sum(not w.isspace() for w in (*a, *b))
    if 2 * alike < SHARED * words:
        return _plain(one), _plain(other)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for kind, a0, a1, b0, b1 in match.get_opcodes():
        left.append(("".join(a[a0:a1]), kind != "equal"))
        right.append(("".join(b[b0:b1]), kind != "equal"))
    return _kept(left), _kept(right)


def _plain(text: str) -> Segments:
    return ((text, False),) if text else ()


def _kept(pieces: list[tuple[str, bool]]) -> Segments:
    return tuple((text, changed) for text, changed in pieces if text)
