"""The distinct questions of one kind, and their answers as they come.

A million answers are a few arrays here: parts are kept as columns, and a method gets its rows by
index. Nothing is packed but on its way to the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plumbline.core.answer_rows import Rows, normal, picked, taken
from plumbline.core.answers import Answers, answer_type
from plumbline.core.digests import Digests, end_to_end
from plumbline.core.errors import PlumblineError
from plumbline.core.questions import Batch


class Pool:
    """Questions of one kind and what is known of their answers.

    Args:
        batch: The distinct questions.
        keys: Their digests, sorted.
    """

    def __init__(self, batch: Batch, keys: Digests) -> None:
        self.batch, self.keys = batch, keys
        self._place = np.full(len(keys), -1, np.int64)  # of each question's answer among the parts
        self._parts: list[Any] = []
        self._held = 0

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def what(self) -> str:
        """Addressee and ability, for who watches."""
        return f"{self.batch.to}: {self.batch.ability}"

    @property
    def answered(self) -> int:
        """Number of questions that have an answer or a reason."""
        return int((self._place >= 0).sum())

    def lacking(self, rows: Rows) -> Rows:
        """Those of these questions that have neither."""
        rows = np.asarray(rows, np.int64)
        return rows[self._place[rows] < 0]

    def first_answered(self, most: int) -> list[int]:
        """The first questions that were answered, not only given a reason."""
        found: list[int] = []
        for row in np.flatnonzero(self._place >= 0).tolist():
            if len(found) == most:
                break
            if not self.at([row]).status[0]:
                found.append(row)
        return found

    def put(self, rows: Rows, answers: Answers) -> None:
        """Keep the answers to these questions, one each.

        Raises:
            PlumblineError: Fewer or more answers than questions: which belongs to which is not known.
        """
        if len(answers) != len(rows):
            raise PlumblineError(
                f"{len(answers)} answers came to {len(rows)} questions ({self.what})"
            )
        self._place[rows] = self._held + np.arange(len(rows))
        self._held += len(rows)
        self._parts.append(normal(answers))

    def at(self, rows: Sequence[int] | Rows, *, last: bool = False) -> Answers:
        """Answers to these questions, by number; the `last` reading empties the pool.

        Raises:
            PlumblineError: One of them has neither an answer nor a reason.
        """
        if not len(rows):
            none: Answers = answer_type(self.batch.ability, self.batch.settings).unpack([])
            return none
        place = self._place[np.asarray(rows, np.int64)]
        if (place < 0).any():
            raise PlumblineError(
                f"{int((place < 0).sum())} of {len(place)} questions were put to nobody ({self.what}): the "
                "model's batches leave them out"
            )
        if last:
            self.batch = self.batch.take(())
        made: Answers = taken(self._parts, place, spend=last)
        return made

    def of(self, keys: Digests, *, last: bool = False) -> Answers:
        """Answers to the questions with these digests, in this order.

        Raises:
            KeyError: A question that is not of this pool.
        """
        mine, wanted = self.keys.array, keys.array
        rows = np.searchsorted(mine, wanted)
        # A search gives the nearest place: without this, a stranger would get a neighbour's answer.
        if (rows == len(mine)).any() or (mine[rows] != wanted).any():
            raise KeyError("a question that is not of this pool")
        return self.at(rows, last=last)


def united(members: Sequence[tuple[Batch, Digests]]) -> tuple[Batch, Digests]:
    """One batch of the distinct questions of batches of one kind, with their keys.

    Sorted by digest: it does not depend on the order in which methods were named.
    """
    every = end_to_end([keys for _, keys in members])
    _, firsts = np.unique(every.array, return_index=True)
    first = members[0][0]
    columns = {}
    for name, column in first.columns.items():
        if len(members) > 1:
            column = [value for batch, _ in members for value in batch.columns[name]]
        columns[name] = picked(column, firsts)
    return first.with_columns(columns), every.take(firsts)
