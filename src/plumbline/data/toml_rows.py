"""Reading our TOML files field by field, with errors that say where and what was wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from importlib.resources.abc import Traversable
from math import inf, isfinite
from pathlib import Path
from typing import Any

from plumbline.core.errors import BadInput
from plumbline.core.toml_text import parse
from plumbline.data.tables import read_text


def read_toml(source: Path | Traversable) -> dict[str, Any]:
    """One TOML document from a file or from the package.

    Raises:
        BadInput: No file, empty, not UTF-8 or not TOML.
    """
    text = read_text(source) if isinstance(source, Path) else source.read_text("utf-8")
    try:
        return parse(text)
    except ValueError as problem:
        raise BadInput(f"{source} is not TOML: {problem}") from None


def each_once(values: Iterable[Hashable], what: str) -> None:
    """Raise `BadInput` where a value repeats; `what` says of what the values are."""
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        raise BadInput(f"{what} {twice[0]!r} stands twice; wanted each once")


class Fields:
    """One table of a TOML document; every getter checks the type, `no_others` the rest."""

    def __init__(self, data: Any, what: str) -> None:
        if not isinstance(data, Mapping):
            raise BadInput(f"{what} is {type(data).__name__}; wanted a table")
        self.data: Mapping[str, Any] = data
        self.what = what
        self._asked: set[str] = set()

    def text(self, name: str, *, default: str | None = None) -> str:
        """A non-empty text."""
        if default is not None and name not in self.data:
            self._asked.add(name)
            return default
        return self._text(self._get(name), name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A non-empty list of non-empty texts."""
        value = self._get(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, "a non-empty list of texts", value)
        return tuple(self._text(entry, name) for entry in value)

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number", value)
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        value = self._get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(name, "a finite number", value)
        try:
            number = float(value)
        except OverflowError:
            number = inf
        if not isfinite(number):
            raise self._wrong(name, "a finite number", value)
        return number

    def one_of(self, name: str, known: Iterable[str]) -> str:
        """One of these texts."""
        value, known = self.text(name), tuple(known)
        if value not in known:
            raise self._wrong(name, f"one of {', '.join(known)}", value)
        return value

    def table(self, name: str) -> Fields:
        """A table inside this one."""
        return Fields(self._get(name), f"{self.what}, {name}")

    def rows(self, name: str) -> list[Fields]:
        """A non-empty list of tables; each is called by its `id`, `name` or `noun` in errors."""
        value = self._get(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, "a non-empty list of tables", value)
        out = []
        for number, row in enumerate(value, start=1):
            called = (
                row.get("id", row.get("name", row.get("noun")))
                if isinstance(row, Mapping)
                else None
            )
            out.append(Fields(row, f"{self.what}, {name} {called or number}"))
        return out

    def mark(self, *names: str) -> None:
        """Count fields as known that are there for people only."""
        self._asked.update(names)

    def no_others(self) -> None:
        """Raise unless every field was asked for: a misspelt field is not ignored."""
        others = sorted(self.data.keys() - self._asked)
        if others:
            raise BadInput(f"{self.what} has the unknown field {', '.join(map(repr, others))}; "
                           f"known: {', '.join(sorted(self._asked))}")  # fmt: skip

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self.data:
            raise BadInput(f"{self.what} lacks the field {name!r}; it has "
                           f"{', '.join(map(repr, self.data)) or 'none'}")  # fmt: skip
        return self.data[name]

    def _text(self, value: Any, name: str) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(name, "a text that is not empty", value)
        return value

    def _wrong(self, name: str, wanted: str, got: Any) -> BadInput:
        return BadInput(f"{self.what}: {name} is {got!r:.200}; wanted {wanted}")
