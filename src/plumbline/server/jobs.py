"""Audits that this server started: subprocesses with their progress, their end and their run."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Literal

from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.report import format as show

MOST_RUNNING = 2  # each holds a model
KEPT = 50  # finished ones that are remembered
TAIL = 20_000  # bytes of output that a page shows
PATIENCE = 10.0  # seconds that an audit has to stop by itself when the server ends
TOKEN = "PLUMBLINE_TOKEN"  # noqa: S105 - the name of a variable
_BEGUN = re.compile(
    r"(?P<what>.{1,200}): (?P<total>[\d,]+) questions(?:, (?P<known>[\d,]+) known already)?"
)
_MOVED = re.compile(
    r"(?P<what>.{1,200}): (?P<done>[\d,]+) of (?P<total>[\d,]+), about (?P<left>.{1,40}) left"
)
_DONE = re.compile(r"(?P<what>.{1,200}): done in (?P<took>.{1,40})")
_RUN = re.compile(r"^run {2,}(.+)$", re.MULTILINE)
State = Literal["running", "stopping", "finished", "stopped", "failed"]
INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Pool:
    """One kind of questions of an audit on its way."""

    what: str
    total: int
    done: int
    said: str


@dataclass
class Job:
    """One audit as a process of its own.

    Args:
        command: Arguments as they were passed; the first is the interpreter.
        model: The MODEL form.
        folder: Where its output is kept.
        process: The process.
    """

    command: Sequence[str]
    model: str
    folder: Path
    process: subprocess.Popen[bytes]
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked_to_stop: bool = False

    @property
    def state(self) -> State:
        """Where it is."""
        code = self.process.poll()
        if code is None:
            return "stopping" if self.asked_to_stop else "running"
        if code == 0:
            return "finished"
        return "stopped" if code == INTERRUPTED or code < 0 else "failed"

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.process.poll()

    def stop(self) -> None:
        """Interrupt it as Ctrl-C would: answers so far stay in the cache. A second time, end it."""
        if not self.alive:
            return
        self.process.send_signal(signal.SIGTERM if self.asked_to_stop else signal.SIGINT)
        self.asked_to_stop = True

    def errors(self) -> str:
        """The end of what it said on standard error, clean."""
        return _tail(self.folder / "stderr")

    def output(self) -> str:
        """The end of what it printed, clean."""
        return _tail(self.folder / "stdout")

    def run_name(self) -> str:
        """Directory name of the run that it wrote, or "" where it has not said one."""
        found = _RUN.findall(self.output())
        return Path(found[-1].strip()).name if found else ""

    def pools(self) -> list[Pool]:
        """How far it is, from its own lines of progress."""
        pools: dict[str, Pool] = {}
        for line in self.errors().splitlines():
            for pattern in (_MOVED, _DONE, _BEGUN):
                if got := pattern.fullmatch(line.strip()):
                    pools[got["what"]] = _pool(pools.get(got["what"]), got.groupdict())
                    break
        return list(pools.values())


def _pool(before: Pool | None, got: Mapping[str, str | None]) -> Pool:
    what = got["what"] or ""
    total = _number(got.get("total")) or (before.total if before else 0)
    if took := got.get("took"):
        return Pool(what=what, total=total, done=total, said=f"done in {took}")
    if left := got.get("left"):
        return Pool(what=what, total=total, done=_number(got["done"]), said=f"about {left} left")
    return Pool(what=what, total=total, done=_number(got.get("known")), said="begun")


def _number(text: str | None) -> int:
    return int(text.replace(",", "")) if text else 0


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        return show.clean(file.read().decode("utf-8", "replace"), lines=True)


@dataclass
class Jobs:
    """All audits of one server."""

    _jobs: dict[str, Job] = field(default_factory=dict)
    _home: tempfile.TemporaryDirectory[str] | None = None
    _lock: Lock = field(default_factory=Lock)

    def start(self, command: Sequence[str], model: str) -> Job:
        """Start one.

        Raises:
            BadInput: Too many are running.
            StoreError: The process cannot be started.
        """
        with self._lock:
            running = sum(j.alive for j in self._jobs.values())
            if running >= MOST_RUNNING:
                raise BadInput(
                    f"{running} audits are running, which is the most at a time: wait for one, or stop it"
                )
            if self._home is None:
                self._home = tempfile.TemporaryDirectory(prefix="plumbline-serve-")
            folder = Path(tempfile.mkdtemp(dir=self._home.name))
            job = Job(command, model, folder, _process(command, folder))
            self._jobs[job.id] = job
            for old in [j for j in self._jobs.values() if not j.alive][
                : max(0, len(self._jobs) - KEPT)
            ]:
                del self._jobs[old.id]
            return job

    def find(self, job_id: str) -> Job:
        """The job of this id.

        Raises:
            UnknownName: This server started none of that id.
        """
        with self._lock:
            if job_id not in self._jobs:
                raise UnknownName("audit", job_id, self._jobs)
            return self._jobs[job_id]

    def all(self) -> list[Job]:
        """Newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def close(self) -> None:
        """Stop what still runs, and remove the outputs."""
        for job in self.all():
            job.stop()
        until = time.monotonic() + PATIENCE
        for job in self.all():
            try:
                job.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                job.process.kill()  # the cache survives that
                job.process.wait()
        if self._home is not None:
            self._home.cleanup()


def _process(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """The process in a session of its own: a Ctrl-C in the server's terminal is not its own."""
    environment = {k: v for k, v in os.environ.items() if k != TOKEN}
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    try:
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            return subprocess.Popen(  # noqa: S603 - a list of arguments that `launch` has checked
                list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise StoreError(f"the audit could not be started: {error}") from error
