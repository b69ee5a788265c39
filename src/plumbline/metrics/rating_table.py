"""Recorded judgements of systems' outputs by several judges: ratings, and verdicts on two outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, NotRecorded, UnknownName
from plumbline.metrics.cell_texts import named
from plumbline.metrics.recorded import column_called
from plumbline.metrics.verdict_table import Verdicts, holds, read

Floats = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]
BETWEEN: Final = " | "
NONE: Final = "no rating"
RATED: Final = ("judge", "system", "task", "rating")


@dataclass(frozen=True)
class Judgements:
    """Judgements, one a row.

    Attributes:
        judge: Who judged.
        thing: The system that was rated, or `A | B`, two systems in the order of their names.
        task: The task (question) that the output answers.
        score: The rating; of a verdict the share for A (1, 0, or 1/2 for a tie); NaN where there is none.
        why: "" or the reason why there is none.
        verdicts: Things are pairs.
        straight: Of verdicts, whether A was shown first.
    """

    judge: NDArray[np.object_]
    thing: NDArray[np.object_]
    task: NDArray[np.object_]
    score: Floats
    why: NDArray[np.object_]
    verdicts: bool = False
    straight: NDArray[np.bool_] | None = None

    def take(self, rows: NDArray[Any]) -> Judgements:
        """The rows under a mask."""
        straight = None if self.straight is None else self.straight[rows]
        return Judgements(
            self.judge[rows], self.thing[rows], self.task[rows], self.score[rows], self.why[rows],
            self.verdicts, straight,
        )  # fmt: skip

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of all judged systems, in order."""
        return tuple(sorted({s for thing in set(self.thing) for s in sides(thing)}))

    def cube(self, judges: Sequence[str], things: Sequence[str], tasks: Sequence[str]) -> Floats:
        """Mean score by judge, thing and task; NaN where nothing was judged."""
        at = [_positions(v, n) for v, n in ((self.judge, judges), (self.thing, things), (self.task, tasks))]  # fmt: skip
        keep = (self.why == "") & (at[0] >= 0) & (at[1] >= 0) & (at[2] >= 0)
        shape = (len(judges), len(things), len(tasks))
        flat = (
            np.ravel_multi_index([a[keep] for a in at], shape) if keep.any() else np.zeros(0, int)
        )
        count = np.bincount(flat, minlength=int(np.prod(shape)))
        total = np.bincount(flat, self.score[keep], minlength=count.size)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(count > 0, total / count, np.nan).reshape(shape))


def sides(thing: str) -> tuple[str, ...]:
    """The systems in a thing: one, or two of a pair."""
    return tuple(thing.split(BETWEEN))


def read_ratings(
    columns: Table, about: Mapping[str, Any], *, names: Mapping[str, str] | None = None
) -> Judgements:
    """Ratings of a recorded subject.

    Args:
        columns: As recorded.
        about: The subject's facts, which say what a column with a role is called.
        names: What the table calls judge, system, task and rating, where it is not that.

    Raises:
        NotRecorded: A column is not there.
        UnknownName: A name of a column that no rating table has.
        BadInput: Ratings that are no numbers, or a row without a judge, system or task.
    """
    strange = sorted(set(names or {}) - set(RATED))
    if strange:
        raise UnknownName("column of a rating table", strange[0], RATED)
    called = {name: (names or {}).get(name, name) for name in RATED}
    try:
        said = column_called(columns, called["rating"], about)
        who = [named(column_called(columns, called[n], about), called[n]) for n in RATED[:3]]
    except UnknownName as absent:
        raise NotRecorded(
            f"ratings want the columns {', '.join(called.values())}: {absent}"
        ) from None
    try:
        score = said.astype(float)
    except ValueError:
        raise BadInput(
            f"column {called['rating']!r} holds {said[0]!r}; wanted ratings as numbers. A table of verdicts "
            "has the columns first, second and verdict instead"
        ) from None
    why = np.where(np.isfinite(score), "", NONE).astype(object)
    judge, system, task = who
    return Judgements(judge, system, task, score, why)


def of_verdicts(table: Verdicts) -> Judgements:
    """Verdicts as shares for the system whose name comes first in the alphabet.

    Raises:
        BadInput: A system's name holds what stands between the two.
    """
    if any(BETWEEN in name for name in {*table.first, *table.second}):
        raise BadInput(f"names of systems may not hold {BETWEEN!r}")
    straight = table.first < table.second
    shown = np.array([1.0, 0.0, 0.5, np.nan])[table.verdict]
    score = np.where(straight, shown, 1.0 - shown)
    pairs = [BETWEEN.join(sorted(two)) for two in zip(table.first, table.second, strict=True)]
    return Judgements(
        table.judge, np.array(pairs, object), table.question, score, table.why, True, straight
    )


def recorded(
    columns: Table, about: Mapping[str, Any], *, names: Mapping[str, str] | None = None
) -> Judgements:
    """Verdicts where the table has systems shown first and second, else ratings."""
    if holds(columns, names):
        return of_verdicts(read(columns, about, names=names))
    return read_ratings(columns, about, names=names)


def owned(
    judges: Sequence[str], systems: Sequence[str], *, own: Mapping[str, Sequence[str]] | None,
    families: Mapping[str, str] | None,
) -> dict[str, tuple[str, ...]]:  # fmt: skip
    """The systems of each judge: as named, else the system of its own name, and those of its family.

    Raises:
        BadInput: A name in `own` or `families` that is neither judge nor system, or nobody owns anything.
    """
    known = {*judges, *systems}
    given = {*(own or {}), *(s for some in (own or {}).values() for s in some), *(families or {})}
    if given - known:
        raise BadInput(
            f"{min(given - known)!r} is neither a judge nor a system here: {', '.join(sorted(known))}"
        )
    found = themselves(judges, systems, own)
    for judge in judges:
        family = (families or {}).get(judge)
        kin = {s for s in systems if family is not None and (families or {}).get(s) == family}
        found[judge] = tuple(sorted(kin.union(found[judge])))
    if not any(found.values()):
        raise BadInput(
            f"no judge ({', '.join(judges)}) has a system of its own among {', '.join(systems)}; say with "
            "own={judge: [systems]} or families={name: family}"
        )
    return found


def themselves(
    judges: Sequence[str], systems: Sequence[str], own: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    """The systems of each judge without its kin's: as named, else the system of its own name, if there is one."""
    mine = {judge: set((own or {}).get(judge, (judge,))) for judge in judges}
    return {judge: tuple(sorted(some & set(systems))) for judge, some in mine.items()}


def _positions(values: NDArray[Any], names: Sequence[str]) -> NDArray[np.int64]:
    index = {name: i for i, name in enumerate(names)}
    return np.array([index.get(v, -1) for v in values], np.int64)
