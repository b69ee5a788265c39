"""On a remote subject each method goes on by itself; nothing is asked twice and nothing is lost."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.runner import BudgetSpent, Runner
from plumbline.core import questions as ask
from plumbline.core.answers import LogProbs, Numbers
from plumbline.core.errors import MissingExtra, PlumblineError, Unreachable
from plumbline.core.results import NotApplicable
from plumbline.core.scored import Items, Scored

LONG = 20.0  # seconds after which a test that hangs fails instead


@dataclass
class Server:
    """Scores a text by its length, a row at a time; a text may have to wait for an event."""

    name: str = "server"
    abilities: frozenset = frozenset({"logprob"})
    fingerprint: str = "f"
    remote: bool = True
    gates: dict = field(default_factory=dict)
    fails: dict = field(default_factory=dict)
    forgets: frozenset = frozenset()
    asked: list = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def about(self):
        return {}

    def partition(self, batch):
        return [np.arange(len(batch))]

    def answer(self, batch):
        for row, text in sorted(
            enumerate(batch.columns["continuation"]), key=lambda pair: pair[1] in self.gates
        ):
            self.asked.append(text)
            gate = self.gates.get(text)
            while gate is not None and not gate.wait(0.01):
                if self.closed.is_set():
                    return
            if text in self.fails:
                raise self.fails[text]
            if text not in self.forgets:
                yield np.array([row]), LogProbs.of([(np.array([-float(len(text))]), [text])])

    def close(self):
        self.closed.set()


def instrument(name):
    """A local instrument that scores by length; one that is not installed."""
    if name == "absent":
        raise MissingExtra(name, "text", "a test")
    return Lengths()


@dataclass
class Lengths:
    name: str = "lengths"
    abilities: frozenset = frozenset({"score"})
    fingerprint: str = "i"
    remote: bool = False

    def partition(self, batch):
        return [np.arange(len(batch))]

    def answer(self, batch):
        values = [float(len(t)) for t in batch.columns["response"]]
        yield np.arange(len(batch)), Numbers(np.array(values), [""] * len(values))


def asking(*steps, then=None, score=None):
    """Asks these texts step by step; `then` is called at the end, `score` names an instrument."""
    totals = None
    for texts in steps:
        (got,) = yield [ask.logprob([""] * len(texts), texts)]
        totals = got.total
    if score:
        (got,) = yield [ask.score([""] * len(steps[-1]), steps[-1], to=score)]
        totals = got.values
    if then:
        then()
    return Scored(items=Items.of(item=list(steps[-1]), score=totals), measures=[])


def scores(got):
    return {name: outcome.items["score"].tolist() for name, outcome in got.items()}


@pytest.mark.timeout(LONG)
def test_a_method_goes_on_while_another_waits_for_the_server():
    """`slow` is answered only when `quick` has finished all three of its steps."""
    gate = threading.Event()
    server = Server(gates={"slow": gate})
    runner = Runner(server, instrument, Cache(":memory:"))
    got = runner.run({
        "waits": asking(["slow", "aa"]),
        "quick": asking(["b"], ["bb"], ["bbb"], then=gate.set),
    })  # fmt: skip
    assert scores(got) == {"waits": [-4.0, -2.0], "quick": [-3.0]}
    assert list(got) == ["waits", "quick"]
    tally = runner.tally["subject:logprob"]
    assert (tally.wanted, tally.unique, tally.cached, tally.asked) == (5, 5, 0, 5)


@pytest.mark.timeout(LONG)
def test_the_record_does_not_depend_on_who_was_answered_first():
    """By step and by method, as of a local model, though `waits` is answered after all of `quick`."""
    gate = threading.Event()
    runner = Runner(Server(gates={"slow": gate}), instrument, Cache(":memory:"))
    runner.run({
        "waits": asking(["slow", "aa"]),
        "quick": asking(["b"], ["bb"], ["bbb"], then=gate.set),
    })  # fmt: skip
    assert [(asked.step, asked.metric) for asked in runner.log] == [
        (0, "waits"), (0, "quick"), (1, "quick"), (2, "quick"),
    ]  # fmt: skip


@pytest.mark.timeout(LONG)
def test_a_question_on_its_way_is_not_sent_again():
    """Two methods want `xx`; one carries it, both get its answer, and a third step is from memory."""
    gate = threading.Event()
    server = Server(gates={"xx": gate})
    runner = Runner(server, instrument, Cache(":memory:"))
    got = runner.run({
        "one": asking(["xx"], ["xx", "y"]),
        "two": asking(["zzz"], ["xx", "zzz"]),
        "free": asking(["a"], then=gate.set),
    })  # fmt: skip
    assert scores(got) == {"one": [-2.0, -1.0], "two": [-2.0, -3.0], "free": [-1.0]}
    assert sorted(server.asked) == ["a", "xx", "y", "zzz"]
    tally = runner.tally["subject:logprob"]
    assert (tally.wanted, tally.unique, tally.cached, tally.asked) == (7, 4, 0, 4)


def test_a_second_run_is_answered_from_the_cache():
    """Replayed, but for the canary questions that a remote model is asked again."""
    cache = Cache(":memory:")
    Runner(Server(), instrument, cache).run({"a": asking(["x", "yy"], ["zzz"])})
    server = Server()
    again = Runner(server, instrument, cache)
    got = again.run({"a": asking(["x", "yy"], ["zzz"])})
    assert scores(got) == {"a": [-3.0]}
    assert again.tally["subject:logprob"].asked == 0
    assert again.canaries == {"server": {"asked": 2, "changed": 0}}
    assert sorted(server.asked) == ["x", "yy"]


def test_local_instruments_are_asked_and_missing_ones_take_their_method_only():
    """A lane may end at a local instrument; one that is not installed is not applicable."""
    got = Runner(Server(), instrument, Cache(":memory:")).run({
        "good": asking(["x", "yy"], score="lengths"),
        "bad": asking(["x"], score="absent"),
    })  # fmt: skip
    assert got["good"].items["score"].tolist() == [1.0, 2.0]
    assert isinstance(got["bad"], NotApplicable)


@pytest.mark.timeout(LONG)
def test_a_spent_budget_waits_for_what_was_paid_for():
    """The second step would exceed the budget; the first step's answers are all kept."""
    gate = threading.Event()
    cache = Cache(":memory:")
    runner = Runner(Server(gates={"slow": gate}), instrument, cache, max_requests=3)
    threading.Timer(0.2, gate.set).start()
    with pytest.raises(BudgetSpent, match="2 new questions to the model after 3"):
        runner.run({"a": asking(["slow", "x"]), "b": asking(["y"], ["p", "q"])})
    assert len(cache) == 3


@pytest.mark.timeout(LONG)
@pytest.mark.parametrize("error", [Unreachable("gone"), KeyboardInterrupt()])
def test_an_error_keeps_what_has_arrived_and_frees_what_waits(error):
    """One flight fails while another is stuck: the stuck one is let go, and nothing is lost."""
    cache = Cache(":memory:")
    server = Server(gates={"stuck": threading.Event()})

    def fails():
        raise error

    with pytest.raises(type(error)):
        Runner(server, instrument, cache).run({
            "stuck": asking(["stuck", "arrived"]),
            "broken": asking(["early"], ["later"], then=fails),
        })  # fmt: skip
    assert server.closed.is_set()
    assert len(cache) == 3  # arrived, early, later


@pytest.mark.timeout(LONG)
def test_a_server_that_fails_is_told_in_its_own_words():
    """What a thread raises is raised by the run."""
    server = Server(fails={"bad": Unreachable("no such host")})
    with pytest.raises(Unreachable, match="no such host"):
        Runner(server, instrument, Cache(":memory:")).run({"a": asking(["bad"])})


def test_an_adapter_that_loses_a_question_is_found_out():
    """A row that never comes back is an error, not a hole."""
    server = Server(forgets=frozenset({"x"}))
    with pytest.raises(PlumblineError, match="left 1 of 2 questions"):
        Runner(server, instrument, Cache(":memory:")).run({"a": asking(["x", "yy"])})
