"""The key of a server reaches no disk, no log, no message: not even where the server says it back."""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import traceback
from pathlib import Path

import pytest

import plumbline
from plumbline.core import questions as ask
from plumbline.core.errors import PlumblineError
from plumbline.models.abilities import ModelOptions
from plumbline.models.openai_like import open_openai
from plumbline.report.exports.forms import export

KEY = "sk-canary-4711-0815-abcdefghijklmnop"
PART = KEY[:12]
QUICK = {"wait": 0.01, "retries": 1, "timeout": 5.0, "clients": 1, "in_flight": 2}


def _server():
    """The misbehaving server of the adapter's own tests."""
    path = Path(__file__).parents[1] / "models" / "bad_server.py"
    spec = importlib.util.spec_from_file_location("bad_server_of_keys", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bad = _server()
ECHOES = {
    "refused": lambda *_: bad.Reply(401, {"error": {"message": f"wrong key {KEY}"}}),
    "forbidden, late": lambda *_: bad.Reply(403, {"error": {"message": "x" * 280 + KEY}}),
    "too long": lambda *_: bad.Reply(400, {"error": {"message": f"maximum context length: {KEY}"}}),
    "wrong request": lambda *_: bad.Reply(400, {"error": {"message": f"no: {KEY}"}}),
    "not found": lambda *_: bad.Reply(404, f"<html>{'x' * 190}{KEY}</html>".encode()),
    "broken": lambda *_: bad.Reply(500, {"error": KEY}),
    "no quota": lambda *_: bad.Reply(429, {"error": {"message": KEY, "code": "insufficient_quota"}}),
    "reset": lambda *_: bad.Reply(reset=True),
    "not JSON": lambda *_: bad.Reply(body=f"{'x' * 110}{KEY}".encode()),
    "not an answer": lambda *_: bad.Reply(body={"choices": [{"text": [KEY]}], KEY: KEY}),
    "escaped": lambda *_: bad.Reply(body=json.dumps({"error": KEY}).replace("sk-", "\\u0073k-").encode()),
    "redirect": lambda *_: bad.Reply(302, KEY.encode()),
}  # fmt: skip


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """The canary where the key is looked for."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("PLUMBLINE_API_KEY", raising=False)


@pytest.mark.parametrize("how", ECHOES)
def test_no_failure_tells_the_key(how, caplog):
    """Every way to fail: message, causes, traceback, repr, and all logs at their most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    with bad.serving(ECHOES[how]) as (url, seen):
        adapter = open_openai(f"toy@{url}", ModelOptions(extra=QUICK))
        batch = ask.generate(["one"], decoding=ask.Decoding(max_tokens=5))
        said = [repr(adapter), repr(adapter.client), json.dumps(adapter.about())]
        try:
            said += [json.dumps(a.pack(0)) for _, a in adapter.answer(batch)]
        except PlumblineError as error:
            said += traceback.format_exception(error)
            while error is not None:
                said += [str(error), repr(error), repr(error.args)]
                error = error.__cause__ or error.__context__
        adapter.close()
    assert seen.keys[:1] in ([], [f"Bearer {KEY}"])
    assert len(said) > 3
    for text in (*said, caplog.text):
        assert PART not in text


def test_no_file_of_an_audit_holds_the_key(monkeypatch, tmp_path, capfd):
    """A server that says the key back in every answer: run, cache, report, exports, output."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))
    with bad.serving(lambda *_: bad.chat(f"A good day. {KEY} And thanks.")) as (url, seen):
        run = plumbline.audit(
            f"openai:toy@{url}", metrics=("counterfactual_sentiment",), out=tmp_path / "runs",
            options={"extra": QUICK}, max_requests=20_000,
        )  # fmt: skip
    assert len(seen.payloads) > 50
    from plumbline.report import html

    html.write(run, tmp_path / "report.html")
    for form in ("csv", "parquet"):
        export(run, form, tmp_path / form)
    texts = [str(export(run, form)) for form in ("md", "json", "model-card", "technical-file")]
    print(run, *texts)
    out, err = capfd.readouterr()
    assert PART not in out + err
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) >= 8
    assert [p.name for p in files if PART.encode() in p.read_bytes()] == []
    spoken = json.loads(run.answers()["answer"][0])[0]
    assert spoken == "A good day. [key] And thanks."


def test_the_command_line_tells_no_key(invoke, tmp_path):
    """A refused key is one message; nothing is left in the folder that holds it."""
    with bad.serving(ECHOES["refused"]) as (url, _):
        got = invoke(
            "audit", f"openai:toy@{url}", "--metrics", "counterfactual_sentiment", "--out", "runs", "--set", "retries=0", "--json",
        )  # fmt: skip
    assert got.exit_code == 2
    assert "OPENAI_API_KEY" in got.stderr
    assert PART not in got.stdout + got.stderr
    assert [p for p in tmp_path.rglob("*") if p.is_file() and PART.encode() in p.read_bytes()] == []


def test_a_word_that_stands_for_no_key_is_left_in_answers(monkeypatch):
    """`EMPTY`, as local servers want it, is no secret: answers that hold it stay as they are."""
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    with bad.serving(lambda *_: bad.chat("The box is EMPTY.")) as (url, _):
        adapter = open_openai(f"toy@{url}", ModelOptions(extra=QUICK))
        batch = ask.generate(["one"], decoding=ask.Decoding(max_tokens=5))
        ((_, answers),) = adapter.answer(batch)
        adapter.close()
    assert list(answers.texts) == ["The box is EMPTY."]
