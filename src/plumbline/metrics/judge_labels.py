"""A judge's scores beside several people's labels of the same texts: consensus, agreement, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput
from plumbline.metrics import score_columns as named
from plumbline.metrics.cell_texts import number_text
from plumbline.stats.agreement import cohen_kappa
from plumbline.stats.confusion import corrected_shares, weighted_f1
from plumbline.stats.reliability import krippendorff_alpha
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[Any]
FULL: Final = 0
PARTIAL: Final = 1
SPLIT: Final = 2
UNKNOWN: Final = -1
PARTS: Final = ("full", "partial", "none")
"""Consensus of at least two people: all alike, some alike, no two alike."""


@dataclass(frozen=True)
class Labelled:
    """Scores and labels, one text (and one dimension of its quality) a row.

    Attributes:
        item: The text; rows of one text hang together.
        group: Its language, or another group.
        dimension: What is scored; "" where the table has one dimension only.
        judge: The judge's score, NaN where it gave none.
        humans: (n, R) people's labels, NaN where there is none.
        top: Highest score of the row's scale.
        shuffled: The judge's score of the same text with words shuffled; None without such a column.
    """

    item: Texts
    group: Texts
    dimension: Texts
    judge: Floats
    humans: Floats
    top: Floats
    shuffled: Floats | None = None

    def __len__(self) -> int:
        return int(self.judge.size)

    def take(self, rows: NDArray[Any]) -> Labelled:
        """The rows under a mask or at these indices."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {k: None if v is None else v[rows] for k, v in held.items()}
        return replace(self, **moved)

    @property
    def seen(self) -> Flags:
        """Rows that the judge scored."""
        return np.isfinite(self.judge)


def read(
    columns: named.Columns,
    about: Mapping[str, Any],
    *,
    judge: str,
    humans: Sequence[str],
    item: str,
    group: str,
    dimension: str,
    top: float | Mapping[str, float] | None,
    shuffled: str,
) -> Labelled:
    """Check the columns.

    Args:
        columns: As recorded.
        about: The subject's facts.
        judge: Column of the judge's scores.
        humans: Columns of people's labels.
        item: Column that names the text.
        group: Column of the language.
        dimension: Column of what is scored, or "".
        top: Highest score of the scale, or of each dimension's; None: the highest that was given.
        shuffled: Column of the scores of shuffled texts, or "".

    Raises:
        NotRecorded: A column is not there.
        BadInput: No human column; a score above the stated top.
    """
    if not humans:
        raise BadInput("no column of people's labels is named; wanted one or more in humans")
    labels = np.column_stack([named.numbers(columns, name, about) for name in humans])
    said = named.numbers(columns, judge, about)
    kind = named.texts(columns, dimension, about) if dimension else np.full(said.size, "", object)
    best = np.full(said.size, np.nan)
    for name in sorted(set(kind.tolist())):
        here = kind == name
        values = np.column_stack([said, labels])[here]
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        stated = top.get(name) if isinstance(top, Mapping) else top
        best[here] = values.max() if stated is None else float(stated)
        if values.max() > best[here][0]:
            raise BadInput(
                f"a score of {values.max():g} lies above the stated top {best[here][0]:g}"
            )
    return Labelled(
        named.texts(columns, item, about), named.texts(columns, group, about), kind, said, labels, best,
        named.numbers(columns, shuffled, about) if shuffled else None,
    )  # fmt: skip


def consensus(humans: Floats) -> Ints:
    """`FULL`, `PARTIAL`, `SPLIT` by row; `UNKNOWN` with fewer than two labels. humans: (n, R)."""
    count = np.isfinite(humans).sum(axis=1)
    ordered = np.sort(humans, axis=1)  # NaN last
    with np.errstate(invalid="ignore"):
        kinds = (np.diff(ordered, axis=1) > 0).sum(axis=1) + (count > 0)
    code = np.where(kinds == 1, FULL, np.where(kinds == count, SPLIT, PARTIAL))
    return np.where(count >= 2, code, UNKNOWN).astype(np.int64)


def contested(humans: Floats) -> Flags:
    """(n, R): whether the *other* people disagree about the row of each label that is there."""
    there = np.isfinite(humans)
    out = np.zeros(humans.shape, bool)
    for k in range(humans.shape[1]):
        others = np.delete(humans, k, axis=1)
        low = np.where(np.isnan(others), np.inf, others).min(axis=1, initial=np.inf)
        high = np.where(np.isnan(others), -np.inf, others).max(axis=1, initial=-np.inf)
        out[:, k] = there[:, k] & (high > low)
    return out


def classes_of(*values: Floats) -> Floats:
    """Distinct finite values, in order."""
    every = np.concatenate([v.ravel() for v in values])
    return np.unique(every[np.isfinite(every)])


def counts_of(humans: Floats, classes: Floats) -> Floats:
    """(n, K): how many people gave each class."""
    return np.asarray((humans[:, :, None] == classes).sum(axis=1), float)


def majority(humans: Floats) -> Floats:
    """The label that more people gave than any other; NaN where there is none (all differ, a draw)."""
    classes = classes_of(humans)
    if not classes.size:
        return np.full(len(humans), np.nan)
    counts = counts_of(humans, classes)
    most = counts.max(axis=1)
    alone = ((counts == most[:, None]).sum(axis=1) == 1) & (most > 0)
    return np.where(alone, classes[counts.argmax(axis=1)], np.nan)


def distribution(table: Labelled) -> dict[str, Any]:
    """Shares of each class by people (single labels, majorities) and judge, by consensus."""
    classes = classes_of(table.judge, table.humans)
    code, counts = consensus(table.humans), counts_of(table.humans, classes)
    first = majority(table.humans)
    told: dict[str, Any] = {}
    for part, name in enumerate(PARTS):
        here = (code == part) & table.seen
        if here.any():
            labels = counts[here].sum(axis=0)
            told[name] = {
                "items": int(here.sum()),
                "people": _named(classes, labels / labels.sum()),
                "majority": _shares(classes, first[here]),
                "judge": _shares(classes, table.judge[here]),
            }
    return told


def _named(classes: Floats, shares: Floats) -> dict[str, float]:
    return {f"{c:g}": float(s) for c, s in zip(classes, shares, strict=True)}


def _shares(classes: Floats, values: Floats) -> dict[str, float] | str:
    values = values[np.isfinite(values)]
    if not values.size:
        return "not defined: no item has one"
    return _named(classes, (values[:, None] == classes).mean(axis=0))


def agreement(table: Labelled) -> dict[str, Any]:
    """How far people agree among themselves, and the judge with their majority."""
    code, first = consensus(table.humans), majority(table.humans)
    several = code != UNKNOWN
    both = np.isfinite(first) & table.seen
    told: dict[str, Any] = {"items": len(table), "items without a majority": int((several & np.isnan(first)).sum())}  # fmt: skip
    if several.any():
        told["people all agree"] = float((code[several] == FULL).mean())
        told["weighted F1 between people"] = _between(table.humans)
        told["Krippendorff's alpha of people"] = _or_reason(lambda: krippendorff_alpha(_coders(table.humans)))  # fmt: skip
    if both.any():
        classes = classes_of(table.judge[both], first[both])
        counts = cross(first[both], table.judge[both], classes)
        told |= {
            "majority with the judge": float(np.trace(counts) / counts.sum()),
            "weighted F1 of the judge": weighted_f1(counts),
            "most frequent majority": float(counts.sum(axis=1).max() / counts.sum()),
            "Cohen's kappa of the judge": _or_reason(lambda: cohen_kappa(counts, level=0.95).value),
        }
    return told


def cross(rows: Floats, columns: Floats, classes: Floats) -> Floats:
    """(K, K) counts of pairs of classes."""
    place = np.searchsorted(classes, rows) * classes.size + np.searchsorted(classes, columns)
    return np.bincount(place, minlength=classes.size**2).reshape(2 * (classes.size,)).astype(float)


def _between(humans: Floats) -> float | str:
    """Mean weighted F1 over ordered pairs of people: one's labels as truth, the other's as said."""
    classes, found = classes_of(humans), []
    for a in range(humans.shape[1]):
        for b in range(humans.shape[1]):
            both = np.isfinite(humans[:, a]) & np.isfinite(humans[:, b])
            if a != b and both.any():
                found.append(weighted_f1(cross(humans[both, a], humans[both, b], classes)))
    return float(np.mean(found)) if found else "not defined: no two people labelled one item"


def _coders(humans: Floats) -> list[list[str | None]]:
    return [[number_text(v) or None for v in coder] for coder in humans.T.tolist()]


def _or_reason(make: Any) -> float | str:
    try:
        return float(make())
    except UndefinedStatistic as absent:
        return f"not defined: {absent.reason}"


def calibrated(table: Labelled, rng: np.random.Generator, *, level: float = 0.95) -> dict[str, Any]:
    """Shares of each class that people would give to all scored texts, from the judge's confusions.

    Every label counts, by one over the number of its text's labels.
    """
    seen = table.take(table.seen)
    labelled = np.isfinite(seen.humans).any(axis=1)
    said, meant = classes_of(seen.judge), classes_of(seen.humans)
    told: dict[str, Any] = {"labelled": int(labelled.sum()), "others": int((~labelled).sum())}
    if not labelled.any():
        return told | {"not defined": "no scored text has a label"}
    counts = counts_of(seen.humans[labelled], meant)
    each = counts / counts.sum(axis=1, keepdims=True)
    one = (seen.judge[:, None] == said).astype(float)
    tables = each[:, :, None] * one[labelled][:, None, :]
    told["judge"] = _named(said, one.mean(axis=0))
    told["people, labelled texts"] = _named(meant, each.mean(axis=0))
    try:
        got = corrected_shares(
            tables, one[labelled], one[~labelled].sum(axis=0), level=level, rng=rng
        )
    except UndefinedStatistic as absent:
        return told | {"not defined": absent.reason}
    ends = zip(meant, got.value, got.low, got.high, strict=True)
    return told | {"people, all texts": {f"{c:g}": [float(v), float(a), float(b)] for c, v, a, b in ends}}  # fmt: skip
