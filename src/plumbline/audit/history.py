"""All runs below a folder, queried with DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from plumbline.audit.store import load, read_header
from plumbline.core.errors import BadInput, StoreError
from plumbline.models.parquet import literal, words

COUNTS: Final = ("findings", "leans", "within", "insufficient", "undefined")
"""What is counted, of the primary findings of methods that apply to the model."""


def history(folder: Path, *, model: str | None = None) -> list[dict[str, Any]]:
    """One row a run, oldest first: when, which model, the index, and the verdicts of its primary findings.

    Args:
        folder: Where runs are stored (`--out`).
        model: Only runs of this MODEL form.

    Raises:
        BadInput: The folder is not there.
    """
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder of runs {folder}; audit something with --out {folder} first"
        )
    runs = [_header(path) for path in sorted(folder.glob("*/run.json"))]
    # Explanations are kept like runs, but judge nothing.
    runs = [r for r in runs if "explainer" not in r]
    runs = [r for r in runs if model is None or r["subject"]["model"] == model]
    counts = _counts(folder) if runs else {}
    rows = []
    for run in runs:
        index = run.get("index") or {}
        rows.append(
            {
                "started": run["started"], "model": run["subject"]["model"],
                "name": run["subject"]["name"], "fingerprint": run["subject"]["fingerprint"],
                "plan_hash": run["plan_hash"], "folder": run["folder"],
                "index": index.get("value"), "low": index.get("low"), "high": index.get("high"),
                **counts.get(run["folder"], dict.fromkeys(COUNTS, 0)),
            }
        )  # fmt: skip
    return sorted(rows, key=lambda r: (r["started"], r["folder"]))


def _header(path: Path) -> dict[str, Any]:
    return {**read_header(path), "folder": path.parent.name}


def _counts(folder: Path) -> dict[str, dict[str, int]]:
    import duckdb

    pattern = f"{literal(folder)}/*/findings.parquet"
    query = f"""
        select parse_filename(parse_dirpath(filename)) as folder,
               count(*) filter (status <> 'not_applicable'),
               count(*) filter (verdict = 'leans'), count(*) filter (verdict = 'within the margin'),
               count(*) filter (verdict = 'insufficient evidence'), count(*) filter (status = 'undefined')
        from read_parquet('{pattern}', filename = true) where role = 'primary' group by 1
    """  # noqa: S608 - the path is quoted
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise StoreError(
            f"the runs below {folder} cannot be queried: {words(error)}. Bring the file back from a "
            "copy, or move its run away."
        ) from error
    return {str(r[0]): dict(zip(COUNTS, map(int, r[1:]), strict=True)) for r in rows}


def trend(folder: Path, metric: str, *, model: str | None = None) -> list[dict[str, Any]]:
    """Every stored value of one metric's findings over time, oldest run first."""
    rows = []
    for run in history(folder, model=model):
        for finding in load(folder / run["folder"]).findings:
            if finding["metric"] == metric:
                rows.append({"started": run["started"], "model": run["model"], **finding})
    return rows
