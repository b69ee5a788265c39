"""How requests travel to a server: clients, timeouts, pace and patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from plumbline.core.errors import BadInput

if TYPE_CHECKING:
    import ssl

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def trust_of(base_url: str) -> ssl.SSLContext:
    """Certificates for all clients of a server: reading them takes some 40 ms, which a plain local one need not wait."""
    import ssl

    import httpx2

    url = urlsplit(base_url)
    if url.scheme == "http" and url.hostname in LOCAL:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.create_ssl_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How requests travel; nothing here changes an answer, so nothing enters a fingerprint.

    Args:
        clients: Number of HTTP clients.
        in_flight: Requests in flight in each client.
        timeout: Seconds for one whole request, however slowly its bytes arrive.
        connect: Seconds to get a connection.
        per_minute: Requests a minute over all clients; 0 for no limit.
        retries: Further tries after the first.
        wait: Base of the exponential backoff, seconds.
        longest_wait: Longest single wait, seconds; a server that asks for more is given up.
    """

    clients: int = 8
    in_flight: int = 8
    timeout: float = 120.0
    connect: float = 10.0
    per_minute: float = 0.0
    retries: int = 6
    wait: float = 0.5
    longest_wait: float = 120.0

    def __post_init__(self) -> None:
        if min(self.clients, self.in_flight) < 1 or min(self.timeout, self.connect) <= 0:
            raise BadInput(
                f"transport wants clients, in_flight >= 1 and timeouts > 0 seconds; got {self}"
            )
        if min(self.retries, self.wait, self.longest_wait, self.per_minute) < 0:
            raise BadInput(f"transport wants waits, retries and pace >= 0; got {self}")
