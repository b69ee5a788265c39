"""What plumbline's own files hold, checked when they are read: damage is told, and met nowhere later.

A shape is a type (`str`, `int`, `float` for any number, `bool`, `dict`, `list`), `None`, a tuple of
shapes of which one must fit, `[shape]` for a list, `{str: shape}` for a table under any names, a
`Words` for one of some texts, or a dict of names to shapes, where a `Maybe` may be absent and more
names may be there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Maybe:
    """A field that older versions did not write."""

    shape: Any


@dataclass(frozen=True, slots=True)
class Words:
    """One of these texts."""

    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A list of two."""

    shape: Any


NUMBER: Final = (float, None)
TEXT: Final = (str, None)
NEVER: Final = Maybe(Words(()))
RATE: Final = {"rate": float, "low": float, "high": float, "n": int}
ROLES: Final = Words(("primary", "secondary", "group", "reference"))
INDEX: Final = {
    "value": float, "low": float, "high": float, "level": Maybe(float),
    "weights_band": Maybe((None, Pair(float))), "expected_without_lean": Maybe(NUMBER), "dimensions": Maybe({str: float}),
    "components": [{"metric": str, "labels": {str: str}, "component": float}], "left_out": Maybe(list),
    "sentiment_term": Maybe(NUMBER), "diversity_term": Maybe(NUMBER), "source": Maybe(str),
}  # fmt: skip
HEADER: Final = {
    "plumbline": str,
    "plan": {
        "model": str, "suite": str, "metrics": [str], "seed": int, "level": float, "alpha": float,
        "margins": Maybe({str: float}), "params": Maybe({str: dict}), "options": Maybe(dict), "correction": Maybe(str),
    },
    "plan_hash": str, "seed": int, "started": str,
    "subject": {"model": str, "name": str, "fingerprint": str, "about": dict, "abilities": Maybe([str])},
    "instruments": Maybe({str: dict}), "methods": Maybe({str: dict}), "notes": Maybe({str: [str]}), "facts": Maybe({str: dict}),
    "canaries": Maybe({str: {"asked": int, "changed": int}}), "measures": Maybe({str: [{"role": str, "labels": {str: str}, "where": dict, "groups": list}]}),
    "questions": Maybe({str: {"wanted": int, "unique": int, "from_cache": int, "asked": int, "seconds": float}}),
    "seconds": Maybe(float), "packages": Maybe({str: str}), "machine": Maybe(dict), "index": Maybe((None, INDEX, {"value": None, "reason": Maybe(str)})),
    "explainer": Maybe(str), "arrays": Maybe({str: dict}), "drawings": Maybe([dict]),
}  # fmt: skip
"""`run.json` of an audit or an explanation."""
FINDING: Final = {
    "metric": str, "labels": {str: str}, "role": ROLES, "status": Words(("estimate", "undefined", "not_applicable")),
    "value": NUMBER, "low": NUMBER, "high": NUMBER, "level": NUMBER, "n": (int, None), "units": (int, None), "unit": str,
    "estimand": str, "null": NUMBER, "sign": str, "worse": str, "se": NUMBER, "df": NUMBER, "p": NUMBER, "p_adjusted": NUMBER,
    "family": str, "test": TEXT, "interval": TEXT, "expected_under_null": NUMBER,
    "verdict": (None, Words(("leans", "within the margin", "insufficient evidence"))), "margin": NUMBER, "reason": TEXT,
    "paper": str, "trust": str, "certificate": str, "notes": [str],
}  # fmt: skip
"""One row of `findings.parquet`."""
CERTIFICATE: Final = {
    "summary": str, "simulations": int, "seed": int, "null": str, "false_alarms": (None, RATE),
    "coverage": [({"truth": float, **RATE}, {"truth": float, "rate": NEVER})],
    "power": [({"truth": float, **RATE}, {"truth": float, "rate": NEVER})],
    "minimum_detectable_effect": NUMBER, "undefined": [{"runs": int, "of": int, "dial": float}],
    "targets": {str: {"range": Pair(float), "met": bool}},
    "end_to_end": Maybe((None, {"runs": int, "dial": float, "alarms": int, "found": int, "undefined": int, "alarms_few_enough": bool})),
    "placebos": Maybe((None, {"subject": str, "rows": [{"placebo": str, "alarms": int, "of": int}]})),
}  # fmt: skip
"""A certificate as `plumbline calibrate` writes it."""
KEY_FILE: Final = {
    "metric": str, "items": {str: [int]}, "rows": Maybe(int), "seed": Maybe(int), "run": Maybe(str),
}  # fmt: skip
"""The key of a blinded sample."""
_KINDS: Final[Mapping[Any, str]] = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list",
    None: "null",
}  # fmt: skip


def checked(value: Any, shape: Any, what: str) -> Any:
    """The value.

    Raises:
        ValueError: It does not have the shape; the message says where, what came and what was wanted.
    """
    if fault := _fault(value, shape, what):
        raise ValueError(fault)
    return value


def _fault(value: Any, shape: Any, where: str) -> str:
    """What is wrong, or ""."""
    if isinstance(shape, tuple):
        faults = [_fault(value, one, where) for one in shape]
        return "" if "" in faults else next(f for f, s in zip(faults, shape, strict=True) if s is not None)  # fmt: skip
    if isinstance(shape, Words):
        known = isinstance(value, str) and value in shape.known
        return "" if known else f"{where} is {value!r:.60}; wanted one of {', '.join(shape.known)}"
    if isinstance(shape, Pair):
        two = isinstance(value, list) and len(value) == 2
        return _fault(value, [shape.shape], where) or ("" if two else f"{where} wants two values")
    if isinstance(shape, list):
        return _kind(value, list, where) or _first(
            _fault(one, shape[0], f"{where}[{i}]") for i, one in enumerate(value)
        )
    if isinstance(shape, dict):
        return _kind(value, dict, where) or _table(value, shape, where)
    return _kind(value, shape, where)


def _table(value: Mapping[str, Any], shape: Mapping[Any, Any], where: str) -> str:
    if str in shape:
        return _first(_fault(one, shape[str], f"{where}.{name:.60}") for name, one in value.items())
    for name, wanted in shape.items():
        if name not in value:
            if isinstance(wanted, Maybe):
                continue
            return f"{where} has no {name!r}"
        of = wanted.shape if isinstance(wanted, Maybe) else wanted
        if fault := _fault(value[name], of, f"{where}.{name}"):
            return fault
    return ""


def _kind(value: Any, kind: Any, where: str) -> str:
    if kind is None:
        fits = value is None
    elif kind is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and not _nan(value)
    else:
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return "" if fits else f"{where} is {value!r:.60}; wanted {_KINDS[kind]}"


def _nan(value: float) -> bool:
    """NaN, or a whole number that no float holds."""
    try:
        return math.isnan(value)
    except OverflowError:
        return True


def _first(faults: Any) -> str:
    return next((fault for fault in faults if fault), "")
