"""Results on their way from a working thread to the caller, in the order of arrival."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")
GATHERED = 0.025  # seconds for which results are gathered


class Arrivals(Generic[T]):
    """A queue that one thread fills and another empties a list at a time."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, T] | None] = queue.SimpleQueue()

    def put(self, row: int, result: T) -> None:
        """Hand over one row's result."""
        self._queue.put((row, result))

    def until(self, done: Future[None]) -> Iterator[list[tuple[int, T]]]:
        """What has arrived, a list at a time, until the work has ended and nothing is left."""
        done.add_done_callback(lambda _: self._queue.put(None))
        while True:
            try:
                # Woken now and then, for systems where a blocked queue does not see Ctrl-C.
                first = self._queue.get(timeout=0.5)
            except queue.Empty:
                continue
            if first is not None:
                # One commit for what comes within a moment: many small ones take the interpreter from
                # the thread that talks to the server.
                time.sleep(GATHERED)
            rest = self.drain()
            if first is not None:
                rest.insert(0, first)
            if rest:
                yield rest
            if done.done() and self._queue.empty():
                return

    def drain(self) -> list[tuple[int, T]]:
        """Everything that is here now."""
        rows: list[tuple[int, T]] = []
        while True:
            try:
                got = self._queue.get_nowait()
            except queue.Empty:
                return rows
            if got is not None:
                rows.append(got)
