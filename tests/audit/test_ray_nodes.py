"""A cluster of two nodes that was there before: joined by its address, one node lost in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import scribe
from ray_cluster import environment, gone, needed

import plumbline

START = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats",
         "--num-gpus=0", "--object-store-memory=78643200"]  # fmt: skip
COMMAND = [sys.executable, "-c", "from plumbline.cli.main import main; main()", "audit"]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def nodes(monkeypatch):
    """(address, the second node's process): each node has its own session of processes."""
    needed()
    folder = Path(tempfile.mkdtemp(prefix="plray"))
    environment(monkeypatch, folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(
        [os.environ["PYTHONPATH"], str(Path(plumbline.__file__).parents[1])]))  # fmt: skip
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    # A node that is silent for a second is lost; as it is, Ray waits half a minute.
    for name, value in (("initial_delay_ms", 1000), ("period_ms", 300), ("failure_threshold", 3)):
        monkeypatch.setenv(f"RAY_health_check_{name}", str(value))
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    started = [subprocess.Popen(
        [*START, "--head", f"--port={port}", "--num-cpus=1", "--include-dashboard=false",
         f"--temp-dir={folder}", "--node-ip-address=127.0.0.1"], **quiet)]  # fmt: skip
    address = f"127.0.0.1:{port}"
    listening(port)
    started.append(subprocess.Popen([*START, f"--address={address}", "--num-cpus=2"], **quiet))
    yield address, started[1]
    for node in reversed(started):
        end(node)
    gone(folder)


def listening(port: int) -> None:
    """Wait for the head."""
    until = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < until
        time.sleep(0.1)


def end(node: subprocess.Popen) -> None:
    """Kill a node as a power cut would: all of its processes at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(node.pid, signal.SIGKILL)
    node.wait(10)


def test_a_lost_nodes_questions_are_asked_of_the_other(nodes, tmp_path, monkeypatch):
    """Two of three workers go with their node; the one that is left answers the rest, and all is as here."""
    address, second = nodes
    model = f"scribe:{tmp_path}"
    there = subprocess.Popen(
        [*COMMAND, model, "--metrics", "template_gap", "--set", "rows=64", "--set", "pause=0.1", "--json",
         "--out", str(tmp_path / "runs"), "--engine", "ray", "--ray-address", address, "--workers", "3"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while len(scribe.asked(tmp_path)) < 3:
        assert there.poll() is None, there.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    end(second)
    said, told = there.communicate(timeout=90)
    assert there.returncode == 0, told
    document = json.loads(said)
    assert document["run"]["engine"]["workers"] == 3
    assert document["run"]["engine"]["replaced"] >= 2
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "fresh.sqlite"))
    options = {"extra": {"rows": 64}}
    local = plumbline.audit(model, metrics=["template_gap"], options=options)
    assert document["findings"] == json.loads(json.dumps(local.document()["findings"]))
