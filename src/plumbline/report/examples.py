"""Items and answers worth looking at: other people's words, cleaned and cut."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show

if TYPE_CHECKING:
    import numpy as np

    from plumbline.audit.store import Run

LONGEST = 400  # characters of one cell
_SPOKEN = ("generate", "choose")  # abilities whose answers people can read
_HIDDEN = frozenset({"metric", "why", "weight"})


@dataclass(frozen=True, slots=True)
class Table:
    """A few rows of a run under a heading that says how they were chosen."""

    heading: str
    names: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def tables(run: Run, metric: str, most: int) -> list[Table]:
    """Extreme items and recorded answers of a metric; none where the run was not stored."""
    if run.folder is None or most < 1:
        return []
    found = (extreme_items(run.items(metric), most), spoken(run.answers(metric), most))
    return [t for t in found if t is not None]


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
            question_words(columns["question"][i]),
            answer_words(
                columns["ability"][i], columns["answer"][i], str(columns["status"][i] or "")
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
    return show.clip(value, LONGEST, lines=True)


def question_words(text: str) -> str:
    """A recorded question in words: its prompt, else everything that was sent."""
    given = _json(text)
    parts: Sequence[Any] = given.get("prompt", ()) if isinstance(given, dict) else ()
    words = "\n".join(map(_segment, parts)) if isinstance(parts, list) else ""
    return show.clip(words or text, LONGEST, lines=True)


def answer_words(ability: str, text: str, status: str, question: str = "") -> str:
    """A recorded answer in words: text, the option taken, a sum of nats, labels, a number.

    Args:
        ability: What was asked for.
        text: The answer as it is stored.
        status: Why there is none, or "".
        question: The question, where the answer's form hangs on it.
    """
    if status:
        return f"(no answer: {show.clip(status, LONGEST)})"
    given = _json(text)
    try:
        words = _said(ability, given, _json(question))
    except (KeyError, TypeError, ValueError, IndexError):
        # An ability of another version, or a damaged file: it is shown as it is stored.
        words = text
    return show.clip(words, LONGEST, lines=True)


def _said(ability: str, given: Any, asked: Any) -> str:
    if ability == "generate":
        return str(given[0])
    if ability == "choose":
        chosen, _, said, how = given
        words = f"option {int(chosen) + 1} (by {how})"
        return f"{words}: {said}" if said else words
    return _measured(ability, given, asked)


def _measured(ability: str, given: list[Any], asked: Any) -> str:
    """An answer in numbers, by the type that the ability answers with."""
    from plumbline.core.answers import Classes, LogProbs, Nexts, Vectors, answer_type

    got = answer_type(ability, asked if isinstance(asked, dict) else {}).unpack([["", *given]])
    if isinstance(got, LogProbs):
        return f"{show.number(float(got.total[0]))} nats over {int(got.count[0])} tokens: {''.join(got.pieces)}"
    if isinstance(got, Classes):
        pairs = zip(got.labels, got.values[0], strict=True)
        return "; ".join(f"{name}: {show.number(float(p))}" for name, p in pairs)
    if isinstance(got, Vectors):
        return f"a vector of {got.values.shape[1]} numbers"
    values = got.values[0] if isinstance(got, Nexts) else got.values
    return f"{', '.join(show.number(float(v)) for v in values)}{' nats' if isinstance(got, Nexts) else ''}"


def _segment(part: Any) -> str:
    if isinstance(part, dict) and {"role", "text"} <= set(part):
        return f"{part['role']}: {part['text']}"
    return str(part)


def _json(text: str) -> Any:
    """What a text holds, or nothing where it is not JSON: other people's files are shown as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return None
