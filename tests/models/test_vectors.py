"""Word vectors from files of every form, whole and damaged."""

from __future__ import annotations

import json
import struct
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from contract import LAWS, WORD_SAMPLES, WORDS, Case, ask
from packaged import needed

from plumbline.core import questions as q
from plumbline.core.errors import BadInput, UnknownName
from plumbline.models.abilities import ModelOptions
from plumbline.models.vectors import open_vectors

LIST = sorted(set(WORDS))
MATRIX = np.random.default_rng(7).normal(size=(len(LIST), 5)).astype(np.float32)


def text_of(header: bool) -> bytes:
    """The toy vectors as word2vec or GloVe text, nine digits a value (exact for float32)."""
    lines = [f"{len(LIST)} 5"] if header else []
    rows = zip(LIST, MATRIX, strict=True)
    lines += [" ".join([w, *(f"{x:.9g}" for x in row)]) for w, row in rows]
    return ("\n".join(lines) + "\n").encode()


def binary(newline: bytes = b"\n") -> bytes:
    """The toy vectors as word2vec binary."""
    head = f"{len(LIST)} 5\n".encode()
    rows = zip(LIST, MATRIX, strict=True)
    return head + b"".join(w.encode() + b" " + row.tobytes() + newline for w, row in rows)


def save(path: Path, form: str) -> Path:
    """The toy vectors in a file of this form."""
    if form == "npz":
        np.savez(path.with_suffix(".npz"), words=np.array(LIST), vectors=MATRIX)
        return path.with_suffix(".npz")
    if form.startswith("safetensors"):
        from safetensors.numpy import save_file

        inside = form == "safetensors"
        path = path.with_suffix(".safetensors")
        save_file({"vectors": MATRIX}, path, {"words": json.dumps(LIST)} if inside else None)
        if not inside:
            path.with_suffix(".txt").write_text("\n".join(LIST), "utf-8")
        return path
    content = {
        "glove": text_of(False), "word2vec": text_of(True), "binary": binary(),
        "binary without newlines": binary(b""),
    }[form]  # fmt: skip
    path.write_bytes(content)
    return path


FORMS = ["glove", "word2vec", "binary", "binary without newlines", "npz", "safetensors", "safetensors with .txt"]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_vectors(form, tmp_path):
    """What was written is read back exactly, whatever the file's form."""
    adapter = open_vectors(str(save(tmp_path / "v", form)), ModelOptions())
    got = ask(adapter, q.embed(LIST, words=True))
    np.testing.assert_array_equal(got.values, MATRIX.astype(float))
    assert got.ok.all()
    assert adapter.about()["dimensions"] == 5


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """Toy vectors as GloVe text."""
    return save(tmp_path_factory.mktemp("v") / "toy.txt", "glove")


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, toy):
    """The adapter keeps the law."""
    law(
        Case(
            adapter=open_vectors(str(toy), ModelOptions()),
            samples=WORD_SAMPLES,
            reopen=lambda options: open_vectors(str(toy), options),
            moves=(
                ModelOptions(extra={"lower": True}),
                ModelOptions(extra={"sentences": "mean"}),
                ModelOptions(extra={"limit": 3}),
            ),
            tolerance=0.0,
            counted=False,
        )
    )


def test_fingerprint_is_of_the_bytes(tmp_path):
    """Another file with the same vectors is the same subject; other vectors are another."""
    one, two = (save(tmp_path / n, "binary") for n in "ab")
    first, same = (open_vectors(str(p), ModelOptions()).fingerprint for p in (one, two))
    assert first == same
    two.write_bytes(binary()[:-2] + b"\x01\n")
    assert open_vectors(str(two), ModelOptions()).fingerprint != first


def test_unknown_words_have_a_status(toy):
    """A word that is not in the file is unanswered and NaN; the others are not touched by it."""
    got = ask(
        open_vectors(str(toy), ModelOptions()), q.embed(["king", "zyzzyva", "King"], words=True)
    )
    assert got.status == ["", "unknown word", "unknown word"]
    assert np.isnan(got.values[1:]).all()
    lower = open_vectors(str(toy), ModelOptions(extra={"lower": True}))
    assert ask(lower, q.embed(["King"], words=True)).ok.all()


def test_sentences_are_averaged_only_when_asked(toy):
    """A text of several words is unanswered, or with `mean` the mean of its known words."""
    batch = q.embed(["The king, a man", "zy zz"])
    assert "not a single word" in ask(open_vectors(str(toy), ModelOptions()), batch).status[0]
    mean = open_vectors(str(toy), ModelOptions(extra={"sentences": "mean"}))
    got = ask(mean, batch)
    wanted = (MATRIX[LIST.index("king")] + MATRIX[LIST.index("man")].astype(float)) / 2
    np.testing.assert_allclose(got.values[0], wanted, atol=1e-7)
    assert got.status == ["", "unknown word"]


def test_words_with_spaces_and_repeats(tmp_path):
    """GloVe's words may hold spaces; of two equal words the first counts, and that is told."""
    path = tmp_path / "g.txt"
    path.write_text("a 1 2\n. . . 3 4\na 5 6\n", "utf-8")
    adapter = open_vectors(str(path), ModelOptions())
    got = ask(adapter, q.embed(["a", ". . ."], words=True))
    np.testing.assert_array_equal(got.values, [[1, 2], [3, 4]])
    assert adapter.about()["repeated_words"] == 1


def test_limit_reads_the_first_words(tmp_path):
    """`limit` takes the first words of the file, also where its header promises more."""
    for form in ("word2vec", "binary", "npz"):
        adapter = open_vectors(str(save(tmp_path / form, form)), ModelOptions(extra={"limit": 2}))
        assert adapter.about()["words"] == 2
        assert LIST[1] in adapter
        assert LIST[2] not in adapter


def garbled(**changes: bytes) -> bytes:
    """GloVe text with one line replaced."""
    lines = text_of(False).splitlines()
    lines[2] = changes["line"]
    return b"\n".join(lines) + b"\n"


DAMAGED = {
    "empty": (b"", "not there or empty"),
    "prose": (b"Once upon a time\nthere was\n", "line 1: neither"),
    "blank": (b"\n\n", "line 1: neither"),
    "too few values": (garbled(line=b"queen 1 2 3"), "line 3"),
    "too many values": (garbled(line=b"queen 1 2 3 4 5 6"), "line 3: wants a word and 5 values; got 6"),
    "a word for a value": (garbled(line=b"queen 1 2 x 4 5"), "line 3: a value is not a number"),
    "not UTF-8": (garbled(line=b"\xff\xfe 1 2 3 4 5"), "line 3: not UTF-8"),
    "NaN": (garbled(line=b"queen 1 2 nan 4 5"), "'queen' .word 3. is not finite"),
    "infinite": (garbled(line=b"queen 1 2 inf 4 5"), "'queen' .word 3. is not finite"),
    "beyond float32": (garbled(line=b"queen 1 2 1e50 4 5"), "queen|line 3"),
    "zero": (garbled(line=b"queen 0 0 0 0 0"), "'queen' .word 3. is zero"),
    "cut text": (text_of(True)[: len(text_of(True)) // 2].rpartition(b"\n")[0] + b"\n", "promises 7 words, the file ends after 3"),
    "cut line": (text_of(True)[:-20], "line 8"),
    "cut binary": (binary()[:-30], "was it cut short|ends at byte"),
    "cut binary in a vector": (binary()[:-3], "inside the vector of word 7 of 7"),
    "binary not UTF-8": (binary().replace(b"king", b"k\xffng"), "is not UTF-8"),
    "absurd header": (b"99999999 300\nab\x00\x01\x02", "more than the file"),
    "gzip": (b"\x1f\x8b\x08\x00abc", "gunzip"),
    "broken zip": (b"PK\x03\x04broken", "not a whole zip"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_files_are_one_clear_error(content, said, tmp_path):
    """A damaged file is a BadInput that names the place, never a wrong vector."""
    path = tmp_path / "v.bin"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BadInput, match=said):
            open_vectors(str(path), ModelOptions())


def test_every_cut_of_a_binary_file_is_noticed(tmp_path):
    """A word2vec binary file cut at any byte before its last value is refused."""
    whole = binary(b"")
    path = tmp_path / "v.bin"
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadInput):
            open_vectors(str(path), ModelOptions())


def test_npz_with_objects_or_other_names_is_refused(tmp_path):
    """Pickled objects are refused unread, and wrong names are told with those that are wanted."""
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(["a", None], object), vectors=np.eye(2, dtype=np.float32))
    with pytest.raises(BadInput, match="nothing is unpickled"):
        open_vectors(str(path), ModelOptions())
    np.savez(path, labels=np.array(["a"]), x=np.eye(1))
    with pytest.raises(BadInput, match="labels, x; wanted are 'words'"):
        open_vectors(str(path), ModelOptions())
    np.savez(path, words=np.array(["a"]), vectors=np.eye(2))
    with pytest.raises(BadInput, match="1 words"):
        open_vectors(str(path), ModelOptions())


def test_safetensors_damage(tmp_path):
    """A cut safetensors file and one without words are refused."""
    path = save(tmp_path / "v", "safetensors with .txt")
    path.with_suffix(".txt").unlink()
    with pytest.raises(BadInput, match="has no words"):
        open_vectors(str(path), ModelOptions())
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    with pytest.raises(BadInput, match="safetensors"):
        open_vectors(str(path), ModelOptions())


def test_unknown_setting(toy):
    """A misspelt setting names the nearest one."""
    with pytest.raises(UnknownName, match="lower"):
        open_vectors(str(toy), ModelOptions(extra={"lowercase": True}))


def effect(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """WEAT's d (Caliskan et al. 2017, with the sample standard deviation)."""
    return (score(x, a, b).mean() - score(y, a, b).mean()) / score(np.vstack([x, y]), a, b).std(
        ddof=1
    )


def score(w: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean cosine to a minus mean cosine to b."""
    w, a, b = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (w, a, b))
    return (w @ a.T).mean(axis=1) - (w @ b.T).mean(axis=1)


@pytest.mark.parametrize(("test", "figure"), [("1", 1.504), ("7", 1.055)])
def test_weat_on_the_original_glove_rows(shared_data, test, figure):
    """Vectors opened by `vectors:` give WEAT 1 and 7 their figures on the original GloVe 840B rows.

    1.50 and 1.06 in Table 1 of Caliskan et al. 2017; to three digits in the issue.
    """
    adapter = open_vectors(str(shared_data / "weat" / "glove840b_subset.npz"), ModelOptions())
    lists = json.loads((shared_data / "weat" / "weat.json").read_text("utf-8"))["tests"]
    lists = (
        lists[test] if isinstance(lists, dict) else next(t for t in lists if str(t["id"]) == test)
    )
    got = {}
    for part in "XYAB":
        words = lists[part]["words"] if isinstance(lists[part], dict) else lists[part]
        answers = ask(adapter, q.embed(words, words=True))
        assert answers.ok.all()
        got[part] = answers.values
    d = effect(got["X"], got["Y"], got["A"], got["B"])
    assert d == pytest.approx(figure, abs=6e-4)
    if test == "7":
        both = score(np.vstack([got["X"], got["Y"]]), got["A"], got["B"])
        sums = np.array([both[list(c)].sum() for c in combinations(range(16), 8)])
        assert (int((sums >= sums[0] - 1e-12).sum()), sums.size) == (202, 12870)


def test_words_of_the_masked_models_package_are_not_vectors():
    """A safetensors file of a model is refused: it has many tensors and no words."""
    model = needed("cognition") / "model" / "model.safetensors"
    with pytest.raises(BadInput, match="wanted is one"):
        open_vectors(str(model), ModelOptions())
