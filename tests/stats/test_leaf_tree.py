"""Trees as numbers: by hand, against scikit-learn, damaged ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.mitigate.click_trees import fit_tree
from plumbline.stats.leaf_tree import LeafTree, laplace


def stump(**changed):
    """x0 <= 1: value .2, else .9."""
    fields = {"feature": [0, -1, -1], "threshold": [1.0, 0, 0], "left": [1, -1, -1], "right": [2, -1, -1], "value": [0, 0.2, 0.9]}  # fmt: skip
    return LeafTree.read({**fields, **changed})


def test_a_stump_by_hand():
    """On the threshold a row goes left; there and back through JSON."""
    tree = stump()
    assert tree.values([[1.0], [1.1], [-5.0]]) == pytest.approx([0.2, 0.9, 0.2])
    again = LeafTree.read(json.loads(json.dumps(tree.numbers())))
    assert again.values([[1.0], [1.1]]) == pytest.approx([0.2, 0.9])


def test_leaves_are_those_of_scikit_learn():
    """The same leaf for every row as the library's own tree, values with Laplace smoothing."""
    sklearn = pytest.importorskip("sklearn.tree")
    rng = np.random.default_rng(0)
    x = np.round(rng.standard_normal((500, 3)), 2)
    y = (x[:, 0] * x[:, 1] + 0.3 * rng.standard_normal(500) > 0).astype(float)
    tree = fit_tree(x, y, depth=5, leaf=5, start=3)
    theirs = sklearn.DecisionTreeClassifier(max_depth=5, min_samples_leaf=5, random_state=3).fit(x, y)  # fmt: skip
    new = np.round(rng.standard_normal((2000, 3)), 2)
    assert (tree.leaf(new) == theirs.apply(new)).all()
    plain = theirs.predict_proba(x)[:, 1]
    size = np.bincount(tree.leaf(x))[tree.leaf(x)]
    assert tree.values(x) == pytest.approx((plain * size + 1) / (size + 2))


def test_laplace():
    """3 of 3: 4/5; 0 of 0: 1/2."""
    assert laplace([3, 0], [3, 0]) == pytest.approx([0.8, 0.5])


def test_damaged_trees_are_refused():
    """A missing field, a circle, too few columns."""
    with pytest.raises(BadInput, match="missing"):
        LeafTree.read({"feature": [-1]})
    with pytest.raises(BadInput, match="later"):
        stump(left=[0, -1, -1])
    with pytest.raises(BadInput, match="one value"):
        stump(value=[0.0])
    with pytest.raises(BadInput, match="columns"):
        stump(feature=[3, -1, -1]).values([[1.0]])
