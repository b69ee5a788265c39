"""What plumbline itself wrote, damaged: runs, certificates, rows of the answer cache."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import made_run
import numpy as np
from target import Target

from targets.files import from_file

JSON_WORDS = [b"null", b"[]", b"{}", b"true", b"NaN", b"Infinity", b"1e999", b"-1", b'""', b"[" * 40, b"\\ud800", b"\\u0000", b"\\u001b[31m", b'"labels"', b'"value"', b'"notes"', b'"undefined"']  # fmt: skip


def certificate() -> bytes:
    """A small certificate as `plumbline calibrate` makes it."""
    found = files("plumbline.audit").joinpath("shipped", "weat.json").read_bytes()
    return json.dumps(json.loads(found)).encode()


def _header(folder: Path) -> Callable[[bytes], object]:
    from plumbline.audit.store import Run, load, read_header
    from plumbline.report.terminal import plain_table

    stored = load(made_run.write(folder / "run"))
    path = folder / "run.json"

    def one(data: bytes) -> object:
        path.write_bytes(data)
        return plain_table(Run(read_header(path), stored.findings))

    return one


def _finding(folder: Path) -> Callable[[bytes], object]:
    from plumbline.audit.store import Run, load, read_findings
    from plumbline.report.html import fragment
    from plumbline.report.terminal import plain_table

    stored = load(made_run.write(folder / "run"))

    def one(data: bytes) -> object:
        column = np.array([data.decode("utf-8", "replace")], dtype=object)
        run = Run(stored.header, read_findings(folder, {"row": column}))
        return plain_table(run), fragment(run), run.document()

    return one


def _certificate() -> Callable[[Path], object]:
    from plumbline.audit.certificates import read_certificate
    from plumbline.report.certificate import lines

    return lambda path: lines(read_certificate(path))


def _cached(folder: Path) -> Callable[[bytes], object]:
    from plumbline.audit.cache import Cache
    from plumbline.audit.cached_answers import unpacked
    from plumbline.core import questions as ask

    path = folder / "cache.sqlite"
    cache = Cache(path)
    asked = (
        ask.logprob(["a"], ["b"]), ask.generate(["a"], decoding=ask.Decoding()), ask.choose(["a"], [["b", "c"]]),
        ask.embed(["a"]), ask.classify(["a"]), ask.score(["a"], ["b"]), ask.next_tokens(["a"], [["b"]]),
    )  # fmt: skip
    raw = sqlite3.connect(path, isolation_level=None)

    def one(data: bytes) -> object:
        batch = asked[data[0] % len(asked)] if data else asked[0]
        (key,) = batch.keys()
        text = data[1:].decode("utf-8", "replace")
        raw.execute("insert or replace into answers values ('f', ?, ?, 1e12)", (key, text))
        found = cache.get("f", [key])
        return unpacked(batch, [found[key]], "the cache")

    return one


def cached_seeds() -> list[bytes]:
    """Rows of every kind of answer."""
    rows = ['["", "AAAAAAAA8D8=", ["b"]]', '["", "Hi", "stop"]', '["", 0, "AAAAAAAA8D8AAAAAAADwPw==", "b", "next"]', '["", "AAAAAAAA8D8="]', '["", "AAAAAAAA8D8=", ["toxic"]]', '["refused", ""]']  # fmt: skip
    kinds = (0, 1, 2, 3, 4, 5)
    return [bytes([k]) + r.encode() for k, r in zip(kinds, rows, strict=True)]


TARGETS = [
    Target(name="run.json", json=True, make=_header, seeds=[made_run.header()], words=JSON_WORDS, share=0.15, longest=8192),
    Target(name="findings", json=True, make=_finding, seeds=[made_run.finding()], words=JSON_WORDS, share=0.15),
    Target(name="certificates", json=True, make=from_file("c.json", _certificate), seeds=[certificate()], words=JSON_WORDS, share=1, longest=8192),
    Target(name="cached answers", json=True, make=_cached, seeds=cached_seeds(), words=[*JSON_WORDS, b"AAAAAAAA8D8=", b"====", b'"next"'], share=0.6),
]  # fmt: skip
