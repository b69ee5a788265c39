"""How a result shows itself is the business of the layer above, which is found by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def face(module: str, name: str) -> Callable[..., Any]:
    """A function of `plumbline.report.MODULE`."""
    found: Callable[..., Any] = getattr(import_module(f"plumbline.report.{module}"), name)
    return found
