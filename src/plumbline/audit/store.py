"""A run is a directory: `run.json`, `findings.parquet`, `items.parquet`, `answers.parquet`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.faces import Shown, face
from plumbline.audit.runner import Asked, question_text
from plumbline.audit.shapes import FINDING, HEADER, checked
from plumbline.core.errors import StoreError, UnknownName
from plumbline.core.json_text import parse, written
from plumbline.core.results import Finding
from plumbline.core.scored import Items
from plumbline.models import parquet

Column = NDArray[Any]
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
        raise StoreError(
            f"cannot make the run's folder {folder}: {error}. Choose another with --out."
        ) from error
    rows = [f.row() for f in findings]
    parquet.write(folder / "items.parquet", items_table(items))
    parquet.write(folder / "answers.parquet", answers_table(log))
    parquet.write(folder / "findings.parquet", findings_table(rows))
    write_json(folder / "run.json", header)
    return Run(header, rows, folder)


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
        raise StoreError(f"{path} cannot be read: {error}") from error
    return header


def read_findings(folder: Path, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """The stored findings, each whole."""
    if "row" not in columns:
        raise StoreError(f"{folder / 'findings.parquet'} has no column 'row': it is no run's")
    rows = []
    for i, text in enumerate(columns["row"], start=1):
        try:
            row = checked(parse(text if isinstance(text, str) else ""), FINDING, f"finding {i}")
            if row["status"] == "estimate":
                checked(
                    row, dict.fromkeys(("value", "low", "high", "level"), float), f"finding {i}"
                )
        except ValueError as error:
            raise StoreError(f"{folder / 'findings.parquet'} is damaged: {error}") from None
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
    part = path.with_suffix(".part")
    try:
        part.write_text(written(value, indent=1, allow_nan=False), "utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"could not write {path}: {error}") from error


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


def items_table(items: Mapping[str, Items]) -> dict[str, Column]:
    """All metrics' items under the union of their columns."""
    names = [
        "item",
        "score",
        "why",
        *sorted({n for i in items.values() for n in i.columns} - {"item", "score", "why"}),
    ]
    table: dict[str, Column] = {
        "metric": _texts([m for m, i in items.items() for _ in range(len(i))])
    }
    for name in names:
        parts = [(i.columns.get(name), len(i)) for i in items.values()]
        numeric = all(c is None or c.dtype.kind in "fiub" for c, _ in parts)
        table[name] = _numbers(parts) if numeric and name != "item" else _words(parts)
    return table


def _numbers(parts: Sequence[tuple[Column | None, int]]) -> Column:
    return np.concatenate(
        [np.full(n, np.nan) if c is None else c.astype(float) for c, n in parts] or [np.empty(0)]
    )


def _words(parts: Sequence[tuple[Column | None, int]]) -> Column:
    return _texts([None if c is None else str(c[i]) for c, n in parts for i in range(n)])


def answers_table(log: Sequence[Asked]) -> dict[str, Column]:
    """One row a question of a metric; equal questions of two metrics share `key`."""
    table: dict[str, list[Any]] = {
        n: []
        for n in ("metric", "step", "to", "ability", "row", "key", "question", "answer", "status")
    }
    for asked in log:
        size = len(asked.keys)
        table["metric"] += [asked.metric] * size
        table["step"] += [float(asked.step)] * size
        table["to"] += [asked.batch.to] * size
        table["ability"] += [asked.batch.ability] * size
        table["row"] += [float(i) for i in range(size)]
        table["key"] += [k.hex() for k in asked.keys]
        table["question"] += [question_text(asked.batch, i) for i in range(size)]
        table["answer"] += [written(a[1:]) for a in asked.packed]
        table["status"] += [a[0] for a in asked.packed]
    return {n: np.array(v, float) if n in {"step", "row"} else _texts(v) for n, v in table.items()}


def _texts(values: Sequence[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
