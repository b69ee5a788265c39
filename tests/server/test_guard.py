"""Who may ask what: hosts, token, origin, headers."""

from __future__ import annotations

import re

import pytest
from stored import form_token

from plumbline.core.errors import BadInput
from plumbline.server import guard
from plumbline.server.guard import Access, is_loopback
from plumbline.server.serve import access_for, address

TOKEN = "a-token-of-a-test-0123456789"
OPEN = Access(host="0.0.0.0", token=TOKEN, names=frozenset({"audits.example.org"}))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8000", True), ("localhost", True), ("localhost:9999", True), ("[::1]:8000", True), ("LOCALHOST", True),
        ("localhost.", True), ("evil.example.org", False), ("127.0.0.1.evil.org:8000", False), ("10.0.0.5", False), ("", False),
        ("localhost@evil.org", False), ("localhost/x", False), ("[::1", False), ("localhost:x", False), ("0.0.0.0", False),
        ("localhost evil", False), ("\xe9", False),
    ],
)  # fmt: skip
def test_on_loopback_only_names_of_loopback_are_answered(host, allowed):
    """A name that somebody points at this machine is refused, whatever the port."""
    assert Access().allows(host) is allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("10.0.0.5:8000", True), ("[fe80::1]", True), ("audits.example.org", True), ("AUDITS.example.org:443", True),
        ("localhost", True), ("evil.example.org", False), ("example.org", False), ("audits.example.org.evil.org", False),
    ],
)  # fmt: skip
def test_where_others_reach_it_addresses_and_given_names_are_answered(host, allowed):
    """A literal address cannot be rebound; a name is answered only where it was given."""
    assert OPEN.allows(host) is allowed


def test_a_foreign_host_sees_nothing(client):
    """Pages, files of the server and forms alike."""
    for path in ("/", "/runs/day-1", "/static/dashboard.css", "/compare"):
        got = client.get(path, headers={"host": "evil.example.org"})
        assert got.status_code == 421
        assert "day-1" not in got.text
    assert client.post("/audits", headers={"host": "evil.example.org"}).status_code == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org"])
def test_no_other_address_without_a_token(host):
    """Without one there is no such access; the command line makes one."""
    with pytest.raises(BadInput, match="needs a token"):
        Access(host=host)
    assert len(access_for(host, "", []).token) >= 40
    assert access_for(host, "", []).token != access_for(host, "", []).token


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_needs_none_but_takes_one(host):
    """By default anybody on the machine; with a token only who has it."""
    assert is_loopback(host)
    assert access_for(host, "", []).token == ""
    assert access_for(host, TOKEN, []).token == TOKEN


@pytest.mark.parametrize(
    "token",
    [
        "short",
        "0123456789abcde",
        "with a blank 0123456789",
        "k\xe9y-0123456789abcdef",
        "x" * 16 + "\n",
    ],
)
def test_a_token_that_is_weak_or_cannot_travel_is_refused(token):
    """At least 16 signs that fit into a cookie and a header."""
    with pytest.raises(BadInput, match="at least 16"):
        Access(token=token)


def test_with_a_token_nothing_is_shown_without_it(client_of, folder):
    """Every address answers 401 and tells how to get in, files of the server too."""
    client = client_of(folder, OPEN)
    for path in ("/", "/runs/day-1", "/static/dashboard.js", "/audits/new", "/nothing"):
        got = client.get(path)
        assert got.status_code == 401
        assert "day-1" not in got.text
        assert TOKEN not in got.text
    assert client.post("/audits", headers={"origin": "http://127.0.0.1:8000"}).status_code == 401


def test_the_printed_address_lets_a_browser_in(client_of, folder):
    """The token goes into a cookie that no script reads, and out of the address."""
    client = client_of(folder, OPEN, follow_redirects=False)
    got = client.get(f"/runs/day-1?verdict=leans&token={TOKEN}")
    assert got.status_code == 303
    assert got.headers["location"] == "/runs/day-1?verdict=leans"
    assert re.search(r"HttpOnly", got.headers["set-cookie"])
    assert re.search(r"SameSite=lax", got.headers["set-cookie"])
    assert client.get(got.headers["location"]).status_code == 200
    assert address(OPEN, 8000) == f"http://0.0.0.0:8000/?token={TOKEN}"
    assert address(Access(host="::1"), 80) == "http://[::1]:80/"


def test_a_redirect_never_leaves_the_server(client_of, folder):
    """An address with two slashes or a backslash is still one of this server."""
    client = client_of(folder, OPEN, follow_redirects=False)
    for path in (
        "//evil.example.org/",
        "/\\evil.example.org",
        "/%2F%2Fevil.example.org",
        "/%5Cevil.example.org",
    ):
        got = client.get(f"http://127.0.0.1:8000{path}?token={TOKEN}")
        assert got.status_code == 303
        assert re.match(r"/(?![/\\])", got.headers["location"])


def test_a_program_sends_the_token_as_bearer(client_of, folder):
    """And a wrong one, or one under another scheme, is refused."""
    client = client_of(folder, OPEN)
    said = {
        f"Bearer {TOKEN}": 200, f"bearer {TOKEN}": 200, f"Bearer {TOKEN}x": 401, "Bearer ": 401, "Bearer": 401,
        f"Basic {TOKEN}": 401, TOKEN: 401,
    }  # fmt: skip
    for header, status in said.items():
        assert client.get("/", headers={"authorization": header}).status_code == status, header


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\xe9", "%00"])
def test_a_wrong_token_is_refused_everywhere(client_of, folder, wrong):
    """In the address, in the cookie, and with any bytes in it."""
    client = client_of(folder, OPEN, follow_redirects=False)
    assert client.get("/", params={"token": wrong}).status_code == 401
    cookie = f"{OPEN.cookie}={wrong}".encode("latin-1")
    assert client.get("/", headers={"cookie": cookie}).status_code == 401
    assert client.get("/", headers={"cookie": b"=;;\xff=\x00" + cookie}).status_code == 401


def test_tokens_are_compared_in_constant_time(client_of, folder, monkeypatch):
    """Every comparison of a token goes through `hmac.compare_digest`, on whole values."""
    seen = []

    def spy(a, b):
        seen.append((a, b))
        return False

    client = client_of(folder, OPEN)
    monkeypatch.setattr(guard.hmac, "compare_digest", spy)
    right = {"authorization": f"Bearer {TOKEN}", "cookie": f"{OPEN.cookie}={TOKEN}"}
    assert client.get("/", headers=right).status_code == 401
    assert client.get(f"/?token={TOKEN}").status_code == 401
    assert seen == [(TOKEN.encode(), TOKEN.encode())] * 3


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example.org"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "http://127.0.0.1:8000.evil.org"},
        {"origin": "ftp://127.0.0.1:8000"},
        {"origin": "http://[::1"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example.org"},
    ],
)
def test_forms_of_other_pages_change_nothing(client, headers):
    """What a browser says about where a form stood must be this server, even with the form's token."""
    token = form_token(client)
    got = client.post("/audits", data={"form_token": token, "model": "demo"}, headers=headers)
    assert got.status_code == 403
    assert "None yet" in client.get("/audits").text


@pytest.mark.parametrize(
    "headers", [{"origin": "http://127.0.0.1:8000"}, {"sec-fetch-site": "same-origin"}]
)
def test_a_form_needs_its_token_too(client, headers):
    """Same origin alone is not enough; and with both the form is read."""
    for token in ("", "x", form_token(client)[:-1]):
        got = client.post("/audits", data={"form_token": token, "model": "demo"}, headers=headers)
        assert got.status_code == 403
    got = client.post(
        "/audits", data={"form_token": form_token(client), "model": ""}, headers=headers
    )
    assert got.status_code == 422


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(client, method):
    """Only what reads, and POST."""
    assert (
        client.request(method, "/", headers={"origin": "http://127.0.0.1:8000"}).status_code == 405
    )


def test_reading_changes_nothing(client):
    """Addresses that change something are not answered to GET."""
    assert client.get("/audits/abc/stop").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/runs/day-1",
        "/runs/none",
        "/static/dashboard.js",
        "/audits/new",
        "/static/none",
        "/none",
    ],
)
def test_every_reply_has_the_headers(client, path):
    """Pages, files and errors: a strict policy, no frames, no guessing, no addresses given away."""
    got = client.get(path)
    policy = dict(
        part.strip().split(" ", 1) for part in got.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "same-origin"
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["x-frame-options"] == "DENY"


def test_a_failure_inside_has_the_headers_and_tells_nothing(client_of, folder, monkeypatch):
    """An error of the program is a plain 500 without a traceback, under the same policy."""
    from plumbline.server import summaries

    client = client_of(folder, raise_server_exceptions=False)
    monkeypatch.setattr(summaries.Shelf, "summaries", lambda _: 1 / 0)
    got = client.get("/")
    assert got.status_code == 500
    assert "ZeroDivision" not in got.text
    assert got.headers["content-security-policy"].startswith("default-src 'none'")


def test_refusals_have_the_headers(client_of, folder):
    """A wrong host and a missing token too."""
    for got in (
        client_of(folder).get("/", headers={"host": "x"}),
        client_of(folder, OPEN).get("/"),
    ):
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in got.headers["content-security-policy"]
