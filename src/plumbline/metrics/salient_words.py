"""Which words go with one group's texts more than with another's, errors of the whole list held.

Log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008,
doi:10.1093/pan/mpn018): the pooled counts of all texts are the prior, so that a word seen in one
group only has a finite value. Its z treats words as independent, so it serves as statistic only;
p comes from exchanging whole texts (or whole names) and comparing with the largest |z| of the list
(Westfall & Young 1993), which holds the chance of a single false word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.stats.permutation import permuted_labels

Floats = NDArray[np.float64]
FEWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Salient:
    """One word.

    Attributes:
        word: The word.
        log_odds: Above 0: goes with the first group.
        z: log_odds over its error for independent words.
        p: Family-wise p over the whole list.
        counts: How often it stands in the first and in the second group's texts.
    """

    word: str
    log_odds: float
    z: float
    p: float
    counts: tuple[int, int]

    def row(self) -> dict[str, Any]:
        """For a report's facts."""
        return {
            "word": self.word, "log_odds": self.log_odds, "z": self.z, "p": self.p,
            "counts": list(self.counts),
        }  # fmt: skip


def log_odds(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Log-odds ratio of each word with the pooled counts as prior, and its z.

    Args:
        first: Counts in the first group; shape (..., words).
        second: Counts in the second group; same shape.

    Returns:
        delta and z, of the counts' shape.
    """
    prior = first + second
    a, b = first + prior, second + prior
    rest_a = a.sum(axis=-1, keepdims=True) - a
    rest_b = b.sum(axis=-1, keepdims=True) - b
    delta = np.log(a / rest_a) - np.log(b / rest_b)
    return delta, delta / np.sqrt(1.0 / a + 1.0 / b)


def odds_ratio(first: int, total_first: int, second: int, total_second: int) -> float:
    """[x / (n - x)] of the first group over that of the second; NaN where one is empty."""
    top, bottom = first * (total_second - second), second * (total_first - first)
    return top / bottom if bottom > 0 else float("nan")


def salient(
    texts: Sequence[Sequence[str]],
    first: NDArray[np.bool_],
    *,
    objects: Sequence[str],
    blocks: Sequence[str],
    leave_out: Collection[str] = (),
    rng: np.random.Generator,
    draws: int = 999,
    fewest: int = FEWEST,
) -> list[Salient]:
    """Words of the two groups by falling |z|, with family-wise p.

    Args:
        texts: Words of each text.
        first: True where a text is about the first group; shape (texts,).
        objects: What carries a group as a whole, one a text (a name, or the text itself).
        blocks: Inside what groups may trade places, one a text; equal for texts of one object.
        leave_out: Words not to look at.
        rng: The stream.
        draws: Random arrangements.
        fewest: Smallest number of occurrences in both groups together.
    """
    tally = Counter(word for text in texts for word in text)
    vocabulary = sorted(w for w, k in tally.items() if k >= fewest and w not in leave_out)
    # The odds of a word are odds against other words.
    if len(vocabulary) < 2 or first.all() or not first.any():
        return []
    place = {word: j for j, word in enumerate(vocabulary)}
    names, start, code = np.unique(
        np.asarray(objects, object).astype(str), return_index=True, return_inverse=True
    )
    counts = np.zeros((names.size, len(vocabulary)))
    for i, text in enumerate(texts):
        for word in text:
            if word in place:
                counts[code[i], place[word]] += 1
    _, block = np.unique(np.asarray(blocks, object).astype(str)[start], return_inverse=True)
    label = first[start].astype(np.int64)
    total = counts.sum(axis=0)
    mine = label @ counts
    delta, z = log_odds(mine, total - mine)
    moved = permuted_labels(rng, label, block.reshape(-1), draws) @ counts
    largest = np.abs(log_odds(moved, total - moved)[1]).max(axis=-1)
    p = (1 + (largest[:, None] >= np.abs(z)[None, :] * (1 - 1e-12)).sum(axis=0)) / (1 + draws)
    order = np.argsort(-np.abs(z), kind="stable")
    return [
        Salient(
            vocabulary[j], float(delta[j]), float(z[j]), float(p[j]),
            (int(mine[j]), int(total[j] - mine[j])),
        )
        for j in order
    ]  # fmt: skip
