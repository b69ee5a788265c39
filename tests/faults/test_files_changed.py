"""A model's files that changed between two runs: it is another model, asked anew and told apart."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import plumbline
from plumbline.audit.cache import Cache
from plumbline.audit.run import open_instrument
from plumbline.audit.runner import Runner
from plumbline.core import questions as ask
from plumbline.core.errors import BadInput
from plumbline.core.scored import Items, Scored
from plumbline.models.fingerprints import of_file, of_files
from plumbline.models.gguf_header import other_parts
from plumbline.models.onnx import weights_beside
from plumbline.models.resolve import open_model
from plumbline.report.comparison import plain_text

TEXTS = [" she was late", " the doctor is a king", " one, two", " in a small town"]
WORDS = ("he", "she", "nurse", "doctor")
ARPA = "\\data\\\nngram 1=6\n\n\\1-grams:\n-1.0 <unk>\n" + "".join(
    f"-{0.5 + 0.1 * k:.1f} {word}\n" for k, word in enumerate((*WORDS, "is"))
) + "\n\\end\\\n"  # fmt: skip


def hf(folder):
    """A tiny GPT-2 with a chat template."""
    from tiny_models import build

    build(folder, "GPT2LMHeadModel", n_layer=1, n_head=2, n_embd=16, n_positions=64)
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    return f"hf:{folder}"


def arpa(folder):
    """A unigram model."""
    folder.mkdir(exist_ok=True)
    (folder / "words.arpa").write_text(ARPA)
    return f"arpa:{folder / 'words.arpa'}"


def vectors(folder):
    """Four word vectors as text."""
    folder.mkdir(exist_ok=True)
    lines = [f"{w} {k}.5 1.25 -0.75\n" for k, w in enumerate(WORDS)]
    (folder / "words.txt").write_text("".join(lines))
    return f"vectors:{folder / 'words.txt'}"


def table(folder):
    """Recorded decisions."""
    folder.mkdir(exist_ok=True)
    (folder / "loans.csv").write_text("label,prediction,sex\n1,1,f\n0,1,m\n1,0,f\n0,0,m\n")
    return f"table:{folder / 'loans.csv'}"


def answers(folder):
    """Recorded answers."""
    folder.mkdir(exist_ok=True)
    rows = [{"prompt": "Hi", "answer": "Hello"}, {"prompt": "Who?", "answer": "She"}]
    (folder / "answers.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in rows))
    return f"answers:{folder / 'answers.jsonl'}"


def other_byte(path, rng):
    """One bit of the last half, where the weights are, is another one."""
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw) // 2, len(raw))] ^= 1
    path.write_bytes(raw)


def other_text(old, new):
    """A text in the file is another one."""

    def change(path, _):
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


CHANGES = {
    "weights": (hf, "model.safetensors", other_byte),
    "tokenizer": (hf, "tokenizer.json", other_text('"add_prefix_space": false', '"add_prefix_space": true')),
    "config": (hf, "config.json", other_text("gelu_new", "relu")),
    "chat template": (hf, "chat_template.jinja", other_text("content", "role")),
    "generation settings": (hf, "generation_config.json", other_text('"eos_token_id": 2', '"eos_token_id": 1')),
    "n-grams": (arpa, "words.arpa", other_text("-0.6 she", "-0.7 she")),
    "vectors": (vectors, "words.txt", other_text("1.25", "1.26")),
    "table": (table, "loans.csv", other_text("1,1,f", "1,0,f")),
    "answers": (answers, "answers.jsonl", other_text("Hello", "hello")),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A form's files, made once."""
    known = {}

    def make(maker):
        if maker not in known:
            folder = tmp_path_factory.mktemp(maker.__name__)
            known[maker] = (folder, maker(folder))
        return known[maker]

    return make


@pytest.fixture
def copied(made, tmp_path):
    """A copy of a form's files, and the MODEL that names it."""

    def copy(maker):
        folder, spec = made(maker)
        target = tmp_path / "model"
        shutil.copytree(folder, target)
        return target, spec.replace(str(folder), str(target))

    return copy


def fingerprint(spec):
    """Of the model as it lies there now."""
    adapter = open_model(spec)
    adapter.close()
    return adapter.fingerprint


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_another_model(name, copied, rng):
    """One byte of weights, a tokenizer, a config, a cell: the fingerprint is another one."""
    maker, leaf, change = CHANGES[name]
    folder, spec = copied(maker)
    before = fingerprint(spec)
    change(folder / leaf, rng)
    assert fingerprint(spec) != before


@pytest.mark.parametrize("maker", [hf, arpa, vectors, table, answers], ids=lambda m: m.__name__)
def test_the_same_bytes_are_the_same_model(maker, copied, made):
    """A later date, another folder, another owner's copy: nothing is asked again for that."""
    folder, spec = copied(maker)
    before = fingerprint(spec)
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert fingerprint(spec) == before
    assert fingerprint(made(maker)[1]) == before


def asking():
    """A method that asks four questions."""
    (got,) = yield [ask.logprob(["The nurse said that"] * 4, TEXTS)]
    return Scored(items=Items.of(item=TEXTS, score=np.array(got.total)), measures=[])


def asked(spec, cache):
    """Scores of the four questions, and how many of them were put to the model."""
    adapter = open_model(spec)
    runner = Runner(adapter, open_instrument, cache)
    got = runner.run({"one": asking()})
    adapter.close()
    return got["one"].items["score"].tolist(), runner.tally["subject:logprob"].asked


@pytest.mark.parametrize("name", ["weights", "tokenizer", "config"])
def test_a_changed_model_is_asked_anew_and_the_old_one_is_still_known(name, copied, own_cache, rng):
    """Old answers are never replayed for new files; with the old files back, they are."""
    maker, leaf, change = CHANGES[name]
    folder, spec = copied(maker)
    old = (folder / leaf).read_bytes()
    with Cache(own_cache) as cache:
        first, many = asked(spec, cache)
        assert (asked(spec, cache), many) == ((first, 0), 4)
        change(folder / leaf, rng)
        second, many = asked(spec, cache)
        assert many == 4
        if name == "config":  # one bit of one weight may be too small to be seen
            assert second != first
        (folder / leaf).write_bytes(old)
        assert asked(spec, cache) == (first, 0)


def test_a_comparison_says_that_the_files_changed(tmp_path, rng):
    """Two runs of one MODEL: both fingerprints and a line about them; of one model, no such line."""
    from plumbline.data.lexicons.weat import weat_test

    test = weat_test(6)
    noise = np.random.default_rng(rng.getrandbits(32))
    path, runs = tmp_path / "words.txt", []
    for _ in range(2):
        words = sorted({*test.x, *test.y, *test.a, *test.b})
        lines = [f"{w} {' '.join(map(str, noise.normal(size=8)))}\n" for w in words]
        path.write_text("".join(lines))
        for _ in range(2):
            runs.append(
                plumbline.audit(
                    f"vectors:{path}", metrics="weat", params={"weat": {"tests": [6]}}, out=tmp_path
                )
            )
    told = [run.header["questions"]["subject:embed"]["asked"] for run in runs]
    assert told[1] == told[3] == 0
    assert told[0] == told[2] > 0
    changed, same = (plumbline.compare(runs[0], runs[k]) for k in (2, 1))
    for text in (plain_text(changed), str(changed)):
        assert "One MODEL with two fingerprints" in text
        assert all(runs[k].header["subject"]["fingerprint"][:12] in text for k in (0, 2))
    assert "two fingerprints" not in plain_text(same)
    document = changed.document()
    assert document["a"]["subject"]["fingerprint"] != document["b"]["subject"]["fingerprint"]


def test_every_part_of_a_split_gguf_file_counts(tmp_path):
    """The first part is named, the others are loaded with it: a byte of the last one is seen."""
    parts = [tmp_path / f"model-{k:05}-of-00003.gguf" for k in (1, 2, 3)]
    for part in parts:
        part.write_bytes(b"GGUF" + part.name.encode())
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    assert other_parts(parts[0]) == parts[1:]
    assert other_parts(tmp_path / "model.gguf") == []
    before = of_files(parts[0], other_parts(parts[0]))
    parts[2].write_bytes(parts[2].read_bytes() + b"x")
    assert of_files(parts[0], other_parts(parts[0])) != before
    assert of_files(parts[0], []) == of_file(parts[0])
    parts[1].unlink()
    with pytest.raises(
        BadInput, match="one of 3 parts, of which model-00002-of-00003.gguf is missing"
    ):
        other_parts(parts[0])


def test_weights_beside_an_onnx_graph_count(tmp_path):
    """External data is found by the name that the graph has for it."""
    model: Path = tmp_path / "model.onnx"
    model.write_bytes(b"\x08\x07location\x12\x0fmodel.onnx_data\x00")
    (tmp_path / "model.onnx_data").write_bytes(b"weights")
    (tmp_path / "tokenizer.json").write_text("{}")
    found = weights_beside(model, model.read_bytes())
    assert [path.name for path in found] == ["model.onnx_data"]
    before = of_files(model, found)
    found[0].write_bytes(b"Weights")
    assert of_files(model, found) != before
