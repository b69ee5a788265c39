"""`plumbline gate` and `audit --gate`: exit codes, files, and slips that are found before a model is opened."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from plumbline.audit import api
from plumbline.testing import planted_table


def write_table(path, *, gap, n, seed=3):
    """A table of recorded decisions as CSV."""
    table = planted_table(gap=gap, n=n, rng=np.random.default_rng(seed))
    lines = [
        ",".join(table),
        *(",".join(map(str, row)) for row in zip(*table.values(), strict=True)),
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def tables(tmp_path):
    """Tables that pass, fail, and show neither under the same gate."""
    return {
        name: f"table:{write_table(tmp_path / f'{name}.csv', gap=gap, n=n)}"
        for name, gap, n in (
            ("pass", 0.0, 12_000),
            ("fail", 0.4, 4000),
            ("insufficient", 0.01, 150),
        )
    }


@pytest.fixture
def rules(tmp_path):
    """A gate file."""
    path = tmp_path / "gate.toml"
    path.write_text('[[rule]]\nname = "gap"\nmetric = "group_rates"\ndistance = { max = 0.1 }\n')
    return path


def audited(invoke, model, *more):
    """An audit of a table."""
    return invoke("audit", model, "--metrics", "group_rates", "--set", "groups=['group']", *more)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [("pass", 0, "pass"), ("fail", 1, "FAIL"), ("insufficient", 3, "insufficient evidence")],
)
def test_audit_and_gate_end_alike(invoke, tables, rules, tmp_path, name, code, said):
    """Table, run and outcome; then the same from the stored run, with both files."""
    got = audited(invoke, tables[name], "--gate", rules, "--junit", "a.xml", "--summary", "a.md")
    assert got.exit_code == code, got.output
    assert f"Gate gate.toml: {said}." in got.stdout
    folder = got.stdout.split("run        ")[1].splitlines()[0]
    again = invoke("gate", folder, rules, "--junit", "b/b.xml", "--summary", "b.md")
    assert again.exit_code == code
    assert got.stdout.endswith(again.stdout)
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b" / "b.xml").read_bytes()
    assert (tmp_path / "a.md").read_text("utf-8") == (tmp_path / "b.md").read_text("utf-8")
    suite = ET.parse(tmp_path / "a.xml").getroot().find("testsuite")  # noqa: S314 - our own
    assert suite.get("name") == "gate.toml"
    assert (tmp_path / "a.md").read_text("utf-8").startswith(f"## Gate gate.toml: {said}.")


def test_json_is_one_document(invoke, tables, rules):
    """`audit` adds the gate to the run's document; `gate` prints it alone."""
    got = audited(invoke, tables["fail"], "--gate", rules, "--json")
    document = json.loads(got.stdout)
    assert got.exit_code == document["gate"]["exit_code"] == 1
    folder = got.stderr.split("run        ")[1].splitlines()[0]
    assert json.loads(invoke("gate", folder, rules, "--json").stdout) == document["gate"]


def test_fail_on_leans_stays_beside_a_gate(invoke, tables, tmp_path):
    """Either of them is enough for exit code 1."""
    lax = tmp_path / "lax.toml"
    lax.write_text('[[rule]]\nmetric = "group_rates"\nvalue = { max = 9 }\n')
    assert audited(invoke, tables["fail"], "--gate", lax).exit_code == 0
    assert audited(invoke, tables["fail"], "--gate", lax, "--fail-on", "leans").exit_code == 1
    assert audited(invoke, tables["pass"], "--gate", lax, "--fail-on", "leans").exit_code == 0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('metric = "group_rate"\nvalue = { max = 1 }', "Nearest: group_rates"),
        ('metric = "weat"\nvalue = { max = 1 }', "which this plan does not ask"),
        (
            'metric = "group_rates"\nregression = { margin = 1 }',
            "name a stored run with --baseline",
        ),
        ('metric = "group_rates"\nvalu = { max = 1 }', "Nearest: value"),
    ],
)
def test_slips_are_found_before_the_model_is_opened(invoke, tables, tmp_path, rule, said):
    """Exit code 2, one message, no run."""
    (tmp_path / "slip.toml").write_text(f"[[rule]]\n{rule}\n")
    got = audited(invoke, tables["pass"], "--gate", "slip.toml")
    assert got.exit_code == 2
    assert said in got.stderr
    assert "opening" not in got.stderr
    assert not got.stdout


def test_a_slip_that_only_the_run_can_show_leaves_the_run(invoke, tables, tmp_path):
    """Labels are known after the audit: exit code 2, and the run's folder to try again with."""
    (tmp_path / "slip.toml").write_text(
        '[[rule]]\nmetric = "group_rates"\nlabels = { axis = "sex" }\nvalue = { max = 1 }\n'
    )
    got = audited(invoke, tables["pass"], "--gate", "slip.toml")
    assert got.exit_code == 2
    assert "it is one of 'group'" in got.stderr
    folder = got.stdout.split("run        ")[1].splitlines()[0]
    assert api.load_run(folder).findings


@pytest.mark.parametrize("option", ["--baseline", "--junit", "--summary"])
def test_options_of_a_gate_want_a_gate(invoke, tables, option):
    """They would silently do nothing."""
    got = audited(invoke, tables["pass"], option, "x")
    assert got.exit_code == 2
    assert f"{option} speaks of a gate" in got.stderr


def test_a_baseline_that_no_rule_looks_at_is_pointed_out(invoke, tables, rules):
    """And so is one that is not there."""
    folder = audited(invoke, tables["pass"]).stdout.split("run        ")[1].splitlines()[0]
    got = invoke("gate", folder, rules, "--baseline", folder)
    assert got.exit_code == 0
    assert "--baseline: no rule of gate.toml is on regression" in got.stderr
    lost = invoke("gate", folder, rules, "--baseline", "nowhere")
    assert lost.exit_code == 2
    assert "nowhere is not a run directory" in lost.stderr
    missing = audited(invoke, tables["pass"], "--gate", rules, "--baseline", "nowhere")
    assert missing.exit_code == 2
    assert "opening" not in missing.stderr


def test_a_file_that_cannot_be_written_names_its_option(invoke, tables, rules, tmp_path):
    """The run is kept; `plumbline gate` can write the file elsewhere."""
    (tmp_path / "file").write_text("x")
    got = audited(invoke, tables["pass"], "--gate", rules, "--junit", "file/gate.xml")
    assert got.exit_code == 2
    assert "with --junit" in got.stderr


def test_exit_codes_are_in_the_help(invoke):
    """All five, where somebody looks for them."""
    text = " ".join(invoke("--help").stdout.split())
    for said in (
        "0 done, or the gate passes",
        "1 the gate fails",
        "3 the evidence is insufficient",
        "130 stopped",
    ):
        assert said in text
