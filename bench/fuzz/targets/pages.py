"""Requests to the dashboard: method, path, query, headers and body, straight into the application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import made_run
from target import Target

SECRET = "the-secret-outside-of-the-folder"
FORM_TOKEN = "the-form-token-of-the-fuzzer"
HEADS = b"Host: 127.0.0.1:8000\nOrigin: http://127.0.0.1:8000\nContent-Type: application/x-www-form-urlencoded\n"


def request(line: bytes, body: bytes = b"", heads: bytes = HEADS) -> bytes:
    """A request in the shape that the target reads."""
    return line + b"\n" + heads + b"\n" + body


PATHS = [b"/", b"/runs/run", b"/runs/run/figures", b"/runs/run/findings/0?order=far", b"/runs/run/answers?text=a&after=0&metric=weat&state=answered", b"/runs/run?verdict=leans&page=1", b"/compare?a=run&b=copy", b"/history?plan=0&level=.5", b"/audits", b"/audits/new?model=demo", b"/audits/abc", b"/audits/abc/status", b"/static/dashboard.js", b"/static/..%2fapp.py", b"/runs/..%2f..%2fsecret"]  # fmt: skip
BODY = f"form_token={FORM_TOKEN}&model=demo&suite=quick&seed=1&metrics=weat&settings=a%3D1&margins=rate%3D.1&params=weat.tests%3D1".encode()
WORDS = [b"..%2f", b"..%5c", b"%2e%2e/", b"%252e", b"%00", b"\\", b"//", b"%c0%af", b"GET ", b"POST ", b"HEAD ", b"Host: evil.example.org\n", b"Sec-Fetch-Site: cross-site\n", b"Origin: null\n", b"Range: bytes=0-1,5-\n", b"If-Modified-Since: x\n", b"form_token=", b"page=", b"after=", b"before=", b"-1", b"9" * 12, b"%ff", b"&&", b"=", b"secret", b"order=", b"text=", b"%27", b"%22", b"'; drop"]  # fmt: skip


def _make(folder: Path) -> Callable[[bytes], object]:
    from plumbline.core.errors import BadInput
    from plumbline.server.app import application
    from plumbline.server.guard import Access
    from plumbline.server.jobs import Jobs

    (folder / "secret").write_text(SECRET, "utf-8")
    made_run.write(folder / "runs" / "run")
    made_run.write(folder / "runs" / "copy")
    access = Access(form_token=FORM_TOKEN)

    def refused(*_: Any) -> None:
        raise BadInput("the fuzzer starts no audits")

    Jobs.start = refused  # type: ignore[assignment, method-assign]
    app, runner = application(folder / "runs", access), asyncio.Runner()

    def one(data: bytes) -> int:
        scope, body = _scope(data)
        status, heads, text = runner.run(_asked(app, scope, body))
        _check(access, scope, status, heads, text)
        return status

    return one


def _scope(data: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, body = data.partition(b"\n\n")
    line, *rest = head.split(b"\n")
    method, _, target = line.partition(b" ")
    path, _, query = target.partition(b"?")
    pairs = [r.partition(b":") for r in rest if b":" in r]
    heads = [(n.strip().lower(), v.strip()) for n, _, v in pairs]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": method.decode("latin-1").upper() or "GET", "path": unquote(path.decode("latin-1")) or "/",
        "raw_path": path, "query_string": query, "headers": heads, "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8000),
    }, body  # fmt: skip


async def _asked(app: Any, scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    got: list[Any] = []
    sent = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(sent, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        got.append(message)

    await app(scope, receive, send)
    heads = {n.decode().lower(): v.decode("latin-1") for n, v in got[0]["headers"]}
    return got[0]["status"], heads, b"".join(m.get("body", b"") for m in got[1:])


def _check(
    access: Any, scope: dict[str, Any], status: int, heads: dict[str, str], text: bytes
) -> None:
    hosts = [v.decode("latin-1") for n, v in scope["headers"] if n == b"host"]
    assert status < 500, f"status {status}"
    assert SECRET.encode() not in text, "a file outside of the folder was sent"
    assert heads["content-security-policy"].startswith("default-src 'none'")
    if not access.allows(hosts[0] if hosts else ""):
        assert status == 421, f"a foreign host got {status}"
    if scope["method"] not in {"GET", "HEAD", "POST"}:
        assert status in {400, 405, 421}, f"{scope['method']} got {status}"


TARGETS = [
    Target(name="server", make=_make, seeds=[request(b"GET " + p) for p in PATHS] + [request(b"POST /audits", BODY), request(b"POST /audits/abc/stop", BODY)], words=WORDS, share=0.3),
]  # fmt: skip
