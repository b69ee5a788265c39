"""A run in an MLflow tracking store: parameters, metrics, tags and files of one MLflow run.

MLflow keeps numbers and nothing beside them. So each finding has metrics for its value, its interval
and its p, and a tag of the same name that says what the number is, or why there is none. A number
that does not exist is not logged: MLflow has no word for it but 0.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import MissingExtra, StoreError, UsageError
from plumbline.report import markdown, overview
from plumbline.report.rows import Row, of_run

if TYPE_CHECKING:
    from plumbline.audit.store import Run

FIRST = ("axis", "group", "against", "toward", "measure")
NUMBERS = ("value", "low", "high", "p", "p_adjusted", "n")
LONGEST_NAME, LONGEST_PARAM, LONGEST_TAG = 250, 500, 5000  # what every MLflow takes
_METRICS, _FIELDS = 500, 90  # metrics and parameters or tags of one request


def log(
    run: Run, *, to: str = "", experiment: str = "plumbline", redact_items: bool = False
) -> list[str]:
    """Log the run, and say where it is.

    Args:
        run: The run.
        to: Tracking URI; `MLFLOW_TRACKING_URI` by default.
        experiment: Name of the experiment; it is made where there is none.
        redact_items: The logged report and record quote no item, question or answer.

    Returns:
        One line: the store and the MLflow run's id.

    Raises:
        UsageError: No store is named.
        MissingExtra: MLflow is not installed.
        StoreError: The store refused.
    """
    where = to or os.environ.get("MLFLOW_TRACKING_URI", "")
    if not where:
        raise UsageError(
            "which tracking store? Give --to URI (sqlite:///mlflow.db, http://host:5000), or set MLFLOW_TRACKING_URI"
        )
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise MissingExtra("mlflow-skinny", "mlflow", "logging a run") from None
    try:
        client = MlflowClient(tracking_uri=where)
        made = _logged(client, run, experiment, redact_items=redact_items)
    except (MlflowException, OSError) as error:
        raise StoreError(f"the tracking store {where} did not take the run: {error}") from error
    return [f"{where} experiment {experiment} run {made}"]


def _logged(client: Any, run: Run, experiment: str, *, redact_items: bool) -> str:
    from mlflow.entities import Metric, Param, RunTag

    found = client.get_experiment_by_name(experiment)
    group = client.create_experiment(experiment) if found is None else found.experiment_id
    start, end = _times(run.header)
    shown = of_run(run)
    # Start and name are given as fields, so that sorting and searching by them works.
    made = client.create_run(
        group, start_time=start, run_name=overview.title(run.header)[:LONGEST_NAME]
    )
    key = str(made.info.run_id)
    named = list(zip(names(shown), shown, strict=True))
    metrics = [Metric(f"{n}.{k}", v, end, 0) for n, r in named for k, v in _numbers(r)]
    params = [Param(n[:LONGEST_NAME], v[:LONGEST_PARAM]) for n, v in parameters(run.header["plan"])]
    tags = [RunTag(n[:LONGEST_NAME], v[:LONGEST_TAG]) for n, v in _tags(run, named)]
    for part in _parts(metrics, _METRICS):
        client.log_batch(key, metrics=part)
    for part in _parts(params, _FIELDS):
        client.log_batch(key, params=part)
    for part in _parts(tags, _FIELDS):
        client.log_batch(key, tags=part)
    _files(client, key, run, redact_items=redact_items)
    client.set_terminated(key, status="FINISHED", end_time=end)
    return key


def names(shown: Sequence[Row]) -> list[str]:
    """A name for each finding that MLflow allows, unique in the run, and the same in every run.

    `METHOD/LABELS`: with one slash always, no name is the folder of another in a store of files.
    """
    found: list[str] = []
    room = LONGEST_NAME - len(".p_adjusted")
    for row in shown:
        labels = sorted(row.finding["labels"].items(), key=_place)
        parts = (row.metric.replace("/", "."), "-".join(v for _, v in labels) or "all")
        told = "/".join(parts)
        name = "/".join(re.sub(r"[^\w. -]+", "_", part, flags=re.ASCII) for part in parts)
        if name != told or len(name) > room or name in found:
            exact = json.dumps([row.metric, row.role, labels]).encode("utf-8", "replace")
            name = f"{name[: room - 9]}-{hashlib.blake2b(exact, digest_size=4).hexdigest()}"
        found.append(name)
    return found


def _place(label: tuple[str, str]) -> tuple[int, str]:
    """Of what and toward what first, then the other labels by name."""
    key = label[0]
    return (FIRST.index(key) if key in FIRST else len(FIRST), key)


def _numbers(row: Row) -> Iterator[tuple[str, float]]:
    """Finite numbers of a finding; the tag tells of the others."""
    for name in NUMBERS:
        value = row.finding[name]
        if row.status == "estimate" and value is not None and math.isfinite(value):
            yield name, float(value)


def parameters(plan: Mapping[str, Any], ahead: str = "") -> list[tuple[str, str]]:
    """The plan as flat parameters: `seed`, `margins.rate`, `params.weat.tests`."""
    found = []
    for name, value in plan.items():
        full = re.sub(r"[^\w./ -]+", "_", f"{ahead}{name}", flags=re.ASCII)
        if isinstance(value, Mapping):
            found += parameters(value, f"{full}.")
        else:
            plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found.append((full, plain or "not stated"))
    return found


def _tags(run: Run, named: Sequence[tuple[str, Row]]) -> list[tuple[str, str]]:
    header = run.header
    found = {
        "mlflow.note.content": markdown.render(run),
        "plumbline.version": header["plumbline"],
        "plumbline.model": header["subject"]["model"],
        "plumbline.fingerprint": header["subject"]["fingerprint"],
        "plumbline.plan_hash": header["plan_hash"],
        "plumbline.index": overview.index_text(header),
    }
    told = [(name, _said(row)) for name, row in named]
    return [*((n, str(v) or "not stated") for n, v in found.items()), *told]


def _said(row: Row) -> str:
    """What a number is: its verdict and its sentence, or the reason for none."""
    if row.status != "estimate":
        return f"{row.status.replace('_', ' ')}: {row.reason}"
    return f"{row.verdict or 'not judged'}: {row.sentence}"


def _parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    """What a store takes in one request."""
    return (rows[i : i + size] for i in range(0, len(rows), size))


def _files(client: Any, key: str, run: Run, *, redact_items: bool) -> None:
    """report.html, run.json and findings.parquet; no items."""
    from plumbline.report import html
    from plumbline.report.exports import columns, document
    from plumbline.report.files import write_text

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_text(folder / "report.html", html.render(run, redact_items=redact_items))
        write_text(folder / "run.json", document.render(run, redact_items=redact_items))
        columns.write(run, folder, redact_items=True)
        client.log_artifacts(key, str(folder))


def _times(header: Mapping[str, Any]) -> tuple[int, int]:
    """Start and end of the audit in milliseconds."""
    start = datetime.fromisoformat(header["started"]).timestamp()
    return int(1000 * start), int(1000 * (start + float(header.get("seconds", 0.0))))
