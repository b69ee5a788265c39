"""Files of models: word vectors, n-grams, headers of GGUF and safetensors, what corrections wrote."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from target import Target

from targets.files import from_file

GLOVE = b"the 0.1 -0.2 0.3\nof 1 2 3\na b 1e3 .5 7\n"
WORD2VEC = b"2 3\nthe 0.1 -0.2 0.3\nof 1 2 3\n"
BINARY = (
    b"2 2\nthe "
    + np.array([0.5, 1], "<f4").tobytes()
    + b"\nof "
    + np.array([2, 3], "<f4").tobytes()
)
ARPA = b"\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1.0\t<s>\t-0.3\n-1.0\ta\n-0.5\t<unk>\n\n\\2-grams:\n-0.2\t<s> a\n\n\\end\\\n"
NUMBER_WORDS = [b"nan", b"inf", b"1e999", b"-", b"\xff", b" " * 9, b"1_0", b"99999999999999999999", b"\n\n", b"\x00"]  # fmt: skip
SIZES = [struct.pack("<Q", n) for n in (0, 1, 2**31, 2**32, 2**62, 2**64 - 1)] + [struct.pack("<I", n) for n in (8, 9, 7, 2**31, 2**32 - 1)]  # fmt: skip


def npz() -> bytes:
    """Words and vectors as NumPy writes them."""
    sink = io.BytesIO()
    np.savez(sink, words=np.array(["a", "b"]), vectors=np.eye(2, dtype=np.float32))
    return sink.getvalue()


def npy_pickle() -> bytes:
    """The same with words as pickled objects."""
    sink = io.BytesIO()
    np.savez(sink, words=np.array(["a", None], object), vectors=np.eye(2, dtype=np.float32))
    return sink.getvalue()


def safetensors(header: bytes | None = None, data: bytes = b"\x00\x00\x80?" * 4) -> bytes:
    """One tensor of two rows with its words."""
    told = {
        "__metadata__": {"words": '["a", "b"]'},
        "vectors": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    }
    head = json.dumps(told).encode() if header is None else header
    return struct.pack("<Q", len(head)) + head + data


def gguf() -> bytes:
    """A header with a string, a number, two arrays and a tensor."""

    def text(s: bytes) -> bytes:
        return struct.pack("<Q", len(s)) + s

    facts = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
    facts += text(b"llama.context_length") + struct.pack("<II", 4, 64)
    facts += text(b"tokens") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"b")
    facts += text(b"scores") + struct.pack("<IIQ", 9, 6, 1) + struct.pack("<f", 1.0)
    tensor = text(b"w") + struct.pack("<IQIQ", 1, 4, 0, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, 1, 4) + facts + tensor + bytes(64)


RECORD = json.dumps(
    {"kind": "swap_and_tie", "base": "demo", "base_options": {}, "base_fingerprint": "a", "method": "m@1", "params": {"k": 1}, "fingerprint": "b"}
).encode()  # fmt: skip


def _vectors() -> Callable[[Path], object]:
    from plumbline.models.vector_files import read_vectors

    return read_vectors


def _arpa() -> Callable[[Path], object]:
    from plumbline.core.questions import logprob
    from plumbline.models.abilities import ModelOptions
    from plumbline.models.arpa import Arpa

    def read(path: Path) -> object:
        return list(Arpa(path, ModelOptions()).answer(logprob(["", "a"], ["a a", " b"])))

    return read


def _gguf() -> Callable[[Path], object]:
    from plumbline.models.gguf_header import read_gguf_header

    def read(path: Path) -> object:
        found = read_gguf_header(path)
        return found.architecture, found.of_model("context_length")

    return read


def _tensors() -> Callable[[Path], object]:
    from plumbline.models.safetensors_header import read_safetensors_header

    return read_safetensors_header


def _record() -> Callable[[Path], object]:
    from plumbline.models.corrected_files import check_record, read_record

    def read(path: Path) -> object:
        found = read_record(path.parent)
        check_record(path.parent, found)
        return found["kind"], found["base"], found["base_options"], found["fingerprint"]

    return read


def _config() -> Callable[[Path], object]:
    from plumbline.models.hf_folder import detect

    return lambda path: detect(path.parent)


def _tagger() -> Callable[[Path], object]:
    from plumbline.models.tagger.trained import load_tagger

    return lambda path: load_tagger(path.parent)


def _pickles() -> Callable[[Path], object]:
    from plumbline.models.instruments.inert_pickle import read_inert
    from plumbline.models.instruments.keras_tokens import word_index

    readers = (lambda path: read_inert(path, ["Thing"]), word_index)
    return lambda path: readers[path.stat().st_size % 2](path)


PICKLED = [
    pickle.dumps({"word_index": {"a": 1, "b": 2}, "index_word": {1: "a"}}, protocol=p)
    for p in (2, 4)
]
PICKLED += [pickle.dumps([np.float64(1.5), {"a": (1, 2)}]), b"cos\nsystem\n(S'true'\ntR."]

TARGETS = [
    Target(name="vectors: text", make=from_file("v.txt", _vectors), seeds=[GLOVE, WORD2VEC], words=NUMBER_WORDS, share=2),
    Target(name="vectors: binary", make=from_file("v.bin", _vectors), seeds=[BINARY], words=[b"2 2\n", b"999999 999999\n", b" ", *NUMBER_WORDS], share=2),
    Target(name="vectors: npz", make=from_file("v.npz", _vectors), seeds=[npz(), npy_pickle()], words=[b"PK\x03\x04", b"PK\x05\x06", b"'descr': '|O'", b"(99999999999,)", b"\x93NUMPY", b"'<f4'", b"'<M8'"], share=0.5),
    Target(name="vectors: safetensors", json=True, make=from_file("v.safetensors", _vectors), seeds=[safetensors()], words=[*SIZES, b'"F32"', b'"BF16"', b'"I64"', b"__metadata__", b"[0, 16]", b"99999999999"], share=2),
    Target(name="arpa", make=from_file("m.arpa", _arpa), seeds=[ARPA], words=[b"\\end\\", b"\\9-grams:", b"ngram 9=9", b"\\0-grams:", *NUMBER_WORDS], share=2),
    Target(name="arpa.gz", make=from_file("m.arpa.gz", _arpa), seeds=[gzip.compress(ARPA, mtime=0)], words=[b"\x1f\x8b\x08", b"\\end\\"]),
    Target(name="GGUF header", make=from_file("m.gguf", _gguf), seeds=[gguf()], words=[*SIZES, b"general.alignment"], share=2),
    Target(name="safetensors header", json=True, make=from_file("m.safetensors", _tensors), seeds=[safetensors()], words=[*SIZES, b'"F32"', b'"BF16"', b"data_offsets", b"shape", b"__metadata__", b"[" * 30], share=2),
    Target(name="correction.json", json=True, make=from_file("correction.json", _record), seeds=[RECORD], words=[b'"kind"', b"null", b"[]", b"{}", b"[" * 30]),
    Target(name="config.json", json=True, make=from_file("config.json", _config), seeds=[b'{"architectures": ["GPT2LMHeadModel"], "auto_map": {}}', b'{"architectures": ["BertForMaskedLM"]}'], words=[b"null", b"[]", b"{}", b"1"]),
    Target(name="tagger.json", json=True, make=from_file("tagger.json", _tagger), seeds=[b'{"format": 1, "recipe": {"name": "linear"}, "labels": ["O"], "curves": [], "about": {}, "check": {}}'], words=[b"null", b"[]", b"{}", b"1", b'"linear"', b'"encoder"']),
    Target(name="inert pickles", make=from_file("p.pickle", _pickles), seeds=PICKLED, words=[b"\x80\x04", b"cos\nsystem\n", b"R.", b"\x8c\x04Thing", b"\x93", b"\x81", b"b.", b"\x94"]),
]  # fmt: skip
