"""Findings and items as flat tables: one row each, one type a column, every reason beside its gap."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.report import format as show
from plumbline.report.rows import Row, of_run

if TYPE_CHECKING:
    from plumbline.audit.store import Run

NUMBERS = (
    "value", "low", "high", "level", "n", "units", "null", "margin", "se", "df", "p", "p_adjusted",
    "expected_under_null",
)  # fmt: skip
TEXTS = (
    "unit", "sign", "worse", "family", "test", "interval", "paper", "trust", "certificate",
)  # fmt: skip

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Table:
    """Columns of one length: numbers with None where there is none, or texts.

    Attributes:
        name: `findings`, or `items-METHOD`.
        numbers: Columns of numbers.
        texts: Columns of text.
        names: All columns in their order.
        gap: Column that says why a number of the row is missing.
    """

    name: str
    numbers: Mapping[str, Sequence[float | None]]
    texts: Mapping[str, Sequence[str]]
    names: tuple[str, ...]
    gap: str

    def __len__(self) -> int:
        return len(self.texts[self.gap])

    def rows(self) -> Iterator[dict[str, float | str | None]]:
        """The table row by row."""
        columns = {**self.numbers, **self.texts}
        for i in range(len(self)):
            yield {name: columns[name][i] for name in self.names}


def findings(run: Run) -> Table:
    """One row a finding: of what, toward what, measured how, the number or the reason for none."""
    shown = of_run(run)
    subject = run.header["subject"]
    same = {
        "model": subject["model"], "fingerprint": subject["fingerprint"],
        "plan_hash": run.header["plan_hash"], "started": run.header.get("started", ""),
        "plumbline": run.header["plumbline"],
    }  # fmt: skip
    labels = sorted({name for row in shown for name in row.finding["labels"]})
    texts: dict[str, list[str]] = {n: [show.clean(v)] * len(shown) for n, v in same.items()}
    texts |= {
        "metric": [r.metric for r in shown],
        "title": [r.title for r in shown],
        "of_what_toward_what": [r.about or "all items" for r in shown],
        "measured_how": [r.finding["estimand"] for r in shown],
        "sentence": [r.sentence for r in shown],
        "role": [r.role for r in shown],
        "status": [r.status for r in shown],
        "reason": [r.reason for r in shown],
        "verdict": [_verdict(r) for r in shown],
    }
    texts |= {name: [r.finding[name] or "" for r in shown] for name in TEXTS}
    texts["notes"] = ["; ".join(r.finding["notes"]) for r in shown]
    texts |= {f"label_{n}": [r.finding["labels"].get(n, "") for r in shown] for n in labels}
    numbers = {name: [_number(r.finding[name]) for r in shown] for name in NUMBERS}
    first = (*same, "metric", "title", "of_what_toward_what", "measured_how", "status", "reason")
    middle = ("role", *NUMBERS[:3], "unit", "verdict")
    names = tuple(dict.fromkeys((*first, *middle, *NUMBERS, *texts)))
    return Table("findings", numbers, texts, names, "status")


def _verdict(row: Row) -> str:
    return row.verdict or "not judged"


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def items(run: Run) -> Iterator[Table]:
    """A table a method, with its own columns and one row a scored item; `why` says why a row has no score."""
    of = run.each("items")
    for metric in dict.fromkeys(f["metric"] for f in run.findings):
        columns = of(metric)
        if not columns or len(columns["why"]) == 0:
            continue
        numbers: dict[str, list[float | None]] = {}
        texts: dict[str, list[str]] = {}
        for name, column in columns.items():
            if column.dtype.kind in "fiub":
                values = column.astype(float)
                numbers[name] = [None if np.isnan(v) else float(v) for v in values]
            else:
                texts[name] = ["" if v is None else str(v) for v in column]
        yield Table(f"items-{_file_name(metric)}", numbers, texts, tuple(columns), "why")


def _file_name(metric: str) -> str:
    """A method's id as part of a file's name; ids that no method can have keep a digest apart."""
    plain = metric.replace("/", ".")
    if _ID.fullmatch(plain):
        return plain
    digest = hashlib.blake2b(metric.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{_OTHER.sub('-', plain)[:40]}-{digest}"
