"""The verb: what it prints, what it refuses, and a real server on a real port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from plumbline.cli.main import main


def started(folder: Path, *more: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """A server as a process, and the address that it printed."""
    import plumbline

    process = subprocess.Popen(
        [sys.executable, "-m", "plumbline", "serve", str(folder), "--port", "0", *more], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(plumbline.__file__).parents[1]), **environment},
    )  # fmt: skip
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("http://"):
            return process, line.strip()
    raise AssertionError(said)


def test_a_server_answers_until_it_is_interrupted(folder):
    """On a free port of this machine only; Ctrl-C ends it without a traceback."""
    process, address = started(folder)
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        got = httpx2.get(address)
        assert got.status_code == 200
        assert "day-3" in got.text
        assert "server" not in got.headers
        port = int(address.rpartition(":")[2].strip("/"))
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=2)
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=20)[1]
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert rest.strip().endswith("ended")


def test_another_address_prints_a_token_once_and_asks_for_it(folder):
    """Made anew at each start; the address with it lets a browser in, the one without does not."""
    process, address = started(folder, "--host", "0.0.0.0")
    try:
        port = re.search(r":(\d+)/", address)[1]
        token = re.fullmatch(r"http://0\.0\.0\.0:\d+/\?token=([\w-]{40,})", address)[1]
        assert httpx2.get(f"http://127.0.0.1:{port}/").status_code == 401
        assert (
            httpx2.get(
                f"http://127.0.0.1:{port}/", headers={"authorization": f"Bearer {token}"}
            ).status_code
            == 200
        )
        with httpx2.Client(follow_redirects=True) as browser:
            assert "day-3" in browser.get(f"http://127.0.0.1:{port}/?token={token}").text
            assert "day-3" in browser.get(f"http://127.0.0.1:{port}/").text
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=20)[1]
    assert token not in rest


def test_a_token_may_come_from_the_environment(folder):
    """`PLUMBLINE_TOKEN` is asked for on loopback too."""
    token = "a-token-of-a-test-0123456789"
    process, address = started(folder, PLUMBLINE_TOKEN=token)
    try:
        assert address.endswith(f"?token={token}")
        assert httpx2.get(address.partition("?")[0]).status_code == 401
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["none"], "there is no folder of runs none"),
        (
            [".", "--host", "no.such.host.invalid", "--token", "x" * 20],
            "cannot listen on no.such.host.invalid",
        ),
        ([".", "--token", "short"], "at least 16"),
        ([".", "--port", "99999"], "99999"),
    ],
)
def test_what_cannot_be_served_is_explained(args, said, tmp_path, monkeypatch):
    """Exit code 2 and one message."""
    monkeypatch.chdir(tmp_path)
    got = CliRunner().invoke(main, ["serve", *args])
    assert got.exit_code == 2
    assert said in got.stderr


def test_a_port_in_use_is_explained(tmp_path):
    """It says which, and how to take another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        got = CliRunner().invoke(
            main, ["serve", str(tmp_path), "--port", str(taken.getsockname()[1])]
        )
    assert got.exit_code == 2
    assert "--port 0" in got.stderr


def test_without_the_extra_the_verb_says_how_to_get_it(tmp_path, monkeypatch):
    """The pip line."""
    from plumbline.cli import serve

    monkeypatch.setattr(serve, "find_spec", lambda _: None)
    got = CliRunner().invoke(main, ["serve", str(tmp_path)])
    assert got.exit_code == 2
    assert 'pip install "plumbline[serve]"' in got.stderr


def test_help_loads_no_web_framework():
    """`plumbline serve --help` imports neither Starlette nor pydantic nor DuckDB."""
    code = (
        "import sys\nfrom plumbline.cli.main import main\n"
        "try:\n    main(['serve', '--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"starlette", "uvicorn", "pydantic", "duckdb", "numpy"} & {
        m.partition(".")[0] for m in got.stderr.split()
    }
