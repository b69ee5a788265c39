"""Requests that no page of the dashboard makes: encoded paths, odd queries, large bodies, mixed methods."""

from __future__ import annotations

import pytest
from stored import form_token

ORIGIN = {"origin": "http://127.0.0.1:8000"}
SECRET = "the-secret-outside"


@pytest.fixture
def beside(folder):
    """Something to reach for, beside the folder of runs and beside the program's own pages."""
    (folder.parent / "secret").write_text(SECRET, "utf-8")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "run.json").write_text(SECRET, "utf-8")
    return folder


UPWARD = ["..", "%2e%2e", "%252e%252e", "..%2f", "..%5c", "%2e%2e%2f", "..%252f", "....//", "..%00", "%c0%ae%c0%ae", "..;", "\\..", "%u002e%u002e"]  # fmt: skip


@pytest.mark.parametrize("up", UPWARD)
def test_no_path_leads_out(beside, client_of, up):
    """Dots and slashes of every spelling, below every address that holds a name."""
    client = client_of(beside)
    for path in (f"/runs/{up}/secret", f"/runs/{up}%2fsecret", f"/runs/day-1/{up}/{up}/secret", f"/static/{up}/{up}/app.py", f"/static/{up}%2fapp.py", f"/audits/{up}%2fsecret", "/runs/.hidden", "/runs/%2ehidden"):  # fmt: skip
        got = client.get(path)
        assert got.status_code in {404, 405}, path
        assert SECRET not in got.text
        assert "from starlette" not in got.text


@pytest.mark.parametrize(
    "query",
    [
        b"state=\xff\xfe", b"text=%ff%fe", b"text=%00", b"page=-1", b"page=99999999999999999999", b"page=1e3", b"page=\xd9\xa1", b"after=0&before=0",
        b"after=9223372036854775808", b"order=drop table", b"text=%27%29%20or%201=1--", b"metric=%22", b"&&&==&", b"verdict=" + b"x" * 3000, b"a" * 60_000,
        b"=" * 5000, b"text=%F0%9F%92%A9", b"a=1;b=2", b"level=nan", b"plan=-1",
    ],
    ids=lambda q: q[:24].decode("latin-1"),
)  # fmt: skip
def test_no_query_is_an_error_of_the_program(client, query):
    """A page, or one that says what is wrong; never a failure inside."""
    for path in ("/", "/runs/day-1", "/runs/day-1/findings/0", "/runs/day-1/answers", "/compare", "/history", "/audits/new"):  # fmt: skip
        got = client.get(f"http://127.0.0.1:8000{path}?{query.decode('latin-1')}")
        assert got.status_code in {200, 400, 404, 422}, (path, got.status_code)


def test_a_query_that_is_no_ascii_is_refused(client_of, folder):
    """Such bytes come from no browser; they once ended in a failure inside."""
    from plumbline.server.app import application
    from plumbline.server.guard import Access

    app = application(folder, Access())
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"a=\x8b", "headers": [(b"host", b"localhost")], "http_version": "1.1", "scheme": "http", "root_path": "", "client": None, "server": None}  # fmt: skip
    sent = []

    async def send(message):
        sent.append(message)

    import asyncio

    asyncio.run(app(scope, None, send))
    assert sent[0]["status"] == 400


@pytest.mark.parametrize("method", ["get", "Post", "GET POST", "CONNECT", "PROPFIND", "X" * 300])
def test_methods_are_not_mixed_up(client, method):
    """A word that is nearly GET or POST is neither, and none changes anything."""
    got = client.request(method, "/audits", headers=ORIGIN)
    assert got.status_code in {200, 403, 405, 415}
    assert "None yet" in client.get("/audits").text


def test_a_method_in_a_header_or_a_field_is_not_taken(client):
    """Neither an override header nor a `_method` field turns a reading request into a changing one."""
    for headers in ({"x-http-method-override": "POST"}, {"x-method-override": "POST"}):
        assert client.get("/audits", headers={**ORIGIN, **headers}).status_code == 200
    assert client.get("/audits?_method=POST&model=demo").status_code == 200
    assert "None yet" in client.get("/audits").text


def test_large_bodies_are_cut_off(client):
    """A form above its limit is refused while it is read, whatever length it announced."""
    token = form_token(client)
    body = f"form_token={token}&model=demo&system=".encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    read = []

    def endless():
        yield body
        for _ in range(1000):
            read.append(1)
            yield b"x" * 100_000

    assert client.post("/audits", content=body + b"x" * 300_000, headers={**ORIGIN, **kind}).status_code == 413  # fmt: skip
    assert client.post("/audits", content=endless(), headers={**ORIGIN, **kind}).status_code == 413
    assert "None yet" in client.get("/audits").text


@pytest.mark.parametrize("fields", [60, 5000])
def test_many_fields_are_refused(client, fields):
    """A form has a few fields; thousands are no form."""
    body = f"form_token={form_token(client)}&" + "&".join(f"a{i}=1" for i in range(fields))
    got = client.post(
        "/audits", content=body, headers={**ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    )  # fmt: skip
    assert got.status_code in {400, 422}
    assert "None yet" in client.get("/audits").text


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-host": "evil.example.org"}, {"forwarded": "host=evil.example.org"}, {"x-original-url": "/runs/day-2"}, {"x-rewrite-url": "/runs/day-2"},
        {"x-forwarded-for": "10.0.0.1"},
    ],
)  # fmt: skip
def test_headers_of_proxies_change_nothing(client, headers):
    """The page is that of the address, and no header names another host in it."""
    got = client.get("/runs/day-1", headers=headers)
    assert got.status_code == 200
    assert "evil.example.org" not in got.text
    assert got.text == client.get("/runs/day-1").text


def test_two_host_headers_do_not_let_a_foreign_name_in(client_of, folder):
    """The first is read and must be ours; a list in one header is no name."""
    client = client_of(folder)
    for host in ("evil.example.org, 127.0.0.1:8000", "127.0.0.1:8000, evil.example.org", "127.0.0.1:8000#@evil.org", "127.0.0.1:8000\tx"):  # fmt: skip
        assert client.get("/", headers={"host": host}).status_code == 421
    got = client.get("/", headers=[("host", "evil.example.org"), ("host", "127.0.0.1:8000")])
    assert got.status_code == 421
