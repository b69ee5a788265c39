"""Token sequences as prefix trees: shared beginnings stand once in a row that a decoder reads in one pass.

In the order of their tokens, sequences share most with their neighbours, so one scan finds every
shared beginning, within a question and between questions. A row lays the tree out flat; which
token comes before which is said by each token's place and by what it may see (`Row.seen`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plumbline.models.abilities import Rows

Ids = tuple[int, ...]
Path = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Sequences laid side by side, shared beginnings once.

    Attributes:
        ids: Tokens, in the order in which sequences bring them; n of them.
        places: Each token's place in its sequence, from 0.
        paths: For each sequence, where its tokens stand in the row; increasing.
    """

    ids: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    paths: dict[Ids, Path] = field(default_factory=dict)

    def add(self, sequence: Ids, shared: int, before: Path) -> Path:
        """Lay a sequence whose first `shared` tokens stand on the path `before`; its own path."""
        new = np.arange(len(self.ids), len(self.ids) + len(sequence) - shared)
        self.ids.extend(sequence[shared:])
        self.places.extend(range(shared, len(sequence)))
        path = self.paths[sequence] = np.concatenate([before[:shared], new])
        return path

    @property
    def branches(self) -> bool:
        """Whether the row is more than one sequence from end to end."""
        return len(self.paths) > 1 and len(self.ids) > max(map(len, self.paths))

    def seen(self) -> NDArray[np.bool_]:
        """What each token (first axis) may attend to: itself and what stands before it in its sequence; (n, n)."""
        seen = np.zeros((len(self.ids),) * 2, np.bool_)
        done = 0
        for path in self.paths.values():  # in the order in which they brought their tokens
            old = int(np.searchsorted(path, done))
            seen[np.ix_(path[old:], path)] = np.tri(len(path) - old, len(path), old, np.bool_)
            done += len(path) - old
        return seen


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of tokens with which both begin."""
    limit = min(len(one), len(other))
    if one[:limit] == other[:limit]:
        return limit
    return next(i for i in range(limit) if one[i] != other[i])


def laid(sequences: Iterable[Ids], most: int, span: float = math.inf) -> list[Row]:
    """Rows that hold all sequences. A new one begins where repeating a beginning costs less than a longer row.

    Args:
        sequences: Token ids.
        most: Tokens of a row; a longer sequence has one of its own.
        span: Tokens of a row at which attention, which grows with the square, costs as much as all else.
    """

    def work(tokens: int) -> float:
        return tokens + tokens**2 / span

    rows: list[Row] = []
    before: Ids = ()
    path: Path = np.zeros(0, np.int64)
    for ids in sorted(set(sequences)):
        held = len(rows[-1].ids) if rows else 0
        same = shared(before, ids)
        longer = held + len(ids) - same
        if not rows or longer > most or work(longer) - work(held) > work(len(ids)):
            rows.append(Row())
            same = 0
        before, path = ids, rows[-1].add(ids, same, path)
    return rows


def parts(questions: Iterable[tuple[int, Sequence[Ids]]], bound: int) -> list[Rows]:
    """Questions in parts of at most `bound` tokens, those that begin alike together.

    Args:
        questions: Number of each question and its sequences, none for one that is not passed.
        bound: Tokens, shared ones counted once; a larger question is a part of its own.

    Returns:
        Numbers of each part's questions. They depend on the sequences alone: a part split again stays whole.
    """
    made: list[list[int]] = []
    size = 0
    before: Ids = ()
    for own, row in sorted((sorted(set(some)), row) for row, some in questions):
        more, last = _added(own, before)
        if not made or size + more > bound:
            made.append([])
            size, (more, last) = 0, _added(own, ())
        made[-1].append(row)
        size, before = size + more, last
    return [np.array(part, np.int64) for part in made]


def _added(own: Sequence[Ids], before: Ids) -> tuple[int, Ids]:
    """Tokens that a question brings behind another sequence, and its last sequence."""
    total = 0
    for ids in own:
        total += len(ids) - shared(before, ids)
        before = ids
    return total, before
