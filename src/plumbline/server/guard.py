"""Who may ask what: allowed hosts, a token, same-origin changes, and headers on every reply.

The guard stands before all routes, so that no page can forget it. What each part is against:

- Host names: a page of somebody else whose name is made to resolve to this machine (DNS rebinding).
- Token: anybody else who can reach the port.
- Origin and form token: a page of somebody else that makes the reader's browser send a form here.
- Headers: a script in a model's answer, a frame around the dashboard, a guessed content type.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plumbline.core.errors import BadInput

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE = frozenset({"GET", "HEAD"})
SHORTEST = 16  # characters of a token that somebody chose
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,}")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: browsers would send forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def new_token() -> str:
    """A token that nobody guesses: 256 random bits."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may ask.

    Args:
        host: Address that the server listens on.
        token: What a reader must have; "" for anybody who reaches a loopback address.
        names: Further names under which browsers reach the server.
        form_token: What every form carries.

    Raises:
        BadInput: A token that is too short, or none where others can reach the server.
    """

    host: str = "127.0.0.1"
    token: str = ""
    names: frozenset[str] = frozenset()
    form_token: str = field(default_factory=new_token)

    def __post_init__(self) -> None:
        if self.token and not _TOKEN.fullmatch(self.token):
            raise BadInput(
                f"a token has at least {SHORTEST} letters, digits or signs of -._~; got "
                f"{len(self.token)} characters. Leave it out to have one made"
            )
        if not self.token and not is_loopback(self.host):
            raise BadInput(f"listening on {self.host} needs a token: others can reach it")

    @property
    def cookie(self) -> str:
        """Name of the cookie: cookies know no ports, and two servers of a machine are told apart."""
        return f"plumbline-{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"

    def allows(self, host: str) -> bool:
        """Whether a Host header names this server.

        Names are rebound, addresses cannot be: on an address that others reach, any literal
        address will do, and a name only if it was given.
        """
        name = _host_name(host)
        if name is None:
            return False
        if name in LOOPBACK or name in self.names or name == self.host.lower():
            return True
        return not is_loopback(self.host) and _is_address(name)

    def knows(self, given: str) -> bool:
        """Whether this is the token; takes as long for a near miss as for a far one."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def accepts(self, form_token: str) -> bool:
        """Whether a form was made by this server."""
        return hmac.compare_digest(form_token.encode("utf-8", "replace"), self.form_token.encode())


class Guard:
    """ASGI middleware that lets through what `Access` allows.

    Args:
        app: What is guarded.
        access: Who may ask.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of the application where something is wrong."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["type"] != "http":
            return  # no websocket is spoken here; the server closes it
        refusal = self.refusal(scope)
        await (self.app if refusal is None else refusal)(scope, receive, guarded)

    def refusal(self, scope: Scope) -> Response | None:
        """What is answered to a request that may not pass; None for one that may."""
        headers = Headers(scope=scope)
        if (answer := self._misaddressed(scope, headers)) is not None:
            return answer
        if self.access.token and (answer := self._token(scope, headers)) is not None:
            return answer
        if scope["method"] in SAFE:
            return None
        if scope["method"] != "POST":
            return PlainTextResponse("Only GET, HEAD and POST are answered.\n", 405)
        if not same_origin(headers):
            return PlainTextResponse("A form of another page is not accepted.\n", 403)
        return None

    def _misaddressed(self, scope: Scope, headers: Headers) -> Response | None:
        if not self.access.allows(headers.get("host", "")):
            return PlainTextResponse("This server is not known by that name.\n", 421)
        if not scope["query_string"].isascii():
            # Starlette reads it as UTF-8; browsers send everything else with percent signs.
            return PlainTextResponse("An address has ASCII signs only; write others as %XX.\n", 400)
        return None

    def _token(self, scope: Scope, headers: Headers) -> Response | None:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if scope["method"] in SAFE and "token" in query:
            if not self.access.knows(query.pop("token")):
                return self._unknown()
            # The address without the token, so that it stays out of the history and of links.
            left = f"?{urlencode(query)}" if query else ""
            answer = RedirectResponse(f"/{scope['path'].lstrip('/')}{left}", 303)
            answer.set_cookie(
                self.access.cookie, self.access.token, httponly=True, samesite="lax", path="/"
            )
            return answer
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.access.knows(bearer.strip()):
            return None
        if any(self.access.knows(value) for value in _cookies(headers, self.access.cookie)):
            return None
        return self._unknown()

    def _unknown(self) -> Response:
        text = (
            "A token is needed: open the address that the server printed when it started, "
            "or send it as `Authorization: Bearer TOKEN`.\n"
        )
        return PlainTextResponse(text, 401, {"WWW-Authenticate": 'Bearer realm="plumbline"'})


def same_origin(headers: Headers) -> bool:
    """Whether the browser says that a page of this server sent the request.

    A request that says nothing (no browser of the last years does) is refused.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return True
    try:
        got = urlsplit(origin)
    except ValueError:
        return False
    return got.scheme in {"http", "https"} and got.netloc.lower() == headers["host"].lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(header: str) -> str | None:
    """The name in a Host header, without its port; None where it is none."""
    try:
        got = urlsplit(f"//{header}")
        _ = got.port  # raises where it is not a number
    except ValueError:
        return None
    plain = got.netloc == header and not got.username and not got.path and header.isascii()
    return got.hostname.rstrip(".") if plain and got.hostname else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookies(headers: Headers, name: str) -> Iterable[str]:
    for line in headers.getlist("cookie"):
        try:
            jar = SimpleCookie(line)
        except CookieError:
            continue
        if name in jar:
            yield jar[name].value
