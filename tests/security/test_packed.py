"""Archives, compressed files and headers are checked before they are used: sizes, names, places."""

from __future__ import annotations

import gzip
import io
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest

from plumbline.core import packed
from plumbline.core.errors import BadInput
from plumbline.core.packed import FREE, MOST, RATIO, allowed, check_zip, gunzip
from plumbline.data.sets.recipes import RECIPES
from plumbline.data.tables import read_table
from plumbline.models.abilities import ModelOptions
from plumbline.models.arpa import read_arpa
from plumbline.models.gguf_header import read_gguf_header
from plumbline.models.resolve import open_model
from plumbline.models.safetensors_header import BITS, read_safetensors_header
from plumbline.models.table_files import read_columns
from plumbline.models.vector_files import read_vectors

SMALL = 1 << 16


@pytest.fixture
def tight(monkeypatch):
    """Limits that a test reaches without filling the memory."""
    monkeypatch.setattr(packed, "FREE", SMALL)


def bomb(size: int) -> bytes:
    """Zeros, a thousandth of their size."""
    return gzip.compress(b"0" * size)


def test_limits_leave_room_for_real_files():
    """A small file may grow to 256 MiB, a larger one a hundredfold, none beyond 4 GiB."""
    assert allowed(1) == FREE == 256 << 20
    assert allowed(10 << 20) == RATIO * (10 << 20) == 1000 << 20
    assert allowed(1 << 40) == MOST == 4 << 30


def test_gunzip_gives_what_was_packed_in_one_piece_or_several():
    """As gzip itself, with zeros after the end, and nothing of nothing."""
    text = bytes(range(256)) * 9000
    for raw in (gzip.compress(text), gzip.compress(text[:1000]) + gzip.compress(text[1000:]), gzip.compress(text) + b"\0" * 512):  # fmt: skip
        assert gunzip(raw, "f") == text == gzip.decompress(raw)
    assert gunzip(b"", "f") == b""
    assert gunzip(gzip.compress(b""), "f") == b""


@pytest.mark.parametrize("cut", [1, 9, 30, -1, -5, -8])
def test_a_gzip_file_that_is_cut_off_is_told(cut):
    """Wherever it ends, and with any byte changed."""
    raw = gzip.compress(np.random.default_rng(1).bytes(5000))
    with pytest.raises(BadInput, match="not a whole gzip file"):
        gunzip(raw[:cut], "f")
    with pytest.raises(BadInput, match="not a whole gzip file"):
        gunzip(raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 255]) + raw[len(raw) // 2 + 1 :], "f")  # fmt: skip
    with pytest.raises(BadInput, match="not a whole gzip file"):
        gunzip(raw + b"junk", "f")


def test_a_file_that_grows_beyond_all_measure_is_refused(tight, tmp_path):
    """Every reader of gzip stops at the limit: tables, data, n-grams, originals of data sets."""
    raw = bomb(40 * SMALL)
    assert len(raw) * RATIO < 40 * SMALL
    for name, read in (("t.csv", read_columns), ("d.csv.gz", read_table), ("m.arpa.gz", read_arpa)):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(BadInput, match="fill the memory"):
            read(tmp_path / name)
    with pytest.raises(BadInput, match="fill the memory"):
        RECIPES["gunzip"](raw)


def test_gunzip_stops_before_it_has_unpacked_everything(tight, monkeypatch):
    """Memory stays near the limit, however much the file would hold."""
    import tracemalloc

    raw = bomb(400 << 20)
    tracemalloc.start()
    with pytest.raises(BadInput, match="fill the memory"):
        gunzip(raw, "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def zipped(members: list[tuple[str, bytes]]) -> io.BytesIO:
    """A zip archive in memory."""
    sink = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that stands twice
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(name, data)
    sink.seek(0)
    return sink


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "C:x", "a\\..\\x", "\\\\host\\x", "..", "a/.."]
)  # fmt: skip
def test_members_that_lead_elsewhere_are_refused(name):
    """By slashes of either kind, drives and parents."""
    with pytest.raises(BadInput, match="leads out of the archive"):
        check_zip(zipped([("ok", b""), (name, b"x")]), "z")


def test_archives_that_cannot_be_are_refused(tight):
    """Names twice, too many members, bombs, encryption, cut off, no archive; a sound one is listed."""
    assert check_zip(zipped([("a/b.npy", b"1"), ("a..b", b"2")]), "z") == ["a/b.npy", "a..b"]
    with pytest.raises(BadInput, match="twice"):
        check_zip(zipped([("a", b"1"), ("a", b"2")]), "z")
    with pytest.raises(BadInput, match="members"):
        check_zip(zipped([(str(i), b"") for i in range(packed.MEMBERS + 1)]), "z")
    with pytest.raises(BadInput, match="fill the memory"):
        check_zip(zipped([("a", b"0" * 40 * SMALL)]), "z")
    whole = zipped([("a", b"secret")]).getvalue()
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadInput, match="encrypted"):
        check_zip(io.BytesIO(bytes(locked)), "z")
    for raw in (whole[:-10], b"PK\x03\x04", b"", b"x" * 99):
        with pytest.raises(BadInput, match="not a whole zip archive"):
            check_zip(io.BytesIO(raw), "z")


def test_a_recipe_reads_one_member_of_a_checked_archive(tight):
    """CALM's archive: the member by its name, and one clear error where it is not there."""
    name = "gender_datasets/qa_gender_dataset.jsonl"
    assert RECIPES["calm_qa_gender"](zipped([(name, b"{}")]).getvalue()) == b"{}"
    with pytest.raises(BadInput, match="holds no"):
        RECIPES["calm_qa_gender"](zipped([("x", b"")]).getvalue())
    with pytest.raises(BadInput, match="leads out"):
        RECIPES["calm_qa_gender"](zipped([(name, b"{}"), ("../x", b"")]).getvalue())


def test_an_array_that_promises_more_than_it_has_is_refused(tmp_path):
    """NumPy would make room for all of it before it reads the first value."""
    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": "<f4", "fortran_order": False, "shape": (10**11, 300)})  # fmt: skip
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive:
        archive.writestr("words.npy", sink.getvalue())
        archive.writestr("vectors.npy", sink.getvalue() + b"\0" * 64)
    with pytest.raises(BadInput, match="promises"):
        read_vectors(tmp_path / "v.npz")


def tensors(entries: object, data: bytes = b"\0" * 16, *, length: int | None = None) -> bytes:
    """A safetensors file of these entries."""
    head = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(head) if length is None else length) + head + data


def one(**changed: object) -> dict[str, object]:
    """An entry of four float32 values."""
    return {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **changed}


def test_sound_headers_are_read(tmp_path):
    """What safetensors itself writes, every type that it knows, metadata, no tensor at all."""
    from safetensors.numpy import save_file

    path = tmp_path / "a.safetensors"
    save_file({"b": np.eye(3, dtype=np.float16), "a": np.arange(5), "e": np.zeros((0, 7))}, path, {"k": "v"})  # fmt: skip
    assert set(read_safetensors_header(path)) == {"a", "b", "e"}
    path.write_bytes(tensors({}, b""))
    assert read_safetensors_header(path) == {}
    two = {"b": one(data_offsets=[16, 32]), "a": one()}
    path.write_bytes(tensors(two, b"\0" * 32))
    assert set(read_safetensors_header(path)) == {"a", "b"}
    for kind, bits in BITS.items():
        path.write_bytes(tensors({"t": {"dtype": kind, "shape": [8], "data_offsets": [0, bits]}}, b"\0" * bits))  # fmt: skip
        assert read_safetensors_header(path)["t"]["dtype"] == kind


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"1234567", tensors({"a": one()}, length=2**63), tensors({"a": one()}, length=10**9), tensors(b"{"), tensors(b"[]"), tensors(b"\xff"),
        tensors(b"[" * 100_000), tensors({"a": 1}), tensors({"a": one(dtype="PICKLE")}), tensors({"a": one(dtype=["F32"])}),
        tensors({"a": one(shape=[2, -2])}), tensors({"a": one(shape=[2, 2.0])}), tensors({"a": one(shape=[True, 4])}), tensors({"a": one(shape="22")}),
        tensors({"a": one(shape=[2**40, 2**40])}), tensors({"a": one(shape=[3, 2])}), tensors({"a": one(data_offsets=[16, 0])}),
        tensors({"a": one(data_offsets=[0, 2**70])}), tensors({"a": one(data_offsets=[0])}), tensors({"a": one(data_offsets=[8, 24])}),
        tensors({"a": one(), "b": one()}), tensors({"a": one(), "b": one(data_offsets=[8, 24])}, b"\0" * 24), tensors({"a": one()}, b"\0" * 17),
        tensors({"a": one()}, b"\0" * 15), tensors({"a": one(), "b": one(data_offsets=[20, 36])}, b"\0" * 36),
        tensors({"a": one(), "__metadata__": {"k": 1}}), tensors({"a": one(), "__metadata__": []}),
    ],
)  # fmt: skip
def test_headers_that_cannot_be_are_refused(raw, tmp_path):
    """Lengths, types, shapes, overlaps, gaps, what is missing and what is too much; by every reader."""
    path = tmp_path / "v.safetensors"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match="not a whole safetensors file"):
        read_safetensors_header(path)
    with pytest.raises(BadInput):
        open_model(f"vectors:{path}", ModelOptions())


def gguf(facts: bytes, pairs: int = 1, tensors: int = 0) -> bytes:
    """A GGUF file of these facts."""
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + facts + bytes(64)


def text(words: bytes) -> bytes:
    """A string as GGUF has it."""
    return struct.pack("<Q", len(words)) + words


@pytest.mark.parametrize(
    "raw",
    [
        gguf(b"", pairs=2**29), gguf(b"", tensors=2**29, pairs=0), gguf(b"", pairs=2**63), gguf(struct.pack("<Q", 2**29)),
        gguf(text(b"a") + struct.pack("<IIQ", 9, 9, 1) * 5000), gguf(text(b"general.alignment") + struct.pack("<I", 8) + text(b"x")),
        gguf(text(b"general.alignment") + struct.pack("<If", 6, 0.5)), gguf(text(b"a") + struct.pack("<IIQ", 9, 8, 2**29)), gguf(text(b"a") + struct.pack("<I", 99)),
    ],
    ids=["facts", "tensors", "huge", "string", "nested", "alignment text", "alignment float", "array", "kind"],
)  # fmt: skip
def test_gguf_headers_that_cannot_be_are_refused(raw, tmp_path):
    """Counts and lengths that the file cannot hold, arrays in arrays in arrays, an alignment that is none."""
    path = tmp_path / "m.gguf"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match="breaks inside its header"):
        read_gguf_header(path)
