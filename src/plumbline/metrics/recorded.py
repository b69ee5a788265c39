"""Recorded decisions as arrays: columns of a `table:` subject, checked and coded.

Columns: `prediction`, `label`, `score`, `weight`, and one `group:NAME` for each attribute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, NotRecorded, UnknownName
from plumbline.metrics.distinct import distinct

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Task = Literal["auto", "binary", "classes", "numbers"]
TASKS: Final = ("auto", "binary", "classes", "numbers")
PREFIX: Final = "group:"
NOT_STATED: Final = "not stated"
MOST_CLASSES: Final = 20


@dataclass(frozen=True)
class Grouping:
    """A partition of the rows: an attribute, or the intersection of several."""

    axis: str
    names: tuple[str, ...]
    codes: Ints

    @property
    def counts(self) -> Ints:
        """Rows of each group."""
        return np.bincount(self.codes, minlength=len(self.names))


@dataclass(frozen=True)
class Decisions:
    """Rows with a decision.

    Attributes:
        task: `binary`, `classes` or `numbers`.
        decision: Code of the decision (index into `classes`), or the predicted number.
        label: Code of the true class, `len(classes)` where there is none; or the true number,
            NaN where there is none.
        classes: Names of the classes; empty for numbers.
        score: A number a row, or None.
        weight: Weight of each row.
        groupings: Attributes, then intersections.
        left_out: Rows without a decision.
        from_score: There was no decision, and a score above the median stands for it.
    """

    task: str
    decision: NDArray[Any]
    label: NDArray[Any] | None
    classes: tuple[str, ...]
    score: Floats | None
    weight: Floats
    groupings: tuple[Grouping, ...]
    left_out: int
    from_score: bool = False

    def __len__(self) -> int:
        return int(self.decision.size)

    @property
    def without_label(self) -> int:
        """Rows without a true outcome."""
        if self.label is None:
            return len(self)
        gaps = np.isnan(self.label) if self.task == "numbers" else self.label == len(self.classes)
        return int(gaps.sum())

    @property
    def calibrated(self) -> bool:
        """Whether the score may be read as the probability of a binary outcome."""
        if self.task != "binary" or self.score is None or self.label is None:
            return False
        return bool(self.score.min() >= 0 and self.score.max() <= 1)


def read(
    columns: Mapping[str, NDArray[Any]],
    *,
    task: Task = "auto",
    positive: str = "",
    intersections: Sequence[Sequence[str]] | None = None,
) -> Decisions:
    """Check and code the columns.

    Args:
        columns: As recorded. Without `prediction`, a `score` above the median counts as selected
            (the scoring rate of Local Law 144).
        task: `auto`: classes where predictions are text, binary where all numbers are 0 or 1,
            numbers where one is no whole number or there are more than 20 of them, else classes.
        positive: The class that counts as 1, all others as 0.
        intersections: Sets of attributes to cross; None: every pair.

    Raises:
        BadInput: No group column, no prediction and no score, values of the wrong kind, a bad
            weight.
    """
    if task not in TASKS:
        raise UnknownName("task of group_rates", task, TASKS)
    attributes = [name for name in columns if name.startswith(PREFIX)]
    if not attributes:
        raise NotRecorded(
            f"no column says which group a row belongs to; wanted {PREFIX}NAME, got {', '.join(columns)}"
        )
    decided = "prediction" in columns
    given = columns.get("prediction", columns.get("score"))
    if given is None:
        raise NotRecorded(f"no column 'prediction' or 'score'; got {', '.join(columns)}")
    keep = ~_missing(given)
    if not keep.any():
        raise BadInput("no row has a prediction; wanted at least one")
    here = {name: np.asarray(values)[keep] for name, values in columns.items()}
    score = _numbers(here["score"], "score") if "score" in here else None
    if score is not None and not decided:
        here["prediction"] = (score > np.median(score)).astype(float)
    if positive:
        here |= _as_binary(here, positive, decided=decided)
    found = kind_of(here) if task == "auto" else task
    decision, label, classes = _outcomes(here, found)
    return Decisions(
        task=found, decision=decision, label=label, classes=classes, score=score,
        weight=_weights(here, int(keep.sum())),
        groupings=_groupings({n.removeprefix(PREFIX): here[n] for n in attributes}, intersections),
        left_out=int((~keep).sum()), from_score=not decided,
    )  # fmt: skip


def column_called(
    columns: Mapping[str, NDArray[Any]], name: str, about: Mapping[str, Any] | None = None
) -> NDArray[Any]:
    """The column of this name in the source, or of this role.

    Args:
        columns: As recorded.
        name: What the source calls the column, or its role (`prediction`, `label`).
        about: The subject's facts, which say which column of the source has which role.

    Raises:
        UnknownName: There is none.
    """
    roles = (about or {}).get("roles", {})
    named = {str(roles.get(key) or key): values for key, values in columns.items()}
    known = {key.partition(":")[2] or key: values for key, values in [*columns.items(), *named.items()]}  # fmt: skip
    if name not in known:
        raise UnknownName("column of the table", name, known)
    return known[name]


def _as_binary(
    columns: Mapping[str, NDArray[Any]], positive: str, *, decided: bool
) -> dict[str, NDArray[Any]]:
    """Predictions and labels as 1 where they are the positive class, NaN where missing."""
    wanted = [n for n in ("prediction", "label") if n in columns and (decided or n == "label")]
    made = {}
    for name in wanted:
        texts = [str(v) for v in columns[name].tolist()]
        hit = np.fromiter((t in (positive, f"{positive}.0") for t in texts), float, len(texts))
        if not hit.any():
            raise BadInput(f"column {name!r} never holds the positive class {positive!r}")
        made[name] = np.where(_missing(columns[name]), np.nan, hit)
    return made


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a value is None, NaN or empty text."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return np.asarray(np.isnan(array))
    if array.dtype.kind in "iub":
        return np.zeros(array.size, bool)
    found, codes = distinct(array.astype(object))
    return np.fromiter(map(_absent, found), bool, len(found))[codes]


def _absent(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def kind_of(columns: Mapping[str, NDArray[Any]]) -> str:
    """`binary`, `classes` or `numbers`, from predictions and labels."""
    both = [columns[n][~_missing(columns[n])] for n in ("prediction", "label") if n in columns]
    if any(values.dtype.kind not in "iufb" and not _numeric(values) for values in both):
        return "classes"
    columns_of_numbers = [np.asarray(v, float) for v in both]
    if all(((v == 0) | (v == 1)).all() for v in columns_of_numbers):
        return "binary"
    numbers = np.unique(np.concatenate(columns_of_numbers))
    whole = bool((numbers == np.round(numbers)).all())
    return "classes" if whole and numbers.size <= MOST_CLASSES else "numbers"


def _numeric(values: NDArray[Any]) -> bool:
    return all(isinstance(v, int | float | np.number | np.bool_) for v in values.tolist())


def _outcomes(
    columns: Mapping[str, NDArray[Any]], task: str
) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...]]:
    """Decisions, labels and class names as the task wants them."""
    given, truth = columns["prediction"], columns.get("label")
    if task == "numbers":
        label = None if truth is None else _numbers(truth, "label", gaps=True)
        return _numbers(given, "prediction"), label, ()
    if task == "binary":
        return _codes(given, (0.0, 1.0), "prediction"), _labels(truth, (0.0, 1.0)), ("0", "1")
    seen = [given] if truth is None else [given, truth[~_missing(truth)]]
    levels = sorted({v for part in seen for v in part.tolist()}, key=str)
    return _codes(given, levels, "prediction"), _labels(truth, levels), tuple(map(str, levels))


def _labels(values: NDArray[Any] | None, levels: Sequence[Any]) -> Ints | None:
    """Codes of the labels, with one code more for a row without one."""
    if values is None:
        return None
    gaps = _missing(values)
    out = np.full(values.size, len(levels), np.int64)
    out[~gaps] = _codes(values[~gaps], levels, "label")
    return out


def _codes(values: NDArray[Any], levels: Sequence[Any], what: str) -> Ints:
    if values.dtype.kind in "iufb" and levels == (0.0, 1.0):
        second = np.asarray(values == levels[1])
        if (second | (values == levels[0])).all():
            return second.astype(np.int64)
    index = {level: code for code, level in enumerate(levels)}
    found, where = distinct(values)
    strange = [v for v in found if v not in index]
    if strange:
        raise BadInput(
            f"column {what!r} holds {strange[0]!r}; wanted one of {', '.join(map(str, levels))}. "
            "Say task='classes' or task='numbers' if the outcome is not 0 or 1"
        )
    return np.array([index[v] for v in found], np.int64)[where]


def _numbers(values: NDArray[Any], what: str, *, gaps: bool = False) -> Floats:
    try:
        out = np.where(_missing(values), np.nan, values).astype(float)
    except (TypeError, ValueError):
        raise BadInput(f"column {what!r} holds text; wanted numbers") from None
    bad = np.isinf(out) if gaps else ~np.isfinite(out)
    if bad.any():
        raise BadInput(
            f"column {what!r}: row {int(np.flatnonzero(bad)[0]) + 1} holds {values[bad][0]!r}; "
            "wanted a finite number in every row"
        )
    return out


def _weights(columns: Mapping[str, NDArray[Any]], count: int) -> Floats:
    if "weight" not in columns:
        return np.ones(count)
    weight = _numbers(columns["weight"], "weight")
    if (weight < 0).any() or not weight.any():
        raise BadInput("column 'weight' holds a negative number, or only zeros")
    return weight


def _groupings(
    attributes: Mapping[str, NDArray[Any]], intersections: Sequence[Sequence[str]] | None
) -> tuple[Grouping, ...]:
    single = {name: _grouping(name, values) for name, values in attributes.items()}
    crossed = combinations(single, 2) if intersections is None else intersections
    made = list(single.values())
    for names in crossed:
        for name in names:
            if name not in single:
                raise UnknownName("group column", name, single)
        made.append(_crossed([single[name] for name in names]))
    return tuple(made)


def _grouping(axis: str, values: NDArray[Any]) -> Grouping:
    found, where = distinct(np.asarray(values, dtype=object))
    texts = [NOT_STATED if _absent(value) else str(value) for value in found]
    names, codes = np.unique(np.array(texts, dtype=str), return_inverse=True)
    return Grouping(axis, tuple(map(str, names)), codes.astype(np.int64).reshape(-1)[where])


def _crossed(parts: Sequence[Grouping]) -> Grouping:
    cell = np.zeros(parts[0].codes.size, np.int64)
    for part in parts:
        cell = cell * len(part.names) + part.codes
    found, codes = np.unique(cell, return_inverse=True)
    names = []
    for value in found.tolist():
        words = []
        for part in reversed(parts):
            value, code = divmod(value, len(part.names))
            words.append(part.names[code])
        names.append(" & ".join(reversed(words)))
    axis = " x ".join(part.axis for part in parts)
    return Grouping(axis, tuple(names), codes.astype(np.int64).reshape(-1))
