"""The anchored loss: by hand, its gradient, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.stats.anchored_loss import anchored_loss, ordered_pairs
from plumbline.stats.ranking_quality import ndcg


def test_by_hand():
    """Scores 1, 2 in the wrong order, margin .5: hinge 1.5; anchors 1 and 0: 0 + 4, half pulled."""
    loss, gradient = anchored_loss([1.0, 2.0], [[0, 1]], [1.0, 0.0], margin=0.5, pull=0.5)
    assert loss == pytest.approx(1.5 + 0.5 * 4)
    assert gradient == pytest.approx([-1, 1 + 2 * 0.5 * 2])
    assert anchored_loss([3.0, 2.0], [[0, 1]], [np.nan, np.nan])[0] == 0


def test_pairs_stay_inside_queries():
    """Labels 2, 0, 1 in one query and 1, 1 in another: three pairs."""
    got = ordered_pairs([2, 0, 1, 1, 1], ["a", "a", "a", "b", "b"])
    assert sorted(map(tuple, got.tolist())) == [(0, 1), (0, 2), (2, 1)]


def test_gradient_is_the_slope():
    """Central differences away from the kinks."""
    rng = np.random.default_rng(0)
    s, labels = rng.standard_normal(12), rng.integers(0, 3, 12)
    pairs, anchors = ordered_pairs(labels, np.repeat([0, 1], 6)), labels / 2.0
    _, gradient = anchored_loss(s, pairs, anchors, pull=0.7)
    for i in range(s.size):
        step = np.zeros(12)
        step[i] = 1e-6
        up, down = (anchored_loss(s + d, pairs, anchors, pull=0.7)[0] for d in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-6, abs=1e-4)


def test_a_shift_moves_the_anchored_loss_only():
    """The hinge does not see what is added to all scores."""
    s, pairs = np.array([0.3, -0.2, 0.1]), [[0, 1], [2, 1]]
    bare = [anchored_loss(s + c, pairs, [1, 0, 1], pull=0)[0] for c in (0, 5)]
    held = [anchored_loss(s + c, pairs, [1, 0, 1])[0] for c in (0, 5)]
    assert bare[0] == pytest.approx(bare[1])
    assert held[1] > held[0] + 10


def train(seed, pull):
    """A linear ranker with its own start and its own 30 queries of 12; scores and NDCG on common ones."""
    taste = np.array([1.0, -0.7, 0.4, 0.0])

    def drawn(rng, queries):
        x = rng.standard_normal((queries * 12, 4))
        grade = np.digitize(x @ taste + 0.3 * rng.standard_normal(len(x)), (0.0, 1.0))
        return np.column_stack([x, np.ones(len(x))]), grade, np.repeat(np.arange(queries), 12)

    rng = np.random.default_rng([seed, 82])
    x, grade, query = drawn(rng, 30)
    pairs, anchors = ordered_pairs(grade, query), grade / 2.0
    w = rng.standard_normal(5)
    for step in range(400):
        _, slope = anchored_loss(x @ w, pairs, anchors, pull=pull)
        w = w - 0.3 / (1 + step / 50) * (x.T @ slope) / len(pairs)
    new, truth, asked = drawn(np.random.default_rng(1), 100)
    scores = new @ w
    quality = float(np.nanmean(ndcg(scores, truth, asked, k=10)))
    return [scores[truth == g].mean() for g in range(3)], quality


def test_anchors_make_scores_comparable():
    """S082 check 3: the sd between seeds of scores at a fixed label is at most half the hinge's; NDCG within .01.

    Ten rankers, each with its own start and training queries; the hinge leaves its start's offset as it was.
    """
    hinge, anchored = ([train(seed, pull) for seed in range(10)] for pull in (0.0, 5.0))
    spread = [np.std([scores for scores, _ in runs], axis=0, ddof=1) for runs in (hinge, anchored)]
    assert (spread[1] <= spread[0] / 2).all()
    quality = [np.mean([q for _, q in runs]) for runs in (hinge, anchored)]
    assert quality[1] == pytest.approx(quality[0], abs=0.01)


def test_bad_input():
    """Anchors for other rows, a negative pull."""
    with pytest.raises(BadInput):
        anchored_loss([1.0], [[0, 0]], [1.0, 2.0])
    with pytest.raises(BadInput):
        anchored_loss([1.0], [[0, 0]], [1.0], pull=-1)
