"""Measure, explain and correct bias in models, with calibrated instruments.

`plumbline.audit("demo")` returns a `Run`; `print(run)` shows its table. Everything here is
loaded when it is first used: importing plumbline imports neither NumPy nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plumbline import audit as audit
    from plumbline import explain as explain
    from plumbline.audit.api import (
        calibrate,
        compare,
        correct,
        gate,
        history,
        leaderboard,
        load_run,
        plan,
        rank,
    )
    from plumbline.audit.store import Run
    from plumbline.core.card import method
    from plumbline.core.errors import PlumblineError
    from plumbline.core.results import Estimate, Finding, NotApplicable, Undefined

_HOME = {
    "calibrate": "plumbline.audit.api",
    "compare": "plumbline.audit.api",
    "correct": "plumbline.audit.api",
    "gate": "plumbline.audit.api",
    "history": "plumbline.audit.api",
    "leaderboard": "plumbline.audit.api",
    "load_run": "plumbline.audit.api",
    "plan": "plumbline.audit.api",
    "rank": "plumbline.audit.api",
    "Run": "plumbline.audit.store",
    "method": "plumbline.core.card",
    "PlumblineError": "plumbline.core.errors",
    "Estimate": "plumbline.core.results",
    "Finding": "plumbline.core.results",
    "NotApplicable": "plumbline.core.results",
    "Undefined": "plumbline.core.results",
}
__all__ = [
    "Estimate", "Finding", "NotApplicable", "PlumblineError", "Run", "Undefined", "audit",
    "calibrate", "compare", "correct", "explain", "gate", "history", "leaderboard", "load_run", "method", "plan", "rank",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in {"audit", "explain"}:
        # Verb and layer share a name: the packages `plumbline.audit` and `plumbline.explain` can be called.
        return import_module(f"plumbline.{name}")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'plumbline' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
