"""A run is a directory: `run.json`, `findings.parquet`, `items.parquet`, `answers.parquet`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.collecting import seldom
from plumbline.audit.faces import Shown, face
from plumbline.audit.runner import Asked, question_text
from plumbline.audit.shapes import FINDING, HEADER, checked
from plumbline.core.errors import StoreError, UnknownName
from plumbline.core.json_text import parse, written
from plumbline.core.placed import ANSWERS_KEPT, placed
from plumbline.core.results import Finding
from plumbline.core.scored import Items
from plumbline.models import parquet

Column = NDArray[Any]
AT_ONCE = 20_000  # rows that are written together
MOST_AT_ONCE = 200_000  # rows of a table that are held in memory whole
_ENDLESS = {
    "value": "the value is infinite", "low": "the interval has no lower end", "high": "the interval has no upper end",
}  # fmt: skip
KEPT = frozenset({"item", "score", "why"})  # what all scored items have, be it empty


@dataclass(frozen=True)
class Run(Shown):
    """An audit's record.

    Attributes:
        header: What was asked of which model, when, with what.
        findings: One row a finding, as in `--json`.
        folder: Where the run is stored.
    """

    TEXT, CELL, CHART = "terminal:plain_table", "html:fragment", "plots:run"

    header: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]
    folder: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The one JSON document of `--json`; an end of an interval that is infinite is null, and a note says so."""
        return {"run": dict(self.header), "findings": [json_row(f) for f in self.findings]}

    def items(self, metric: str | None = None) -> dict[str, Column]:
        """Scored items, of one metric or all.

        Raises:
            UnknownName: A metric that this run did not ask.
        """
        asked = {row["metric"] for row in self.findings}
        if metric is not None and asked and metric not in asked:
            raise UnknownName("metric of this run", metric, asked)
        return self._columns("items", metric)

    def answers(self, metric: str | None = None) -> dict[str, Column]:
        """Questions and answers as they were recorded."""
        return self._columns("answers", metric)

    def each(self, name: str) -> Callable[[str], dict[str, Column]]:
        """`items` or `answers` of one metric after the other, from one reading of the file.

        A run of very many rows is read a metric at a time instead.
        """
        if self.folder is None or parquet.rows(self.folder / f"{name}.parquet") > MOST_AT_ONCE:
            return lambda metric: self._columns(name, metric)
        table = self._columns(name, None)
        names, codes = np.unique(table["metric"].astype(str), return_inverse=True)
        places = {m: np.flatnonzero(codes == i) for i, m in enumerate(names.tolist())}

        def of(metric: str) -> dict[str, Column]:
            rows = places.get(metric, np.empty(0, np.int64))
            got = {n: c[rows] for n, c in table.items()}
            return {n: c for n, c in got.items() if n in KEPT or not _empty(c)}

        return of

    def _columns(self, name: str, metric: str | None) -> dict[str, Column]:
        if self.folder is None:
            raise StoreError("this run was not stored: give `out` to keep its items and answers")
        path = self.folder / f"{name}.parquet"
        if metric is None:
            return parquet.read(path)
        got = parquet.read(path, where="metric = ?", values=(metric,))
        # Columns that other metrics brought are empty here; a metric without a single answer keeps its own.
        return {n: c for n, c in got.items() if n in KEPT or not _empty(c)}

    def export(self, form: str, path: Path | str | None = None, **options: Any) -> Any:
        """The run as `model-card`, `csv`, `bibtex`, ...; see `plumbline.report.exports.forms.export`."""
        return face("exports.forms", "export")(self, form, path, **options)


def json_row(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding that JSON can hold: it has no word for infinity."""
    row, notes = dict(finding), list(finding["notes"])
    for name, said in _ENDLESS.items():
        if row[name] is not None and not np.isfinite(row[name]):
            row[name] = None
            notes.append(said)
    return {**row, "notes": notes}


def _empty(column: Column) -> bool:
    if column.dtype == object:
        return all(v is None for v in column)
    return bool(np.isnan(column.astype(float)).all())


def save(
    folder: Path, header: Mapping[str, Any], findings: Sequence[Finding],
    items: Mapping[str, Items], log: Sequence[Asked],
) -> Run:  # fmt: skip
    """Write a run; every file appears whole or not at all, `run.json` last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise no_folder(folder, error) from error
    rows = [f.row() for f in findings]
    with seldom():
        parquet.write_parts(folder / "items.parquet", items_parts(items))
        parquet.write_parts(folder / "answers.parquet", answers_parts(log))
    parquet.write(folder / "findings.parquet", findings_table(rows))
    write_json(folder / "run.json", header)
    return Run(header, rows, folder)


def no_folder(folder: Path, why: object) -> StoreError:
    """The error of a run's folder that cannot be made."""
    return StoreError(
        f"cannot make the run's folder {folder}: {why}. Free space or choose another with --out; "
        "answers already given are in the cache and are not asked again."
    )


def load(folder: Path) -> Run:
    """Read a run directory.

    Raises:
        StoreError: It is not a run, or a file in it is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise StoreError(
            f"{folder} is not a run directory: it has no run.json ({_no_header(folder)})"
        )
    header = read_header(path)
    columns = parquet.read(folder / "findings.parquet")
    return Run(header, read_findings(folder, columns), folder)


def read_header(path: Path) -> dict[str, Any]:
    """A run's `run.json`, checked.

    Raises:
        StoreError: It cannot be read, is not JSON, or lacks what every run says.
    """
    try:
        header: dict[str, Any] = checked(parse(path.read_bytes()), HEADER, path.name)
    except (OSError, ValueError) as error:
        raise parquet.unreadable(path, f"as JSON: {error}") from error
    return header


def read_findings(folder: Path, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """The stored findings, each whole."""
    path = folder / "findings.parquet"
    if "row" not in columns:
        raise parquet.unreadable(path, "as findings: it has no column 'row'")
    rows = []
    for i, text in enumerate(columns["row"], start=1):
        try:
            row = checked(parse(text if isinstance(text, str) else ""), FINDING, f"finding {i}")
            if row["status"] == "estimate":
                checked(
                    row, dict.fromkeys(("value", "low", "high", "level"), float), f"finding {i}"
                )
        except ValueError as error:
            raise parquet.unreadable(path, f"as findings: {error}") from None
        rows.append(row)
    return rows


def _no_header(folder: Path) -> str:
    """Why a folder is no run: it holds runs, it is not there, or its run was not finished."""
    inside = sorted(path.parent for path in folder.glob("*/run.json"))
    if inside:
        return f"it holds {len(inside)} run{'s'[: len(inside) > 1]}, such as {inside[-1]}: name one"
    return "an unfinished run has none" if folder.is_dir() else "there is no such folder"


def write_json(path: Path, value: Any) -> None:
    """Write JSON to a temporary name and move it into place."""
    with placed(path, more=ANSWERS_KEPT) as part:
        part.write_text(written(value, indent=1, allow_nan=False), "utf-8")


def findings_table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Flat columns for queries, and the exact row as JSON in `row`."""
    numbers = ("value", "low", "high", "level", "n", "units", "null", "p", "p_adjusted", "margin")
    texts = (
        "metric",
        "role",
        "status",
        "unit",
        "sign",
        "worse",
        "family",
        "verdict",
        "reason",
        "paper",
        "trust",
    )
    table: dict[str, Column] = {t: _texts([r[t] for r in rows]) for t in texts}
    table["labels"] = _texts([written(r["labels"], sort_keys=True) for r in rows])
    for name in numbers:
        table[name] = np.array([np.nan if r[name] is None else r[name] for r in rows], float)
    table["row"] = _texts([written(r, sort_keys=True) for r in rows])
    return table


def items_parts(items: Mapping[str, Items]) -> Iterator[dict[str, Column]]:
    """All metrics' items under the union of their columns, so many rows at a time."""
    names = [
        "item",
        "score",
        "why",
        *sorted({n for i in items.values() for n in i.columns} - {"item", "score", "why"}),
    ]
    numeric = {
        n: n != "item" and all(i.columns[n].dtype.kind in "fiub" for i in items.values() if n in i)
        for n in names
    }
    yield {"metric": _texts([]), **{n: np.empty(0) if numeric[n] else _texts([]) for n in names}}
    for metric, every in items.items():
        for start in range(0, len(every), AT_ONCE):
            some = every.take(np.arange(start, min(start + AT_ONCE, len(every))))
            table: dict[str, Column] = {"metric": _texts([metric] * len(some))}
            for name in names:
                table[name] = (_numbers if numeric[name] else _words)(some, name)
            yield table


def _numbers(items: Items, name: str) -> Column:
    return items[name].astype(float) if name in items else np.full(len(items), np.nan)


def _words(items: Items, name: str) -> Column:
    return _texts([str(v) for v in items[name]] if name in items else [None] * len(items))


def answers_parts(log: Sequence[Asked]) -> Iterator[dict[str, Column]]:
    """One row a question of a metric; equal questions of two metrics share `key`."""
    numbers = ("step", "row")
    names = ("metric", "step", "to", "ability", "row", "key", "question", "answer", "status")
    yield {n: np.empty(0) if n in numbers else _texts([]) for n in names}
    for asked in log:
        for start in range(0, len(asked.keys), AT_ONCE):
            yield _answers_part(asked, range(start, min(start + AT_ONCE, len(asked.keys))))


def _answers_part(asked: Asked, rows: range) -> dict[str, Column]:
    packed = [asked.answers.pack(i) for i in rows]
    size = len(rows)
    return {
        "metric": _texts([asked.metric] * size),
        "to": _texts([asked.batch.to] * size),
        "ability": _texts([asked.batch.ability] * size),
        "key": _texts([asked.keys[i].hex() for i in rows]),
        "question": _texts([question_text(asked.batch, i) for i in rows]),
        "answer": _texts([written(a[1:]) for a in packed]),
        "status": _texts([a[0] for a in packed]),
        "step": np.full(size, float(asked.step)),
        "row": np.arange(rows.start, rows.stop, dtype=float),
    }


def _texts(values: Sequence[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
