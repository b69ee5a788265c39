"""Which kept answers a run may use again, however its machine's clock behaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from plumbline.audit.cache import Cache
from plumbline.models.abilities import Adapter

DAYS: Final = 30.0  # a remote model's answers are replayed for this long, then asked anew
_DAY: Final = 24 * 3600.0


class Replay:
    """A run's view of the answer cache.

    A local model's answers are right for ever. A remote model's expire; but what this run has
    used once it uses again: a clock that jumps in the middle makes no answer of it old.

    Args:
        cache: Where answers are kept.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._used: dict[str, set[bytes]] = {}

    def known(self, adapter: Adapter, keys: Sequence[bytes]) -> dict[bytes, list[Any]]:
        """Answers to these questions that need not be asked."""
        if not adapter.remote:
            return self._cache.get(adapter.fingerprint, keys)
        used = self._used.setdefault(adapter.fingerprint, set())
        found = self._cache.get(adapter.fingerprint, [k for k in keys if k in used])
        rest = [k for k in keys if k not in found]
        found.update(self._cache.get(adapter.fingerprint, rest, newest=_longest(adapter)))
        used.update(found)
        return found

    def keep(self, adapter: Adapter, keys: Sequence[bytes], answers: Sequence[list[Any]]) -> None:
        """Commit new answers, all or none."""
        self._cache.put(adapter.fingerprint, keys, answers)
        if adapter.remote:
            self._used.setdefault(adapter.fingerprint, set()).update(keys)


def _longest(adapter: Adapter) -> float:
    """Seconds for which a remote model's answers are replayed."""
    return float(adapter.about().get("expires_days", DAYS)) * _DAY
