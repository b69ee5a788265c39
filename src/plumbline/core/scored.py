"""What a metric returns: scored items in columns, and which statistics to infer from them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Null
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch

Column = NDArray[Any]
Role = Literal["primary", "secondary", "group", "reference"]


@dataclass(frozen=True)
class Items:
    """Scored items: one row an item (or an item in one of its versions).

    Columns:
        item: Identity of the item; rows of one item are versions of it (groups, draws).
        score: The number, float; NaN exactly where `why` says why there is none.
        why: "" or the reason why the row has no score ("refused", "truncated", ...).
        group, template, name, draw, seed, weight, ...: as the method has them. `weight` defaults
            to 1. Any further column may serve as covariate, outcome or filter.
    """

    columns: Mapping[str, Column]

    @classmethod
    def of(cls, **columns: Any) -> Items:
        """From sequences of one length; fills `why` where it is not given."""
        arrays = {name: np.asarray(values) for name, values in columns.items()}
        lengths = {name: len(values) for name, values in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise BadInput(f"scored items need columns of one length; got {lengths}")
        for needed in ("item", "score"):
            if needed not in arrays:
                raise BadInput(f"scored items need a column {needed!r}; got {', '.join(arrays)}")
        score = arrays["score"] = arrays["score"].astype(float)
        why = arrays.setdefault("why", np.full(score.shape, "", dtype=object)).astype(object)
        arrays["why"] = why
        bad = ~np.isfinite(score) & (why == "")
        if bad.any():
            raise BadInput(
                f"{int(bad.sum())} scores are NaN or infinite without a reason in `why` "
                f"(first item: {arrays['item'][bad][0]!r})"
            )
        arrays["score"] = np.where(why == "", score, np.nan)
        return cls(arrays)

    def __len__(self) -> int:
        return len(self.columns["score"])

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise BadInput(
                f"scored items have no column {name!r}; they have {', '.join(self.columns)}"
            )
        return self.columns[name]

    def take(self, rows: NDArray[Any]) -> Items:
        """The rows under a mask or at these indices."""
        return Items({name: values[rows] for name, values in self.columns.items()})

    def where(self, wanted: Mapping[str, Any]) -> Items:
        """Rows whose columns equal these values (or are among them, for a tuple)."""
        keep = np.ones(len(self), bool)
        for name, value in wanted.items():
            keep &= (
                np.isin(self[name], list(value))
                if isinstance(value, tuple)
                else self[name] == value
            )
        return self._kept(keep)

    def answered(self) -> Items:
        """Rows that have a score."""
        return self._kept(self["why"] == "")

    def _kept(self, rows: NDArray[np.bool_]) -> Items:
        # A million rows that all stay are not copied.
        return self if rows.all() else self.take(rows)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One statistic to infer.

    Attributes:
        estimator: Name in `plumbline.stats.estimators`, or an `Estimator` of the method's own.
        role: `primary` (one a metric and axis), `group` (tested only inside a rejected primary),
            `secondary` (a restatement: interval, no p), `reference` (a number shown beside
            another: no p, no verdict).
        labels: What the finding is about: `axis`, `group`, `measure`, `against`, ...
        where: Which items.
        groups: Groups in order: a contrast is the first minus the second.
        options: The estimator's options (`covariate`, ...).
        floor: (share, smallest share, what it means below): lexicon coverage, parse rate. Below
            the smallest share the finding is Undefined.
        unit, null, sign, worse, estimand: Override the card's for this statistic.
    """

    estimator: Any
    role: Role = "primary"
    labels: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    floor: tuple[float, float, str] | None = None
    unit: str | None = None
    null: Null | None = None
    sign: str | None = None
    worse: str | None = None
    estimand: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A metric's whole result.

    Attributes:
        items: All scored rows, unanswered ones included.
        measures: What to infer.
        notes: Plain sentences for the report.
        facts: JSON-able facts for the record (coverage, missing words, dropped items by reason).
    """

    items: Items
    measures: Sequence[Measure]
    notes: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """A method's own word that it does not apply, with the reason."""

    reason: str


Asking = Generator[Sequence[Batch], Sequence[Any], Scored | Skip]
