"""MLflow: logged with its own client, read back with its own client."""

from __future__ import annotations

import builtins
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from plumbline.core.errors import MissingExtra, StoreError, UsageError
from plumbline.report.exports import tracking
from plumbline.report.rows import of_run


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """A tracking store in one SQLite file, with its artifacts beside it."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    MlflowClient(tracking_uri=uri).create_experiment("bias", artifact_location=folder.as_uri())
    return uri


@pytest.fixture(scope="module")
def logged(store, loans):
    """The client, the run's id, and what MLflow has of it."""
    (place,) = loans.export("mlflow", to=store, experiment="bias").places
    client = MlflowClient(tracking_uri=store)
    key = place.rpartition(" ")[2]
    return client, key, client.get_run(key)


def test_every_number_is_read_back(logged, loans):
    """Value, interval, p and n of every estimate, as they were stored; nothing for what has no number."""
    _, _, kept = logged
    shown = of_run(loans)
    wanted = {
        f"{name}.{field}": float(row.finding[field])
        for name, row in zip(tracking.names(shown), shown, strict=True)
        if row.status == "estimate"
        for field in tracking.NUMBERS
        if row.finding[field] is not None and math.isfinite(row.finding[field])
    }
    assert len(wanted) > 100
    assert kept.data.metrics == wanted


def test_undefined_is_a_tag_with_its_reason(logged, loans):
    """Where there is no number there is no metric, and a tag that says why."""
    _, _, kept = logged
    shown = of_run(loans)
    seen = set()
    for name, row in zip(tracking.names(shown), shown, strict=True):
        told = kept.data.tags[name]
        if row.status == "estimate":
            assert told.startswith(f"{row.verdict or 'not judged'}: ")
        else:
            assert told == f"{row.status.replace('_', ' ')}: {row.reason}"
            assert f"{name}.value" not in kept.data.metrics
        seen.add(row.status)
    assert seen == {"estimate", "undefined", "not_applicable"}


def test_plan_and_identity_are_read_back(logged, loans):
    """The plan as parameters; fingerprint, plan hash and a description as tags; the audit's own times."""
    _, _, kept = logged
    plan = loans.header["plan"]
    assert kept.data.params["seed"] == str(plan["seed"])
    assert kept.data.params["margins.rate"] == "0.05"
    assert json.loads(kept.data.params["metrics"]) == plan["metrics"]
    assert kept.data.params["options.extra.groups"] == '["sex", "race"]'
    tags = kept.data.tags
    assert tags["plumbline.fingerprint"] == loans.header["subject"]["fingerprint"]
    assert tags["plumbline.plan_hash"] == loans.header["plan_hash"]
    assert tags["mlflow.note.content"].startswith("# Audit of")
    assert kept.info.status == "FINISHED"
    assert kept.info.end_time >= kept.info.start_time


def test_files_are_there_and_quote_no_items(logged):
    """Report, record and findings; the findings can be read, and items are not among them."""
    client, key, _ = logged
    assert {f.path for f in client.list_artifacts(key)} == {
        "report.html",
        "run.json",
        "findings.parquet",
    }


def test_names_are_unique_and_allowed(loans, words):
    """Every name has the signs that MLflow takes, one slash, and no length beyond its limit."""
    for run in (loans, words):
        found = tracking.names(of_run(run))
        assert len(set(found)) == len(found)
        for name in found:
            assert re.fullmatch(r"[\w. -]+/[\w. -]+", name, flags=re.ASCII)
            assert len(name) + len(".p_adjusted") <= tracking.LONGEST_NAME


def test_long_and_like_names_stay_apart(loans):
    """Labels that differ only in signs that MLflow does not take, or behind the cut, keep two names."""
    row = of_run(loans)[0]
    rows = [
        replace(row, finding={**row.finding, "labels": {"axis": axis}})
        for axis in ("a*b", "a?b", "x" * 400 + "1", "x" * 400 + "2")
    ]
    found = tracking.names(rows)
    assert len(set(found)) == 4
    assert tracking.names(rows[1:2]) == found[1:2]  # no name hangs on what else is in the run


def test_redaction_reaches_the_files(store, words, tmp_path):
    """The logged copy of a redacted run has neither facts nor items."""
    (place,) = words.export("mlflow", to=store, experiment="bias", redact_items=True).places
    client = MlflowClient(tracking_uri=store)
    path = client.download_artifacts(place.rpartition(" ")[2], "run.json", str(tmp_path))
    assert "facts" not in json.loads(Path(path).read_text("utf-8"))["run"]


def test_an_infinite_end_is_not_logged_as_a_number(words):
    """MLflow would keep the largest float in its place."""
    row = next(r for r in of_run(words) if r.status == "estimate")
    odd = replace(row, finding={**row.finding, "high": math.inf})
    found = dict(tracking._numbers(odd))
    assert "high" not in found
    assert found["low"] == row.finding["low"]


def test_no_store_and_no_package_are_explained(words, monkeypatch):
    """Neither --to nor the variable: the error says both; without the package, the pip line."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_URI"):
        words.export("mlflow")
    real = builtins.__import__

    def without(name, *given, **more):
        if name.partition(".")[0] == "mlflow":
            raise ImportError(name)
        return real(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"plumbline\[mlflow\]"):
        words.export("mlflow", to="sqlite:///x.db")


def test_the_variable_names_the_store(store, words, monkeypatch):
    """MLFLOW_TRACKING_URI is used where no --to is given."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    (place,) = words.export("mlflow", experiment="bias").places
    assert place.startswith(store)


def test_a_store_that_refuses_is_an_error(words):
    """MLflow's own message comes through as one of ours."""
    with pytest.raises(StoreError, match="did not take the run"):
        words.export("mlflow", to="nonsense://x")
