"""Two audits on one cache at once: both are whole, whatever becomes of the other."""

from __future__ import annotations

import sqlite3
import threading
import time

from console import LPBS, MANY
from counted_model import asked
from kept import FILES, committed

import plumbline
from plumbline.audit.cache import Cache

PAUSE = 0.01  # seconds a batch takes: long enough for the two to meet


def started(console, tmp_path, cache, *, pause=PAUSE):
    """Two processes with one plan, one cache and one folder of runs."""
    return [
        console.start(
            "audit", f"counted:{tmp_path / f'log-{k}'}", *LPBS, "--out", tmp_path / "runs",
            PLUMBLINE_CACHE=cache, COUNTED_PAUSE=pause,
        )
        for k in (1, 2)
    ]  # fmt: skip


def ended(process):
    """Wait for a process that must end well."""
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "locked" not in err
    return err


def check_run(folder, whole):
    """A run has the bytes of the run that was alone."""
    for name in FILES:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


def test_two_audits_at_once_are_both_whole(console, tmp_path, own_cache, whole):
    """Each ends in the bytes of an audit alone, in a folder of its own; a question has one row."""
    for process in started(console, tmp_path, own_cache):
        ended(process)
    runs = sorted((tmp_path / "runs").iterdir())
    assert len(runs) == len(plumbline.history(folder=tmp_path / "runs")) == 2
    for folder in runs:
        check_run(folder, whole)
    with sqlite3.connect(own_cache) as db:
        rows, distinct = db.execute(
            "select count(*), count(distinct question) from answers"
        ).fetchone()
    assert rows == distinct == MANY
    logs = [asked(tmp_path / f"log-{k}") for k in (1, 2)]
    print(f"asked {len(logs[0])} and {len(logs[1])} of {MANY}")
    assert set(logs[0]) | set(logs[1]) == set(committed(own_cache))
    assert all(len(log) == len(set(log)) for log in logs)


def test_one_is_killed_and_the_other_does_not_notice(console, tmp_path, own_cache, whole, rng):
    """`kill -9` of the first at a random question: the second ends well, and so does a resumed one."""
    first, second = started(console, tmp_path, own_cache)
    count, until = rng.randrange(1, 1300), time.monotonic() + 60
    while len(asked(tmp_path / "log-1")) < count and first.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)
    first.kill()
    first.communicate(timeout=30)
    print(f"killed after {count} questions")
    ended(second)
    runs = [f for f in (tmp_path / "runs").iterdir() if (f / "run.json").exists()]
    for folder in runs:
        check_run(folder, whole)
    assert len(committed(own_cache)) == MANY
    before = len(asked(tmp_path / "log-1"))
    again, other = started(console, tmp_path, own_cache, pause=0)
    ended(again)
    ended(other)
    assert len(asked(tmp_path / "log-1")) == before


def test_a_writer_that_stands_still_is_waited_for(own_cache, monkeypatch):
    """Another process holds the database for a while: writing waits, reading does not."""
    with Cache(own_cache) as cache:
        cache.put("f", [b"one"], [["", 1]])
        other = sqlite3.connect(own_cache, isolation_level=None, check_same_thread=False)
        other.execute("begin immediate")
        assert cache.get("f", [b"one"]) == {b"one": ["", 1]}
        threading.Timer(0.4, other.execute, ["rollback"]).start()
        started_at = time.monotonic()
        cache.put("f", [b"two"], [["", 2]])
        assert 0.3 < time.monotonic() - started_at < 30
        assert len(cache) == 2
        other.close()
