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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from plumbline.audit.cache import Cache
from plumbline.audit.cached_answers import unpacked
from plumbline.core.errors import MissingExtra, PlumblineError, TooWeak, UsageError
from plumbline.core.questions import SUBJECT, Batch, Decoding, Segment
from plumbline.core.results import NotApplicable
from plumbline.core.scored import Asking, Scored, Skip
from plumbline.models.abilities import Adapter

CANARIES = 3  # cached greedy questions that are put again to a remote model, once a run
EXPIRES = 30 * 24 * 3600.0  # a remote model's answers are replayed for this long, then asked anew


Outcome = Scored | Skip | NotApplicable


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
    """One method's batch with its answers' digests, for the record."""

    metric: str
    step: int
    batch: Batch
    keys: list[bytes]
    packed: list[list[Any]]


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

    def run(self, jobs: Mapping[str, Asking]) -> dict[str, Outcome]:
        """Every method's result; a method whose instrument or data is missing is not applicable."""
        if self.subject.remote:
            from plumbline.audit.lanes import Lanes

            return Lanes(self).run(jobs)
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
        pools: dict[str, list[tuple[Batch, list[bytes]]]] = {}
        keyed: dict[str, list[tuple[Batch, list[bytes]]]] = {}
        for name, batches in waiting.items():
            if name in done:
                continue
            keyed[name] = [(b, [] if b.ability == "records" else b.keys()) for b in batches]
            for batch, keys in keyed[name]:
                pools.setdefault(batch.kind(), []).append((batch, keys))
        known: dict[tuple[str, bytes], list[Any]] = {}
        records: dict[str, Any] = {}
        for kind in sorted(pools):
            if pools[kind][0][0].ability == "records":
                records[kind] = self.records(pools[kind][0][0])
            else:
                known.update(self.pool(pools[kind]))
        return {
            name: [
                records[batch.kind()]
                if batch.ability == "records"
                else self.deliver(name, steps[name], (batch, keys), known)
                for batch, keys in pairs
            ]
            for name, pairs in keyed.items()
        }

    def deliver(
        self, name: str, step: int, pair: tuple[Batch, list[bytes]],
        known: Mapping[tuple[str, bytes], list[Any]],
    ) -> Any:  # fmt: skip
        """One batch's answers in its order, and the record of them."""
        batch, keys = pair
        packed = [known[batch.to, key] for key in keys]
        self.log.append(Asked(name, step, batch, keys, packed))
        return unpacked(batch, packed, self.cache.path)

    def records(self, batch: Batch) -> Any:
        """A recorded subject's columns."""
        ((_, answers),) = self.adapter(batch.to).answer(batch)
        return answers

    def pool(
        self, members: Iterable[tuple[Batch, list[bytes]]]
    ) -> dict[tuple[str, bytes], list[Any]]:
        """Answers to all questions of one kind, each asked at most once."""
        members = list(members)
        union, keys = united(members)
        adapter = self.adapter(union.to)
        tally = self.tally_of(union)
        found = self.known(adapter, keys)
        tally.wanted += sum(len(k) for _, k in members)
        tally.unique += len(keys)
        tally.cached += len(found)
        if adapter.remote:
            self.canary(adapter, union, keys, found)
        self.within_budget(union, len(keys) - len(found))
        self.progress.step(f"{union.to}: {union.ability}", len(keys), len(found))
        started = time.perf_counter()
        for part in adapter.partition(union) if keys else []:
            missing = np.array([i for i in part if keys[i] not in found], np.int64)
            if missing.size:
                self._fresh(adapter, union, missing, keys, found)
                tally.asked += missing.size
        tally.seconds += time.perf_counter() - started
        return {(union.to, key): answer for key, answer in found.items()}

    def tally_of(self, batch: Batch) -> Tally:
        """The counts of this addressee and ability."""
        return self.tally.setdefault(f"{batch.to}:{batch.ability}", Tally())

    def known(self, adapter: Adapter, keys: Sequence[bytes]) -> dict[bytes, list[Any]]:
        """Answers that the cache has and that have not expired."""
        newest = EXPIRES if adapter.remote else None
        return self.cache.get(adapter.fingerprint, keys, newest=newest)

    def _fresh(
        self, adapter: Adapter, union: Batch, missing: Any, keys: Sequence[bytes],
        found: dict[bytes, list[Any]],
    ) -> None:  # fmt: skip
        for rows, answers in adapter.answer(union.take(int(i) for i in missing)):
            here = [keys[int(missing[int(r)])] for r in rows]
            packed = [answers.pack(i) for i in range(len(here))]
            self.cache.put(adapter.fingerprint, here, packed)
            found.update(zip(here, packed, strict=True))
            self.progress.advance(len(here), f"{union.to}: {union.ability}")
        lost = [i for i in missing if keys[int(i)] not in found]
        if lost:
            raise PlumblineError(
                f"{adapter.name} left {len(lost)} of {len(missing)} questions without an answer or a reason"
            )

    def canary(
        self,
        adapter: Adapter,
        union: Batch,
        keys: Sequence[bytes],
        found: Mapping[bytes, list[Any]],
    ) -> None:
        """Ask a few answered greedy questions again: does the server still answer as it did?"""
        decoding = union.settings.get("decoding")
        greedy = decoding is None or decoding.temperature == 0
        known = [i for i, key in enumerate(keys) if key in found and not found[key][0]][:CANARIES]
        if not greedy or not known or adapter.name in self.canaries:
            return
        changed = 0
        for rows, answers in adapter.answer(union.take(known)):
            changed += sum(
                answers.pack(k) != found[keys[known[int(r)]]] for k, r in enumerate(rows)
            )
        self.canaries[adapter.name] = {"asked": len(known), "changed": changed}

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


def united(members: Sequence[tuple[Batch, Sequence[bytes]]]) -> tuple[Batch, list[bytes]]:
    """One batch of the distinct questions of batches of one kind, with their keys.

    Sorted by digest: it does not depend on the order in which methods were named.
    """
    rows: dict[bytes, tuple[Batch, int]] = {}
    for batch, keys in members:
        for i, key in enumerate(keys):
            rows.setdefault(key, (batch, i))
    order = sorted(rows)
    first = members[0][0]
    columns = {
        name: [rows[k][0].columns[name][rows[k][1]] for k in order] for name in first.columns
    }
    return first.with_columns(columns), order


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
