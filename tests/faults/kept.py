"""What an audit leaves on the disk: the tables of its run, and the answers in the cache."""

from __future__ import annotations

import sqlite3
from pathlib import Path

FILES = ("findings.parquet", "items.parquet", "answers.parquet")
"""The tables of a run; of equal audits they are equal byte for byte."""


def committed(cache: Path) -> dict[str, str]:
    """Digest -> answer of everything that the cache holds; the database is whole."""
    if not cache.exists():
        return {}
    with sqlite3.connect(cache) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        if not db.execute("select 1 from sqlite_master where name = 'answers'").fetchone():
            return {}
        return {key.hex(): text for key, text in db.execute("select question, answer from answers")}
