"""Methods on a remote subject: each goes on as soon as its own answers are there.

A server answers rows one by one, so there is no batch to fill by waiting for other methods. Each
method's step is a flight: its new questions travel in a thread of their own, and what arrives
is kept at once, by the thread that called `run` alone. A question that another flight carries
already is not sent again; both methods get its answer.

Batches for local instruments are formed a method at a time, so they do not depend on which
server answered first.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plumbline.audit.cached_answers import unpacked
from plumbline.audit.pool import Pool, united
from plumbline.audit.runner import CANARIES, BudgetSpent, Outcome, advanced
from plumbline.core.answers import Answers
from plumbline.core.digests import Digests
from plumbline.core.errors import MissingExtra, PlumblineError, TooWeak
from plumbline.core.questions import Batch
from plumbline.core.results import NotApplicable
from plumbline.core.scored import Asking
from plumbline.models.abilities import Adapter

if TYPE_CHECKING:
    from plumbline.audit.runner import Runner

Keyed = tuple[Batch, Digests]
Question = tuple[str, bytes]
PATIENCE = 10.0  # seconds for threads to end after the connections were closed


@dataclass
class _Lane:
    """A method on its way: the batches of its current step, and what it still waits for."""

    name: str
    job: Asking
    step: int = -1
    pairs: list[Keyed] = field(default_factory=list)
    answers: dict[Question, list[Any]] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    missing: set[Question] = field(default_factory=set)


@dataclass(eq=False)
class _Flight:
    """New questions of one step and kind, and those of them that are still out."""

    adapter: Adapter
    batch: Batch
    keys: list[bytes]
    what: str
    out: set[bytes]


@dataclass
class _Arrival:
    """Rows that came back; without keys, the end of a flight and the error it ended with."""

    flight: _Flight
    keys: list[bytes] = field(default_factory=list)
    packed: list[list[Any]] = field(default_factory=list)
    error: Exception | None = None


class Lanes:
    """One run of methods on a remote subject.

    Args:
        runner: Supplies adapters, cache, budget, progress and record.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._inbox: queue.SimpleQueue[_Arrival] = queue.SimpleQueue()
        self._waiting: dict[str, _Lane] = {}
        self._done: dict[str, Outcome] = {}
        self._flying: dict[Question, list[_Lane]] = {}
        self._seen: set[Question] = set()
        self._threads: dict[_Flight, threading.Thread] = {}
        self._since: dict[str, tuple[int, float]] = {}
        self._stopped = threading.Event()

    def run(self, jobs: Mapping[str, Asking]) -> dict[str, Outcome]:
        """Every method's result. What was answered before an error or Ctrl-C is kept."""
        self._waiting = {name: _Lane(name, job) for name, job in jobs.items()}
        try:
            for lane in list(self._waiting.values()):
                self._forward(lane)
            while self._waiting:
                self._receive(self._next())
        except BudgetSpent:
            # What is on its way was paid for.
            while self._threads:
                self._keep(self._next())
            raise
        except BaseException:
            self._stop()
            raise
        # The record does not depend on which answer came first.
        places = {name: place for place, name in enumerate(jobs)}
        self._runner.log.sort(key=lambda asked: (asked.step, places[asked.metric]))
        return {name: self._done[name] for name in jobs}

    def _forward(self, lane: _Lane) -> None:
        """Let a method go on until it waits for an answer or is done."""
        while lane.name in self._waiting and not lane.missing:
            wanted = advanced(lane.job, None if lane.step < 0 else self._answers(lane))
            if isinstance(wanted, list):
                lane.step += 1
                self._begin(lane, wanted)
            else:
                self._finish(lane, wanted)

    def _finish(self, lane: _Lane, outcome: Outcome) -> None:
        self._done[lane.name] = outcome
        del self._waiting[lane.name]

    def _answers(self, lane: _Lane) -> list[Any]:
        return [
            lane.records[batch.kind()]
            if batch.ability == "records"
            else self._runner.deliver(
                lane.name, lane.step, (batch, keys), self._unpacked(lane, batch, keys)
            )
            for batch, keys in lane.pairs
        ]

    def _unpacked(self, lane: _Lane, batch: Batch, keys: Digests) -> Answers:
        pool = lane.pools.get(batch.kind())
        if pool is not None:
            return pool.of(keys)
        packed = [lane.answers[batch.to, key] for key in keys]
        made: Answers = unpacked(batch, packed, self._runner.cache.path)
        return made

    def _begin(self, lane: _Lane, batches: Sequence[Batch]) -> None:
        try:
            for batch in batches:
                self._runner.adapter(batch.to)
        except (MissingExtra, TooWeak) as error:
            self._finish(lane, NotApplicable(reason=str(error)))
            return
        lane.answers, lane.pools, lane.records = {}, {}, {}
        lane.pairs = [(b, Digests(b"") if b.ability == "records" else b.keys()) for b in batches]
        pools: dict[str, list[Keyed]] = {}
        for batch, keys in lane.pairs:
            pools.setdefault(batch.kind(), []).append((batch, keys))
        for kind, members in pools.items():
            first = members[0][0]
            if first.ability == "records":
                lane.records[kind] = self._runner.records(first)
            elif self._runner.adapter(first.to).remote:
                self._fly(lane, members)
            else:
                lane.pools[kind] = self._runner.pool(members)

    def _fly(self, lane: _Lane, members: Sequence[Keyed]) -> None:
        """Take what is known, join flights that carry the same questions, send the rest."""
        runner = self._runner
        union, keys = united(members)
        adapter, tally = runner.adapter(union.to), runner.tally_of(union)
        found = runner.replay.known(adapter, keys)
        before = {k: a for k, a in found.items() if (union.to, k) not in self._seen}
        new = [k for k in keys if (union.to, k) not in self._seen]
        tally.wanted += sum(len(k) for _, k in members)
        tally.unique += len(new)
        tally.cached += len(before)
        answered = [i for i, k in enumerate(keys) if k in before and not before[k][0]]
        runner.canary(adapter, union, {i: before[keys[i]] for i in answered[:CANARIES]})
        lane.answers.update(((union.to, k), answer) for k, answer in found.items())
        rest = [(union.to, k) for k in keys if k not in found]
        rows = [
            i for i, k in enumerate(keys) if k not in found and (union.to, k) not in self._flying
        ]
        runner.within_budget(union, len(rows))
        self._seen.update((union.to, k) for k in keys)
        for question in rest:
            self._flying.setdefault(question, []).append(lane)
        lane.missing.update(rest)
        what = f"{union.to}: {union.ability} ({lane.name})"
        runner.progress.step(what, len(keys), len(keys) - len(rows))
        if rows:
            # Counted when sent, so that a budget sees what is on its way.
            tally.asked += len(rows)
            fresh = [keys[i] for i in rows]
            self._send(_Flight(adapter, union.take(rows), fresh, what, set(fresh)))

    def _send(self, flight: _Flight) -> None:
        name = f"{flight.batch.to}:{flight.batch.ability}"
        count, since = self._since.get(name, (0, time.perf_counter()))
        self._since[name] = (count + 1, since if count else time.perf_counter())
        thread = threading.Thread(target=self._fetch, args=(flight,), name=flight.what, daemon=True)
        self._threads[flight] = thread
        thread.start()

    def _fetch(self, flight: _Flight) -> None:
        """In the flight's thread: put the questions and hand over what arrives."""
        ended = _Arrival(flight)
        try:
            for part in flight.adapter.partition(flight.batch):
                if self._stopped.is_set():
                    break
                for rows, answers in flight.adapter.answer(flight.batch.take(part.tolist())):
                    here = [flight.keys[int(part[int(r)])] for r in rows]
                    packed = [answers.pack(i) for i in range(len(here))]
                    self._inbox.put(_Arrival(flight, here, packed))
        except Exception as error:  # noqa: BLE001 - raised again by the thread that called run
            ended.error = error
        self._inbox.put(ended)

    def _next(self) -> _Arrival:
        while True:
            try:
                # Woken now and then, for systems where a blocked queue does not see Ctrl-C.
                return self._inbox.get(timeout=0.5)
            except queue.Empty:
                continue

    def _receive(self, arrival: _Arrival) -> None:
        """Keep what came, and let every method go on that has all it waited for."""
        for lane in self._keep(arrival):
            self._forward(lane)
        flight = arrival.flight
        if not arrival.keys:
            if arrival.error is not None:
                raise arrival.error
            if flight.out:
                raise PlumblineError(
                    f"{flight.adapter.name} left {len(flight.out)} of {len(flight.keys)} questions "
                    "without an answer or a reason"
                )

    def _keep(self, arrival: _Arrival) -> list[_Lane]:
        """Commit rows; returns the methods that now wait for nothing more."""
        flight = arrival.flight
        if not arrival.keys:
            self._landed(flight)
            return []
        self._runner.replay.keep(flight.adapter, arrival.keys, arrival.packed)
        self._runner.progress.advance(len(arrival.keys), flight.what)
        flight.out.difference_update(arrival.keys)
        complete: dict[str, _Lane] = {}
        for key, packed in zip(arrival.keys, arrival.packed, strict=True):
            question = (flight.batch.to, key)
            for lane in self._flying.pop(question, ()):
                lane.answers[question] = packed
                lane.missing.discard(question)
                if not lane.missing:
                    complete[lane.name] = lane
        return list(complete.values())

    def _landed(self, flight: _Flight) -> None:
        del self._threads[flight]
        name = f"{flight.batch.to}:{flight.batch.ability}"
        count, since = self._since[name]
        self._since[name] = (count - 1, since)
        if count == 1:
            # Flights overlap: what counts is the time during which any of them was out.
            self._runner.tally_of(flight.batch).seconds += time.perf_counter() - since

    def _stop(self) -> None:
        """Close the connections and keep what has arrived."""
        self._stopped.set()
        adapters = {id(f.adapter): f.adapter for f in self._threads}.values()
        until = time.monotonic() + PATIENCE
        while True:
            # Again and again: a thread that was about to ask opens its adapter anew.
            for adapter in adapters:
                adapter.close()
            alive = [t for t in self._threads.values() if t.is_alive()]
            if not alive or time.monotonic() > until:
                break
            alive[0].join(0.1)
        while True:
            try:
                arrival = self._inbox.get_nowait()
            except queue.Empty:
                return
            if arrival.keys:
                self._keep(arrival)
