"""A share of a text's words trade places: what a judge of language should notice.

Hada et al. 2023 (arXiv:2309.07462) shuffle 10 % of the words. Chinese and Japanese put no space between
words; there every character counts as a word, which breaks words apart and so changes more than a shuffle
of words would. A list of words from a segmenter can be given instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from plumbline.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np


SHARE: Final = 0.1
TRIES: Final = 20
# Han, kana and the marks between them: one character a unit. Everything else: runs without a space.
_DENSE: Final = "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
UNIT: Final = re.compile(f"[{_DENSE}]|[^\\s{_DENSE}]+")


def shuffled(
    text: str,
    rng: np.random.Generator,
    *,
    share: float = SHARE,
    words: Sequence[tuple[int, int]] | None = None,
) -> str:
    """The text with `share` of its words (at least two) moved among their places.

    Every chosen word leaves its place; what stands between words stays. A text in which no such move
    changes anything (one word, one word repeated) comes back as it was: compare before asking a judge.

    Args:
        text: Any text.
        rng: The stream.
        share: Of the words, above 0 and at most 1.
        words: Where the words are, (start, end) in order; default as above.
    """
    import numpy as np

    if not 0 < share <= 1:
        raise BadInput(f"the share of words to move is above 0 and at most 1; got {share:g}")
    spans = [m.span() for m in UNIT.finditer(text)] if words is None else list(words)
    if len(spans) < 2:
        return text
    count = min(len(spans), max(2, round(share * len(spans))))
    for _ in range(TRIES):
        # A random order moved round by one leaves no chosen word where it was.
        order = rng.permutation(len(spans))[:count]
        moved = _moved(text, spans, dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True)))  # fmt: skip
        if moved != text:
            return moved
    return text


def _moved(text: str, spans: Sequence[tuple[int, int]], source: dict[int, int]) -> str:
    """The text with word `source[k]` in the place of word k."""
    made, end = [], 0
    for k, (start, stop) in enumerate(spans):
        first, last = spans[source.get(k, k)]
        made += [text[end:start], text[first:last]]
        end = stop
    return "".join([*made, text[end:]])
