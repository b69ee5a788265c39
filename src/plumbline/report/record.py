"""The questions and answers behind scored items, as the run recorded them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.report.spoken import answer_words, question_words

Column = NDArray[Any]
MOST_BEHIND = 4  # questions of one item that are shown


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what came back, in words."""

    question: str
    answer: str


@dataclass(frozen=True)
class Behind:
    """Finds the questions behind an item by the item's column `answer`.

    Attributes:
        columns: Answers of the subject to one metric, in the order in which they were recorded.
        stride: Questions that belong to one item.
    """

    columns: Mapping[str, Column]
    stride: int

    def of(self, place: float) -> tuple[Asked, ...]:
        """The questions behind the item whose `answer` is `place`; none for -1 or past the end."""
        total = len(self.columns["question"])
        if not 0 <= place < total:
            return ()
        rows = range(int(place), min(int(place) + self.stride, total))
        return tuple(self._one(i) for i in rows)

    def _one(self, i: int) -> Asked:
        question = self.columns["question"][i]
        status = str(self.columns["status"][i] or "")
        return Asked(
            question_words(question),
            answer_words(
                str(self.columns["ability"][i]), self.columns["answer"][i], status, question
            ),
        )


def behind(items: Mapping[str, Column], answers: Mapping[str, Column]) -> Behind | None:
    """What finds the questions behind these items, or None where the record does not say it surely.

    The column `answer` counts rows over all of the metric's questions to the subject. A metric that
    asked in several rounds may count inside one of them: unless the numbers themselves show that they
    run over all rounds, nothing is shown rather than another item's question.
    """
    if "answer" not in items or "to" not in answers or items["answer"].dtype == object:
        return None
    mine = np.flatnonzero(answers["to"] == "subject")
    if mine.size == 0:
        return None
    own = {name: column[mine] for name, column in answers.items()}
    places = np.unique(items["answer"][np.isfinite(items["answer"])])
    places = places[places >= 0]
    if places.size == 0 or places[-1] >= mine.size:
        return None
    rounds = np.flatnonzero(own["row"] == 0)
    longest = int(np.diff([*rounds, mine.size]).max())
    if rounds.size > 1 and places[-1] < longest:
        return None
    return Behind(own, _stride(places))


def _stride(places: Column) -> int:
    """The usual distance between neighbours; 1 where it is no small number."""
    if places.size < 2:
        return 1
    steps, counts = np.unique(np.diff(places), return_counts=True)
    usual = int(steps[np.argmax(counts)])
    return usual if usual <= MOST_BEHIND else 1
