"""Arguments of methods, as a plan states them: checked before a model is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from plumbline.core.catalog import Entry
from plumbline.core.errors import BadInput, UnknownName

# What a declared type takes, and how a message names it; other types are the method's to check.
_TAKES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "bool": ((bool,), "true or false"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
}
_LISTS: Final = ("Sequence[", "tuple[")


def check_params(params: Mapping[str, Mapping[str, Any]], entries: Mapping[str, Entry]) -> None:
    """Every method that is named exists, and has these arguments.

    Raises:
        UnknownName: No such method, or an argument that it does not have.
        BadInput: A value of another type than the method declares.
    """
    for name, given in params.items():
        if name not in entries:
            raise UnknownName("method", name, entries)
        if given:
            check_arguments(entries[name], given)


def check_arguments(entry: Entry, given: Mapping[str, Any]) -> None:
    """A method has these arguments, and they have the declared types.

    Methods that hand further arguments on (`**options`) judge those themselves; `**_` hands nothing on.

    Raises:
        UnknownName: An argument that the method does not have.
        BadInput: A value of another type than the method declares.
    """
    declared = inspect.signature(entry.load()).parameters.values()
    named = {
        p.name: p for p in declared
        if p.kind is p.KEYWORD_ONLY or (p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty)
    }  # fmt: skip
    passed_on = any(p.kind is p.VAR_KEYWORD and p.name != "_" for p in declared)
    for name, value in given.items():
        if name in named:
            _check_type(entry.id, named[name], value)
        elif not passed_on:
            raise UnknownName(f"argument of {entry.id}", name, named)


def _check_type(method: str, declared: inspect.Parameter, value: Any) -> None:
    wanted = str(declared.annotation)
    if wanted.startswith(_LISTS) and "|" not in wanted:
        if isinstance(value, str | int | float):
            raise BadInput(
                f"{method}: {declared.name!r} wants a list, such as {declared.name}={_listed(value)}; got {value!r}"
            )
        return
    types, said = _TAKES.get(wanted, ((object,), ""))
    if not isinstance(value, types) or (isinstance(value, bool) and wanted in {"int", "float"}):
        raise BadInput(f"{method}: {declared.name!r} wants {said}; got {value!r}")


def _listed(value: Any) -> str:
    return f'["{value}"]' if isinstance(value, str) else f"[{value}]"
