"""What a server says: replies of an OpenAI-compatible server, any status, any body."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from target import Target

STATUSES = (200, 200, 200, 200, 400, 401, 404, 422, 429, 500, 503)
CHAT = {"choices": [{"message": {"content": "Yes"}, "finish_reason": "stop", "logprobs": {"content": [{"token": "Y", "logprob": -0.1, "top_logprobs": [{"token": "Y", "logprob": -0.1, "id": 3}, {"token": "N", "logprob": -2.5}]}]}}]}  # fmt: skip
OLD = {"choices": [{"text": "ab", "finish_reason": "length", "logprobs": {"tokens": ["a", "b"], "token_logprobs": [None, -0.5], "top_logprobs": [{"a": -0.2}], "text_offset": [0, 1]}}]}  # fmt: skip
ERROR = {"error": {"message": "the prompt is too long: maximum context", "type": "invalid"}}
WORDS = [b"NaN", b"-Infinity", b"null", b"[]", b"{}", b"true", b"1e999", b"-9999.0", b'"content"', b'"top_logprobs"', b'"token_logprobs"', b'"refusal"', b"content_filter", b"[" * 40, b"\\ud800", b"1" * 30, b'"finish_reason"', b'"id"']  # fmt: skip


def _make(_: Path) -> Callable[[bytes], object]:
    import httpx2

    from plumbline.core.errors import PlumblineError
    from plumbline.models.openai_client import Job, OpenAIClient, _Work
    from plumbline.models.openai_replies import read_echo, read_text, read_tops, row_status
    from plumbline.models.rate_limit import retry_after

    readers: tuple[Callable[[Any], Any], ...] = (
        read_text,
        read_tops,
        lambda body: read_echo(body, "a", "ab"),
    )
    client = OpenAIClient("http://127.0.0.1:9/v1", "sk-canary-of-the-fuzzer", row_status=row_status)
    job = Job(0, "chat/completions", {})
    runner = asyncio.Runner()

    class Http:
        def __init__(self, reply: httpx2.Response) -> None:
            self.reply = reply

        async def post(self, *_: Any, **__: Any) -> httpx2.Response:
            return self.reply

    def one(data: bytes) -> object:
        status, which = STATUSES[data[0] % len(STATUSES)] if data else 200, len(data) % 3
        reply = httpx2.Response(
            status, content=data[1:], request=httpx2.Request("POST", "http://127.0.0.1:9/v1")
        )
        work = _Work(iter(()), lambda _, body: readers[which](body), lambda said: said, None)
        try:
            got = runner.run(client._try(Http(reply), job, work))
        except PlumblineError as error:
            assert "sk-canary" not in str(error)
            raise
        retry_after(data[1:30].decode("latin-1"))
        return got

    return one


TARGETS = [
    Target(name="OpenAI replies", json=True, make=_make, seeds=[bytes([s]) + json.dumps(b).encode() + pad for b, s in ((CHAT, 0), (OLD, 0), (ERROR, 4), (ERROR, 5)) for pad in (b"", b" ", b"  ")], words=WORDS, share=2),
]  # fmt: skip
