"""A decision tree from behaviour to relevance, fitted on the few rows that people labelled.

Post-click calibration of Zou et al. 2021, arXiv:2105.11108: leaf shares with Laplace smoothing. What comes out are plain
numbers. Rows that were used in the fit get their value from trees that have not seen their query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, MissingExtra
from plumbline.stats.click_model import calibration_error
from plumbline.stats.leaf_tree import LeafTree, laplace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS: Final = 5
FEWEST: Final = 20  # labels of the rarer kind


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A fitted tree and every row's value.

    Attributes:
        tree: Of all labelled rows.
        values: (n,) P(relevant): by the tree, for labelled rows by one that has not seen their query.
        error: Expected calibration error on labelled rows, held out.
    """

    tree: LeafTree
    values: Floats
    error: float


def calibrate(
    x: Floats, relevant: Floats, query: Ints, *, depth: int, leaf: int, rng: np.random.Generator
) -> Calibrated:
    """Fit, hold out, apply.

    Args:
        x: (n, k) behaviour.
        relevant: (n,) 1 or 0, NaN where nobody was asked.
        query: (n,) codes of queries; folds never part one.
        depth: Deepest leaf.
        leaf: Fewest labelled rows in a leaf.
        rng: Folds, ties between splits.

    Raises:
        BadInput: Too few labels of one kind, or of too few queries.
        MissingExtra: scikit-learn is not installed.
    """
    known = np.isfinite(relevant)
    rarer = int(min((relevant[known] == c).sum() for c in (0, 1)))
    asked = np.unique(query[known])
    if rarer < FEWEST or asked.size < FOLDS:
        raise BadInput(
            f"{rarer} labelled rows of the rarer kind in {asked.size} queries; a calibration wants {FEWEST} in at least "
            f"{FOLDS} queries. Label more rows, or take how = 'ipw', which needs none"
        )
    start = int(rng.integers(2**31))
    whole = fit_tree(x[known], relevant[known], depth=depth, leaf=leaf, start=start)
    values = whole.values(x)
    fold = np.zeros(int(query.max()) + 1, np.int64)
    fold[asked] = rng.permutation(np.arange(asked.size) % FOLDS)
    for f in range(FOLDS):
        held = known & (fold[query] == f)
        seen = known & ~held
        part = fit_tree(x[seen], relevant[seen], depth=depth, leaf=leaf, start=start)
        values[held] = part.values(x[held])
    return Calibrated(whole, values, calibration_error(values[known], relevant[known]))


def fit_tree(x: Floats, relevant: Floats, *, depth: int, leaf: int, start: int) -> LeafTree:
    """A classification tree as numbers, its leaves (ones + 1) / (rows + 2)."""
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError:
        raise MissingExtra("scikit-learn", "sklearn", "click_calibration by a tree") from None
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, random_state=start)
    fitted: Any = tree.fit(x, relevant.astype(int)).tree_
    inner = fitted.children_left >= 0
    bare = LeafTree(
        feature=np.where(inner, fitted.feature, -1).astype(np.int64),
        threshold=np.where(inner, fitted.threshold, 0.0), left=fitted.children_left.astype(np.int64),
        right=fitted.children_right.astype(np.int64), value=np.zeros(inner.size),
    )  # fmt: skip
    at = bare.leaf(x)
    counts = [np.bincount(at, w, minlength=inner.size) for w in (relevant, np.ones(at.size))]
    return LeafTree(
        feature=bare.feature, threshold=bare.threshold, left=bare.left, right=bare.right, value=laplace(*counts),
    )  # fmt: skip
