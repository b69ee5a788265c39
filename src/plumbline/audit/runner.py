"""Advance all methods together, put each question once, keep every answer.

Methods are generators that yield batches of questions. A step takes one batch list from every
waiting method, pools rows of one kind (addressee, ability, settings), removes duplicates, and
lets the adapter split the pool into local batches *before* the cache is consulted, so that the
same plan forms the same batches whether it runs through or is resumed. A remote subject has no
batches to fill, so there each method goes on by itself (`lanes`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from plumbline.audit.cache import Cache
from plumbline.audit.cached_answers import unpacked
from plumbline.audit.collecting import seldom
from plumbline.audit.pool import Pool, united
from plumbline.audit.replay import Replay
from plumbline.core.answers import Answers
from plumbline.core.digests import Digests
from plumbline.core.errors import MissingExtra, PlumblineError, TooWeak, UsageError
from plumbline.core.questions import SUBJECT, Batch, Decoding, Segment
from plumbline.core.results import NotApplicable
from plumbline.core.scored import Asking, Scored, Skip
from plumbline.models.abilities import Adapter, Rows, StreamingAdapter

CANARIES = 3  # cached greedy questions that are put again to a remote model, once a run
AT_ONCE = 10_000  # questions that are looked up in the cache together


Outcome = Scored | Skip | NotApplicable
Pieces = Iterable[tuple[Rows, Answers]]


class BudgetSpent(UsageError):
    """The next step would put more questions than the plan allows."""


class Progress(Protocol):
    """Who watches a run."""

    def step(self, what: str, total: int, known: int) -> None:
        """A pool of `total` questions begins; `known` of them are answered already."""

    def advance(self, answered: int, what: str) -> None:
        """So many more questions of that pool are answered."""


class Silent:
    """Nobody watches."""

    def step(self, what: str, total: int, known: int) -> None:
        """Say nothing."""

    def advance(self, answered: int, what: str) -> None:
        """Say nothing."""


@dataclass
class Asked:
    """One method's batch with its questions' digests and its answers, for the record."""

    metric: str
    step: int
    batch: Batch
    keys: Digests
    answers: Answers


@dataclass
class Tally:
    """How much was asked, and of whom."""

    wanted: int = 0
    unique: int = 0
    cached: int = 0
    asked: int = 0
    seconds: float = 0.0


@dataclass
class Runner:
    """Drives methods against a subject and its instruments.

    Args:
        subject: The model under test.
        instrument: Opens an instrument by name (called once each).
        cache: Where answers are kept.
        progress: Who watches.
        max_requests: Most new questions to the subject, or None.
    """

    subject: Adapter
    instrument: Callable[[str], Adapter]
    cache: Cache
    progress: Progress = field(default_factory=Silent)
    max_requests: int | None = None
    log: list[Asked] = field(default_factory=list)
    tally: dict[str, Tally] = field(default_factory=dict)
    canaries: dict[str, dict[str, int]] = field(default_factory=dict)
    _opened: dict[str, Adapter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.replay = Replay(self.cache)

    def run(self, jobs: Mapping[str, Asking]) -> dict[str, Outcome]:
        """Every method's result; a method whose instrument or data is missing is not applicable."""
        if self.subject.remote:
            from plumbline.audit.lanes import Lanes

            return Lanes(self).run(jobs)
        with seldom():
            return self._run(jobs)

    def _run(self, jobs: Mapping[str, Asking]) -> dict[str, Outcome]:
        done: dict[str, Outcome] = {}
        waiting: dict[str, Sequence[Batch]] = {}
        steps = dict.fromkeys(jobs, 0)
        for name, job in jobs.items():
            self._advance(name, job, None, waiting, done)
        while waiting:
            answers = self._ask(waiting, steps, done)
            for name in list(waiting):
                if name in done:
                    del waiting[name]
                    continue
                del waiting[name]
                steps[name] += 1
                self._advance(name, jobs[name], answers[name], waiting, done)
        return {name: done[name] for name in jobs}

    def _advance(
        self, name: str, job: Asking, got: Sequence[Any] | None,
        waiting: dict[str, Sequence[Batch]], done: dict[str, Outcome],
    ) -> None:  # fmt: skip
        wanted = advanced(job, got)
        if isinstance(wanted, list):
            waiting[name] = wanted
        else:
            done[name] = wanted

    def _ask(
        self, waiting: Mapping[str, Sequence[Batch]], steps: Mapping[str, int],
        done: dict[str, Outcome],
    ) -> dict[str, list[Any]]:  # fmt: skip
        for name, batches in waiting.items():
            try:
                for batch in batches:
                    self.adapter(batch.to)
            except (MissingExtra, TooWeak) as error:
                done[name] = NotApplicable(reason=str(error))
        keyed = {
            name: [(b, Digests(b"") if b.ability == "records" else b.keys()) for b in batches]
            for name, batches in waiting.items()
            if name not in done
        }
        places: dict[str, list[tuple[str, int]]] = {}
        for name, pairs in keyed.items():
            for i, (batch, _) in enumerate(pairs):
                places.setdefault(batch.kind(), []).append((name, i))
        found: dict[tuple[str, int], Any] = {}
        for kind in sorted(places):
            found.update(self._of_one_kind(places[kind], keyed))
        return {
            name: [
                found[name, i]
                if batch.ability == "records"
                else self.deliver(name, steps[name], (batch, keys), found[name, i])
                for i, (batch, keys) in enumerate(pairs)
            ]
            for name, pairs in keyed.items()
        }

    def _of_one_kind(
        self, places: Sequence[tuple[str, int]], keyed: Mapping[str, Sequence[tuple[Batch, Digests]]]
    ) -> dict[tuple[str, int], Any]:  # fmt: skip
        """Answers to the batches at these places, which are all of one kind."""
        members = [keyed[name][i] for name, i in places]
        if members[0][0].ability == "records":
            return dict.fromkeys(places, self.records(members[0][0]))
        pool = self.pool(members)
        return {
            place: pool.of(keys, last=place == places[-1])
            for place, (_, keys) in zip(places, members, strict=True)
        }

    def deliver(
        self, name: str, step: int, pair: tuple[Batch, Digests], answers: Answers
    ) -> Answers:
        """One batch's answers in its order, and the record of them."""
        batch, keys = pair
        self.log.append(Asked(name, step, batch, keys, answers))
        return answers

    def records(self, batch: Batch) -> Any:
        """A recorded subject's columns."""
        ((_, answers),) = self.adapter(batch.to).answer(batch)
        return answers

    def pool(self, members: Iterable[tuple[Batch, Digests]]) -> Pool:
        """Answers to all questions of one kind, each asked at most once."""
        members = list(members)
        pool = Pool(*united(members))
        adapter = self.adapter(pool.batch.to)
        tally = self.tally_of(pool.batch)
        self._known(adapter, pool)
        tally.wanted += sum(len(k) for _, k in members)
        tally.unique += len(pool)
        tally.cached += pool.answered
        if adapter.remote:
            rows = pool.first_answered(CANARIES)
            self.canary(adapter, pool.batch, {r: pool.at([r]).pack(0) for r in rows})
        self.within_budget(pool.batch, len(pool) - pool.answered)
        self.progress.step(pool.what, len(pool), pool.answered)
        started = time.perf_counter()
        parts = adapter.partition(pool.batch) if pool.answered < len(pool) else []
        wanted = [pool.lacking(part) for part in parts]
        for missing, pieces in answered(adapter, pool.batch, [r for r in wanted if r.size]):
            self._keep(adapter, pool, missing, pieces)
            tally.asked += missing.size
        tally.seconds += time.perf_counter() - started
        return pool

    def tally_of(self, batch: Batch) -> Tally:
        """The counts of this addressee and ability."""
        return self.tally.setdefault(f"{batch.to}:{batch.ability}", Tally())

    def _known(self, adapter: Adapter, pool: Pool) -> None:
        """Fill in what is kept and may be used again."""
        for start in range(0, len(pool), AT_ONCE):
            keys = pool.keys[start : start + AT_ONCE]
            found = self.replay.known(adapter, keys)
            rows = [i for i, key in enumerate(keys) if key in found]
            if rows:
                packed = [found[keys[i]] for i in rows]
                pool.put(start + np.array(rows), unpacked(pool.batch, packed, self.cache.path))

    def _keep(self, adapter: Adapter, pool: Pool, missing: Rows, pieces: Pieces) -> None:
        """Commit a part's answers, piece by piece."""
        for rows, answers in pieces:
            here = missing[np.asarray(rows, np.int64)]
            keys = pool.keys.take(here)
            self.replay.keep(adapter, keys, [answers.pack(i) for i in range(len(keys))])
            pool.put(here, answers)
            self.progress.advance(len(keys), pool.what)
        lost = pool.lacking(missing).size
        if lost:
            raise PlumblineError(
                f"{adapter.name} left {lost} of {len(missing)} questions without an answer or a reason"
            )

    def canary(self, adapter: Adapter, union: Batch, known: Mapping[int, list[Any]]) -> None:
        """Ask a few answered greedy questions again: does the server still answer as it did?

        Args:
            adapter: Who answers.
            union: The questions.
            known: Row -> what was answered before, packed.
        """
        decoding = union.settings.get("decoding")
        greedy = decoding is None or decoding.temperature == 0
        rows = sorted(known)[:CANARIES]
        if not greedy or not rows or adapter.name in self.canaries:
            return
        changed = 0
        for found, answers in adapter.answer(union.take(rows)):
            changed += sum(answers.pack(k) != known[rows[int(r)]] for k, r in enumerate(found))
        self.canaries[adapter.name] = {"asked": len(rows), "changed": changed}

    def within_budget(self, batch: Batch, fresh: int) -> None:
        """Refuse so many new questions to the subject if the plan's budget would be exceeded."""
        if self.max_requests is None or batch.to != SUBJECT:
            return
        spent = sum(t.asked for name, t in self.tally.items() if name.startswith(f"{SUBJECT}:"))
        if spent + fresh > self.max_requests:
            raise BudgetSpent(
                f"the next step would put {fresh} new questions to the model after {spent}; "
                f"--max-requests allows {self.max_requests}. The answers so far are kept: raise the "
                "budget and run the same command, or choose fewer metrics."
            )

    def adapter(self, to: str) -> Adapter:
        """The subject, or the instrument of that name."""
        if to == SUBJECT:
            return self.subject
        if to not in self._opened:
            self._opened[to] = self.instrument(to)
        return self._opened[to]

    @property
    def instruments(self) -> dict[str, Adapter]:
        """The instruments that were opened."""
        return dict(self._opened)


def advanced(job: Asking, got: Sequence[Any] | None) -> list[Batch] | Outcome:
    """The next batches of a method, or its result; without its data or extra it is not applicable."""
    try:
        batches = next(job) if got is None else job.send(got)
    except StopIteration as stop:
        result: Outcome = stop.value
        return result
    except UsageError as error:
        if not getattr(error, "not_applicable", isinstance(error, MissingExtra)):
            raise
        return NotApplicable(reason=str(error))
    return [batches] if isinstance(batches, Batch) else list(batches)


def answered(
    adapter: Adapter, batch: Batch, parts: Sequence[Rows]
) -> Iterator[tuple[Rows, Pieces]]:
    """(part, its answers): one after the other here, as they come where a cluster holds the model."""
    if isinstance(adapter, StreamingAdapter):
        left = set(range(len(parts)))
        for number, pieces in adapter.stream(batch, parts):
            left.remove(number)
            yield parts[number], pieces
        if left:
            raise PlumblineError(
                f"{adapter.name} left {len(left)} of {len(parts)} batches unanswered"
            )
        return
    for part in parts:
        yield part, adapter.answer(batch.take(part.tolist()))


def question_text(batch: Batch, row: int) -> str:
    """One question as JSON, for the run's record."""
    given = {name: column[row] for name, column in batch.columns.items()}
    return json.dumps({**given, **batch.settings}, default=_readable, ensure_ascii=False)


def _readable(value: Any) -> Any:
    if isinstance(value, Segment):
        return {"role": value.role, "text": value.text} if value.role != "text" else value.text
    if isinstance(value, Decoding):
        return {
            "temperature": value.temperature,
            "top_p": value.top_p,
            "max_tokens": value.max_tokens,
        }
    return value.tolist() if hasattr(value, "tolist") else str(value)
