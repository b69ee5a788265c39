"""The workers of one run: opened, given work with back pressure, replaced when they die.

At most `DEPTH` parts a worker are out at any time: one that it computes and one that waits for
it. Parts of a worker that died go back to the front of the queue, whole: what had come of them
was never handed on, so every part is delivered once.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from plumbline.audit.cluster.connection import Connection
from plumbline.audit.cluster.worker import Facts, Place, here
from plumbline.core.errors import BadInput, PlumblineError, Unreachable

DEPTH: Final = 2
"""Parts that are out at one worker. With one it would wait while its answers are stored."""
REPLACED: Final = 3
"""How often one place is filled again, so that a broken node does not start workers for ever."""
FATAL: Final = 3
"""Workers that may die on one part before the part is what is wrong."""
START: Final = 300.0
"""Seconds for a process to begin where nobody works yet: an image may have to be pulled."""
_LOG = logging.getLogger(__name__)


@dataclass(eq=False)
class _Hand:
    """A worker as the driver sees it: hired, then placed, then open."""

    slot: int
    actor: Any
    lives: int = 0
    place: Place | None = None
    open: bool = False
    out: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return f"worker {self.slot + 1} ({self.place or 'not started'})"


class Crew:
    """Workers that hold one model.

    Args:
        connection: The cluster.
        hire: Starts a worker's process.
        order: What opens the model: form, options, folder.
        size: Number of workers.
    """

    def __init__(
        self, connection: Connection, hire: Callable[[], Any], order: tuple[Any, ...], size: int
    ) -> None:
        self._ray, self._hire, self._order = connection.ray, hire, order
        self._coming: dict[Any, _Hand] = {}
        self._hands: list[_Hand] = []
        self._facts: tuple[Facts, _Hand] | None = None
        self._why, self._complete = "", False
        self.replaced = 0
        for slot in range(size):
            self._join(_Hand(slot, hire()))

    def open(self) -> Facts:
        """Wait until every worker has opened the model.

        Raises:
            BadInput: They do not hold the same model.
            Unreachable: They die, or cannot be started.
        """
        while self._coming:
            for ref in self._landed(list(self._coming)):
                self._arrive(ref)
        self._complete = True
        return self.facts

    @property
    def facts(self) -> Facts:
        """What all of them hold."""
        if self._facts is None:
            raise Unreachable(f"no worker of the cluster could open the model. {self._why}")
        return self._facts[0]

    @property
    def places(self) -> list[Place]:
        """Where the open workers run."""
        return [hand.place for hand in self._hands if hand.open and hand.place is not None]

    def one(self, method: str, *arguments: Any) -> Any:
        """One call of any worker."""
        ((_, result),) = self.run(method, lambda _: arguments, 1)
        return result

    def run(
        self, method: str, arguments: Callable[[int], tuple[Any, ...]], count: int
    ) -> Iterator[tuple[int, Any]]:
        """Calls 0 .. count - 1 of one method.

        Args:
            method: Of `Worker`.
            arguments: Of the call of that number; made when the call goes out, and again when it has to
                be repeated.
            count: Number of calls.

        Yields:
            (number, result), as they come, each number once.

        Raises:
            PlumblineError: What the model raised, as itself; or all workers died.
        """
        waiting = deque(range(count))
        out: dict[Any, int] = {}
        deaths: Counter[int] = Counter()
        try:
            while waiting or out:
                for hand in self._free(len(waiting)):
                    number = waiting.popleft()
                    ref = getattr(hand.actor, method).remote(*arguments(number))
                    hand.out.append(ref)
                    out[ref] = number
                for ref in self._landed([*out, *self._coming]):
                    if ref in self._coming:
                        self._arrive(ref)
                        continue
                    hand = next(h for h in self._hands if ref in h.out)
                    try:
                        result = self._got(ref)
                    except _Died as death:
                        lost = [out.pop(r) for r in hand.out]
                        waiting.extendleft(reversed(lost))
                        self._replace(hand, death, len(lost))
                        self._blame(deaths, lost)
                        continue
                    hand.out.remove(ref)
                    yield out.pop(ref), result
        finally:
            for hand in self._hands:
                hand.out.clear()  # what is still out belongs to nobody

    def close(self) -> None:
        """End all processes."""
        for hand in self._hands if self._ray.is_initialized() else ():
            self._ray.kill(hand.actor)
        self._hands, self._coming = [], {}

    def _free(self, waiting: int) -> Iterator[_Hand]:
        """The least busy workers, one by one, while work waits and somebody has room."""
        for _ in range(waiting):
            able = [hand for hand in self._hands if hand.open and len(hand.out) < DEPTH]
            if not able:
                return
            yield min(able, key=lambda hand: len(hand.out))

    def _landed(self, refs: list[Any]) -> list[Any]:
        """What is there next: one call, or none where it takes long."""
        landed, _ = self._ray.wait(refs, num_returns=1, timeout=START)
        stuck = sum(hand.place is None for hand in self._hands)
        working = self._complete and any(hand.open for hand in self._hands)
        if not landed and stuck and not working:
            free = self._ray.available_resources()
            raise Unreachable(
                f"{stuck} of {len(self._hands)} workers have not started within {START:.0f} s: the cluster "
                f"has {free.get('CPU', 0):g} CPUs and {free.get('GPU', 0):g} GPUs that nobody uses. Wait for "
                "its other jobs, or ask for fewer or smaller workers. What was answered is kept."
            )
        return list(landed)

    def _join(self, hand: _Hand) -> None:
        self._hands.append(hand)
        self._coming[hand.actor.here.remote()] = hand

    def _arrive(self, ref: Any) -> None:
        """A worker takes its next step: its process is there, or its model is open."""
        hand = self._coming.pop(ref)
        try:
            got = self._got(ref)
        except _Died as death:
            self._replace(hand, death, 0)
            return
        if isinstance(got, Place):
            hand.place = got
            self._same_versions(hand, got)
            self._coming[hand.actor.open.remote(*self._order)] = hand
            return
        self._same_model(hand, got)
        hand.open = True

    def _got(self, ref: Any) -> Any:
        """A call's result; an error of the model as itself, without Ray's wrapping."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            if isinstance(error.cause, PlumblineError):
                raise error.cause from None
            raise
        except (errors.RuntimeEnvSetupError, errors.ActorUnschedulableError) as error:
            raise Unreachable(f"the cluster cannot start a worker: {error}") from error
        except errors.RayError as error:
            raise _Died(_short(error)) from error

    def _replace(self, hand: _Hand, death: _Died, lost: int) -> None:
        """Send for another worker in place of one that died."""
        self._hands.remove(hand)
        self._coming = {ref: other for ref, other in self._coming.items() if other is not hand}
        self._ray.kill(hand.actor)  # where it only cannot be reached: it must not come back
        self._why = f"The last to die was {hand}: {death}"
        _LOG.warning("%s died (%s); %d batches are asked again", hand, death, lost)
        if hand.lives < REPLACED:
            self.replaced += 1
            self._join(_Hand(hand.slot, self._hire(), hand.lives + 1))
        if not self._hands:
            raise Unreachable(
                f"all workers of the cluster died, and each place was filled {REPLACED} times again. "
                f"{self._why} What was answered is kept: run the same command again."
            )

    def _blame(self, deaths: Counter[int], lost: list[int]) -> None:
        """Count what was out at a dead worker: which of it was computed cannot be known."""
        deaths.update(lost)
        if max(deaths[part] for part in lost) >= FATAL:
            raise Unreachable(
                f"{FATAL} workers died one after the other while they had the same batch of questions. "
                f"{self._why} If memory ran out, give the model less at once (batch_tokens in the plan's "
                "[options]) or start fewer workers a node. What was answered is kept."
            )

    def _same_versions(self, hand: _Hand, place: Place) -> None:
        mine = here().versions
        if place.versions != mine:
            raise BadInput(
                f"{hand} has {_listed(place.versions)}, and here is {_listed(mine)}: install the same "
                "versions on every node"
            )

    def _same_model(self, hand: _Hand, facts: Facts) -> None:
        if self._facts is None:
            self._facts = facts, hand
        first, other = self._facts
        if facts.fingerprint == first.fingerprint:
            return
        names = sorted({*first.about, *facts.about})
        differ = [
            f"{n} {first.about.get(n)!r} and {facts.about.get(n)!r}"
            for n in names if first.about.get(n) != facts.about.get(n)
        ]  # fmt: skip
        raise BadInput(
            f"two workers do not hold the same model: {other} has the fingerprint {first.fingerprint}, "
            f"{hand} has {facts.fingerprint}. "
            + (f"They differ in {'; '.join(differ)}. " if differ else "")
            + "Every node needs the same files, the same versions and the same kind of device"
        )


class _Died(Exception):
    """A worker is gone, or its answer with it."""


def _short(error: Exception) -> str:
    """Ray's account of a death on one line, without its list of ids."""
    lines = [line for line in str(error).splitlines() if not line.startswith("\t")]
    return f"{type(error).__name__}: {' '.join(' '.join(lines).split())[:300]}"


def _listed(versions: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions)
