"""A binary tree as plain numbers: what a fitted decision tree is once it no longer needs its library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, Integers, matrix

_FIELDS = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafTree:
    """Nodes from the root (0) on.

    Attributes:
        feature: Column that a node looks at; -1 in a leaf.
        threshold: A row goes left where its value, as a 32-bit float, is at most this.
        left: Next node on the left; -1 in a leaf.
        right: Next node on the right; -1 in a leaf.
        value: The leaf's value.
    """

    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    value: Floats

    @classmethod
    def read(cls, numbers: Mapping[str, Any]) -> Self:
        """From `numbers()`.

        Raises:
            BadInput: Fields of several lengths, or a child that is no later node.
        """
        for name in _FIELDS:
            if name not in numbers:
                raise BadInput(f"a tree has the fields {', '.join(_FIELDS)}; {name!r} is missing")
        feature, left, right = (np.asarray(numbers[n], np.int64) for n in ("feature", "left", "right"))  # fmt: skip
        threshold, value = (np.asarray(numbers[n], np.float64) for n in ("threshold", "value"))
        made = cls(feature=feature, threshold=threshold, left=left, right=right, value=value)
        sizes = {n: getattr(made, n).size for n in _FIELDS}
        if len(set(sizes.values())) > 1 or not made.value.size:
            raise BadInput(f"a tree has one value a node in each field; got {sizes}")
        inner, nodes = made.feature >= 0, np.arange(made.value.size)
        for child in (made.left[inner], made.right[inner]):
            if (child <= nodes[inner]).any() or (child >= nodes.size).any():
                raise BadInput("a child of a node is a later node")
        return made

    def numbers(self) -> dict[str, list[float]]:
        """JSON-able."""
        return {name: getattr(self, name).tolist() for name in _FIELDS}

    def leaf(self, x: ArrayLike) -> Integers:
        """Node at which each row ends; x is (n, features)."""
        rows = matrix(x, "x").astype(np.float32)
        if self.feature.max() >= rows.shape[1]:
            raise BadInput(
                f"the tree looks at {int(self.feature.max()) + 1} columns; x has {rows.shape[1]}"
            )
        at = np.zeros(rows.shape[0], np.int64)
        for _ in range(self.value.size):
            inner = self.feature[at] >= 0
            if not inner.any():
                break
            here = at[inner]
            low = rows[inner, self.feature[here]] <= self.threshold[here]
            at[inner] = np.where(low, self.left[here], self.right[here])
        return at

    def values(self, x: ArrayLike) -> Floats:
        """Value of each row's leaf."""
        return np.asarray(self.value[self.leaf(x)])


def laplace(ones: ArrayLike, count: ArrayLike) -> Floats:
    """(ones + 1) / (count + 2): a share that is never 0 or 1 (rule of succession)."""
    return np.asarray((np.asarray(ones, float) + 1.0) / (np.asarray(count, float) + 2.0))
