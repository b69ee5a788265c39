"""Texts of random words: the words of a domain without what they say.

Fei et al. 2023 (arXiv:2305.19148), section 4.1 and their code: words are drawn with replacement from all
lower-cased words of the domain's texts, each as often as it occurs, as many as a text has on average and
one more, and a full stop ends them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from plumbline.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np


END = " ."


def corpus_words(texts: Sequence[str]) -> tuple[str, ...]:
    """All lower-cased words of the texts, as often as they occur; white space parts words."""
    return tuple(word for text in texts for word in text.lower().split())


def typical_length(texts: Sequence[str]) -> int:
    """Words of a random text: the mean number of words, cut to a whole number, and one more.

    Raises:
        BadInput: There is no text, or none of them has a word.
    """
    found = corpus_words(texts)
    if not found:
        raise BadInput(f"{len(texts)} texts without a word; wanted texts of the domain")
    return len(found) // len(texts) + 1


def random_texts(
    words: Sequence[str], *, length: int, count: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """Texts of `length` words each, drawn with replacement.

    Raises:
        BadInput: There is no word to draw.
    """
    if not words or length < 1 or count < 1:
        raise BadInput(
            f"random texts need words, a length and a count of at least 1; got {len(words)} words, "
            f"length {length}, count {count}"
        )
    drawn = rng.integers(len(words), size=(count, length))
    return tuple(" ".join(words[i] for i in row) + END for row in drawn)


def domain_texts(
    places: Sequence[Sequence[str]], *, count: int, rng: np.random.Generator,
    words: Sequence[str] | None = None,
) -> list[tuple[str, ...]]:  # fmt: skip
    """Random inputs with one text a place (premise and hypothesis have words and lengths of their own).

    Args:
        places: For each place, the domain's texts there.
        count: How many inputs.
        rng: The stream.
        words: Words to draw from instead of the domain's own; the lengths stay the domain's.
    """
    made = [
        random_texts(
            corpus_words(texts) if words is None else words,
            length=typical_length(texts), count=count, rng=rng,
        )
        for texts in places
    ]  # fmt: skip
    return list(zip(*made, strict=True))
