"""Which words stand near words for women and for men, and how unequally.

GenBit (Sengupta et al. 2021, github.com/microsoft/responsible-ai-toolbox-genbit), after Bordia and
Bowman 2019 (arXiv:1904.03035): a word within the window of a gendered word counts decay^distance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.data.lexicons.function_words import function_words, words
from plumbline.data.lexicons.gender_words import GenderWords
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]
GROUPS: Final = ("women", "men")


@dataclass(frozen=True, slots=True)
class Near:
    """One text.

    Attributes:
        women, men: Weighted counts of the other words near words for women and for men.
        gendered: Number of words for women, and for men.
        words: Number of words that were looked at.
    """

    women: Mapping[str, float]
    men: Mapping[str, float]
    gendered: tuple[int, int]
    words: int

    def of(self, group: str) -> Mapping[str, float]:
        """The counts near one group's words."""
        return self.women if group == GROUPS[0] else self.men


def near(text: str, lists: GenderWords, *, window: int, decay: float) -> Near:
    """Count a text's words near gendered ones; function words are dropped before distances.

    Args:
        text: One text; the window does not reach beyond it.
        lists: Words for women and men.
        window: Largest distance, in words that are left, on each side.
        decay: Weight of a word at distance d is decay^d; 1 counts all alike.
    """
    both, stop = lists.both, function_words()
    said = [word for word in words(text) if word in both or word not in stop]
    found: tuple[defaultdict[str, float], defaultdict[str, float]]
    found = (defaultdict(float), defaultdict(float))
    gendered = [0, 0]
    weights = [decay**d for d in range(window + 1)]
    for place, word in enumerate(said):
        if word not in both:
            continue
        side = 0 if word in lists.female else 1
        gendered[side] += 1
        low, high = max(0, place - window), min(len(said), place + window + 1)
        for other in range(low, high):
            if other != place:
                found[side][said[other]] += weights[abs(other - place)]
    return Near(found[0], found[1], (gendered[0], gendered[1]), len(said))


def published_scores(
    women: Floats,
    men: Floats,
    gendered: tuple[float, float],
    vocabulary: int,
    *,
    smoothing: float = 1.0,
) -> Floats:
    """GenBit's score of each word, positive where it goes with women: log P(w|women) / P(w|men).

    P(w|g) = (count near g + smoothing) / (words of g + vocabulary). GenBit itself has the sign
    turned around. Where one gender is named more often its scores move away from 0 by
    log((words of men + vocabulary) / (words of women + vocabulary)) for every word.

    Args:
        women: Count of each word near words for women; shape (words,).
        men: The same for men.
        gendered: Number of words for women, and for men.
        vocabulary: Number of different words, gendered ones included.
        smoothing: Added to every count.
    """
    one = (women + smoothing) / (gendered[0] + vocabulary)
    two = (men + smoothing) / (gendered[1] + vocabulary)
    return np.asarray(np.log(one) - np.log(two))


def bordia_bowman(
    women: Floats, men: Floats, gendered: tuple[float, float], total: float
) -> Floats:
    """log P(w|women) / P(w|men) with P(w|g) = (c(w,g) / sum c(.,g)) / (c(g) / total)."""
    one = women / women.sum() / (gendered[0] / total)
    two = men / men.sum() / (gendered[1] / total)
    return np.asarray(np.log(one) - np.log(two))


def cutoff(counts: Floats, *, percentile: float, smoothing: float = 1.0) -> float:
    """GenBit's smallest count of a word that is scored: a percentile of counts above 2."""
    smoothed = counts + 2 * smoothing
    above = smoothed[smoothed > 2]
    return float(np.percentile(above, percentile)) if above.size else 2.0


def cells(
    texts: Sequence[Near], units: Sequence[str], vocabulary: Sequence[str]
) -> tuple[dict[str, Any], Floats]:
    """A row a text and gender that it speaks of, and its counts.

    Returns:
        Columns for items, and features of shape (rows, 1 + words): gendered words, then counts.
    """
    columns: dict[str, list[Any]] = {"group": [], "document": [], "cell": []}
    rows = []
    for i, (text, unit) in enumerate(zip(texts, units, strict=True)):
        for side, group in enumerate(GROUPS):
            if text.gendered[side]:
                columns["group"].append(group)
                columns["document"].append(unit)
                columns["cell"].append(f"{i}|{group}")
                counts = text.of(group)
                rows.append([float(text.gendered[side]), *(counts.get(w, 0.0) for w in vocabulary)])
    return columns, np.array(rows, float).reshape(len(rows), 1 + len(vocabulary))


def _features(items: Items, options: Mapping[str, Any]) -> Floats:
    weight = item_weights(items)
    table = options["counts"][items["row"].astype(int)]
    return np.column_stack([weight, weight[:, None] * table])


def word_scores(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """log P(w|first group) - log P(w|second), smoothed in proportion to the groups' texts.

    Args:
        sums: (..., 2, 2 + words): texts, gendered words, counts.
        options: `smoothing` a text, `vocabulary`.

    Returns:
        Shape (..., words).
    """
    extra = options["smoothing"] * sums[..., :1]
    count = np.maximum(sums[..., 2:], 0.0) + extra
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(count) - np.log(sums[..., 1:2] + extra * options["vocabulary"])
    return np.asarray(log[..., 0, :] - log[..., 1, :])


def mean_absolute(scores: Floats, options: Mapping[str, Any]) -> Floats:  # noqa: ARG001 - one signature for sizes
    """Mean absolute score of the words."""
    size = np.abs(scores).mean(axis=-1)
    return np.asarray(np.where(size < 1e-12, 0.0, size))  # equal groups differ by rounding


def _mean_size(sums: Floats, options: Mapping[str, Any]) -> Floats:
    return mean_absolute(word_scores(sums, options), options)


def _mean(sums: Floats, options: Mapping[str, Any]) -> Floats:
    return np.asarray(word_scores(sums, options).mean(axis=-1))


GENBIT: Final = Estimator(
    "genbit", _features, _mean_size, groups=2, bounds=(0.0, np.inf),
    parts=word_scores, size=mean_absolute,
)  # fmt: skip
LEAN: Final = Estimator("genbit_lean", _features, _mean, groups=2)
