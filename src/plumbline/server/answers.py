"""Questions and answers of a run, by their place in the file: a page reads only what it shows.

Pages are keyed by row number (`after`, `before`), not by offset, so that the millionth answer is
found as fast as the first: DuckDB skips the row groups that end before the key. A search stops as
soon as a page is full.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.report import format as show
from plumbline.report.spoken import answer_words, question_words
from plumbline.server import queries
from plumbline.server.paging import SIZE

LONGEST = 400  # characters of a question or an answer that a page shows
SHOWN = ("file_row_number", "metric", "to", "ability", "question", "answer", "status")
STATES = ("answered", "unanswered")
FIRST_WINDOW, WIDER = 4096, 32  # rows


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which answers: part of their text, their method, their addressee, whether there is one.

    Attributes:
        text: Part of the question or the answer, in any case.
        metric, to: Equal to; "" for any.
        state: One of `STATES`, or "".
        after, before: Rows after, or before, this one; at most one of them is given.
    """

    text: str = ""
    metric: str = ""
    to: str = ""
    state: str = ""
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One question and its answer, clean and cut."""

    row: int
    metric: str
    to: str
    ability: str
    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A page of answers, in the order of the file, and the keys of its neighbours."""

    rows: Sequence[Spoken]
    earlier: int | None
    later: int | None


def page(path: Path, wanted: Wanted, size: int = SIZE) -> Answers:
    """One page.

    Raises:
        StoreError: The file cannot be read.
    """
    back = wanted.before is not None
    found = _before(path, wanted, size + 1) if back else _after(path, wanted, size + 1)
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    before = more if back else wanted.after is not None and bool(found)
    after = bool(found) if back else more
    return Answers(
        rows=[_spoken(line) for line in found],
        earlier=int(found[0][0]) if before else None,
        later=int(found[-1][0]) if after else None,
    )


def _after(path: Path, wanted: Wanted, most: int) -> list[queries.Row]:
    """The first rows after the key: DuckDB reads in the order of the file, and stops when it has them."""
    parts, values = _conditions(wanted)
    if wanted.after is not None:
        parts.append("file_row_number > ?")
        values.append(wanted.after)
    return _read(path, parts, values, f"limit {most}")


def _before(path: Path, wanted: Wanted, most: int) -> list[queries.Row]:
    """The last rows before the key, the last one first: looked for in ever wider windows before it."""
    window, end = FIRST_WINDOW, wanted.before or 0
    while True:
        parts, values = _conditions(wanted)
        parts += ["file_row_number < ?", "file_row_number >= ?"]
        values += [end, max(0, end - window)]
        found = _read(path, parts, values, f"order by file_row_number desc limit {most}")
        if len(found) == most or window >= end:
            return found
        window *= WIDER


def _read(path: Path, parts: Sequence[str], values: Sequence[Any], rest: str) -> list[queries.Row]:
    where = f"where {' and '.join(parts)}" if parts else ""
    source = queries.table(path, numbered=True)
    names = ", ".join(map(queries.name, SHOWN))
    return queries.rows(f"select {names} from {source} {where} {rest}", values)  # noqa: S608 - quoted, bound


def choices(path: Path) -> tuple[list[str], list[str], int]:
    """Methods and addressees that a file has, and how many rows: reads two narrow columns."""
    source = queries.table(path)
    metrics = queries.rows(f"select distinct metric from {source} order by 1")  # noqa: S608 - quoted
    to = queries.rows(f'select distinct "to" from {source} order by 1')  # noqa: S608
    total = queries.rows(f"select count(*) from {source}")[0][0]  # noqa: S608
    return _plain(metrics), _plain(to), int(total)


def _plain(found: Sequence[queries.Row]) -> list[str]:
    """Names that can stand in a form; others can be read, but not chosen by."""
    return [str(r[0]) for r in found if str(r[0]) == show.clean(r[0])]


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for column in ("metric", "to"):
        if value := getattr(wanted, column):
            parts.append(f"{queries.name(column)} = ?")
            values.append(value)
    if wanted.state in STATES:
        parts.append(f"coalesce(status, '') {'=' if wanted.state == 'answered' else '<>'} ''")
    if wanted.text:
        parts.append("(question ilike ? escape '\\' or answer ilike ? escape '\\')")
        values += [_stored(wanted.text)] * 2
    return parts, values


def _stored(text: str) -> str:
    """The pattern of a text as it is stored: inside JSON, with its quotes and breaks escaped."""
    return queries.pattern(json.dumps(text, ensure_ascii=False)[1:-1])


def _spoken(line: queries.Row) -> Spoken:
    row, metric, to, ability, question, answer, status = line
    return Spoken(
        row=int(row), metric=show.clean(metric), to=show.clean(to), ability=show.clean(ability),
        question=_cut(question_words(question)),
        answer=_cut(answer_words(ability, answer, status or "", question)),
    )  # fmt: skip


def _cut(words: str) -> str:
    return show.clip(words, LONGEST, lines=True)
