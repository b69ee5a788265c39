"""Questions in all rotations of their options: the kernel of `option_position`.

Liu et al. 2024, arXiv:2307.06281 (CircularEval). Options rotate under fixed letters, so that every
option stands at every place once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.metrics.presentations import every

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Circle:
    """Questions in all rotations, one row a presentation, rotations of a question side by side.

    In rotation s, place j shows option (j + s) mod N.

    Attributes:
        question: Index of the question, ascending.
        shift: Rotation s, 0 to N - 1.
        size: N, the question's number of options.
        gold: Index of the right option in the question's own order.
    """

    question: Ints
    shift: Ints
    size: Ints
    gold: Ints

    @classmethod
    def of(cls, sizes: Sequence[int], golds: Sequence[int]) -> Circle:
        """All rotations of questions with these numbers of options and right answers."""
        size, gold = np.asarray(sizes, np.int64), np.asarray(golds, np.int64)
        index = np.repeat(np.arange(size.size), size)
        shift = np.arange(index.size) - np.repeat(np.cumsum(size) - size, size)
        return cls(index, shift, size[index], gold[index])

    @property
    def place(self) -> Ints:
        """Where the right answer stands in each presentation."""
        return (self.gold - self.shift) % self.size

    def content(self, chosen: Ints) -> Ints:
        """Which option (in the question's own order) was chosen in each presentation."""
        return (chosen + self.shift) % self.size

    def whole(self, answered: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """By question: every rotation was answered."""
        return every(self.question, answered)

    def circular(self, chosen: Ints) -> NDArray[np.bool_]:
        """By question: right in every rotation (CircularEval's hit)."""
        return every(self.question, chosen == self.place)

    def vanilla(self, chosen: Ints) -> NDArray[np.bool_]:
        """By question: right in the order of the file."""
        return np.asarray((chosen == self.place)[self.shift == 0])

    def consistent(self, chosen: Ints) -> NDArray[np.bool_]:
        """By question: the same content in every rotation."""
        content = self.content(chosen)
        first = content[self.shift == 0]
        return every(self.question, content == first[self.question])


def known_share(circular: Any, size: Any) -> Any:
    """k_hat = (circ - N^-N) / (1 - N^-N): share of questions known, if the rest is guessed."""
    chance = np.asarray(size, float) ** -np.asarray(size, float)
    return (circular - chance) / (1 - chance)
