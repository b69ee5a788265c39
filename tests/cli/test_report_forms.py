"""`plumbline report --as FORM`: where it goes, what it says, and what it refuses."""

from __future__ import annotations

import json

import pytest
from mlflow import MlflowClient

from plumbline.report.exports.forms import FORMS


def test_help_lists_every_form(invoke):
    """Each form with what it is for."""
    text = " ".join(invoke("report", "--help").stdout.split())
    for name, form in FORMS.items():
        assert f"{name} {form.says}" in text


def test_texts_are_printed_or_written(invoke, planted_run, tmp_path):
    """Without --out to standard output, with it to the file, whose name goes to standard error."""
    folder = planted_run.folder
    for form in ("model-card", "technical-file", "bibtex"):
        printed = invoke("report", folder, "--as", form)
        assert printed.exit_code == 0, printed.output
        out = tmp_path / "deep" / form
        got = invoke("report", folder, "--as", form, "--out", out)
        assert out.read_text("utf-8") == printed.stdout
        assert got.stdout == ""
        assert str(out) in got.stderr


def test_the_old_flags_are_the_forms(invoke, planted_run):
    """--md and --json say the same as --as."""
    folder = planted_run.folder
    assert invoke("report", folder, "--md").stdout == invoke("report", folder, "--as", "md").stdout
    one, two = (invoke("report", folder, *how).stdout for how in (("--json",), ("--as", "json")))
    assert json.loads(one) == json.loads(two)


def test_into_and_to_and_set_reach_their_forms(invoke, planted_run, tmp_path):
    """A README is changed, a store gets a run, an option of the form is taken."""
    folder, readme = planted_run.folder, tmp_path / "README.md"
    got = invoke(
        "report", folder, "--as", "model-card", "--into", readme, "--set", "name=org/model"
    )
    assert got.exit_code == 0, got.output
    assert "name: org/model" in readme.read_text("utf-8")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    got = invoke("report", folder, "--as", "mlflow", "--to", uri, "--set", "experiment=e")
    assert got.exit_code == 0, got.output
    client = MlflowClient(tracking_uri=uri)
    assert len(client.search_runs([client.get_experiment_by_name("e").experiment_id])) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--as", "pdf"), "model-card"),
        (("--as", "csv", "--into", "README.md"), "option of the form csv"),
        (("--as", "ll144"), "group_rates"),
        (("--as", "mlflow", "--out", "x"), "--to"),
        (("--as", "model-card", "--set", "nam=x"), "Nearest: name"),
    ],
)
def test_what_does_not_fit_is_explained(invoke, planted_run, given, says):
    """Exit code 2 and one message that says what would fit."""
    got = invoke("report", planted_run.folder, *given)
    assert got.exit_code == 2
    assert says in got.stderr


def test_show_prints_references(invoke):
    """`show ID --bibtex` is BibTeX and nothing else."""
    text = invoke("show", "bbq", "--bibtex").stdout
    assert text.startswith("@inproceedings{parrish2022bbq,")
    assert "@misc{data-bbq," in text
