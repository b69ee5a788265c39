"""A subject whose answers are columns that somebody recorded: the ability `records`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Answers, Records
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Batch
from plumbline.models.abilities import Cost, Rows
from plumbline.models.column_roles import GAPS, Roles, find_roles, group_key
from plumbline.models.column_values import Column

NO_GROUP: Final = "not stated"
"""Label of rows whose group cell is empty: a group of its own, which vanishes nowhere."""


@final
class Recorded:
    """Predictions, labels, scores and groups of a model that need not be run.

    `Records.columns` has one array a key, all of one length:

    - `item`: number of the row in the source, from 1 (int64);
    - `label`, `prediction`: int64 or float64, or text; both of one kind. With `missing="keep"`
      NaN or "" where the source has none;
    - `score` (float64), or `score:CLASS` for each class;
    - `weight`: float64, not negative;
    - `group:NAME`: text, `not stated` where the source has none;
    - `column:NAME`: every other column; numbers are NaN where the source has none.

    Args:
        name: What to call the subject.
        columns: The source's columns.
        given: `column_roles.SETTINGS`.
        form: `table`, `frame`, ...
        fingerprint: Digest of the source and of `given`.
        facts: Further facts for `about()`.
    """

    remote = False
    abilities = frozenset({"records"})

    def __init__(
        self,
        name: str,
        columns: Mapping[str, Column],
        given: Mapping[str, Any],
        *,
        form: str,
        fingerprint: str,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.fingerprint = name, fingerprint
        roles = find_roles(list(columns), given, name)
        kept, rows, dropped = _complete(name, columns, roles, given["missing"])
        self._columns = _arrays(name, kept, roles, rows)
        groups = {c: _counts(self._columns[group_key(c)]) for c in roles.groups}
        self._about = {
            "form": form,
            "rows": len(rows),
            "dropped_rows": dropped,
            "roles": asdict(roles),
            "groups": groups,
            **(facts or {}),
        }

    def about(self) -> dict[str, Any]:
        """Facts for the record: rows, which column has which role, and the groups' sizes."""
        return dict(self._about)

    def partition(self, batch: Batch) -> list[Rows]:
        """One part."""
        return [np.arange(len(batch))] if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """All columns."""
        if batch.ability != "records":
            raise AbilityError(
                f"{self.name} is a recorded table: it gives its columns and cannot {batch.ability}"
            )
        yield np.arange(1), Records(dict(self._columns))

    def cost(self, batch: Batch) -> Cost:  # noqa: ARG002 - the protocol's signature
        """Recorded answers cost nothing."""
        return Cost()

    def close(self) -> None:
        """Nothing is held open."""


def _complete(
    name: str, columns: Mapping[str, Column], roles: Roles, policy: str
) -> tuple[dict[str, Column], NDArray[np.int64], int]:
    """Rows that have every value that a statistic needs, their numbers, and how many have not."""
    if policy not in ("refuse", "drop", "keep"):
        raise BadInput(f"{name}: missing is 'refuse', 'drop' or 'keep'; got {policy!r}")
    lengths = {len(column.values) for column in columns.values()}
    total = max(lengths, default=0)
    if total == 0:
        raise BadInput(f"{name} has no rows")
    if len(lengths) > 1:
        raise BadInput(f"{name}: columns differ in length ({sorted(lengths)})")
    lost = np.zeros(total, bool)
    kept_gaps: tuple[str, ...] = (roles.label, roles.prediction) if policy == "keep" else ()
    if policy == "refuse" and roles.prediction.lower() in GAPS:
        kept_gaps = (roles.prediction,)
    for column in (c for c in roles.named if c not in (*roles.groups, *kept_gaps)):
        gone = columns[column].missing
        if gone.any() and policy != "drop":
            raise BadInput(
                f"{name}: column {column!r} has no value in {int(gone.sum())} of {total} rows "
                f"(first: row {int(np.argmax(gone)) + 1}). Fill them, or set missing='drop' (or 'keep' for labels and predictions)"
            )
        lost |= gone
    if lost.all():
        raise BadInput(f"{name}: no row has all of {', '.join(roles.named)}")
    kept = np.flatnonzero(~lost)
    return {k: c.take(kept) for k, c in columns.items()}, kept, int(lost.sum())


def _arrays(
    name: str, columns: Mapping[str, Column], roles: Roles, rows: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """The arrays of `Records`, checked."""
    made: dict[str, NDArray[Any]] = {"item": rows + 1}
    for role in ("label", "prediction"):
        if column := getattr(roles, role):
            made[role] = _finite(name, columns[column], rows)
    numbers = {"score": roles.score, "weight": roles.weight}
    numbers |= {f"score:{label}": column for label, column in roles.scores}
    for key, column in numbers.items():
        if column:
            made[key] = _number(name, columns[column], rows)
    if "weight" in made and (made["weight"] < 0).any():
        row = rows[int(np.argmax(made["weight"] < 0))] + 1
        raise BadInput(f"{name}: the weight in row {row} is negative")
    _alike(name, made)
    for column in roles.groups:
        groups = columns[column].text
        groups[columns[column].missing] = NO_GROUP
        made[group_key(column)] = groups.astype(str)
    for column, held in columns.items():
        if column not in roles.named:
            made[f"column:{column}"] = _other(held)
    return made


def _finite(name: str, column: Column, rows: NDArray[np.int64]) -> NDArray[Any]:
    if column.mixed():
        row = column.first_word()
        raise BadInput(
            f"{name}: column {column.name!r} mixes numbers and text: row {rows[row] + 1} holds "
            f"{column.values[row]!r}. Leave the cell empty where there is no value"
        )
    if not column.numeric:
        return np.where(column.missing, "", column.values).astype(str)
    bad = ~np.isfinite(column.values)
    if bad.any():
        row = int(np.argmax(bad))
        raise BadInput(
            f"{name}: column {column.name!r} holds {column.values[row]} in row {rows[row] + 1}; "
            f"{int(bad.sum())} of {len(bad)} values are NaN or infinite"
        )
    return (
        np.where(column.missing, np.nan, column.values) if column.missing.any() else column.values
    )


def _number(name: str, column: Column, rows: NDArray[np.int64]) -> NDArray[Any]:
    if not column.numeric:
        row = column.first_word()
        raise BadInput(
            f"{name}: column {column.name!r} must hold numbers; row {rows[row] + 1} holds "
            f"{column.values[row]!r}"
        )
    return _finite(name, column, rows).astype(np.float64)


def _alike(name: str, made: Mapping[str, NDArray[Any]]) -> None:
    """Labels and predictions are compared: both numbers, or both text."""
    kinds = {
        role: made[role].dtype.kind in "if" for role in ("label", "prediction") if role in made
    }
    if len(set(kinds.values())) > 1:
        text = next(role for role, numeric in kinds.items() if not numeric)
        other = "label" if text == "prediction" else "prediction"
        raise BadInput(
            f"{name}: the {text} is text ({made[text][0]!r}) and the {other} a number "
            f"({made[other][0]}); code them alike, or no prediction would ever be right"
        )


def _other(column: Column) -> NDArray[Any]:
    if column.numeric and column.missing.any():
        return np.where(column.missing, np.nan, column.values.astype(float))
    return column.values


def _counts(values: NDArray[Any]) -> dict[str, int]:
    labels, counts = np.unique(values, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))
