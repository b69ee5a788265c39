"""An asyncio loop in a thread of its own, so that callers may be synchronous or in a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class LoopThread:
    """Runs coroutines while the caller's thread goes on; the thread starts at first use."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._submitted: WeakSet[Coroutine[Any, Any, Any]] = WeakSet()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine; the future can be waited for or cancelled from any thread."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name=self._name, daemon=True
                )
                self._thread.start()
            loop = self._loop
            self._submitted.add(work)
        return asyncio.run_coroutine_threadsafe(work, loop)

    def settle(self) -> None:
        """Cancel everything that is under way and wait for its end."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._settled(), self._loop).result()

    def close(self) -> None:
        """Stop the loop and end the thread; idempotent."""
        if self._loop is None or self._thread is None:
            return
        self.settle()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    async def _settled(self) -> None:
        """Cancelled work needs a few turns of the loop to let go of its connections.

        Only what was submitted is cancelled: it ends what it has begun itself, in the right order.
        """
        tasks = [
            task
            for task in asyncio.all_tasks() - {asyncio.current_task()}
            if task.get_coro() in self._submitted
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
