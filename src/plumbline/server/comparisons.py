"""Comparisons of two runs, made one after the other in the background and kept while neither changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from plumbline.audit.compare import Comparison, measures_of
from plumbline.audit.store import Run
from plumbline.core.errors import StoreError
from plumbline.server.folder import stamp

KEPT = 400
FILES = ("run.json", "findings.parquet", "items.parquet")
Compare = Callable[[Run, Run], Comparison]
Key = tuple[object, ...]


@dataclass
class Comparisons:
    """The last few hundred comparisons of one server; of large runs each takes seconds to make."""

    _made: OrderedDict[Key, Future[Comparison]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    # One at a time: resampling uses every core that NumPy has.
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))

    def ask(self, a: Run, b: Run, how: Compare) -> Future[Comparison]:
        """The comparison B - A by `how`, which may still be on its way.

        Its result raises what `how` raises, and `StoreError` where a run's measures are not those
        of this version.
        """
        key = (how.__qualname__, _key(a), _key(b))
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
            found = self._made[key] = self._worker.submit(_compared, a, b, how)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)[1].cancel()
        return found

    def close(self) -> None:
        """Begin no further one."""
        self._worker.shutdown(wait=False, cancel_futures=True)


def _compared(a: Run, b: Run, how: Compare) -> Comparison:
    for run in (a, b):
        # A run that another version wrote may say more of a measure than this one reads.
        try:
            measures_of(run)
        except (TypeError, KeyError) as error:
            name = run.folder.name if run.folder else "the run"
            raise StoreError(f"the measures of {name} cannot be inferred again: {error}") from error
    return how(a, b)


def _key(run: Run) -> Key:
    if run.folder is None:
        return (id(run),)
    paths = [run.folder / name for name in FILES]
    return (str(run.folder), *(stamp(p) for p in paths if p.is_file()))
