"""Many requests to one OpenAI-compatible server: sharded clients, pace, retries, one clear error.

Requests are spread over several clients with a few in flight each (`Transport`). Nothing here
knows what the replies mean: `read` turns a reply's JSON into a result, or raises `Garbled`, which
counts as a failed try.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from plumbline.core.errors import BadAnswer, BadInput, SubjectError, Unreachable
from plumbline.core.json_text import parse
from plumbline.models.arrivals import Arrivals
from plumbline.models.loop_thread import LoopThread
from plumbline.models.rate_limit import RateLimit, backoff, http_date, retry_after
from plumbline.models.transport import LOCAL, Transport, trust_of

if TYPE_CHECKING:
    import ssl

    import httpx2

T = TypeVar("T")
AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses after which the same request may succeed later."""
_BUSY: Final = "Try again later, or lower the load (clients, in_flight, per_minute)."
_ABSENT: Final = "It never answered: check that a server listens at this address."
_STRANGER: Final = (
    "The server does not prove who it is: check the address, or name the file of an authority of your own "
    "in SSL_CERT_FILE."
)
_QUOTED: Final = 20_000
"""Characters of a reply that are looked at for a message."""
_SECRET: Final = 12
"""Characters from which on a key can be a secret."""


class Garbled(Exception):
    """A reply that is not what the interface promises."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request: the row it answers, the path below the base URL, and the JSON to send."""

    row: int
    path: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Again:
    """A failed try: what came, how long the server wants us to wait, and which error it ends in."""

    trouble: str
    wait: float | None = None
    error: type[SubjectError] = Unreachable


class OpenAIClient:
    """Sends jobs and yields results as they arrive; the key stays inside.

    Args:
        base_url: Address up to and with `/v1`.
        key: Sent as a bearer token; "" sends none.
        transport: See `Transport`.
        row_status: Reads a 400 reply's JSON: the status of a row that this server will never
            answer (too long, filtered), or "" where the whole request was wrong.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        transport: Transport | None = None,
        *,
        row_status: Callable[[Any], str] = lambda _: "",
    ) -> None:
        self.base_url = checked_url(base_url)
        self.requests = 0
        self.transport = transport or Transport()
        self._key = _checked_key(key)
        self._row_status = row_status
        self._pace = RateLimit(self.transport.per_minute)
        self._rng = random.Random()
        self._loop = LoopThread("plumbline-openai")
        self._https: list[tuple[httpx2.AsyncClient, asyncio.Semaphore]] = []
        self._met = False

    def ask(
        self, jobs: Sequence[Job], read: Callable[[Job, Any], T], status: Callable[[str], T]
    ) -> Iterator[list[tuple[int, T]]]:
        """Send all jobs; yield lists of (row, result) in the order of arrival.

        May be called from several threads at once: the calls share the clients, their limit of
        requests in flight, and the pace.

        Args:
            jobs: The requests.
            read: Makes a result of a reply's JSON; raises `Garbled` for a reply that is not one.
            status: Makes a result of a row status.

        Raises:
            Unreachable: The server is not there, refused the key, or kept failing.
            BadAnswer: It kept sending what is not an answer, or refuses such requests.
        """
        arrived: Arrivals[T] = Arrivals()
        work = _Work(iter(jobs), read, status, arrived)
        done = self._loop.submit(self._all(work))
        try:
            yield from arrived.until(done)
        except KeyboardInterrupt:
            # What is already here was paid for: hand it over before stopping.
            done.cancel()
            if rest := arrived.drain():
                yield rest
            raise
        finally:
            done.cancel()
        if not done.cancelled():
            done.result()

    def close(self) -> None:
        """Close all connections; idempotent."""
        # First the requests: one that is still connecting would open what nobody closes.
        self._loop.settle()
        if self._https:
            https, self._https = self._https, []
            self._loop.submit(_close([http for http, _ in https])).result()
        self._loop.close()

    async def _all(self, work: _Work[T]) -> None:
        if not self._https:
            trust = trust_of(self.base_url)
            self._https = [
                (self._client(trust), asyncio.Semaphore(self.transport.in_flight))
                for _ in range(self.transport.clients)
            ]
        workers = [
            self._worker(http, slots, work)
            for http, slots in self._https
            for _ in range(self.transport.in_flight)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    def _client(self, trust: ssl.SSLContext) -> httpx2.AsyncClient:
        import httpx2

        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        limits = httpx2.Limits(
            max_connections=self.transport.in_flight,
            max_keepalive_connections=self.transport.in_flight,
        )
        return httpx2.AsyncClient(
            base_url=self.base_url,
            headers=headers,
            limits=limits,
            timeout=httpx2.Timeout(self.transport.timeout, connect=self.transport.connect),
            trust_env=urlsplit(self.base_url).hostname not in LOCAL,
            verify=trust,
        )

    async def _worker(
        self, http: httpx2.AsyncClient, slots: asyncio.Semaphore, work: _Work[T]
    ) -> None:
        for job in work.jobs:
            work.arrived.put(job.row, await self._one(http, slots, job, work))

    async def _one(
        self, http: httpx2.AsyncClient, slots: asyncio.Semaphore, job: Job, work: _Work[T]
    ) -> T:
        attempt = 0
        while True:
            await self._pace.turn()
            async with slots:
                got = await self._try(http, job, work)
            if not isinstance(got, _Again):
                self._met = True
                return got
            # A server that never answered is more likely absent than busy.
            allowed = self.transport.retries if self._met else min(self.transport.retries, 3)
            if attempt >= allowed:
                advice = _BUSY if self._met else _ABSENT
                if "CERTIFICATE_VERIFY_FAILED" in got.trouble:
                    advice = _STRANGER
                raise got.error(
                    f"{self.base_url}/{job.path} failed {attempt + 1} times; last: {got.trouble}. {advice}"
                )
            await asyncio.sleep(self._delay(attempt, got))
            attempt += 1

    def _delay(self, attempt: int, got: _Again) -> float:
        jitter = backoff(
            attempt, base=self.transport.wait, cap=self.transport.longest_wait, rng=self._rng
        )
        if got.wait is None:
            return jitter
        if got.wait > self.transport.longest_wait:
            raise Unreachable(
                f"{self.base_url} asks to wait {got.wait:.0f} s ({got.trouble}); the longest wait "
                f"is {self.transport.longest_wait:.0f} s. Resume later, or raise longest_wait."
            )
        self._pace.pause(got.wait)
        return got.wait + min(jitter, 1.0)

    async def _try(self, http: httpx2.AsyncClient, job: Job, work: _Work[T]) -> T | _Again:
        import httpx2

        self.requests += 1
        try:
            async with asyncio.timeout(self.transport.timeout):
                reply = await http.post(job.path, content=json.dumps(job.payload).encode())
        except (TimeoutError, httpx2.TimeoutException):
            return _Again(f"no complete reply within {self.transport.timeout:g} s")
        except httpx2.RequestError as broken:
            return _Again(self._safe(f"{type(broken).__name__}: {broken}".rstrip(": ")))
        self._met = True
        if reply.status_code != 200:
            return self._failed(reply, work)
        try:
            return work.read(job, self._without_key(parse(reply.content)))
        except BadAnswer as wrong:
            raise BadAnswer(f"{self.base_url}/{job.path}: {wrong}") from wrong
        except (ValueError, Garbled) as wrong:
            start = self._safe(reply.text[:_QUOTED])[:120]
            return _Again(f"{_plainly(wrong)}; the reply begins {start!r}", error=BadAnswer)

    def _failed(self, reply: httpx2.Response, work: _Work[T]) -> T | _Again:
        """A reply with an error status: a row status, another try, or the end."""
        code, body = reply.status_code, self._without_key(_json(reply))
        what = (
            f"HTTP {code}: {self._safe(said(body) or reply.text[:_QUOTED])[:300] or 'no message'}"
        )
        if code in (400, 413, 422) and (reason := self._row_status(body)):
            return work.status(reason)
        if code in (401, 403):
            raise Unreachable(
                f"{self.base_url} refused the key ({what}). Set the key in the environment "
                "(OPENAI_API_KEY or PLUMBLINE_API_KEY, or the variable that key_env names)."
            )
        if code == 429 and "insufficient_quota" in json.dumps(body):
            raise Unreachable(f"{self.base_url}: the account has no quota left ({what}).")
        if code in AGAIN:
            now = http_date(reply.headers.get("Date"))
            return _Again(what, retry_after(reply.headers.get("Retry-After"), now))
        if code == 404 or 300 <= code < 400:
            raise Unreachable(
                f"{reply.url} has no such model or path ({what}). Give the model's name and the "
                "base URL up to and with /v1: openai:NAME@https://host/v1"
            )
        raise BadAnswer(f"{self.base_url} does not take this request ({what}).")

    def _safe(self, text: str) -> str:
        """The text without the key, should a server echo it; cut it afterwards, not before."""
        text = " ".join(text.split())
        return text.replace(self._key, "[key]") if self._key else text

    def _without_key(self, body: Any) -> Any:
        """A reply whose texts do not hold the key: answers and statuses are stored.

        A key that is short, or a word such as EMPTY, is no secret, and answers are left as they are.
        """
        if len(self._key) < _SECRET:
            return body
        if isinstance(body, str):
            return body.replace(self._key, "[key]")
        if isinstance(body, list):
            return [self._without_key(one) for one in body]
        if isinstance(body, dict):
            return {self._without_key(k): self._without_key(v) for k, v in body.items()}
        return body


@dataclass(frozen=True, slots=True)
class _Work(Generic[T]):
    """One call of `ask`; the workers share the iterator, which only the loop's thread advances."""

    jobs: Iterator[Job]
    read: Callable[[Job, Any], T]
    status: Callable[[str], T]
    arrived: Arrivals[T]


def checked_url(base_url: str) -> str:
    """A base URL without trailing slash; `BadInput` for one that is none or holds a secret."""
    try:
        url = urlsplit(base_url)
        _ = url.port  # raises where it is not a number
    except ValueError as wrong:
        raise BadInput(f"{base_url!r} is no address: {wrong}") from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise BadInput(
            f"a base URL begins with http:// or https:// and names a host; got {base_url!r}"
        )
    if url.username or url.password or url.query or url.fragment:
        raise BadInput(
            f"the base URL of {url.hostname} holds a user name, password or query; keys come from "
            "the environment only (OPENAI_API_KEY or PLUMBLINE_API_KEY)"
        )
    return base_url.rstrip("/")


def _checked_key(key: str) -> str:
    """The key as a header can carry it; the message never holds it."""
    key = key.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise BadInput("the API key holds spaces or characters that no HTTP header can carry")
    return key


def said(body: Any) -> str:
    """The message of an error reply: `{"error": {"message": ...}}` and its relatives."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error", body)
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or ""
    return str(error)[:300]


def _json(reply: httpx2.Response) -> Any:
    try:
        return parse(reply.content)
    except ValueError:
        return None


def _plainly(wrong: Exception) -> str:
    return str(wrong) if isinstance(wrong, Garbled) else f"the reply is not JSON ({wrong})"


async def _close(https: Sequence[httpx2.AsyncClient]) -> None:
    for http in https:
        await http.aclose()
