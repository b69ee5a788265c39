"""`plumbline audit --engine ray` from a shell: a cluster of its own, Ctrl-C, and going on here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import scribe
from ray_cluster import environment, gone, needed, processes

import plumbline

COMMAND = [sys.executable, "-c", "from plumbline.cli.main import main; main()", "audit"]


@pytest.fixture
def home(monkeypatch):
    """Where Ray keeps what it needs, and nothing of it afterwards."""
    needed()
    folder = Path(tempfile.mkdtemp(prefix="plray"))
    environment(monkeypatch, folder)
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    source = str(Path(plumbline.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], source]))
    yield folder
    gone(folder)


def test_ctrl_c_ends_the_cluster_and_the_run_goes_on_in_this_process(home, tmp_path, monkeypatch):
    """Stopped in the middle: exit code 130, no process left, answers kept; the local run asks the rest."""
    model, out = f"scribe:{tmp_path}", tmp_path / "runs"
    given = ["--metrics", "template_gap", "--set", "rows=64", "--out", str(out), "--json"]
    there = subprocess.Popen(
        [*COMMAND, model, *given, "--set", "pause=0.1", "--engine", "ray", "--workers", "2"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while sum(map(len, scribe.asked(tmp_path).values())) < 1000:
        assert there.poll() is None, there.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(processes(home)) >= 4
    there.send_signal(signal.SIGINT)
    said, told = there.communicate(timeout=30)
    assert there.returncode == 130, told
    assert said == ""
    assert "opening scribe:" in told
    assert " on a Ray cluster\n" in told
    assert "answers so far are kept" in told
    assert "Traceback" not in told

    options = {"extra": {"rows": 64}}
    rest = plumbline.audit(model, metrics=["template_gap"], options=options)
    counts = rest.header["questions"]["subject:logprob"]
    assert counts["from_cache"] >= 700
    assert counts["asked"] == counts["unique"] - counts["from_cache"] > 0
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "fresh.sqlite"))
    assert (
        plumbline.audit(model, metrics=["template_gap"], options=options).findings == rest.findings
    )


def test_standard_output_is_one_document_whatever_happens_to_workers(home, tmp_path, monkeypatch):
    """Ray tells of dead workers on standard output; here one line on standard error does."""
    model = f"scribe:{tmp_path}"
    there = subprocess.Popen(
        [*COMMAND, model, "--metrics", "template_gap", "--set", "rows=64", "--set", "pause=0.02", "--json",
         "--out", str(tmp_path / "runs"), "--engine", "ray", "--workers", "2"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (begun := list(scribe.asked(tmp_path))):
        assert there.poll() is None, there.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(begun[0], signal.SIGKILL)
    said, told = there.communicate(timeout=60)
    assert there.returncode == 0, told
    document = json.loads(said)
    assert document["run"]["engine"]["replaced"] == 1
    assert told.count(f"(process {begun[0]} on ") == 1
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "fresh.sqlite"))
    options = {"extra": {"rows": 64, "pause": 0.02}}
    local = plumbline.audit(model, metrics=["template_gap"], options=options)
    assert document["findings"] == json.loads(json.dumps(local.document()["findings"]))
