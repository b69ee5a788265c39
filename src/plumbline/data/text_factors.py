"""Simple properties of a text that a reader may like or dislike: length, reading grade, marks, novelty.

Words are runs of letters and digits; languages that put no space between words need a count of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

NGRAM: Final = 2
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_END: Final = re.compile(r"[.!?…]+(?=\s|$)|\n+")
# Headings, list items, quotes and rows of tables at the start of a line; fences, bold and inline code.
_MARK: Final = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|[-*+•][ \t]|\d+[.)][ \t]|>[ \t]|\||```)|\*\*[^*\n]+\*\*|`[^`\n]+`", re.MULTILINE)  # fmt: skip


def words(text: str) -> list[str]:
    """The words, in lower case."""
    return [w.lower() for w in _WORD.findall(text)]


def length(text: str) -> float:
    """Number of words."""
    return float(len(words(text)))


def sentence_length(text: str) -> float:
    """Words a sentence (or line); NaN without a word."""
    parts = [n for n in (len(words(part)) for part in _END.split(text)) if n]
    return sum(parts) / len(parts) if parts else float("nan")


def reading_grade(text: str) -> float:
    """Automated Readability Index, 4.71 letters/words + .5 words/sentences - 21.43; NaN without a word.

    Senter & Smith 1967 (AMRL-TR-66-220). Made for English prose; higher is harder.
    """
    found = words(text)
    if not found:
        return float("nan")
    letters = sum(c.isalnum() for w in found for c in w)
    return 4.71 * letters / len(found) + 0.5 * sentence_length(text) - 21.43


def formatting(text: str) -> float:
    """Number of marks: headings, list items, quotes, rows of tables, fences, bold spans, code spans."""
    return float(len(_MARK.findall(text)))


def novelty(text: str, source: str, *, n: int = NGRAM) -> float:
    """Share of the text's n-grams of words that the source does not have; NaN for shorter texts."""

    def grams(found: list[str]) -> list[tuple[str, ...]]:
        return [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]

    mine, theirs = grams(words(text)), set(grams(words(source)))
    return sum(g not in theirs for g in mine) / len(mine) if mine else float("nan")


AUTOMATIC: Final[Mapping[str, Callable[[str], float]]] = {
    "length": length,
    "sentence length": sentence_length,
    "reading grade": reading_grade,
    "formatting": formatting,
}
"""Factors that a text alone gives; `novelty` needs its source as well."""
NOVELTY: Final = "novelty"
