"""The folder of runs: names that exist, files that lie inside, records that are whole."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from plumbline.audit.store import Run, load
from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.server.records import check_findings, read_header

KEPT = 8  # loaded runs kept in memory
Stamp = tuple[int, int]


@dataclass
class RunFolder:
    """Runs below one folder.

    A run is named by its directory. A name is looked up among the entries that exist and is never
    joined to a path, and what a link leads out of the folder is not there.

    Args:
        path: The folder.

    Raises:
        BadInput: It is not a folder.
    """

    path: Path
    _loaded: OrderedDict[tuple[str, Stamp, Stamp], Run] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise BadInput(
                f"there is no folder of runs {self.path}; audit something with --out {self.path} "
                "first, or name another folder"
            )
        self.path = self.path.resolve()

    def names(self) -> list[str]:
        """Directories of the folder that do not lead out of it, in the order of their names."""
        return sorted(e.name for e in self.path.iterdir() if self._is_run(e))

    def find(self, name: str) -> Path:
        """The directory of a run.

        Raises:
            UnknownName: The folder has no such directory.
        """
        for entry in self.path.iterdir():
            if entry.name == name and self._is_run(entry):
                return entry
        raise UnknownName("run", name, self.names())

    def file(self, name: str, leaf: str) -> Path:
        """A file of a run.

        Raises:
            UnknownName: No such run.
            StoreError: The run has no such file, or a link that leads out of the folder.
        """
        path = self.find(name) / leaf
        if not path.is_file():
            raise StoreError(f"the run {name} has no {leaf}: it did not finish, or it was damaged")
        if not path.resolve().is_relative_to(self.path):
            raise StoreError(f"{leaf} of the run {name} is a link that leads out of the folder")
        return path

    def load(self, name: str) -> Run:
        """A whole run, checked; the last few are kept until their files change.

        Raises:
            UnknownName: No such run.
            StoreError: It is not finished, or damaged.
        """
        header, findings = self.file(name, "run.json"), self.file(name, "findings.parquet")
        key = (name, stamp(header), stamp(findings))
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
        checked = read_header(header)
        if "explainer" in checked:
            raise StoreError(f"{name} is an explanation, which has no findings to judge")
        run = load(header.parent)
        check_findings(run.findings, name)
        with self._lock:
            self._loaded[key] = run
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
        return run

    def _is_run(self, entry: Path) -> bool:
        return (
            not entry.name.startswith(".")
            and entry.is_dir()
            and entry.resolve().is_relative_to(self.path)
        )


def stamp(path: Path) -> Stamp:
    """What changes when a file is written again."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size
