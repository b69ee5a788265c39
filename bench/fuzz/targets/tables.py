"""Tables and recorded answers: CSV, gzip, JSON Lines and Parquet."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from target import Target

from targets.files import from_file

TABLE = b'sex,label,prediction,score,weight,note\nf,1,0,0.25,1,a\nm,0,0,0.5,2,"b, c"\nm,1,1,,1,\n'
PROPER = b"sex;label;prediction\nf;1;0\nm;0;0\n"
ROWS = [
    {"prompt": "Hello", "answer": "Hi", "draw": 0, "sex": "f"},
    {"prompt": [{"role": "user", "content": "Bye"}], "answer": None, "draw": 1, "sex": "m"},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
ANSWERS = b"prompt,answer,draw\nHello,Hi,0\nHello,Ho,1\n"
CSV_WORDS = [b'"', b'""', b"\r\n", b"\x00", b"\t", b";", b"\xef\xbb\xbf", b"NaN", b"inf", b"-1e400", b"007", b"1_0", b"9" * 20, b"group:", b"(2)", b"\xff", b"\x1f\x8b", b"verdict", b"y_true", b"proba_a"]  # fmt: skip
JSON_WORDS = [b"NaN", b"Infinity", b"\\ud800", b"\\u0000", b"[" * 40, b"1" * 30, b"null", b"true", b"{}", b"[]", b"1e999", b"-0", b"\xff", b'"prompt"', b'"messages"']  # fmt: skip


def parquet(query: str) -> bytes:
    """A small Parquet file of a query's rows."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as base:
        path = Path(folder) / "seed.parquet"
        base.execute(f"copy ({query}) to '{path}' (format parquet)")
        return path.read_bytes()


def _table() -> Callable[[Path], object]:
    from plumbline.core.questions import records
    from plumbline.models.abilities import ModelOptions
    from plumbline.models.table import open_table

    def read(path: Path) -> object:
        subject = open_table(str(path), ModelOptions(extra={"missing": "keep"}))
        return list(subject.answer(records())), subject.about()

    return read


def _answers() -> Callable[[Path], object]:
    from plumbline.core.questions import Decoding, generate, records
    from plumbline.models.abilities import ModelOptions
    from plumbline.models.answers_file import open_answers

    asked = generate(["Hello", "Bye"], decoding=Decoding())

    def read(path: Path) -> object:
        subject = open_answers(str(path), ModelOptions())
        return list(subject.answer(asked)), list(subject.answer(records())), subject.about()

    return read


def _data() -> Callable[[Path], object]:
    from plumbline.data.tables import read_table

    return read_table


TARGETS = [
    Target(name="table: CSV", make=from_file("t.csv", _table), seeds=[TABLE, PROPER, gzip.compress(TABLE, mtime=0)], words=CSV_WORDS, share=2),
    Target(name="table: Parquet", make=from_file("t.parquet", _table), seeds=[parquet("select 'f' as sex, 1 as label, 0 as prediction, 0.5 as score"), parquet("select 'f' as sex, null::int as label, [1] as prediction")], words=[b"PAR1", b"\x15\x00", b"\xff\xff\xff\x7f"], share=0.15),
    Target(name="answers: JSONL", json=True, make=from_file("a.jsonl", _answers), seeds=[LINES], words=JSON_WORDS, share=2),
    Target(name="answers: CSV", make=from_file("a.csv", _answers), seeds=[ANSWERS], words=CSV_WORDS),
    Target(name="answers: Parquet", make=from_file("a.parquet", _answers), seeds=[parquet("select 'Hello' as prompt, 'Hi' as answer, 0 as draw"), parquet("select ['a'] as prompt, 1.5 as answer")], words=[b"PAR1", b"\xff\xff\xff\x7f"], share=0.15),
    Target(name="data: CSV", make=from_file("d.csv", _data), seeds=[TABLE], words=CSV_WORDS),
    Target(name="data: TSV.gz", make=from_file("d.tsv.gz", _data), seeds=[gzip.compress(TABLE.replace(b",", b"\t"), mtime=0)], words=CSV_WORDS),
    Target(name="data: JSONL", json=True, make=from_file("d.jsonl", _data), seeds=[LINES], words=JSON_WORDS),
]  # fmt: skip
