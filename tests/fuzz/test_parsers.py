"""Every parser and damaged documents: a value or one clear error, soon, in little memory."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import mutations
import pytest
import run as bench
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from target import SECONDS, BadMessage, Target, TooLarge, TooSlow, Watch

from plumbline.core.errors import BadInput, PlumblineError

TARGETS = bench.targets()


def npz_with(header: bytes) -> bytes:
    """An npz file whose one array has this header."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(
            "words.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        )
    return held.getvalue()


DEEP = b"[" * 200_000
# What the fuzzers found once, and what else has broken parsers elsewhere.
FOUND = {
    "options": [b"http://[", b"http://h:x/v1", b"http://[::1]]/v1"],
    "validation key": [b"", b"[]", b'{"items": 1}', b"\x8c", DEEP],
    "answers: JSONL": [b'{"prompt": "a", "answer": "b", "draw": 1e999}', b'{"prompt": "a", "answer": "b", "draw": 99999999999999999999}', b'{"prompt": "a", "answer": "b", "draw": -1}', DEEP],
    "data: JSONL": [DEEP, b'{"a": "\\ud800"}'],
    "vectors: npz": [b"PK\x03\x04", b"PK\x05\x06" + bytes(18), *map(npz_with, (b"{'shape': (1,", b"(" * 5000, b"{" * 90, b"[]", b"{'descr': [1], 'fortran_order': False, 'shape': (1,)}"))],
    "vectors: binary": [b"999999999 999999999\nthe \x00\x00", b"1 1\n" + b"x" * 9000],
    "vectors: safetensors": [b"\x08" + bytes(7) + b"[[[[[[[[", b"\xff" * 8, (2**17).to_bytes(8, "little") + b"[" * 2**17],
    "safetensors header": [(2**17).to_bytes(8, "little") + b"[" * 2**17],
    "GGUF header": [b"GGUF\x03\x00\x00\x00" + (2**30).to_bytes(8, "little") * 2],
    "correction.json": [b"[]", b"{}", b'{"kind": 1}', b'""', DEEP],
    "config.json": [b"1", b"[]", b'{"architectures": [1]}', b'{"architectures": "x"}', DEEP, b"\xff"],
    "tagger.json": [b"1", b"[]", b'{"format": []}', DEEP],
    "inert pickles": [b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", b"\x80\x04\x95\x01", b"(" * 5000 + b"."],
    "OpenAI replies": [
        b'\x00{"choices": [{"logprobs": {"top_logprobs": [0.5]}, "text": ""}]}', b'\x00{"choices": [{"logprobs": {"content": 1}}]} ', b"\x00" + DEEP, b"\x04" + DEEP,
        b'\x00{"choices": [{"logprobs": {"content": [1]}}]}  ', b'\x00{"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "a", "logprob": -1' + b"0" * 400 + b"}]}]}}]}",
    ],
    "run.json": [b"", b"[]", b"{}", DEEP, b'{"plan": {}}'],
    "findings": [b"", b"null", b"{}", DEEP],
    "certificates": [b"[]", b"{}", DEEP],
    "cached answers": [b"", b"\x01null", b"\x01[]", b"\x01" + DEEP, b'\x00["", "AAAA", []]', b'\x02["", 1e999, "", "", ""]', b'\x03["", 1]', b'\x05["", ""]', b"\x01[1, 2, 3]"],
    "plan": [b"a = " + DEEP, b"model = 1", b"[params]\nweat = 1", b"model = 'x'\nlevel = nan", b"model = 'x'\nseed = 9" + b"9" * 5000],
    "gate": [b"rule = " + DEEP, b"[[rule]]\nmetric = 'a'\nvalue = { max = inf }", b"[[rule]]\nmetric = 'a'\nvalue = { max = 1" + b"0" * 400 + b" }"],
    "own lists": [DEEP, b"axis = 1"],
    "server": [b"GET /?\x8b HTTP\nHost: localhost\n", b"\x00", b"GET " + b"/" * 3000 + b"\nHost: localhost\n", b"GET /runs/%00\nHost: localhost\n"],
    "table: CSV": [b'"', b"\xff\xfe", b"sex,label\n" + b"f" * 200_000 + b",1\n", b"\x1f\x8b"],
    "arpa": [b"\\data\\\nngram 1=1\n\\0-grams:\n-1\n\\end\\", b"\\data\\\nngram 0=0\n\\end\\", b"\\1-grams:\n\\end\\"],
}  # fmt: skip


@pytest.fixture(scope="module")
def watches(tmp_path_factory):
    """Each target's parser, made once, warm."""
    made: dict[str, Watch] = {}

    def of(name: str) -> Watch:
        if name not in made:
            folder = tmp_path_factory.mktemp("fuzz")
            made[name] = Watch(TARGETS[name].make(folder))
            for document in TARGETS[name].seeds:
                bench.warmed(made[name], document)
        return made[name]

    return of


@pytest.mark.parametrize("name", TARGETS)
def test_valid_documents_are_read(name, watches):
    """At least one seed of each target is a value, so that what is mutated gets past the first check."""
    values = 0
    for document in TARGETS[name].seeds:
        try:
            watches(name).parse(document)
        except PlumblineError:
            continue
        values += 1
    # A whole tagger is more than this file.
    assert values or name == "tagger.json"


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_documents_are_a_value_or_one_clear_error(name, watches):
    """A few hundred inputs a target, other ones with every run of the nightly job."""
    watch = watches(name)

    @settings(
        max_examples=max(10, int(50 * min(1.0, TARGETS[name].share))), deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutations.documents(TARGETS[name]))
    def one(data):
        watch.one(data)

    one()


@pytest.mark.parametrize(("name", "data"), [(n, d) for n, found in FOUND.items() for d in found], ids=lambda v: v if isinstance(v, str) else f"{len(v)} bytes")  # fmt: skip
def test_what_was_found_once_stays_mended(name, data, watches):
    """Inputs that ended in a traceback, a hang or a full memory."""
    watches(name).one(data)


def faulty(data: bytes) -> None:
    """A parser with a fault of every kind."""
    if b"K" in data:
        raise KeyError("planted")
    if b"S" in data:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    if b"E" in data:
        raise BadInput("")
    if b"L" in data:
        raise BadInput("x" * 30_000)
    if b"B" in data:
        raise BadInput("one clear error")


def test_the_watch_tells_every_kind_of_fault(monkeypatch, tmp_path):
    """Another exception, too slow, too large, an empty or an endless message; a clear error is none."""
    import target

    watch = Watch(faulty, tmp_path)
    monkeypatch.setattr(target, "SECONDS", 0.1)
    watch.one(b"B")
    for data, fault in ((b"K", KeyError), (b"S", TooSlow), (b"E", BadMessage), (b"L", BadMessage)):  # fmt: skip
        with pytest.raises(fault):
            watch.one(data)
    sizes = iter((100.0, 700.0))
    with monkeypatch.context() as patch:
        patch.setattr(target, "megabytes", lambda: next(sizes))
        with pytest.raises(TooLarge, match="600 MB"):
            watch.one(b"")
    for data in (b"K", b"K2", b"E", b"B"):
        watch(data)
    assert len(watch.faults) == 2
    assert watch.inputs == 4
    kept = [json.loads(p.read_text("utf-8"))["fault"] for p in tmp_path.glob("*.json")]
    assert sorted(f.partition(" ")[0] for f in kept) == ["BadMessage", "KeyError"]
    assert {p.read_bytes() for p in tmp_path.glob("*.input")} == {b"K", b"E"}


def test_mutations_reach_a_planted_fault(tmp_path):
    """Edits of the seed and other values of JSON find a key that is not always there."""

    def parse(data: bytes) -> None:
        try:
            found = json.loads(data)
        except ValueError:
            raise BadInput("not JSON") from None
        if isinstance(found, dict) and isinstance(found.get("a"), list):
            raise KeyError("planted")

    target = Target(name="planted", make=lambda _: parse, seeds=[b'{"a": 1, "b": [2]}'], json=True)
    made = bench.run_hypothesis(target, 1000, 60, 1, tmp_path)
    assert made.inputs >= 1000
    assert any(fault.startswith("KeyError") for fault in made.faults)


@given(st.integers(0, 2**32))
def test_other_json_is_json(seed):
    """A changed document parses, and what stands around it is kept."""
    made = mutations.other_json(b'\x03{"a": {"b": [1, 2]}, "c": null}tail', random.Random(seed))
    assert made.startswith(b"\x03")
    assert made.endswith(b"tail")
    json.loads(made[1:-4])


def test_inputs_are_shared_out_and_the_table_says_so():
    """At least as many as were asked for; every target has some; sums are those of the rows."""
    chosen = list(TARGETS.values())
    planned = bench.planned(chosen, 1_000_000, 60)
    assert 1_000_000 <= sum(inputs for _, inputs, _ in planned) < 1_000_100
    assert bench.planned([TARGETS["server"]], 500, 60)[0][1] == 500
    assert min(inputs for _, inputs, _ in planned) >= 3000
    text = bench.table([bench.Outcome("a", 1, 10, 2.0), bench.Outcome("b", 2, 30, 2.0, 7, 3, {"x": "y"})])  # fmt: skip
    assert text.splitlines()[2] == "| a | 10 | 5 | - | - | 0 | 1 |"
    assert text.splitlines()[-1] == "| **all** | 40 | 10 |  |  | 1 |  |"


def test_all_targets_for_about_a_minute(tmp_path):
    """The bench itself, split over all targets: no fault, each target was given inputs."""
    script = Path(bench.__file__)
    done = subprocess.run(
        [sys.executable, str(script), "--seconds", "31", "--seed", "7", "--keep", str(tmp_path / "faults"), "--write", str(tmp_path / "t.md")],
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    rows = [line.split(" | ") for line in (tmp_path / "t.md").read_text("utf-8").splitlines() if line.startswith("| ")][2:-1]  # fmt: skip
    assert [row[0].removeprefix("| ") for row in rows] == list(TARGETS)
    assert all(int(row[1].replace(",", "")) > 0 for row in rows)
    assert SECONDS <= 5
