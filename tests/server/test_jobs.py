"""Audits from the form: real subprocesses, watched, stopped, failed, and followed to their run."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest
from stored import form_token

from plumbline.server import jobs as server_jobs
from plumbline.server.jobs import Jobs

ORIGIN = {"origin": "http://127.0.0.1:8000"}
# Ignores nothing: a process that says how far it is, as an audit does, until it is interrupted.
SLOW = """
import sys, time
print("subject:generate: 1,200 questions, 200 known already", file=sys.stderr, flush=True)
print("subject:generate: 600 of 1,200, about 7 s left", file=sys.stderr, flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped; answers so far are kept", file=sys.stderr, flush=True)
    sys.exit(130)
"""
DEAF = "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf', file=sys.stderr, flush=True)\ntime.sleep(60)\n"


@pytest.fixture(autouse=True)
def sources(monkeypatch):
    """The subprocess runs these very sources."""
    import plumbline

    monkeypatch.setenv("PYTHONPATH", str(Path(plumbline.__file__).parents[1]))


@pytest.fixture
def table(tmp_path):
    """Predictions of a classifier that hires one group more often."""
    lines = ["text,label,prediction,sex"]
    lines += [
        f"t{i},{i % 2},{int(i % 3 > 0 if i % 4 < 2 else i % 3 > 1)},{'f' if i % 4 < 2 else 'm'}"
        for i in range(400)
    ]
    path = tmp_path / "hired.csv"
    path.write_text("\n".join(lines))
    return path


def sent(client, **fields):
    """Send the form of this server."""
    return client.post("/audits", data={"form_token": form_token(client), **fields}, headers=ORIGIN)


def ended(client, job: str, seconds: float = 60) -> dict:
    """The status of an audit once it has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = client.get(f"/audits/{job}/status").json()
        if not got["alive"]:
            return got
        time.sleep(0.1)
    raise AssertionError(got)


def test_an_audit_is_started_watched_and_found(client_of, tmp_path, table):
    """The form starts it; its page shows the command and the end; its run is in the folder and on the first page."""
    folder = tmp_path / "new"
    folder.mkdir()
    client = client_of(folder)
    got = sent(
        client, model=f"table:{table}", metrics="group_rates", settings='groups=["sex"]', seed="5"
    )
    assert got.url.path.startswith("/audits/")
    assert "Running" in got.text or "Finished" in got.text
    end = ended(client, got.url.path.rpartition("/")[2])
    assert end["state"] == "finished", end["errors"]
    assert "plumbline audit" in end["command"]
    run = end["run"]
    assert (folder / run / "run.json").is_file()
    page = client.get(got.url.path).text
    assert f'href="/runs/{run}"' in page
    assert "seed 5" in client.get(f"/runs/{run}").text
    assert f'href="/runs/{run}"' in client.get("/").text
    assert run in client.get("/audits").text


def test_an_error_of_the_audit_is_shown(client, tmp_path):
    """A file that is not there: the exit code and the audit's own message, on its page."""
    got = sent(client, model=f"table:{tmp_path}/none.csv")
    end = ended(client, got.url.path.rpartition("/")[2])
    assert (end["state"], end["code"]) == ("failed", 2)
    assert "none.csv" in end["errors"]
    assert "It ended with an error" in client.get(got.url.path).text


def test_a_wrong_form_comes_back_with_its_values(client):
    """The field is marked, the message says what was wanted, and nothing was started."""
    got = sent(client, model="demo", metrics="wheat", system='<b>"hi"</b>')
    assert got.status_code == 422
    assert "weat" in got.text
    assert re.search(
        r'id="f-metrics"[^>]*value="wheat" aria-invalid="true" aria-describedby="fault-metrics',
        got.text,
    )
    assert "&lt;b&gt;&#34;hi&#34;&lt;/b&gt;</textarea>" in got.text
    assert "None yet" in client.get("/audits").text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"model=demo", "text/plain", 415), (b"{}", "application/json", 415), (b"--x", "multipart/form-data; boundary=x", 415),
        (b"a" * 300_000, "application/x-www-form-urlencoded", 413), (b"model=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400), (b"&".join(b"a%d=1" % i for i in range(99)), "application/x-www-form-urlencoded", 400),
        (b"model", "application/x-www-form-urlencoded", 400), (b"", "application/x-www-form-urlencoded", 403),
    ],
)  # fmt: skip
def test_what_is_not_a_form_is_refused(client, content, kind, status):
    """Another type, too long, too many fields, bytes that are no text: one line, and nothing is started."""
    got = client.post("/audits", content=content, headers={**ORIGIN, "content-type": kind})
    assert got.status_code == status
    assert "None yet" in client.get("/audits").text


def until_said(job, text: str) -> None:
    """Wait until a job has said something."""
    until = time.monotonic() + 20
    while text not in job.errors():
        assert time.monotonic() < until, job.errors()
        time.sleep(0.05)


def test_a_running_audit_shows_its_progress_and_can_be_stopped(client):
    """Pools from its own lines; the button interrupts it as Ctrl-C would."""
    made = client.app.app.state.dashboard.jobs
    job = made.start([sys.executable, "-c", SLOW], "demo")
    until_said(job, "left")
    found = client.get(f"/audits/{job.id}/status").json()
    assert found["pools"] == [
        {"what": "subject:generate", "total": 1200, "done": 600, "said": "about 7 s left"}
    ]
    assert found["state"] == "running"
    page = client.get(f"/audits/{job.id}").text
    assert '<noscript><meta http-equiv="refresh"' in page
    assert f'href="/audits/{job.id}"' in client.get("/").text
    assert (
        client.post(f"/audits/{job.id}/stop", headers=ORIGIN, data={"form_token": "x"}).status_code
        == 403
    )
    assert job.alive
    client.post(f"/audits/{job.id}/stop", headers=ORIGIN, data={"form_token": form_token(client)})
    end = ended(client, job.id)
    assert (end["state"], end["code"]) == ("stopped", 130)
    assert "answers so far are kept" in end["errors"]
    assert '<noscript><meta http-equiv="refresh"' not in client.get(f"/audits/{job.id}").text


def test_a_second_stop_ends_what_does_not_listen():
    """SIGINT first; SIGTERM for what ignores it; a third press on what has ended does nothing."""
    made = Jobs()
    job = made.start([sys.executable, "-c", DEAF], "demo")
    until_said(job, "deaf")
    job.stop()
    time.sleep(0.2)
    assert job.state == "stopping"
    job.stop()
    job.process.wait(10)
    job.stop()
    assert job.state == "stopped"
    made.close()


def test_at_most_two_run_at_a_time(client):
    """The third is refused with what to do; once one has ended there is room."""
    made = client.app.app.state.dashboard.jobs
    two = [made.start([sys.executable, "-c", SLOW], "demo") for _ in range(2)]
    got = sent(client, model="demo")
    assert got.status_code == 409
    assert "2 audits are running" in got.text
    for job in two:
        until_said(job, "left")
        job.stop()
        job.process.wait(10)
    third = made.start([sys.executable, "-c", "pass"], "demo")
    third.process.wait(10)
    assert third.state == "finished"


def test_when_the_server_ends_its_audits_end(monkeypatch):
    """Interrupted first, killed where they do not listen; their output goes with the server."""
    monkeypatch.setattr(server_jobs, "PATIENCE", 1.0)
    made = Jobs()
    polite, deaf = (made.start([sys.executable, "-c", code], "demo") for code in (SLOW, DEAF))
    until_said(polite, "left")
    until_said(deaf, "deaf")
    made.close()
    assert (polite.code, deaf.code) == (130, -9)
    assert not polite.folder.exists()


def test_the_token_of_the_server_is_not_given_to_audits(monkeypatch):
    """Its variable is left out of their environment; the others, keys among them, are there."""
    monkeypatch.setenv("PLUMBLINE_TOKEN", "a-token-of-a-test-0123456789")
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    made = Jobs()
    code = "import os; print(os.environ.get('PLUMBLINE_TOKEN'), os.environ.get('OPENAI_API_KEY'))"
    job = made.start([sys.executable, "-c", code], "demo")
    job.process.wait(10)
    assert job.output().split() == ["None", "a-key"]
    made.close()


def test_what_an_audit_says_is_clean_and_its_run_is_one_of_the_folder(client):
    """Escapes come out as signs; a run that it names elsewhere is not linked to."""
    made = client.app.app.state.dashboard.jobs
    code = "import sys; sys.stderr.write('\\x1b[31m<script>alert(1)</script>\\n'); print('run        /etc/../x/passwd')"
    job = made.start([sys.executable, "-c", code], "<script>")
    job.process.wait(10)
    found = client.get(f"/audits/{job.id}/status").json()
    assert "\x1b" not in found["errors"]
    assert found["run"] == ""
    page = client.get(f"/audits/{job.id}").text
    assert "<script>alert" not in page
    assert "passwd" not in page


def test_a_program_that_cannot_be_started_is_one_clear_error():
    """Not a traceback: what, and why."""
    from plumbline.core.errors import StoreError

    made = Jobs()
    with pytest.raises(StoreError, match="could not be started"):
        made.start(["/none/python"], "demo")
    made.close()


def test_the_module_is_the_command():
    """`python -m plumbline` is what the form starts."""
    import subprocess

    got = subprocess.run(
        [sys.executable, "-m", "plumbline", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert got.stdout.startswith("plumbline ")
