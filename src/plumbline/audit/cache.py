"""The answer cache: one SQLite database, safe under several writers and `kill -9`.

A row is (fingerprint, question digest) -> answer as JSON. Every call of `put` is one
transaction, so a batch of answers is there whole or not at all.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, Self

from plumbline.core.errors import StoreError
from plumbline.core.json_text import parse, written

_SCHEMA = """
create table if not exists answers (
    fingerprint text not null,
    question blob not null,
    answer text not null,
    at real not null,
    primary key (fingerprint, question)
) without rowid
"""
WAIT = 60.0  # seconds for another process to let go of the database
AHEAD = 24 * 3600.0  # an answer from so far in the future was kept while a clock was wrong
_MOST = 500  # placeholders in one SELECT


class Cache:
    """Answers by fingerprint and question.

    Args:
        path: Database file; its folder is made. `:memory:` keeps nothing.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        if path != ":memory:":
            try:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"cannot make the cache folder of {path}: {error}") from error
        with self._told("open"):
            self._db = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
            self._open()

    def _open(self) -> None:
        """Prepare the database, however many processes do the same at this moment."""
        until = time.monotonic() + WAIT
        while True:
            try:
                # SQLite does not wait for this lock: of two that switch to WAL at once, one fails.
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = normal")
                self._db.execute(_SCHEMA)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the answer cache {self.path} cannot {what}: {error}. "
                "Check free space and permissions, or point PLUMBLINE_CACHE elsewhere."
            ) from error
        except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: an answer is no JSON
            raise StoreError(
                f"the answer cache {self.path} is damaged ({error}). Move the file away to start "
                "a new one, or point PLUMBLINE_CACHE elsewhere; runs already written are not touched."
            ) from error

    def get(
        self, fingerprint: str, keys: Sequence[bytes], *, newest: float | None = None
    ) -> dict[bytes, list[Any]]:
        """Answers that are there; with `newest`, only those at most that many seconds old.

        What a clock that ran ahead has dated into the future has no known age: it counts as old.
        """
        now = time.time()
        since, until = (-inf, inf) if newest is None else (now - newest, now + AHEAD)
        found: dict[bytes, list[Any]] = {}
        with self._told("read"):
            for start in range(0, len(keys), _MOST):
                part = list(keys[start : start + _MOST])
                marks = ",".join("?" * len(part))
                rows = self._db.execute(
                    "select question, answer from answers where fingerprint = ? "  # noqa: S608 - only marks
                    f"and at between ? and ? and question in ({marks})",
                    (fingerprint, since, until, *part),
                )
                found.update((bytes(q), _answer(a, self.path)) for q, a in rows)
        return found

    def put(self, fingerprint: str, keys: Sequence[bytes], answers: Sequence[list[Any]]) -> None:
        """Keep these answers, all or none."""
        now = time.time()
        rows = [
            (fingerprint, key, written(answer), now)
            for key, answer in zip(keys, answers, strict=True)
        ]
        with self._told("write"):
            self._db.execute("begin immediate")
            try:
                self._db.executemany("insert or replace into answers values (?, ?, ?, ?)", rows)
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself has gone back from some errors
                    self._db.execute("rollback")
                raise

    def __len__(self) -> int:
        with self._told("read"):
            (count,) = self._db.execute("select count(*) from answers").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _answer(text: str, where: Path | str) -> list[Any]:
    """One row's answer; a damaged one is an error here, where its database is known."""
    try:
        found = parse(text)
    except ValueError as error:
        raise StoreError(
            f"the answer cache {where} holds a row that is not JSON ({error}). Move the file away to "
            "start a new one, or point PLUMBLINE_CACHE elsewhere"
        ) from None
    if not isinstance(found, list) or not found:
        raise StoreError(
            f"the answer cache {where} holds {str(found)[:60]!r} where an answer was wanted. Move the file "
            "away to start a new one, or point PLUMBLINE_CACHE elsewhere"
        )
    return found
