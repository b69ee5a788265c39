"""The gate file (TOML): read once, before anything is asked, with one message for every slip."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from plumbline.audit.gate import (
    ALPHA,
    CONDITIONS,
    POWER,
    ROLES,
    VERDICTS,
    Detect,
    Gate,
    Limits,
    Rule,
    Size,
)
from plumbline.audit.toml_file import read_toml
from plumbline.core.errors import BadInput, UnknownName

TOP: Final = ("gate", "rule")
SETTINGS: Final = ("alpha", "correction", "undefined", "not_applicable")
UNDEFINED: Final = ("insufficient", "fail")
NOT_APPLICABLE: Final = ("insufficient", "skip")
ABOUT: Final = ("metric", "labels", "role", "name", "optional", "undefined", "not_applicable")


def read_gate(path: Path) -> Gate:
    """A gate from its file.

    Raises:
        BadInput: The file is missing, not TOML, empty, contradicts itself, or holds a wrong type.
        UnknownName: A key, role or verdict that no gate knows, with the nearest ones.
    """
    return gate_of(read_toml(path, "gate file"), name=path.name)


def gate_of(given: Mapping[str, Any], *, name: str = "gate") -> Gate:
    """A gate from the tables of its file; see `read_gate` for what it raises."""
    _known(given, TOP, name)
    settings = _table(given.get("gate", {}), f"{name}: [gate]")
    _known(settings, SETTINGS, f"{name}: [gate]")
    correction = settings.get("correction", "holm")
    if correction != "holm":
        raise BadInput(
            f"{name}: correction is {correction!r}; a gate corrects by 'holm', which bounds the chance of "
            "failing a model without any lean. Leave the key out"
        )
    rules = given.get("rule", [])
    if not isinstance(rules, list):
        raise BadInput(f"{name}: rules are a list of tables; write [[rule]] in place of [rule]")
    defaults = {
        "undefined": _one_of(settings, "undefined", UNDEFINED, f"{name}: [gate]"),
        "not_applicable": _one_of(settings, "not_applicable", NOT_APPLICABLE, f"{name}: [gate]"),
    }
    made = tuple(_rule(r, defaults, f"{name}, rule {i}") for i, r in enumerate(rules, 1))
    alpha = _number(settings.get("alpha", ALPHA), f"{name}: alpha")
    return Gate(rules=made, alpha=alpha, name=name)


def _rule(given: Any, defaults: Mapping[str, str], where: str) -> Rule:
    table = _table(given, where)
    _known(table, (*ABOUT, *CONDITIONS), where)
    if "metric" not in table:
        raise BadInput(f"{where} names no metric; wanted the id of a method, or a pattern with *")
    fields: dict[str, Any] = {
        "metric": _text(table["metric"], f"{where}: metric"),
        "name": _text(table.get("name", ""), f"{where}: name"),
        "labels": {
            k: _text(v, f"{where}: label {k}")
            for k, v in _table(table.get("labels", {}), f"{where}: labels").items()
        },
        "role": _one_of(table, "role", ROLES, where),
        "optional": _flag(table.get("optional", False), f"{where}: optional"),
        "undefined": _one_of({**defaults, **table}, "undefined", UNDEFINED, where),
        "not_applicable": _one_of({**defaults, **table}, "not_applicable", NOT_APPLICABLE, where),
    }
    fields |= {c: _CONDITIONS[c](table[c], f"{where}: {c}") for c in CONDITIONS if c in table}
    try:
        return Rule(**fields)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _limits(given: Any, where: str) -> Limits:
    table = _table(given, where)
    _known(table, ("min", "max"), where)
    if not table:
        raise BadInput(f"{where} states no limit; wanted min, max, or both")
    ends = {end: _number(table[end], f"{where}: {end}") for end in ("min", "max") if end in table}
    return Limits(low=ends.get("min"), high=ends.get("max"))


def _distance(given: Any, where: str) -> Size:
    return _size(_table(given, where), "max", where)


def _regression(given: Any, where: str) -> Size:
    return _size(_table(given, where), "margin", where)


def _size(table: Mapping[str, Any], name: str, where: str, *, more: Collection[str] = ()) -> Size:
    """One of `name` (in the finding's unit) and `margins`, above 0."""
    _known(table, (name, "margins", *more), where)
    stated = [key for key in (name, "margins") if key in table]
    if len(stated) != 1:
        raise BadInput(
            f"{where} wants either {name} (in the finding's unit) or margins (of the plan), "
            f"not {'both' if stated else 'neither'}"
        )
    number = _number(table[stated[0]], f"{where}: {stated[0]}")
    if number <= 0:
        raise BadInput(f"{where}: {stated[0]} is {number:g}; wanted a number above 0")
    return Size(units=number) if stated[0] == name else Size(margins=number)


def _detect(given: Any, where: str) -> Detect:
    if given is True:
        return Detect()
    if given is False:
        raise BadInput(f"{where} is false, which asks nothing; leave the key out")
    table = _table(given, where)
    effect = (
        _size(table, "effect", where, more=("power",))
        if set(table) - {"power"}
        else Detect().effect
    )
    power = _number(table.get("power", POWER), f"{where}: power")
    if not 0.5 <= power < 1:
        raise BadInput(f"{where}: power is {power:g}; wanted 0.5 or more, and below 1")
    return Detect(effect=effect, power=power)


def _verdicts(given: Any, where: str) -> tuple[str, ...]:
    wanted = [given] if isinstance(given, str) else given
    if not isinstance(wanted, list) or not all(isinstance(v, str) for v in wanted):
        raise BadInput(f"{where} is {given!r}; wanted a list of verdicts: {', '.join(VERDICTS)}")
    if not wanted:
        raise BadInput(f"{where} allows no verdict, so nothing could pass")
    for verdict in wanted:
        if verdict not in VERDICTS:
            raise UnknownName(f"verdict in {where.removesuffix(': verdict')}", verdict, VERDICTS)
    return tuple(wanted)


_CONDITIONS: Final = {
    "value": _limits,
    "bound": _limits,
    "distance": _distance,
    "p": _detect,
    "verdict": _verdicts,
    "regression": _regression,
}


def _known(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UnknownName(f"key in {where}", key, known)


def _table(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadInput(f"{where} is {given!r}; wanted a table, written {{ key = value }}")
    return given


def _text(given: Any, where: str) -> str:
    if not isinstance(given, str):
        raise BadInput(f'{where} is {given!r}; wanted text: "{given}"')
    return given


def _flag(given: Any, where: str) -> bool:
    if not isinstance(given, bool):
        raise BadInput(f"{where} is {given!r}; wanted true or false")
    return given


def _number(given: Any, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadInput(f"{where} is {given!r:.200}; wanted a number")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadInput(f"{where} is {given!r:.60}; wanted a number")
    return number


def _one_of(table: Mapping[str, Any], key: str, known: Sequence[str], where: str) -> str:
    """A key's word among those known; the first one where the key is not there."""
    given = _text(table.get(key, known[0]), f"{where}: {key}")
    if given not in known:
        raise UnknownName(f"{key} in {where}", given, known)
    return given
