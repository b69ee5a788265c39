"""When something began, by the calendar and by a clock that only goes forward."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Started:
    """A beginning.

    Attributes:
        at: What the machine's clock said.
    """

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _ticks: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """How long it has lasted, whether or not somebody has set the clock meanwhile."""
        return round(time.monotonic() - self._ticks, 3)
