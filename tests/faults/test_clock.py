"""A machine's clock that jumps: nothing is asked twice, nothing stale is replayed, no run is lost."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from bad_server import Reply, chat, serving
from talking_server import QUICK, good

import plumbline
from plumbline.audit import started
from plumbline.audit.cache import AHEAD, Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit, new_folder, open_instrument
from plumbline.audit.runner import Runner
from plumbline.audit.started import Started
from plumbline.core import questions as ask
from plumbline.core.questions import Decoding
from plumbline.core.scored import Items, Scored
from plumbline.models.abilities import ModelOptions
from plumbline.models.openai_like import open_openai
from plumbline.testing import PlantedEmbedder

DAY, YEAR = 24 * 3600.0, 365 * 24 * 3600.0
PLAN = Plan(model="planted", metrics=("weat",), params={"weat": {"tests": [6]}})


class Clock:
    """What `time.time` and `datetime.now` say; `time.monotonic` goes on as it does."""

    def __init__(self, monkeypatch):
        self.ahead = self.later = 0.0
        true = time.time
        monkeypatch.setattr(time, "time", lambda: true() + self.ahead)

        class Set(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.fromtimestamp(time.time(), tz)

        monkeypatch.setattr(started, "datetime", Set)


@pytest.fixture
def clock(monkeypatch):
    """The machine's clock, to be set."""
    return Clock(monkeypatch)


def remote(url, **extra):
    """An adapter of a server."""
    return open_openai(f"toy@{url}", ModelOptions(extra={**QUICK, **extra}))


def steps(*wanted):
    """A method that asks for these texts, step by step."""
    total = 0
    for texts in wanted:
        (got,) = yield [ask.generate(texts, decoding=Decoding(max_tokens=4))]
        total += len(got.texts)
    return Scored(items=Items.of(item=["x"], score=np.array([float(total)])), measures=[])


def test_a_clock_that_jumps_in_the_middle_makes_no_answer_of_the_run_old(own_cache, clock, rng):
    """By a year, either way, at every request: each question is asked once in the run."""

    def script(_, payload):
        clock.ahead = rng.choice([-YEAR, -40 * DAY, 0.0, 40 * DAY, YEAR])
        return good(payload)

    names = [f"question {k}" for k in range(12)]
    wanted = [rng.sample(names, 6) for _ in range(8)]
    with serving(script) as (url, seen), Cache(own_cache) as cache:
        adapter = remote(url)
        runner = Runner(adapter, open_instrument, cache)
        got = runner.run({"one": steps(*wanted[:4]), "two": steps(*wanted[4:])})
        adapter.close()
    assert [g.items["score"].tolist() for g in got.values()] == [[24.0], [24.0]]
    assert len(seen.payloads) == len({t for texts in wanted for t in texts})


def test_what_a_run_has_replayed_once_it_replays_again(own_cache, clock):
    """Kept by an earlier run, used in step one; then a year passes: step two asks nothing anew."""
    texts = ["one", "two", "three", "four"]

    def script(_, payload):
        clock.ahead = clock.later
        return good(payload)

    with serving(script) as (url, _), Cache(own_cache) as cache:
        for clock.later in (0.0, YEAR):  # in the second run the canaries make it jump
            adapter = remote(url)
            runner = Runner(adapter, open_instrument, cache)
            runner.run({"one": steps(texts, texts)})
            adapter.close()
    assert clock.ahead == YEAR
    assert runner.tally["subject:generate"].asked == 0


def asked_again(own_cache, clock, then, now, **extra):
    """How many of five questions kept at one time are asked at another (canaries left out)."""
    names = [f"question {k}" for k in range(5)]
    asked = []
    for clock.ahead in (then, now):
        with serving(lambda _, payload: good(payload)) as (url, _), Cache(own_cache) as cache:
            adapter = remote(url, **extra)
            adapter.fingerprint = "the same model"  # whatever its port
            runner = Runner(adapter, open_instrument, cache)
            runner.run({"one": steps(names)})
            adapter.close()
        asked.append(runner.tally["subject:generate"].asked)
    return asked


@pytest.mark.parametrize(
    ("then", "now", "extra", "again"),
    [
        (0.0, 29 * DAY, {}, 0),
        (0.0, 31 * DAY, {}, 5),
        (0.0, 3 * DAY, {"expires_days": 2.0}, 5),
        (0.0, 3 * DAY, {"expires_days": 4.0}, 0),
        (AHEAD / 2, 0.0, {}, 0),  # two machines' clocks differ a little
        (YEAR, 0.0, {}, 5),  # the clock ran ahead when the answers were kept
        (0.0, YEAR, {}, 5),  # it runs ahead now: asked anew, rather than taken for young
    ],
)
def test_what_has_no_known_age_is_asked_anew(own_cache, clock, then, now, extra, again):
    """Answers of a service expire after the stated days, and where a clock was wrong."""
    assert asked_again(own_cache, clock, then, now, **extra) == [5, again]


def test_a_local_models_answers_do_not_age(own_cache, clock):
    """Whatever the calendar says, nothing is computed again."""
    for clock.ahead in (0.0, -YEAR, 10 * YEAR):
        with Cache(own_cache) as cache:
            run = Audit(PLAN, PlantedEmbedder(), cache).run(None)
    (told,) = (t for name, t in run.header["questions"].items() if name.startswith("subject"))
    assert told["asked"] == 0


def test_runs_made_while_the_clock_jumps_are_all_kept(tmp_path, clock, rng):
    """Set back, ahead, and to the same second: a folder each, listed in the clock's order."""
    for clock.ahead in (0.0, -YEAR, YEAR, 0.0, -YEAR):
        with Cache(":memory:") as cache:
            Audit(PLAN, PlantedEmbedder(), cache).run(tmp_path)
    listed = plumbline.history(folder=tmp_path)
    assert len({row["folder"] for row in listed}) == 5
    assert [row["started"] for row in listed] == sorted(row["started"] for row in listed)


def test_processes_that_begin_in_one_second_have_folders_of_their_own(tmp_path):
    """Sixteen at once with one plan: sixteen folders, none of them shared."""
    began, made, gate = Started(), [], threading.Barrier(16)

    def make():
        gate.wait()
        made.append(new_folder(PLAN, tmp_path / "runs", began))

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16
    assert all(folder.is_dir() for folder in made)


def test_how_long_a_run_took_does_not_hang_on_the_calendar(clock):
    """Set back by a year meanwhile: the seconds are those that passed."""
    began = Started()
    clock.ahead = -YEAR
    time.sleep(0.02)
    assert 0.02 <= began.seconds() < 5


@pytest.mark.parametrize("off", [-YEAR, 0.0, YEAR])
def test_a_wait_until_a_date_is_counted_on_the_servers_clock(off):
    """Retry-After and Date come from one clock: a difference to ours is no wait of a year."""

    def script(number, payload):
        now = datetime.now(UTC) + timedelta(seconds=off)
        dates = {"Date": format_datetime(now, usegmt=True)}
        until = format_datetime(now + timedelta(seconds=1), usegmt=True)
        return chat("fine") if number else Reply(503, b"", {**dates, "Retry-After": until})

    with serving(script) as (url, seen):
        adapter = remote(url, clients=1, in_flight=1)
        batch = ask.generate(["one"], decoding=Decoding(max_tokens=4))
        ((_, got),) = adapter.answer(batch)
        adapter.close()
    assert got.texts == ["fine"]
    assert 0.9 <= seen.times[1] - seen.times[0] < 10


@pytest.mark.timeout(60)
def test_the_pace_of_requests_does_not_hang_on_the_calendar(clock, rng):
    """The clock jumps at every request: 600 a minute still leave 0.1 s apart."""

    def script(_, payload):
        clock.ahead = rng.choice([-YEAR, YEAR])
        return good(payload)

    with serving(script) as (url, seen):
        adapter = remote(url, per_minute=600.0)
        list(adapter.answer(ask.generate(list("abcdef"), decoding=Decoding(max_tokens=4))))
        adapter.close()
    assert 0.4 < seen.times[-1] - seen.times[0] < 5
