"""A pairwise ranking loss whose scores have a scale: the hinge of pairs plus a pull to the label's anchor.

L = sum over pairs of one query with unequal labels of max(0, s_worse - s_better + margin)
    + pull * sum (s - anchor(label))^2.

Zou et al., "Pre-trained Language Model based Ranking in Baidu Search", KDD 2021, arXiv:2105.11108, human-anchored
fine-tuning; the paper's own equation was not read. A hinge sees differences only: whatever is added to all
scores stays, so scores of two rankers cannot be compared. Anchors are a choice of scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, Integers, codes, vector


def ordered_pairs(labels: ArrayLike, queries: ArrayLike) -> Integers:
    """Rows (better, worse) of one query with unequal labels; shape (pairs, 2)."""
    grade = vector(labels, "labels")
    code = codes(queries, "queries", length=grade.size)
    found = []
    for q in range(int(code.max()) + 1):
        rows = np.flatnonzero(code == q)
        i, j = np.nonzero(grade[rows][:, None] > grade[rows][None, :])
        found.append(np.column_stack([rows[i], rows[j]]))
    return np.concatenate(found)


def anchored_loss(
    scores: ArrayLike, pairs: ArrayLike, anchors: ArrayLike, *, margin: float = 0.5, pull: float = 1.0
) -> tuple[float, Floats]:  # fmt: skip
    """The loss and its gradient by the scores (a subgradient where a pair lies on the margin).

    Args:
        scores: (n,).
        pairs: (pairs, 2) rows, the better one first; see `ordered_pairs`.
        anchors: (n,) where each row's label pulls its score to; NaN where there is none.
        margin: By how much the better one should lead.
        pull: Weight of the anchors; 0 is the hinge alone.

    Raises:
        BadInput: Lengths differ, or a negative margin or pull.
    """
    s = vector(scores, "scores")
    target = np.asarray(anchors, np.float64)
    which = np.asarray(pairs, np.int64).reshape(-1, 2)
    if target.shape != s.shape or margin < 0 or pull < 0:
        raise BadInput(f"{target.size} anchors for {s.size} scores; margin and pull are not negative")  # fmt: skip
    short = s[which[:, 1]] - s[which[:, 0]] + margin
    open_pairs = which[short > 0]
    held = np.isfinite(target)
    away = np.where(held, s - np.where(held, target, 0.0), 0.0)
    gradient = 2.0 * pull * away
    np.add.at(gradient, open_pairs[:, 0], -1.0)
    np.add.at(gradient, open_pairs[:, 1], 1.0)
    return float(np.maximum(short, 0.0).sum() + pull * (away**2).sum()), gradient
