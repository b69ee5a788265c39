"""When the next request may leave: an even pace, pauses that a server asked for, and backoff."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class RateLimit:
    """Turns at an even pace.

    Args:
        per_minute: Requests a minute; 0 for no limit.
        clock: Seconds that only go forward.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        per_minute: float = 0.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = 60.0 / per_minute if per_minute > 0 else 0.0
        self._next = -math.inf
        self._clock, self._sleep = clock, sleep

    async def turn(self) -> None:
        """Wait until the next request may leave."""
        now = self._clock()
        leave = max(now, self._next)
        if self._gap:
            self._next = leave + self._gap
        if leave > now:
            await self._sleep(leave - now)

    def pause(self, seconds: float) -> None:
        """Let nothing leave for that long: the server asked everybody to wait."""
        self._next = max(self._next, self._clock() + seconds)


def backoff(attempt: int, *, base: float, cap: float, rng: random.Random) -> float:
    """Seconds before try number `attempt` + 1: exponential with full jitter.

    Uniform on [0, min(cap, base x 2^attempt)]; spreads the returns of many clients evenly
    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    return rng.uniform(0.0, min(cap, base * 2.0 ** min(attempt, 60)))


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds asked for by a `Retry-After` header (RFC 9110, 10.2.3); None without a usable one.

    The header holds whole seconds or an HTTP date; fractions of a second are taken as well.

    Args:
        value: The header.
        now: The time on the server, from its reply's `Date`; this machine's where it told none.
            The two clocks may differ, so a date is compared with the clock that it comes from.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    when = http_date(value)
    if when is None:
        return None
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def http_date(value: str | None) -> datetime | None:
    """The time in a header such as `Date` (RFC 9110, 5.6.7); None where there is none."""
    try:
        when = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
