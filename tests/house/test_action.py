"""The GitHub Action: its schema, and its scripts run by bash as a runner would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from plumbline.testing import planted_table

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
INSTALL, JUDGE = ACTION["runs"]["steps"]
GUIDE = (ROOT / "docs" / "guide" / "continuous-integration.md").read_text("utf-8")


def schema_says(kind: str, path: Path) -> subprocess.CompletedProcess[str]:
    """check-jsonschema on a file, with the schema of GitHub's files that it ships."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_action_keeps_the_schema(tmp_path):
    """And the schema is one that can be broken."""
    got = schema_says("github-actions", ROOT / "action.yml")
    assert got.returncode == 0, got.stdout
    wrong = tmp_path / "action.yml"
    wrong.write_text(
        (ROOT / "action.yml").read_text("utf-8").replace("using: composite", "using: magic")
    )
    assert schema_says("github-actions", wrong).returncode == 1


def workflow() -> str:
    """The workflow file of the guide."""
    (found,) = re.findall(
        r"^:caption: \.github/workflows/model-gate\.yml\n\n(.*?)^```$",
        GUIDE,
        re.MULTILINE | re.DOTALL,
    )
    return found


def test_the_workflow_of_the_guide_keeps_the_schema(tmp_path):
    """Whoever copies it has a valid file, with inputs and outputs that the action has."""
    path = tmp_path / "workflow.yml"
    path.write_text(workflow(), "utf-8")
    got = schema_says("github-workflows", path)
    assert got.returncode == 0, got.stdout
    steps = yaml.safe_load(workflow())["jobs"]["gate"]["steps"]
    (own,) = [s for s in steps if s.get("id") == "gate"]
    assert set(own["with"]) <= set(ACTION["inputs"])
    used = set(re.findall(r"steps\.gate\.outputs\.(\w+)", GUIDE))
    assert used <= set(ACTION["outputs"])


def test_no_expression_stands_in_a_script():
    """Inputs reach the shell through the environment; every input is used, every output is written."""
    for step in (INSTALL, JUDGE):
        assert "${{" not in step["run"]
        assert all(re.fullmatch(r"\$\{\{ [\w.]+ \}\}", value) for value in step["env"].values())
    given = {v[4:-3].removeprefix("inputs.") for s in (INSTALL, JUDGE) for v in s["env"].values()}
    assert set(ACTION["inputs"]) - given == {"install"}
    written = set(re.findall(r'echo "(\w+)=\$', JUDGE["run"]))
    assert written == set(ACTION["outputs"])
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.gate.outputs.{name} }}}}"


@pytest.fixture
def runner(tmp_path):
    """Runs a step's script as GitHub does; returns exit code, outputs, summary, and all that was printed."""
    tools = tmp_path / "bin"
    tools.mkdir()
    code = "from plumbline.cli.main import main; main()"
    for name, line in (
        ("plumbline", f"exec {sys.executable} -c '{code}' \"$@\""),
        ("python", 'printf "%s\\n" "$@" > "$RUNNER_TEMP/asked"'),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)

    def run(step, **inputs):
        script = tmp_path / "script.sh"
        script.write_text(step["run"])
        output, summary = tmp_path / "output", tmp_path / "summary"
        for file in (output, summary):
            file.write_text("")
        stated = {n: i.get("default", "") for n, i in ACTION["inputs"].items()}
        environment = {
            **{f"INPUT_{n.upper()}": v for n, v in {**stated, **inputs}.items()},
            "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src"), "HOME": str(tmp_path),
            "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), "RUNNER_TEMP": str(tmp_path),
            "ACTION_FOLDER": "/the action", "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path),
        }  # fmt: skip
        got = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        lines = output.read_text().splitlines()
        return (
            got.returncode,
            dict(line.split("=", 1) for line in lines),
            summary.read_text(),
            got.stdout + got.stderr,
        )

    return run


@pytest.fixture
def files(tmp_path):
    """Tables, a plan that names their groups, and gates."""
    for name, gap, n in (("pass", 0.0, 12_000), ("fail", 0.4, 4000), ("insufficient", 0.01, 150)):
        table = planted_table(gap=gap, n=n, rng=np.random.default_rng(3))
        rows = [
            ",".join(table),
            *(",".join(map(str, r)) for r in zip(*table.values(), strict=True)),
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows))
    (tmp_path / "plan.toml").write_text(
        'metrics = ["group_rates"]\n[options.extra]\ngroups = ["group"]\n'
    )
    rule = '[[rule]]\nmetric = "group_rates"\n'
    (tmp_path / "gate.toml").write_text(f"{rule}distance = {{ max = 0.1 }}\n")
    (tmp_path / "since.toml").write_text(f"{rule}regression = {{ margin = 0.1 }}\n")
    (tmp_path / "wrong.toml").write_text(f"{rule}distanc = {{ max = 0.1 }}\n")
    return tmp_path


@pytest.mark.parametrize(("outcome", "code"), [("pass", 0), ("fail", 1), ("insufficient", 3)])
def test_the_step_ends_as_the_gate_does(runner, files, outcome, code):
    """Exit code, outputs, the run that they name, the summary, and the cache where it was wanted."""
    ended, outputs, summary, said = runner(
        JUDGE,
        model=f"table:{outcome}.csv",
        plan="plan.toml",
        gate="gate.toml",
        cache="kept/answers.sqlite",
    )
    assert ended == code, said
    assert outputs["outcome"] == outcome
    assert outputs["cache"] == "kept/answers.sqlite"
    assert (files / "kept" / "answers.sqlite").is_file()
    assert (files / outputs["run"] / "run.json").is_file()
    assert (files / outputs["report"]).read_text("utf-8").startswith("<!doctype html>")
    assert (files / outputs["junit"]).read_text("utf-8").startswith("<?xml")
    assert summary.startswith("## Gate gate.toml:")
    assert "group\\_rates" in summary


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": "table:pass.csv", "gate": "wrong.toml"},
        {"model": "table:pass.csv", "gate": "since.toml"},
        {"model": "table:pass.csv", "gate": ""},
        {"model": "", "gate": "gate.toml"},
        {"model": "table:none.csv", "gate": "gate.toml"},
        {"model": "--help", "gate": "gate.toml"},
        {"model": "table:pass.csv", "gate": "gate.toml", "out": "a\nrun=elsewhere"},
        {"model": "table:pass.csv", "gate": "gate.toml", "cache": ""},
    ],
    ids=lambda i: ",".join(i.values()).replace("\n", " "),
)
def test_an_error_is_an_outcome_too(runner, files, inputs):
    """A wrong gate, no baseline, no model, an option in place of a model, a line break: error, exit code 2, no run."""
    ended, outputs, _, said = runner(JUDGE, plan="plan.toml", **inputs)
    assert ended == 2, said
    assert outputs["outcome"] == "error"
    assert not outputs.get("run")
    assert not outputs.get("report")


def test_a_baseline_is_handed_on(runner, files):
    """The first run is the baseline of the second."""
    _, first, _, _ = runner(JUDGE, model="table:pass.csv", plan="plan.toml", gate="gate.toml")
    ended, outputs, _, said = runner(
        JUDGE, model="table:fail.csv", plan="plan.toml", gate="since.toml", baseline=first["run"]
    )
    assert (ended, outputs["outcome"]) == (1, "fail"), said
    assert outputs["run"] != first["run"]


def test_inputs_are_never_run(runner, files):
    """Shell syntax in any input is text: nothing of it is carried out."""
    attack = '$(touch hacked); `touch hacked` "; touch hacked #'
    for name in ("model", "gate", "plan", "suite", "metrics", "baseline", "out", "cache"):
        inputs = {"model": "table:pass.csv", "plan": "plan.toml", "gate": "gate.toml", name: attack}
        runner(JUDGE, **inputs)
        assert not (files / "hacked").exists(), name


def test_the_install_step_asks_pip_for_the_action_itself(runner, files):
    """One requirement, extras in brackets; anything but names is refused before pip is called."""
    ended, _, _, _ = runner(INSTALL, extras="hf,text")
    assert ended == 0
    assert (files / "asked").read_text().splitlines()[-1] == "/the action[hf,text]"
    ended, _, _, _ = runner(INSTALL, extras="")
    assert (files / "asked").read_text().splitlines()[-1] == "/the action"
    (files / "asked").unlink()
    ended, _, _, said = runner(INSTALL, extras="hf] --index-url=x #")
    assert ended == 2
    assert "::error::" in said
    assert not (files / "asked").exists()


def test_the_scripts_need_no_newer_bash():
    """macOS runners have bash 3.2: no `${x,,}`, no associative arrays, no mapfile."""
    for step in (INSTALL, JUDGE):
        assert not re.search(r",,|\^\^|declare -A|mapfile|readarray|\|&|&>>", step["run"])
