"""The items behind one finding: the worst first, and both members of a pair side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.measures import rows_of
from plumbline.report import format as show
from plumbline.report.changed import Segments, marked
from plumbline.report.record import Asked, Behind

Column = NDArray[Any]
LONGEST = 600  # characters of one text
_CONTRASTS = frozenset({"difference", "effect_size", "ratio"})
_MEANS = frozenset({"mean", "share", "percent"})
# Columns that say where a row is, not what it is about.
_BOOKKEEPING = frozenset({"metric", "why", "weight", "answer", "part", "score", "item", "rows"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One row of the items, ready to show.

    Attributes:
        name: Its group, or its item.
        score: The number.
        facts: (column, value) of what else is known of the row.
        texts: The questions behind it and what came back; pieces that the other side has
            differently are marked.
    """

    name: str
    score: str
    facts: tuple[tuple[str, str], ...]
    texts: tuple[tuple[Segments, Segments], ...]


@dataclass(frozen=True, slots=True)
class Drill:
    """Examples of one finding, and how they were chosen; each is one side or two."""

    heading: str
    examples: tuple[tuple[Side, ...], ...]


@dataclass(frozen=True)
class _Chosen:
    """Rows that belong to a finding."""

    columns: Mapping[str, Column]
    score: Column


def drill(
    items: Mapping[str, Column], measure: Mapping[str, Any], finding: Mapping[str, Any],
    *, factors: Sequence[str], record: Behind | None, most: int,
) -> Drill | None:  # fmt: skip
    """The items that lean most in the finding's direction; None where the run holds none.

    Args:
        items: Columns of the metric's scored items.
        measure: The measure as the run's header holds it: `estimator`, `where`, `groups`.
        finding: The finding's row.
        factors: Columns of the card's units: what makes two rows versions of one another.
        record: Finds the questions behind an item.
        most: Examples at most.
    """
    chosen = _chosen(items, measure)
    if chosen is None or most < 1:
        return None
    groups = tuple(measure["groups"])
    up = _upward(finding, parity=1.0 if measure["estimator"] == "ratio" else 0.0)
    if measure["estimator"] in _CONTRASTS and len(groups) == 2:
        pairs = _pairs(chosen, groups if up else groups[::-1], factors, most)
        if pairs:
            return Drill(
                "Where the two groups lie farthest apart in the finding's direction",
                tuple(_side_by_side(chosen, pair, record) for pair in pairs),
            )
    if measure["estimator"] in _MEANS:
        order = np.argsort(-chosen.score if up else chosen.score, kind="stable")
        heading = "Items that lean most in the finding's direction"
    else:
        far = np.abs(chosen.score - np.median(chosen.score))
        order = np.argsort(-far, kind="stable")
        heading = "Items that score farthest from the middle"
    ones = order[:most]
    return Drill(heading, tuple(_side_by_side(chosen, (int(i),), record) for i in ones))


def _chosen(items: Mapping[str, Column], measure: Mapping[str, Any]) -> _Chosen | None:
    """Answered rows under the measure's filter and groups."""
    rows = rows_of(items, measure)
    if rows is None:
        return None
    columns = {name: column[rows] for name, column in items.items()}
    return _Chosen(columns, columns["score"].astype(float))


def _upward(finding: Mapping[str, Any], *, parity: float) -> bool:
    """Whether the worst items are the high ones.

    They lie where the finding does, seen from what no lean would give. A number that has no such value is
    worse where its card says so; else it is seen from `parity`, at which two groups are equal.
    """
    if finding["null"] is None and finding.get("worse", "either") != "either":
        return bool(finding["worse"] == "higher")
    null = parity if finding["null"] is None else finding["null"]
    return bool(finding["value"] >= null)


def _pairs(
    chosen: _Chosen, groups: Sequence[str], factors: Sequence[str], most: int
) -> list[tuple[int, int]]:
    """(row of the further group, row of the other) inside one cell of the factors they share."""
    group = chosen.columns["group"].astype(str)
    sides = [np.flatnonzero(group == str(g)) for g in groups]
    if any(side.size == 0 for side in sides):
        return []
    cell = _cells(chosen.columns, sides, factors)
    if cell is None:
        return []
    top, low = (
        _extreme(cell, chosen.score, sides[0], 1.0),
        _extreme(cell, chosen.score, sides[1], -1.0),
    )
    both = sorted(set(top) & set(low))
    apart = np.array([chosen.score[top[c]] - chosen.score[low[c]] for c in both])
    return [(top[both[i]], low[both[i]]) for i in np.argsort(-apart, kind="stable")[:most]]


def _cells(
    columns: Mapping[str, Column], sides: Sequence[Column], factors: Sequence[str]
) -> Column | None:
    """A code for every combination of the factors whose levels both groups have."""
    cell = np.zeros(len(columns["score"]), np.int64)
    shared = False
    for name in dict.fromkeys(("item", *factors)):
        if name not in columns or name == "group":
            continue
        text = columns[name].astype(str)
        if not set(text[sides[0]]) & set(text[sides[1]]):
            continue
        _, codes = np.unique(text, return_inverse=True)
        _, cell = np.unique(cell * (int(codes.max()) + 1) + codes, return_inverse=True)
        shared = True
    return cell if shared else None


def _extreme(cell: Column, score: Column, rows: Column, sign: float) -> dict[int, int]:
    """Row of the largest `sign * score` in each cell."""
    order = rows[np.argsort(sign * score[rows], kind="stable")]
    # The last row written for a cell is the one that lies farthest.
    return {int(cell[i]): int(i) for i in order}


def _side_by_side(
    chosen: _Chosen, rows: tuple[int, ...], record: Behind | None
) -> tuple[Side, ...]:
    texts = [_texts(chosen, i, record) for i in rows]
    if len(rows) == 1:
        own = texts[0]
        if len(own) == 2:  # an item that is itself a pair of questions
            return (_side(chosen, rows[0], _against(own, own[::-1])),)
        return (_side(chosen, rows[0], _against(own, own)),)
    return tuple(
        _side(chosen, row, _against(mine, other))
        for row, mine, other in zip(rows, texts, texts[::-1], strict=True)
    )


def _texts(chosen: _Chosen, i: int, record: Behind | None) -> tuple[Asked, ...]:
    if record is None or "answer" not in chosen.columns:
        return ()
    return record.of(float(chosen.columns["answer"][i]))


def _against(
    mine: Sequence[Asked], other: Sequence[Asked]
) -> tuple[tuple[Segments, Segments], ...]:
    """Each question and answer of one side, marked against the same place of the other."""
    made = []
    for i, asked in enumerate(mine):
        twin = other[i] if i < len(other) else asked
        pair = [
            marked(_cut(one), _cut(two))[0]
            for one, two in ((asked.question, twin.question), (asked.answer, twin.answer))
        ]
        made.append((pair[0], pair[1]))
    return tuple(made)


def _cut(text: str) -> str:
    return show.clip(text, LONGEST, lines=True)


def _side(chosen: _Chosen, i: int, texts: tuple[tuple[Segments, Segments], ...]) -> Side:
    columns = chosen.columns
    name = columns["group"][i] if "group" in columns else columns["item"][i]
    facts = [("item", columns["item"][i])] if "group" in columns else []
    facts += [(n, c[i]) for n, c in columns.items() if n not in _BOOKKEEPING and n != "group"]
    told = ((show.clean(n), _value(v)) for n, v in facts)
    return Side(
        name=show.clip(name, 80), score=show.number(float(chosen.score[i])),
        facts=tuple((n, v) for n, v in told if v), texts=texts,
    )  # fmt: skip


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    return show.clip(value, 200, lines=True)
