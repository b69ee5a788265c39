"""Files that were cut off or overwritten: one error that names the file, or the same result anew."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner
from console import one_message
from counted_model import asked
from kept import FILES, committed

import plumbline
from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.cli.main import main
from plumbline.core.errors import StoreError
from plumbline.testing import PlantedEmbedder

CUTS = 25
LPBS = ("--metrics", "lpbs", "--suite", "quick")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with two runs and the report of one of them."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        with Cache(":memory:") as cache:
            plan = Plan(model="planted", metrics=("weat",), params={"weat": {"tests": [6]}})
            Audit(plan, PlantedEmbedder(seed=seed), cache).run(folder)
    return folder


def lengths(rng, size):
    """Lengths to cut a file of so many bytes to: none, all but one, and others at random."""
    return [0, 1, size - 1, *(rng.randrange(2, size - 1) for _ in range(CUTS))]


def outcome(work):
    """What some work gives and "", or None and the message of its `StoreError`."""
    try:
        return work(), ""
    except StoreError as error:
        return None, str(error)


def read(folder, name):
    """Everything that a file of a run is read for, as text."""
    run = plumbline.load_run(folder)
    if name in {"run.json", "findings.parquet"}:
        return json.dumps(run.document(), sort_keys=True)
    columns = run.items() if name == "items.parquet" else run.answers()
    return repr({column: values.tolist() for column, values in columns.items()})


@pytest.mark.parametrize("name", [*FILES, "run.json"])
def test_a_run_with_a_cut_off_file_says_which(name, stored, tmp_path, rng):
    """Cut anywhere, the reading of the file is one error with its path and what to try."""
    folder = shutil.copytree(min(stored.iterdir()), tmp_path / "run")
    path = folder / name
    raw, wanted = path.read_bytes(), read(folder, name)
    for length in lengths(rng, len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(StoreError) as caught:
            read(folder, name)
        assert str(path) in str(caught.value), length
        assert "same command again" in str(caught.value)
    path.write_bytes(raw)
    assert read(folder, name) == wanted


@pytest.mark.parametrize("name", [*FILES, "run.json"])
def test_a_run_with_garbage_in_a_file_is_never_read_as_another(name, stored, tmp_path, rng):
    """Bytes overwritten at random: one error that names the file, or what stood there before."""
    folder = shutil.copytree(min(stored.iterdir()), tmp_path / "run")
    path = folder / name
    raw, refused = path.read_bytes(), 0
    for _ in range(CUTS):
        at = rng.randrange(len(raw) - 8)
        path.write_bytes(raw[:at] + rng.randbytes(8) + raw[at + 8 :])
        _, said = outcome(lambda: read(folder, name))
        assert not said or str(path) in said
        refused += said != ""
    # Text and numbers that are stored plainly may still be read: neither format has a check sum.
    assert refused > 0


VALIDATE = ["validate", "export", "RUN", "--metric", "weat", "--out", "sample.csv"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        *(
            (words, name)
            for words in (["history", "--out", "RUNS"], ["report", "RUN"], ["compare", "RUN", "OTHER"])
            for name in ("findings.parquet", "run.json")
        ),
        (["report", "RUN"], "items.parquet"),
        (["report", "RUN"], "answers.parquet"),
        (["report", "RUN", "--as", "csv"], "items.parquet"),
        (["report", "RUN", "--as", "parquet"], "items.parquet"),
        (["compare", "RUN", "OTHER"], "items.parquet"),
        (VALIDATE, "items.parquet"),
    ],
)  # fmt: skip
def test_verbs_name_the_damaged_file(name, words, stored, tmp_path, rng):
    """Exit code 2 and one message with the file's path, whichever verb meets it."""
    runs = shutil.copytree(stored, tmp_path / "runs")
    first, second = sorted(runs.iterdir())
    path = first / name
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])
    places = {"RUNS": runs, "RUN": first, "OTHER": second}
    got = CliRunner().invoke(main, [str(places.get(w, w)) for w in words])
    assert got.exit_code == 2, got.output
    assert got.exception is None or isinstance(got.exception, SystemExit)
    assert str(path) in got.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache of 3,000 answers as it lies on the disk after an orderly end."""
    path = tmp_path_factory.mktemp("cache") / "c.sqlite"
    with Cache(path) as cache:
        for part in range(30):
            keys = [k.to_bytes(4, "big") for k in range(part * 100, part * 100 + 100)]
            cache.put("f", keys, [["", k.hex(), 1.5] for k in keys])
    assert not path.with_name("c.sqlite-wal").exists()
    return path.read_bytes()


def answers(path):
    """All that a cache can tell about the 3,000 questions, or the error that it is."""
    keys = [k.to_bytes(4, "big") for k in range(3000)]
    with Cache(path) as cache:
        return cache.get("f", keys), len(cache)


def test_a_cut_off_cache_is_one_error_or_has_only_right_answers(filled, tmp_path, rng):
    """Cut to any length: the message names the file, or what is left is as it was given."""
    refused = 0
    for number, length in enumerate(lengths(rng, len(filled))):
        path = tmp_path / f"{number}.sqlite"
        path.write_bytes(filled[:length])
        found, said = outcome(lambda path=path: answers(path)[0])
        refused += said != ""
        assert not said or (str(path) in said and "Move the file away" in said)
        assert said or all(answer == ["", key.hex(), 1.5] for key, answer in found.items())
    assert refused > CUTS / 2


@pytest.mark.parametrize("kind", ["header", "pages", "text"])
def test_garbage_in_a_cache_is_one_error_or_no_answer(kind, filled, tmp_path, rng):
    """An overwritten header, page or answer: no traceback, and nothing that is no answer."""
    for number in range(CUTS):
        path = tmp_path / f"{number}.sqlite"
        at = {
            "header": 0,
            "pages": rng.randrange(1, len(filled) // 4096) * 4096,
            "text": rng.randrange(4096, len(filled) - 40),
        }[kind]
        path.write_bytes(filled[:at] + b"\xff" * 40 + filled[at + 40 :])
        found, said = outcome(lambda path=path: answers(path)[0])
        assert not said or (str(path) in said and "damaged" in said)
        assert said or all(isinstance(answer, list) for answer in found.values())


def test_a_lost_journal_loses_its_answers_and_no_others(tmp_path, rng):
    """The WAL file is gone or cut: what is left is a start of what was kept, each answer right."""
    path = tmp_path / "c.sqlite"
    cache = Cache(path)
    for part in range(30):
        keys = [k.to_bytes(4, "big") for k in range(part * 100, part * 100 + 100)]
        cache.put("f", keys, [["", k.hex(), 1.5] for k in keys])
    raw = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    cache.close()
    wal = raw["c.sqlite-wal"]
    for length in [None, *lengths(rng, len(wal))]:
        folder = tmp_path / str(length)
        folder.mkdir(exist_ok=True)
        (folder / "c.sqlite").write_bytes(raw["c.sqlite"])
        if length is not None:
            (folder / "c.sqlite-wal").write_bytes(wal[:length])
        found, count = answers(folder / "c.sqlite")
        assert count == len(found)
        assert count % 100 == 0
        assert sorted(found) == [k.to_bytes(4, "big") for k in range(count)]
        assert all(answer == ["", key.hex(), 1.5] for key, answer in found.items())


def test_an_audit_after_a_damaged_cache_was_moved_away(console, tmp_path, own_cache, rng):
    """The message says what to do; done, everything is asked anew and the bytes are the same."""
    log, out = tmp_path / "log", tmp_path / "runs"
    words = ("audit", f"counted:{log}", *LPBS, "--out", out)
    assert console.run(*words).returncode == 0
    (whole,), total = out.iterdir(), len(committed(own_cache))
    raw = own_cache.read_bytes()
    own_cache.write_bytes(raw[: rng.randrange(5000, len(raw) - 4096)])
    said = one_message(console.run(*words))
    assert str(own_cache) in said
    assert "Move the file away" in said
    assert len(asked(log)) == total
    own_cache.rename(own_cache.with_name("damaged"))
    got = console.run(*words)
    assert got.returncode == 0, got.stderr
    assert len(asked(log)) == 2 * total
    again = next(f for f in out.iterdir() if f != whole)
    for name in FILES:
        assert (again / name).read_bytes() == (whole / name).read_bytes(), name
