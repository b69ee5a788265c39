"""A local HTTP server that speaks the OpenAI interface, and misbehaves as it is told to."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What to do with one request.

    Args:
        status, headers, body: The reply; a body that is not bytes is sent as JSON.
        wait: Seconds before anything is sent.
        drip: Seconds between single bytes of the body.
        promised: Bytes that the header promises beyond those that come.
        reset: Tear the connection down instead.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: float = 0.0
    promised: int = 0
    reset: bool = False


@dataclass
class Seen:
    """What the server has received."""

    payloads: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


Script = Callable[[int, Any], Reply]


def chat(text: str | None, finish: str = "stop", **message: Any) -> Reply:
    """A well-formed chat reply."""
    said = {"role": "assistant", "content": text, **message}
    return Reply(body={"choices": [{"index": 0, "message": said, "finish_reason": finish}]})


def prompt_of(payload: Any) -> str:
    """The user's words in a request."""
    return payload["messages"][-1]["content"] if "messages" in payload else payload["prompt"]


@contextmanager
def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, Seen]]:
    """Run the script on a free port, over TLS if a context is given; yields the base URL and what was seen."""
    seen, lock = Seen(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(seen.payloads)
                seen.payloads.append(payload)
                seen.keys.append(self.headers.get("Authorization", ""))
                seen.paths.append(self.path)
                seen.times.append(time.monotonic())
                seen.at_once += 1
                seen.most_at_once = max(seen.most_at_once, seen.at_once)
            try:
                self._send(script(number, payload))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with lock:
                    seen.at_once -= 1

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.wait)
            if reply.reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
                return
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            # `send_response` writes a Date of its own.
            say = self.send_response_only if "Date" in reply.headers else self.send_response
            say(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + reply.promised))
            self.end_headers()
            if not reply.drip:
                self.wfile.write(body)
            else:
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(reply.drip)
            self.close_connection = bool(reply.promised)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """Torn connections are part of the play."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http{'s' * bool(tls)}://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
