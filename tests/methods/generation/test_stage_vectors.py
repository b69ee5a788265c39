"""WEAT at a stage of texts: planted co-occurrences, none, coverage, and the kernel in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.data.lexicons.weat import weat_test
from plumbline.metrics.stage_vectors import ppmi, reduced, stage_weat, vectors_of


def texts(odds: float, seed: int, count: int = 6000) -> list[str]:
    """Sentences of one target word of test 7 and four attribute words.

    A word of the first target set stands with the first attributes at these odds, one of the second at the inverse.
    """
    rng = np.random.default_rng([seed, 100])
    test = weat_test(7)
    x, y, a, b = ([w.lower() for w in getattr(test, n)] for n in ("x", "y", "a", "b"))
    made = []
    for _ in range(count):
        first = rng.random() < 0.5
        chance = (odds if first else 1 / odds) / (1 + (odds if first else 1 / odds))
        around = [str(rng.choice(a if rng.random() < chance else b)) for _ in range(4)]
        made.append(" ".join([str(rng.choice(x if first else y)), *around]))
    return made


def test_ppmi_in_closed_form():
    """Two words that stand together twice as often as by chance: log 2; by chance or less: 0."""
    counts = np.array([[0.0, 4.0], [4.0, 0.0]])
    assert ppmi(counts)[0, 1] == pytest.approx(np.log(2))
    assert ppmi(counts)[0, 0] == 0
    even = np.full((3, 3), 5.0)
    assert np.abs(ppmi(even)).max() < 1e-12


def test_reduced_rows_keep_the_table_of_a_positive_matrix():
    """All dimensions kept: rows' inner products are the table, where it is positive semidefinite."""
    root = np.random.default_rng(0).normal(size=(5, 3))
    rows = reduced(root @ root.T, 50)
    assert rows.shape[1] == 3
    assert rows @ rows.T == pytest.approx(root @ root.T)


def test_planted_associations_are_found_in_order():
    """S119 check 4, on texts: d and the mean difference grow with the odds; swapped odds turn the sign."""
    got = [stage_weat(texts(odds, 1), [7], window=5)["weat 7"] for odds in (1.0, 1.3, 2.0)]
    assert got[0]["mean difference"] < got[1]["mean difference"] < got[2]["mean difference"]
    assert got[2]["d"] > 1.5
    assert got[2]["p one-sided"] < 0.001
    turned = stage_weat(texts(0.5, 1), [7], window=5)["weat 7"]
    assert turned["d"] < -1.5
    assert turned["p one-sided"] > 0.99


def test_nothing_planted_is_nothing_found():
    """Even odds: one-sided p over 40 corpora are spread (at most 6 below .05; binomial 99 %)."""
    p = [stage_weat(texts(1.0, s, 1500), [7], window=5)["weat 7"]["p one-sided"] for s in range(40)]
    assert sum(v < 0.05 for v in p) <= 6
    assert sum(v > 0.95 for v in p) <= 6
    assert 0.3 < np.mean(p) < 0.7


def test_words_that_do_not_occur_are_told():
    """S100 pitfall: out-of-vocabulary lists silently empty a test; here the test says how many are missing."""
    got = stage_weat(texts(2.0, 2), [6, 7], window=5)
    assert got["weat 7"]["words with a vector"] == 32
    assert (
        "32 of 32" in got["weat 6"]["not defined"] or "occur fewer" in got["weat 6"]["not defined"]
    )
    assert "d" not in got["weat 6"]
    assert vectors_of(["one two"], ["one"], window=5) == {}


def test_the_order_of_texts_does_not_matter():
    """Counts are sums."""
    given = texts(2.0, 3, 2000)
    one = stage_weat(given, [7], window=5)["weat 7"]
    two = stage_weat(given[::-1], [7], window=5)["weat 7"]
    assert one["d"] == pytest.approx(two["d"], abs=1e-6)
