"""Run the dashboard until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from plumbline.core.errors import BadInput
from plumbline.server.guard import Access, is_loopback, new_token


def access_for(host: str, token: str, names: Sequence[str]) -> Access:
    """Who may ask a server at `host`; a token is made where one is needed and none was given."""
    if not token and not is_loopback(host):
        token = new_token()
    return Access(host=host, token=token, names=frozenset(n.lower().rstrip(".") for n in names))


def serve(folder: Path, access: Access, *, port: int, say: Callable[[str], None]) -> None:
    """Listen and answer until Ctrl-C.

    Args:
        folder: Where runs are.
        access: Address and token.
        port: Port; 0 for a free one.
        say: Told the address, once it is listened on.

    Raises:
        BadInput: The folder is not there, or the address cannot be listened on.
    """
    import uvicorn

    from plumbline.server.app import application

    app = application(folder, access)
    listening = _listen(access.host, port)
    # No access log: addresses may hold a token. No `Server` header: it names a version.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, ws="none", lifespan="on",
        proxy_headers=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    say(address(access, listening.getsockname()[1]))
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()


def address(access: Access, port: int) -> str:
    """What to open in a browser; holds the token where one is needed."""
    host = f"[{access.host}]" if ":" in access.host else access.host
    return f"http://{host}:{port}/" + (f"?token={access.token}" if access.token else "")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, at = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.create_server(at[:2], family=family, backlog=128)
    except OSError as error:
        raise BadInput(
            f"cannot listen on {host}, port {port}: {error.strerror or error}. "
            "Choose another with --host and --port (--port 0 takes a free one)"
        ) from error
    made.set_inheritable(True)
    return made
