"""One row a run for the first page: headers read once, verdicts counted by DuckDB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from plumbline.core.errors import StoreError, UnknownName
from plumbline.report import format as show
from plumbline.report.rows import VERDICTS
from plumbline.server import queries
from plumbline.server.folder import RunFolder, Stamp, stamp
from plumbline.server.records import read_header

State = Literal["finished", "unfinished", "damaged"]
SORTS = ("started", "model", "index", "leans")
Counts = Mapping[tuple[str, str, str, str], int]
"""(metric, role, status, verdict) -> findings."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run in one row.

    Attributes:
        name: Its directory.
        state: `finished`, `unfinished` (no run.json yet, or never) or `damaged`.
        reason: Why it cannot be read, or "".
        header: Its header where it is finished, else empty.
        counts: How many findings have which metric, role, status and verdict.
    """

    name: str
    state: State
    reason: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The MODEL form, or "" where it is not known."""
        return show.clean(self.header["subject"]["model"]) if self.header else ""

    @property
    def index(self) -> Mapping[str, Any]:
        """The composite index, or nothing."""
        found: Mapping[str, Any] = self.header.get("index") or {}
        return found if found.get("value") is not None else {}

    @property
    def metrics(self) -> frozenset[str]:
        """Methods that have a finding."""
        return frozenset(metric for metric, *_ in self.counts)

    def verdicts(self, metric: str = "") -> Counter[str]:
        """Primary findings by verdict, of one metric or all; those without one by `none`."""
        found: Counter[str] = Counter()
        for (of, role, _, verdict), n in self.counts.items():
            if role == "primary" and metric in {"", of}:
                found[verdict or "none"] += n
        return found


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which runs to show, in which order."""

    model: str = ""
    metric: str = ""
    verdict: str = ""
    text: str = ""
    sort: str = "started"
    descending: bool = True

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise UnknownName("order", self.sort, SORTS)
        if self.verdict and self.verdict not in VERDICTS:
            raise UnknownName("verdict", self.verdict, VERDICTS)


@dataclass
class Shelf:
    """The summaries of a folder; a file that did not change is not read again."""

    folder: RunFolder
    _headers: dict[tuple[str, Stamp], Mapping[str, Any]] = field(default_factory=dict)
    _counts: dict[tuple[str, Stamp], Counts] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def summaries(self) -> list[Summary]:
        """All runs; explanations, which judge nothing, are left out."""
        with self._lock:
            found = [self._first(name) for name in self.folder.names()]
            audits = [s for s in found if "explainer" not in s.header]
            return self._counted(audits)

    def _first(self, name: str) -> Summary:
        try:
            path = self.folder.file(name, "run.json")
        except StoreError as error:
            return Summary(name=name, state="unfinished", reason=str(error))
        try:
            key = (name, stamp(path))
            if key not in self._headers:
                self._headers[key] = read_header(path)
            return Summary(name=name, state="finished", header=self._headers[key])
        except (StoreError, OSError) as error:
            return Summary(name=name, state="damaged", reason=str(error))

    def _counted(self, found: Sequence[Summary]) -> list[Summary]:
        new: dict[tuple[str, Stamp], Path] = {}
        keys: dict[str, tuple[str, Stamp]] = {}
        made = []
        for one in found:
            if one.state == "finished":
                try:
                    path = self.folder.file(one.name, "findings.parquet")
                    keys[one.name] = (one.name, stamp(path))
                    if keys[one.name] not in self._counts:
                        new[keys[one.name]] = path
                except (StoreError, OSError) as error:
                    one = Summary(name=one.name, state="damaged", reason=str(error))
            made.append(one)
        broken = self._count(new)
        return [_with(s, self._counts, keys.get(s.name), broken) for s in made]

    def _count(self, new: Mapping[tuple[str, Stamp], Path]) -> dict[str, str]:
        """Count in all new files at once; where one of them is broken, in each alone."""
        try:
            self._counts |= _counts(new)
        except StoreError:
            broken = {}
            for key, path in new.items():
                try:
                    self._counts |= _counts({key: path})
                except StoreError as error:
                    broken[key[0]] = str(error)
            return broken
        return {}


def _with(
    one: Summary, counts: Mapping[tuple[str, Stamp], Counts], key: tuple[str, Stamp] | None,
    broken: Mapping[str, str],
) -> Summary:  # fmt: skip
    if one.name in broken:
        return Summary(name=one.name, state="damaged", reason=broken[one.name])
    if key is None:
        return one
    return Summary(name=one.name, state=one.state, header=one.header, counts=counts.get(key, {}))


def _counts(files: Mapping[tuple[str, Stamp], Path]) -> dict[tuple[str, Stamp], Counts]:
    if not files:
        return {}
    query = f"""
        select filename, metric, role, status, coalesce(verdict, ''), count(*)
        from {queries.table(*files.values(), named=True)} group by all order by all
    """  # noqa: S608 - paths are quoted
    keys = {str(path): key for key, path in files.items()}
    found: dict[tuple[str, Stamp], dict[tuple[str, str, str, str], int]] = {
        key: {} for key in files
    }
    for filename, metric, role, status, verdict, n in queries.rows(query):
        found[keys[filename]][show.clean(metric), role, status, verdict] = n
    return dict(found)


def chosen(found: Sequence[Summary], wanted: Filter) -> list[Summary]:
    """The runs that pass a filter, in its order; those that cannot be read come last."""
    kept = [s for s in found if _passes(s, wanted)]
    rest = [s for s in kept if not s.header]
    whole = [s for s in kept if s.header]
    keys = {
        "started": lambda s: s.header["started"],
        "model": lambda s: s.model,
        "index": lambda s: s.index.get("value", -1.0),
        "leans": lambda s: s.verdicts(wanted.metric)["leans"],
    }
    # Equal keys stand newest first whichever way the rest is sorted.
    whole.sort(key=lambda s: (s.header["started"], s.name), reverse=True)
    whole.sort(key=keys[wanted.sort], reverse=wanted.descending)
    return whole + rest


def _passes(one: Summary, wanted: Filter) -> bool:
    if wanted.model and one.model != wanted.model:
        return False
    if wanted.metric and wanted.metric not in one.metrics:
        return False
    if wanted.verdict and not one.verdicts(wanted.metric)[wanted.verdict]:
        return False
    subject = one.header.get("subject", {})
    said = [one.name, one.model, subject.get("name", ""), one.header.get("plan_hash", "")]
    return wanted.text.casefold() in "\n".join(said).casefold()
