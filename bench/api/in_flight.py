"""2,000 requests with 64 in flight to a server that takes 50 ms: plumbline's runner, and one httpx2 client, against the ideal.

    python bench/api/in_flight.py [--requests 2000] [--rounds 3]

The ideal is requests / 64 x 50 ms. plumbline's side is the whole way: questions, digests, requests, checks, commits.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import keep  # noqa: E402 - after the path

from plumbline.audit.cache import Cache  # noqa: E402
from plumbline.audit.runner import Runner  # noqa: E402
from plumbline.core import questions as ask  # noqa: E402
from plumbline.core.scored import Skip  # noqa: E402
from plumbline.models.abilities import ModelOptions  # noqa: E402
from plumbline.models.resolve import open_model  # noqa: E402

IN_FLIGHT, DELAY = 64, 0.05


def runner(port: int, count: int, number: int) -> float:
    """Seconds that a method's questions take through the runner; a turn's questions are new ones."""
    model = open_model(f"openai:made@http://127.0.0.1:{port}/v1", ModelOptions())
    prompts = [f"turn {number}, question {i}" for i in range(count)]

    def method():
        (answers,) = yield [ask.generate(prompts, decoding=ask.Decoding())]
        assert list(answers.texts) == ["an answer"] * count  # noqa: S101 - every one has to be there
        return Skip("only asked")

    with tempfile.TemporaryDirectory() as folder, Cache(Path(folder) / "answers.sqlite") as cache:
        began = time.perf_counter()
        Runner(model, lambda _: model, cache).run({"method": method()})
        took = time.perf_counter() - began
    model.close()
    return took


async def one_client(port: int, count: int) -> float:
    """Seconds of the same requests by one client with 64 in flight, nothing read but the body."""
    body = {"model": "made", "messages": [{"role": "user", "content": "a question"}]}
    room = asyncio.Semaphore(IN_FLIGHT)
    limits = httpx2.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:

        async def post() -> None:
            async with room:
                (
                    await client.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body)
                ).json()

        began = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(count)))
        return time.perf_counter() - began


def main() -> None:
    """Take turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ideal = given.requests / IN_FLIGHT * DELAY
    with subprocess.Popen(
        [sys.executable, str(HERE / "server.py")], stdout=subprocess.PIPE, text=True
    ) as server:
        port = int(server.stdout.readline())
        ours, theirs = [], []
        try:
            for number in range(given.rounds):
                ours.append(runner(port, given.requests, number))
                theirs.append(asyncio.run(one_client(port, given.requests)))
        finally:
            server.terminate()
    shares = sorted(ideal / s for s in ours)
    keep("api", [
        {
            "what": f"{given.requests:,} requests, {IN_FLIGHT} in flight, server of {DELAY * 1000:.0f} ms: share of the ideal",
            "target": 0.9, "unit": "of the ideal", "ours_s": ours, "ideal_s": ideal, "ratio": shares[len(shares) // 2], "ratio_low": shares[0],
            "ratio_high": shares[-1],
        },
        {"what": "for scale: one httpx2 client, the same", "unit": "of the ideal", "ours_s": theirs, "ratio": ideal / sorted(theirs)[len(theirs) // 2]},
    ], packages=("httpx2",))  # fmt: skip


if __name__ == "__main__":
    main()
