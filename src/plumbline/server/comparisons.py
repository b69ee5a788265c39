"""Comparisons of two runs, kept while neither of them changes: each takes seconds to make."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from plumbline.audit.compare import Comparison, compare, measures_of
from plumbline.audit.store import Run
from plumbline.core.errors import StoreError
from plumbline.server.folder import stamp

KEPT = 200
FILES = ("run.json", "findings.parquet", "items.parquet")
Key = tuple[object, ...]


@dataclass
class Comparisons:
    """The last few hundred comparisons of one server."""

    _made: OrderedDict[Key, Comparison] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _working: Lock = field(default_factory=Lock)

    def of(self, a: Run, b: Run) -> Comparison:
        """Differences B - A, as `plumbline compare` makes them.

        Raises:
            BadInput: The runs share no finding.
            StoreError: A run's measures are not those of this version.
        """
        key = (_key(a), _key(b))
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        for run in (a, b):
            _check(run)
        with self._working:  # one at a time: resampling uses every core that NumPy has
            found = compare(a, b)
        with self._lock:
            self._made[key] = found
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return found


def _check(run: Run) -> None:
    """A run that another version of plumbline wrote may say more of a measure than this one reads."""
    try:
        measures_of(run)
    except (TypeError, KeyError) as error:
        name = run.folder.name if run.folder else "the run"
        raise StoreError(f"the measures of {name} cannot be inferred again: {error}") from error


def _key(run: Run) -> Key:
    if run.folder is None:
        return (id(run),)
    paths = [run.folder / name for name in FILES]
    return (str(run.folder), *(stamp(p) for p in paths if p.is_file()))
