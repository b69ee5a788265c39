"""The verbs beside `audit`: they call the Python functions and print what those return."""

from __future__ import annotations

import json

import pytest

from plumbline.audit import api
from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.cli import data
from plumbline.testing import PlantedEmbedder


@pytest.fixture(scope="module")
def second_run(tmp_path_factory):
    """The same plan on another planted embedder."""
    with Cache(":memory:") as cache:
        plan = Plan(model="planted", metrics=("weat",))
        return Audit(plan, PlantedEmbedder(seed=2), cache).run(tmp_path_factory.mktemp("second"))


def test_compare_prints_paired_differences(invoke, planted_run, second_run):
    """Heads of both runs, a row a shared finding with B - A, and the indices over shared findings."""
    got = invoke("compare", planted_run.folder, second_run.folder)
    assert got.exit_code == 0, got.output
    assert "A: planted" in got.stdout
    assert "B - A" in got.stdout
    assert "composite index over shared findings" in got.stdout
    found = json.loads(invoke("compare", planted_run.folder, second_run.folder, "--json").stdout)
    assert len(found["findings"]) == len(planted_run.findings)


def test_a_folder_of_runs_is_no_run(invoke, planted_run):
    """The message names a run that is in it."""
    got = invoke("compare", planted_run.folder.parent, planted_run.folder)
    assert got.exit_code == 2
    assert f"it holds 1 run, such as {planted_run.folder}: name one" in got.stderr


def test_three_runs_are_ranked(invoke, planted_run, second_run):
    """Three runs: a ranking with intervals; one run: an error that says what is wanted."""
    folders = (planted_run.folder, second_run.folder, planted_run.folder)
    got = invoke("compare", *folders)
    assert got.exit_code == 0
    assert "Ranks hold together at 95%" in got.stdout
    found = json.loads(invoke("compare", *folders, "--json").stdout)
    assert sorted(found) == ["left_out", "level", "models", "pairs", "shared"]
    assert len(found["models"]) == len(found["pairs"]) == 3
    alone = invoke("compare", planted_run.folder)
    assert alone.exit_code == 2
    assert "two or more runs are wanted; got 1" in alone.stderr


def test_a_run_compared_with_itself_differs_by_nothing(invoke, planted_run):
    """The same answers on both sides: no difference is reported as a number that is not 0."""
    found = json.loads(invoke("compare", planted_run.folder, planted_run.folder, "--json").stdout)
    assert all(f["value"] in {None, 0.0} for f in found["findings"])


def test_history_lists_runs_of_a_folder(invoke, planted_run):
    """One line a run, with verdict counts; `--json` is the same as the Python function's result."""
    folder = planted_run.folder.parent
    text = invoke("history", "--out", folder).stdout
    assert "1 run below" in text
    primary = sum(f["role"] == "primary" for f in planted_run.findings)
    assert f" of {primary} " in text
    rows = json.loads(invoke("history", "planted", "--out", folder, "--json").stdout)
    assert rows == api.history("planted", folder=folder)
    assert json.loads(invoke("history", "another", "--out", folder, "--json").stdout) == []


def test_report_writes_each_face(invoke, planted_run, tmp_path):
    """HTML into the run's directory, Markdown and JSON to standard output or a file."""
    folder = planted_run.folder
    assert invoke("report", folder).exit_code == 0
    assert (folder / "report.html").is_file()
    assert invoke("report", folder, "--md").stdout.startswith("# Audit of planted")
    document = json.loads(invoke("report", folder, "--json").stdout)
    assert document["findings"] == [dict(f) for f in planted_run.findings]
    out = tmp_path / "deep" / "page.html"
    got = invoke("report", folder, "--html", "--redact-items", "--out", out)
    assert got.exit_code == 0
    assert "left out of this copy" in out.read_text("utf-8")


def test_a_redacted_report_does_not_replace_the_full_one(invoke, planted_run):
    """Without --out the redacted page has a name of its own, and redacted JSON has no facts."""
    invoke("report", planted_run.folder, "--redact-items")
    assert (planted_run.folder / "report-redacted.html").is_file()
    document = json.loads(invoke("report", planted_run.folder, "--json", "--redact-items").stdout)
    assert "facts" not in document["run"]


def test_data_lists_licence_flaws_and_files(invoke):
    """What a set measures, its licence and its known flaws are said before it is fetched."""
    text = invoke("data", "list").stdout
    assert "crows-pairs" in text
    assert "licence: CC BY-SA 4.0" in text
    one = invoke("data", "list", "bbq").stdout
    assert "flaw: " in one
    assert "file: Age.jsonl" in one
    listed = json.loads(invoke("data", "list", "--json").stdout)
    assert {"id", "licence", "flaws", "files"} <= set(listed[0])


def test_data_get_tells_every_file_that_is_missing(invoke, tmp_path, monkeypatch):
    """One file that cannot be had does not keep the others away; the end is exit code 2."""
    monkeypatch.setenv("PLUMBLINE_OFFLINE", "1")
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    got = invoke("data", "get", "weat")
    assert got.exit_code == 2
    assert got.stderr.count("PLUMBLINE_DATA") >= 2
    assert "2 of 2 files" in got.stderr


def test_data_path_prints_a_verified_copy(invoke, shared_data, monkeypatch):
    """The path of a file that has the pinned checksum."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    got = invoke("data", "path", "weat", "weat.json")
    assert got.exit_code == 0, got.output
    assert "weat.json" in got.stdout
    assert data.command.commands.keys() == {"list", "get", "path", "table"}


def test_plan_prints_questions_cost_and_detectable_effect(invoke, monkeypatch):
    """A row a method that applies, a reason a method that does not, and the total."""
    found = {
        "metrics": [
            {"metric": "weat", "status": "applies", "questions": 210, "tokens_in": 1234, "tokens_out": 0, "money": 0.5,
             "instruments": [], "unit": "cohen_d", "minimum_detectable_effect": 0.81},
            {"metric": "stereoset", "status": "not_applicable", "reason": "needs log-probabilities [of text]"},
        ],
        "total": {"asked": 300, "unique": 210, "from_cache": 10, "tokens_in": 1234, "tokens_out": 0, "money": 0.5, "seconds": 70.0},
        "plan_hash": "abc",
    }  # fmt: skip
    monkeypatch.setattr(api, "estimate", lambda *_, **__: found)
    text = invoke("plan", "vectors:x", "--metrics", "weat").stdout
    for part in (
        "210",
        "1,234",
        "0.81",
        "cohen_d",
        "stereoset: needs log-probabilities [of text]",
        "cost 0.50",
        "10 answered already",
        "about 1 min 10 s",
        "plan abc",
    ):
        assert part in text
    assert json.loads(invoke("plan", "vectors:x", "--metrics", "weat", "--json").stdout) == found
    found["total"]["seconds"] = None
    assert "time unknown" in invoke("plan", "vectors:x", "--metrics", "weat").stdout


def test_calibrate_prints_and_keeps_a_certificate(invoke, tmp_path):
    """Few simulations of a fast method: rates with intervals, targets, and one file a method."""
    got = invoke("calibrate", "sc_weat", "--runs", "20", "--workers", "1", "--out", tmp_path)
    assert got.exit_code == 0, got.output
    assert "coverage at 95%" in got.stdout
    assert "simulations" in got.stdout
    kept = json.loads((tmp_path / "sc_weat.json").read_text())
    assert kept["metric"] == "sc_weat"
    assert kept["targets"]


def test_calibrate_refuses_what_has_no_simulator(invoke):
    """A correction cannot be calibrated, and the message says why."""
    got = invoke("calibrate", "linear_projection", "--runs", "5")
    assert got.exit_code == 2
    assert "simulate" in got.stderr


def test_correct_prints_before_after_and_difference(
    invoke, monkeypatch, planted_run, second_run, tmp_path
):
    """The paired difference is the result; the corrected model's form and both runs are named."""
    from plumbline.audit import correct as module
    from plumbline.audit.correct import Corrected

    seen = {}

    def corrected(plan, **given):
        seen.update(given, plan=plan)
        return Corrected(
            given["out"], planted_run, second_run, api.compare(planted_run, second_run)
        )

    monkeypatch.setattr(module, "correct", corrected)
    got = invoke(
        "correct", "vectors:x", "--with", "linear_projection", "--out", tmp_path / "m", "--metrics", "weat",
        "--param", "linear_projection.how=orthogonal", "--param", "weat.tests=[1]",
    )  # fmt: skip
    assert got.exit_code == 0, got.output
    assert seen["using"] == "linear_projection"
    assert seen["params"] == {"how": "orthogonal"}
    assert seen["plan"].params == {"weat": {"tests": [1]}}
    assert f"corrected:{tmp_path / 'm'}" in got.stdout
    assert "after - before" in got.stdout


def test_placebos_on_a_stored_run(invoke, tmp_path):
    """`calibrate ID --on RUN` counts alarms on the run's own items with exchanged labels."""
    plan = Plan(model="planted", metrics=("weat",), params={"weat": {"tests": [6]}})
    with Cache(":memory:") as cache:
        run = Audit(plan, PlantedEmbedder(), cache).run(tmp_path)
    got = invoke("calibrate", "weat", "--on", run.folder, "--runs", "20")
    assert got.exit_code == 0, got.output
    assert "weat, labels permuted: " in got.stdout
    assert " of 20 alarms at 5%" in got.stdout
    (row,) = json.loads(
        invoke("calibrate", "weat", "--on", run.folder, "--runs", "20", "--json").stdout
    )
    assert row["of"] == 20
    assert invoke("calibrate", "--all", "--on", run.folder).exit_code == 2
