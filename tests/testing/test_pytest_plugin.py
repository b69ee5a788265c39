"""The pytest plug-in: its fixture in real sessions, what it caches, and what it costs at the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.testing import PlantedEmbedder

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]
# By name, whether or not the installed distribution has the entry point yet.
LOAD = ("-p", "no:plumbline", "-p", "plumbline.pytest_plugin", "-p", "no:cacheprovider")
TABLES = """
import pytest
from plumbline.testing import planted_records

@pytest.fixture(scope="session")
def fine():
    return planted_records(gap=0.0, n=12_000)

@pytest.fixture(scope="session")
def bad():
    return planted_records(gap=0.4)

@pytest.fixture(scope="session")
def few():
    return planted_records(gap=0.0, n=150)
"""


@pytest.fixture(autouse=True, scope="module")
def warm(tmp_path_factory):
    """All that an inner session in this process would load is loaded before.

    pytester forgets modules that an inner session loaded, and some compiled ones refuse to be loaded twice.
    """
    from plumbline.report import html
    from plumbline.testing import InsufficientEvidence, assert_no_gap, planted_records

    out = tmp_path_factory.mktemp("warm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_CACHE", str(out / "cache.sqlite"))
        with pytest.raises(InsufficientEvidence):
            assert_no_gap(planted_records(gap=0.0, n=150), metrics="group_rates", margin=0.1)
        run = assert_no_gap(
            PlantedEmbedder(), metrics="weat", margin=0.1, insufficient="pass", out=out
        )
    html.write(run, out / "report.html")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test sees another's answers."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))


def test_three_outcomes_in_a_session(pytester):
    """A pass, a failure in the finding's own words, and insufficient evidence in its three ways."""
    pytester.makeconftest(TABLES)
    pytester.makepyfile(
        """
        GAP = {"metrics": ["group_rates"], "margin": 0.1}

        def test_fine(assert_no_gap, fine):
            assert assert_no_gap(fine, **GAP).findings

        def test_bad(assert_no_gap, bad):
            assert_no_gap(bad, **GAP)

        def test_few(assert_no_gap, few):
            assert_no_gap(few, **GAP)

        def test_few_skipped(assert_no_gap, few):
            assert_no_gap(few, **GAP, insufficient="skip")

        def test_few_passed(assert_no_gap, few):
            assert_no_gap(few, **GAP, insufficient="pass")
        """
    )
    got = pytester.runpytest_inprocess(*LOAD, "-rs")
    got.assert_outcomes(passed=2, failed=2, skipped=1)
    got.stdout.fnmatch_lines(
        [
            "a gap above the margin is shown: python:Recorded", "Leans: *95% interval*", "*allowed: within 0.1 of 0",
            "*score farthest from the middle:", "insufficient evidence: python:Recorded", "*times as much evidence*",
            "SKIPPED *insufficient evidence: *",
        ]
    )  # fmt: skip
    for noise in ("*During handling*", "*Traceback*", "*gap_outcome*"):
        got.stdout.no_fnmatch_line(noise)


COUNTED = """
import pytest
from plumbline.testing import PlantedEmbedder

OPENED, ASKED, CLOSED = [], [], []

class Counting(PlantedEmbedder):
    def _embed(self, batch):
        ASKED.append(len(batch))
        return super()._embed(batch)

    def close(self):
        CLOSED.append(self)

@pytest.fixture(scope="session")
def model():
    return Counting(seed=1)

def pytest_unconfigure():
    print("CLOSED", len(CLOSED))
"""


def test_each_model_and_plan_is_audited_once_a_session(pytester, monkeypatch):
    """Two tests with one plan share a run whatever their margins; another plan is another run of the same model."""
    pytester.makeconftest(COUNTED)
    pytester.makepyfile(
        """
        from conftest import ASKED, CLOSED
        PLAN = {"metrics": ["weat"], "params": {"weat": {"tests": [6]}}, "insufficient": "pass"}
        RUNS = []

        def test_first(assert_no_gap, model):
            RUNS.append(assert_no_gap(model, margin=5.0, **PLAN))

        def test_again(assert_no_gap, model):
            RUNS.append(assert_no_gap(model, margin=4.0, **PLAN))
            assert RUNS[0] is RUNS[1]
            assert len(ASKED) == 1

        def test_another_plan(assert_no_gap, model, plumbline_audits):
            RUNS.append(assert_no_gap(model, margin=5.0, seed=2, **PLAN))
            assert RUNS[2] is not RUNS[0]
            assert len(plumbline_audits._models) == 1
            assert CLOSED == []
        """
    )
    got = pytester.runpytest_inprocess(*LOAD, "-s")
    got.assert_outcomes(passed=3)
    got.stdout.fnmatch_lines(["CLOSED 1"])


def test_runs_and_reports_are_kept_where_it_is_said(pytester):
    """`--plumbline-out`: one folder a run with its report, below where pytest was called."""
    pytester.makeconftest(TABLES)
    pytester.makepyfile(
        """
        def test_bad(assert_no_gap, bad):
            assert_no_gap(bad, metrics=["group_rates"], margin=0.1)
        """
    )
    got = pytester.runpytest_inprocess(*LOAD, "--plumbline-out=kept/here")
    got.assert_outcomes(failed=1)
    (folder,) = (pytester.path / "kept" / "here").iterdir()
    assert (folder / "run.json").is_file()
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_slip_is_an_error_of_the_test(pytester):
    """An unknown metric is told with the nearest ones, and is no statement about the model."""
    pytester.makeconftest(TABLES)
    pytester.makepyfile(
        """
        def test_slip(assert_no_gap, fine):
            assert_no_gap(fine, metrics=["group_rate"], margin=0.1)
        """
    )
    got = pytester.runpytest_inprocess(*LOAD)
    got.assert_outcomes(failed=1)
    got.stdout.fnmatch_lines(["*UnknownName*Nearest: group_rates*"])


def test_the_example_of_the_guide_runs_in_a_process_of_its_own(tmp_path):
    """The captioned file of `testing-models.md`, on a table that it asks for: passes, and fails with a gap."""
    import re

    import numpy as np

    guide = (ROOT / "docs" / "guide" / "testing-models.md").read_text("utf-8")
    (text,) = re.findall(
        r"^:caption: test_model\.py\n\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL
    )
    (tmp_path / "test_model.py").write_text(text, "utf-8")
    for gap, code, said in (
        (0.0, 0, "1 passed"),
        (0.5, 1, "a gap above the margin is shown: table:predictions.csv"),
    ):
        rng = np.random.default_rng(1)
        sex = rng.integers(0, 2, 12_000)
        chosen = (rng.random(12_000) < 0.2 + gap * sex).astype(int)
        rows = [f"{p},{'women' if s else 'men'}" for p, s in zip(chosen, sex, strict=True)]
        (tmp_path / "predictions.csv").write_text("\n".join(["prediction,sex", *rows]))
        got = subprocess.run(
            [sys.executable, "-m", "pytest", *LOAD, "-c", os.devnull, "--rootdir", tmp_path, tmp_path],
            capture_output=True, text=True, check=False, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip
        assert got.returncode == code, got.stdout + got.stderr
        assert said in got.stdout


def test_the_plugin_loads_nothing_heavy():
    """Beside pytest: a handful of modules of plumbline and the standard library, and none of NumPy."""
    code = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport plumbline.pytest_plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    got = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert set(got.stdout.split()) <= {
        "plumbline",
        "plumbline.pytest_plugin",
        "importlib",
        "pathlib",
        "typing",
    }


def test_a_session_that_does_not_use_the_fixture_loads_nothing_heavy(pytester):
    """Not even at its end."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            loaded = [m for m in sys.modules if m.startswith("plumbline")]
            assert sorted(loaded) == ["plumbline", "plumbline.pytest_plugin"]
            assert "numpy" not in sys.modules
        """
    )
    got = pytester.runpytest_subprocess(*LOAD)
    got.assert_outcomes(passed=1)


def test_the_entry_point_is_declared():
    """pytest finds the plug-in under the name that `-p no:plumbline` turns off."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"plumbline": "plumbline.pytest_plugin"}
