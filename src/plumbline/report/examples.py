"""Items and answers worth looking at: other people's words, cleaned and cut."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show
from plumbline.report.spoken import answer_words, question_words

if TYPE_CHECKING:
    import numpy as np

LONGEST = 400  # characters of one cell
_SPOKEN = ("generate", "choose")  # abilities whose answers people can read
_HIDDEN = frozenset({"metric", "why", "weight"})


@dataclass(frozen=True, slots=True)
class Table:
    """A few rows of a run under a heading that says how they were chosen."""

    heading: str
    names: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def tables(
    items: Mapping[str, np.ndarray[Any, Any]],
    answers: Mapping[str, np.ndarray[Any, Any]],
    most: int,
) -> list[Table]:
    """Extreme items and recorded answers of a metric."""
    if most < 1:
        return []
    return [t for t in (extreme_items(items, most), spoken(answers, most)) if t is not None]


def extreme_items(columns: Mapping[str, np.ndarray[Any, Any]], most: int) -> Table | None:
    """Items whose versions lie farthest apart, else those farthest from the middle score."""
    import numpy as np

    if "score" not in columns or "item" not in columns:
        return None
    score = columns["score"].astype(float)
    kept = np.flatnonzero(np.isfinite(score))
    if kept.size == 0:
        return None
    levels, codes = np.unique(columns["item"][kept].astype(str), return_inverse=True)
    if "group" in columns and levels.size < kept.size:
        low, high = np.full(levels.size, np.inf), np.full(levels.size, -np.inf)
        np.minimum.at(low, codes, score[kept])
        np.maximum.at(high, codes, score[kept])
        first = np.argsort(low - high, kind="stable")[: max(1, most // 2)]
        rows = [int(kept[j]) for item in first for j in np.flatnonzero(codes == item)][:most]
        heading = "Items whose versions score farthest apart"
    else:
        far = np.abs(score[kept] - np.median(score[kept]))
        rows = [int(i) for i in kept[np.argsort(-far, kind="stable")[:most]]]
        heading = "Items that score farthest from the middle"
    names = [n for n in columns if n not in _HIDDEN]
    names = [n for n in names if any(_cell(columns[n][i]) for i in rows)]
    lines = tuple(tuple(_cell(columns[n][i]) for n in names) for i in rows)
    return Table(heading, tuple(show.clean(n) for n in names), lines)


def spoken(columns: Mapping[str, np.ndarray[Any, Any]], most: int) -> Table | None:
    """The first recorded questions that were answered in words."""
    if "ability" not in columns:
        return None
    rows = [i for i, ability in enumerate(columns["ability"]) if ability in _SPOKEN][:most]
    if not rows:
        return None
    lines = tuple(
        (
            show.clean(columns["to"][i]),
            _cut(question_words(columns["question"][i])),
            _cut(
                answer_words(
                    columns["ability"][i], columns["answer"][i], str(columns["status"][i] or "")
                )
            ),
        )
        for i in rows
    )
    return Table("Questions and answers as recorded", ("asked of", "question", "answer"), lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else show.number(value)
    return _cut(value)


def _cut(value: object) -> str:
    return show.clip(value, LONGEST, lines=True)
