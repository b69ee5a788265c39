"""WEAT at a stage of texts: on vectors that are made from these texts alone, with a guard of coverage.

Word vectors are positive pointwise mutual information within a window, reduced by a singular value decomposition
(Levy & Goldberg 2014). Wambsganss et al. 2023 trained GloVe on each group's texts, and all ten of their tests
came out empty, because the lists' words do not occur in them; here that is told, word by word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.data.lexicons.function_words import function_words, words
from plumbline.data.lexicons.weat import WeatTest, weat_test
from plumbline.metrics.association import association, unit_rows
from plumbline.stats.permutation import exact_two_groups, permutation_p

Floats = NDArray[np.float64]
FEWEST: Final = 5  # times that a word must occur to have a vector
MOST: Final = 2000  # words with vectors, the most frequent ones and those of the lists
DIMENSIONS: Final = 50
COVERED: Final = 0.75  # of a test's words must have a vector
SETS: Final = ("x", "y", "a", "b")


def ppmi(counts: Floats) -> Floats:
    """max(0, log P(i, j) / (P(i) P(j))) of a symmetric table of co-occurrences; (words, words)."""
    total = counts.sum()
    share = counts.sum(axis=1) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = counts / total / np.outer(share, share)
        return np.where(ratio > 1, np.log(ratio), 0.0)


def reduced(table: Floats, dimensions: int) -> Floats:
    """Rows of U sqrt(S) of the largest singular values; (words, dimensions at most)."""
    left, sizes, _ = np.linalg.svd(table, hermitian=True)
    kept = min(dimensions, int((sizes > sizes.max() * 1e-10).sum()))
    return np.asarray(left[:, :kept] * np.sqrt(sizes[:kept]))


def vectors_of(texts: Sequence[str], wanted: Sequence[str], *, window: int) -> dict[str, Floats]:
    """A vector for each word that occurs often enough.

    Args:
        texts: The stage's texts; the window does not reach beyond one.
        wanted: Words that get a vector even if others are more frequent.
        window: Largest distance on each side, in words that are no function words.
    """
    # Pronouns are function words, and attributes of tests 7 and 8.
    stop = function_words() - set(wanted)
    said = [[w for w in words(text) if w not in stop] for text in texts]
    tally = Counter(word for text in said for word in text)
    often = {w for w, n in tally.items() if n >= FEWEST}
    first = sorted(often & set(wanted))
    rest = [w for w, _ in tally.most_common() if w in often and w not in set(first)]
    vocabulary = [*first, *rest[: max(0, MOST - len(first))]]
    place = {word: i for i, word in enumerate(vocabulary)}
    counts = np.zeros((len(vocabulary), len(vocabulary)))
    for text in said:
        at = np.array([place.get(w, -1) for w in text])
        for distance in range(1, min(window, len(at) - 1) + 1):
            one, two = at[:-distance], at[distance:]
            both = (one >= 0) & (two >= 0)
            np.add.at(counts, (one[both], two[both]), 1.0)
            np.add.at(counts, (two[both], one[both]), 1.0)
    seen = counts.sum(axis=1) > 0
    if seen.sum() < 2:
        return {}
    made = reduced(ppmi(counts[np.ix_(seen, seen)]), DIMENSIONS)
    names = [word for word, here in zip(vocabulary, seen, strict=True) if here]
    return {word: row for word, row in zip(names, made, strict=True) if np.any(row)}


def stage_weat(texts: Sequence[str], tests: Sequence[int], *, window: int) -> dict[str, Any]:
    """Effect size, one-sided p and coverage of WEAT tests on vectors of these texts, by test.

    A test of which too few words have a vector says so in place of numbers. p counts all splits of the target words; it is about
    these words in these texts, and does not know that other users would have written other texts.

    Raises:
        BadInput: A test with more splits than can be counted (tests 6 to 8 have 12,870).
    """
    chosen = [weat_test(int(n)) for n in tests]
    wanted = sorted({w.lower() for t in chosen for name in SETS for w in getattr(t, name)})
    found = vectors_of(texts, wanted, window=window)
    return {f"weat {t.id}": _tested(t, found) for t in chosen}


def _tested(test: WeatTest, found: dict[str, Floats]) -> dict[str, Any]:
    sets = {name: [w.lower() for w in getattr(test, name)] for name in SETS}
    known = {name: [w for w in given if w in found] for name, given in sets.items()}
    count, of = sum(map(len, known.values())), sum(map(len, sets.values()))
    told: dict[str, Any] = {"words with a vector": count, "words": of}
    if count < COVERED * of or min(map(len, known.values())) < 2:
        return told | {"not defined": f"{of - count} of {of} words occur fewer than {FEWEST} times"}
    rows = {name: unit_rows(np.stack([found[w] for w in given])) for name, given in known.items()}
    x, y = (association(rows[name], rows["a"], rows["b"]) for name in ("x", "y"))
    scores = np.concatenate([x, y])
    spread = float(scores.std(ddof=1))
    if spread == 0:
        return told | {"not defined": "all associations are equal"}
    gap = float(x.mean() - y.mean())
    told |= {"d": gap / spread, "mean difference": gap}
    splits = exact_two_groups(scores, len(x))
    p = permutation_p(splits, float(x.sum()), exact=True, side="greater")
    return told | {"p one-sided": p}
