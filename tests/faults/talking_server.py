"""An OpenAI-compatible server that knows every answer, and what happens to a request before it."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from bad_server import Reply, chat, prompt_of

TIMEOUT = 0.5  # seconds after which the audits here give a request up
QUICK = {"wait": 0.01, "timeout": TIMEOUT, "clients": 4, "in_flight": 4, "retries": 4}
WHAT = ("option_position", "position_flip")


def letter(payload: Any) -> str:
    """The answer: a letter that depends on the prompt alone."""
    digest = hashlib.blake2b(prompt_of(payload).encode(), digest_size=2).digest()
    return "AB"[digest[0] % 2]


def good(payload: Any) -> Reply:
    """The right reply."""
    return chat(letter(payload))


def whole(payload: Any) -> bytes:
    """The right reply's body."""
    return json.dumps(good(payload).body).encode()


PASSING: Mapping[str, Callable[[Any], Reply]] = {
    "429 in seconds": lambda _: Reply(429, b"", {"Retry-After": "0.05"}),
    "429 at a date": lambda _: Reply(429, b"", {"Retry-After": formatdate(usegmt=True)}),
    "429 without a time": lambda _: Reply(429, {"error": {"message": "slow down"}}),
    "500": lambda _: Reply(500, {"error": {"message": "oops"}}),
    "503": lambda _: Reply(503, b"<html>busy</html>"),
    "reset": lambda _: Reply(reset=True),
    "silence": lambda payload: Reply(body=whole(payload), wait=TIMEOUT + 0.2),
    "drip": lambda payload: Reply(body=whole(payload), drip=2 * TIMEOUT / len(whole(payload))),
    "cut connection": lambda payload: Reply(body=whole(payload)[:40], promised=200),
    "truncated JSON": lambda payload: Reply(body=whole(payload)[:-20]),
    "wrong JSON": lambda _: Reply(body={"choices": "none"}),
    "no JSON": lambda _: Reply(body=b"upstream connect error"),
    "an error in 200": lambda _: Reply(body={"error": {"message": "provider is down"}}),
}
"""Troubles after which the same request may succeed."""


@dataclass
class Weather:
    """Which of the requests meet a trouble: a third of the prompts, once or twice, drawn from a seed.

    Args:
        seed: A prompt's troubles depend on it and on the prompt, not on the order of requests.
        troubles: What there is to draw from.
    """

    seed: int
    troubles: Mapping[str, Callable[[Any], Reply]]
    met: Counter[str] = field(default_factory=Counter)
    _ahead: dict[str, list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, number: int, payload: Any) -> Reply:
        """The script of a server."""
        with self._lock:
            prompt = prompt_of(payload)
            if prompt not in self._ahead:
                own = random.Random(f"{self.seed} {prompt}")
                many = own.choice([0, 0, 0, 0, 1, 2])
                self._ahead[prompt] = own.choices(sorted(self.troubles), k=many)
            ahead = self._ahead[prompt]
            trouble = ahead.pop(0) if ahead else ""
            self.met[trouble] += 1
        return self.troubles[trouble](payload) if trouble else good(payload)
