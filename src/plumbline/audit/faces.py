"""How a result shows itself is the business of the layer above, which is found by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar


def face(module: str, name: str) -> Callable[..., Any]:
    """A function of `plumbline.report.MODULE`."""
    found: Callable[..., Any] = getattr(import_module(f"plumbline.report.{module}"), name)
    return found


class Shown:
    """A result that prints itself, shows itself in a notebook's cell, and draws itself.

    Each face is `MODULE:FUNCTION` below `plumbline.report`.
    """

    TEXT: ClassVar[str]
    CELL: ClassVar[str]
    CHART: ClassVar[str]

    def __str__(self) -> str:
        return str(_called(self.TEXT, self))

    def _repr_html_(self) -> str:
        return str(_called(self.CELL, self))

    def plot(self) -> Any:
        """An Altair chart; it needs the extra `plots`."""
        return _called(self.CHART, self)


def _called(place: str, result: object) -> Any:
    module, _, name = place.partition(":")
    return face(module, name)(result)
