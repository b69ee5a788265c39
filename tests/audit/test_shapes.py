"""What plumbline's own files must hold: every kind of damage is told with its place."""

from __future__ import annotations

import json

import pytest

from plumbline.audit import certificates
from plumbline.audit.cache import Cache
from plumbline.audit.cached_answers import unpacked
from plumbline.audit.certificates import certificate, read_certificate
from plumbline.audit.shapes import Maybe, Pair, Words, checked
from plumbline.audit.store import read_findings, read_header
from plumbline.core import questions as ask
from plumbline.core.errors import StoreError

SHAPE = {
    "text": str, "whole": int, "number": float, "flag": bool, "list": [str], "table": {str: float}, "word": Words(("a", "b")),
    "pair": Pair(float), "either": (None, str), "absent": Maybe(int),
}  # fmt: skip
SOUND = {
    "text": "", "whole": 1, "number": 1, "flag": True, "list": [], "table": {"x": 0.5}, "word": "a", "pair": [1, 2], "either": None, "more": object,
}  # fmt: skip


def test_a_sound_table_is_given_back():
    """The very object, with fields that nobody asked about."""
    assert checked(SOUND, SHAPE, "it") is SOUND
    assert checked({**SOUND, "absent": 3, "either": "x"}, SHAPE, "it")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"text": 1}, "it.text is 1; wanted text"), ({"whole": True}, "it.whole is True; wanted a whole number"), ({"whole": 1.0}, "it.whole"),
        ({"number": float("nan")}, "it.number is nan"), ({"number": 10**400}, "it.number"), ({"number": "1"}, "it.number"), ({"flag": 1}, "it.flag"),
        ({"list": ["a", 2]}, r"it.list\[1\] is 2"), ({"list": "ab"}, "it.list"), ({"table": {"k": None}}, "it.table.k is None"), ({"table": []}, "it.table"),
        ({"word": "c"}, "wanted one of a, b"), ({"word": ["a"]}, "it.word"), ({"pair": [1]}, "two values"), ({"pair": [1, "2"]}, "it.pair"),
        ({"either": 1}, "it.either"), ({"absent": "x"}, "it.absent"), ({"text": "x" * 9, "whole": "y" * 5000}, "it.whole is 'y"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_place(changed, says):
    """The first fault, what came and what was wanted, in a short message."""
    with pytest.raises(ValueError, match=says) as error:
        checked({**SOUND, **changed}, SHAPE, "it")
    assert len(str(error.value)) < 200
    with pytest.raises(ValueError, match="has no 'text'"):
        checked({k: v for k, v in SOUND.items() if k != "text"}, SHAPE, "it")
    with pytest.raises(ValueError, match="it is None; wanted a table"):
        checked(None, SHAPE, "it")


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"plan": 1}', "\ufeff{}"])
def test_a_damaged_header_is_one_clear_error(tmp_path, text):
    """Not JSON, nested too deeply, or without what every run says."""
    (tmp_path / "run.json").write_text(text, "utf-8")
    with pytest.raises(StoreError, match=r"run\.json cannot be read"):
        read_header(tmp_path / "run.json")


@pytest.mark.parametrize("row", ["", "null", "{}", '{"metric": 1}', None])
def test_a_damaged_finding_is_one_clear_error(tmp_path, row):
    """The message counts it."""
    with pytest.raises(StoreError, match="cannot be read as findings: "):
        read_findings(tmp_path, {"row": [row]})
    with pytest.raises(StoreError, match="no column 'row'"):
        read_findings(tmp_path, {})


def test_shipped_certificates_are_whole(tmp_path):
    """Each has its shape; a damaged one is told, and a text that is no id has none."""
    folder = certificates.files("plumbline.audit").joinpath(certificates.FOLDER)
    shipped = [p for p in folder.iterdir() if p.name.endswith(".json")]
    assert len(shipped) > 40
    for path in shipped:
        assert read_certificate(path)["summary"]
    (tmp_path / "c.json").write_text(json.dumps({"summary": "all well"}))
    with pytest.raises(StoreError, match="no whole certificate"):
        read_certificate(tmp_path / "c.json")
    for name in ("../../../etc/passwd", "..", "a\x00b", "a" * 300, "", "\\x"):
        assert certificate(name) is None


ASKED = {
    "generate": ask.generate(["a"], decoding=ask.Decoding()), "logprob": ask.logprob(["a"], ["b"]), "choose": ask.choose(["a"], [["b", "c"]]),
    "embed": ask.embed(["a"]), "score": ask.score(["a"], ["b"]), "classify": ask.classify(["a"]),
}  # fmt: skip


@pytest.mark.parametrize("ability", ASKED)
@pytest.mark.parametrize("row", [[""], ["", 1, 2], ["", None, None, None, None], [None, "", "", "", ""], ["", "!", [1], "", ""], {"a": 1}])  # fmt: skip
def test_a_cached_row_that_is_no_answer_is_told(ability, row):
    """Whoever edited or damaged the cache reads where it is and what to do."""
    with pytest.raises(StoreError, match=r"answer cache c\.sqlite holds something"):
        unpacked(ASKED[ability], [row], "c.sqlite")


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", "[" * 100_000])
def test_a_cached_text_that_is_no_row_is_told(tmp_path, text):
    """Not JSON, or not a list."""
    with Cache(tmp_path / "c.sqlite") as cache:
        cache._db.execute("insert into answers values ('f', ?, ?, 1e12)", (b"k", text))
        with pytest.raises(StoreError, match=r"c\.sqlite"):
            cache.get("f", [b"k"])


def test_half_a_surrogate_pair_is_kept(tmp_path):
    """What a server cuts off in the middle of a sign comes back as it was."""
    with Cache(tmp_path / "c.sqlite") as cache:
        cache.put("f", [b"k"], [["", "half \ud83d", "stop"]])
        assert cache.get("f", [b"k"]) == {b"k": ["", "half \ud83d", "stop"]}
