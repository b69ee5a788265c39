"""A run's measures as JSON and back, so that a stored run can be inferred from again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Null
from plumbline.core.catalog import find
from plumbline.core.errors import StoreError
from plumbline.core.scored import Measure
from plumbline.stats.estimators import ESTIMATORS, Estimator

Column = NDArray[Any]


def as_json(measure: Measure) -> dict[str, Any]:
    """JSON-able fields; the estimator by its id.

    Options that hold arrays (the counts of a corpus) are named by their shape: such a statistic is no function
    of the stored items, and `again` says so.
    """
    est = measure.estimator
    arrays = {
        k: f"array {v.shape}" for k, v in measure.options.items() if isinstance(v, np.ndarray)
    }
    return {
        "estimator": est if isinstance(est, str) else est.id,
        "bounds": None if isinstance(est, str) else [_end(e) for e in est.bounds],
        "role": measure.role,
        "labels": dict(measure.labels),
        "where": {k: list(v) if isinstance(v, tuple) else v for k, v in measure.where.items()},
        "groups": list(measure.groups),
        "options": {**measure.options, **arrays},
        "again": not arrays,
        "unit": measure.unit,
        "null": None if measure.null is None else asdict(measure.null),
        "sign": measure.sign,
        "worse": measure.worse,
        "estimand": measure.estimand,
    }


def _end(bound: float) -> float | None:
    return float(bound) if np.isfinite(bound) else None


def again(given: Mapping[str, Any]) -> bool:
    """Whether a stored measure can be inferred from the stored items again."""
    return bool(given.get("again", True))


def from_json(given: Mapping[str, Any], metric: str) -> Measure:
    """The measure again; an estimator of the method's own is found in its file."""
    fields = {name: value for name, value in given.items() if name != "again"}
    bounds = fields.pop("bounds", None)
    fields["estimator"] = _estimator(fields["estimator"], metric)
    if bounds is not None and isinstance(fields["estimator"], Estimator):
        # What a statistic can reach may depend on how much was asked.
        ends = [e if b is None else b for e, b in zip((-np.inf, np.inf), bounds, strict=True)]
        fields["estimator"] = replace(fields["estimator"], bounds=(ends[0], ends[1]))
    fields["where"] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in fields["where"].items()
    }
    fields["groups"] = tuple(fields["groups"])
    fields["null"] = None if fields["null"] is None else Null(**fields["null"])
    return Measure(**fields)


@cache  # a run has hundreds of measures, and each look into the catalog reads every method's file
def _estimator(name: str, metric: str) -> str | Estimator:
    if name in ESTIMATORS:
        return name
    for module in _reached(importlib.import_module(find(metric).target.partition(":")[0])):
        for value in vars(module).values():
            several = value.values() if isinstance(value, dict) else value
            for one in several if isinstance(value, tuple | list | dict) else [value]:
                if isinstance(one, Estimator) and one.id == name:
                    return one
    raise StoreError(
        f"the estimator {name!r} of {metric} is in no file that it uses any more: this run was made by another "
        "version. Audit the model again"
    )


def _reached(first: ModuleType) -> Iterator[ModuleType]:
    """The method's module, then the modules of its package that it takes something from, and so on."""
    package, seen, waiting = first.__name__.partition(".")[0], {first.__name__}, [first]
    while waiting:
        module = waiting.pop(0)
        yield module
        for value in tuple(vars(module).values()):
            name = (
                value.__name__
                if isinstance(value, ModuleType)
                else getattr(value, "__module__", "")
            )
            if name in seen or not isinstance(name, str) or name.partition(".")[0] != package:
                continue
            seen.add(name)
            waiting.append(sys.modules[name])


def measure_of(
    header: Mapping[str, Any], finding: Mapping[str, Any], *, said: Callable[[str], str] = str
) -> Mapping[str, Any] | None:
    """The measure that a stored finding was inferred from, as the header holds it; None where it does not.

    Args:
        header: The run's header.
        finding: The finding's row.
        said: What the row's labels went through before they came here (cleaning), if anything.
    """
    for one in header.get("measures", {}).get(finding["metric"], ()):
        labels = {said(k): said(v) for k, v in one["labels"].items()}
        if one["role"] == finding["role"] and labels == dict(finding["labels"]):
            found: Mapping[str, Any] = one
            return found
    return None


def chosen_by(measure: Mapping[str, Any]) -> dict[str, Any]:
    """Column -> value or values of the items that a stored measure speaks of, its groups included."""
    wanted = dict(measure["where"])
    if measure["groups"]:
        wanted["group"] = list(measure["groups"])
    return wanted


def rows_of(items: Mapping[str, Column], measure: Mapping[str, Any]) -> Column | None:
    """Indices of the answered rows that a stored measure speaks of, or None where there are none.

    Args:
        items: Columns of the metric's stored items.
        measure: The measure as the run's header holds it (`where`, `groups`).
    """
    if "score" not in items or "item" not in items:
        return None
    keep = np.isfinite(items["score"].astype(float))
    for name, value in chosen_by(measure).items():
        if name not in items:
            return None
        keep &= _equal(items[name], value if isinstance(value, list) else [value])
    rows = np.flatnonzero(keep)
    return rows if rows.size else None


def _equal(column: Column, values: Sequence[Any]) -> Column:
    """Parquet keeps texts as they were, and all numbers as floats."""
    if column.dtype == object:
        # A column that is text in another metric's rows is text here too: 0 was kept as "0.0".
        texts = [str(v) for v in values]
        texts += [str(float(v)) for v in values if isinstance(v, int | float)]
        return np.isin(column.astype(str), texts)
    if any(isinstance(v, str) for v in values):
        raise StoreError(f"a column of numbers was filtered by the texts {values}")
    return np.isin(column.astype(float), [float(v) for v in values])
