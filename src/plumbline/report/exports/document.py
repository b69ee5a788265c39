"""The run's one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plumbline.core.json_text import written

if TYPE_CHECKING:
    from plumbline.audit.store import Run


def render(run: Run, *, redact_items: bool = False) -> str:
    """Header and findings; without the methods' facts where items are redacted."""
    found: dict[str, Any] = run.document()
    if redact_items:
        found["run"].pop("facts", None)
    return written(found, allow_nan=False)
