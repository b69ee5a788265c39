"""Recorded verdicts of public sets in one form: the rows of a verdict table.

A set that holds verdicts of judges has a loader with `SET` and `verdicts()`; `table_of` finds it. What
the columns mean to a method stands in `plumbline.metrics.verdict_table`.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from plumbline.core.errors import StoreError, UnknownName
from plumbline.data.sets import registry

TIE: Final = "tie"
UNPARSED: Final = "unparsed"
COLUMNS: Final = (
    "judge", "question", "part", "first", "second", "verdict", "better", "first_length", "second_length",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verdict.

    Attributes:
        judge: Who judged; a person, a model, or a model with a prompt.
        question: What was judged about; rows of one question are not independent.
        first, second: Systems whose answers stood first and second.
        verdict: `first`, `second`, `tie`, or `unparsed`.
        better: Name of the system whose answer is better, `tie`, or "" where nobody says.
        lengths: Characters of both answers as shown, None where they are not known.
        part: Part of the set.
    """

    judge: str
    question: str
    first: str
    second: str
    verdict: str
    better: str = ""
    lengths: tuple[int, int] | None = None
    part: str = ""

    def cells(self) -> tuple[str, ...]:
        """In the order of `COLUMNS`."""
        lengths = ("", "") if self.lengths is None else tuple(map(str, self.lengths))
        return (self.judge, self.question, self.part, self.first, self.second, self.verdict, self.better, *lengths)  # fmt: skip


Loader = Callable[..., list[Verdict]]


@cache
def tables() -> Mapping[str, Loader]:
    """Loaders of verdicts by id of their set, found by reading the loaders' source."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        if "\ndef verdicts(" not in path.read_text("utf-8"):
            continue
        module: Any = importlib.import_module(f"{__package__}.{path.stem}")
        found[module.SET] = module.verdicts
    return found


def table_of(set_id: str, *, places: registry.Places | None = None) -> list[Verdict]:
    """The verdicts that a public set holds.

    Raises:
        UnknownName: No such set, or it holds none; and the errors of `registry.get`.
    """
    if set_id not in tables():
        raise UnknownName("data set with verdicts", set_id, tables())
    return tables()[set_id](places=places)


def write(rows: Sequence[Verdict], path: Path) -> None:
    """A CSV file of these rows, which `table:` opens without settings.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(COLUMNS)
            out.writerows(row.cells() for row in rows)
    except OSError as problem:
        raise StoreError(f"cannot write {path}: {problem.strerror or problem}") from None
