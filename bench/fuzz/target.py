"""What is fuzzed: a parser, documents to begin from, and how a bad input is told from a bug.

An input may end in two ways: the parser returns a value, or it raises an error of plumbline with
one message that is neither empty nor endless. Anything else is a fault: another exception, more
than `SECONDS` of processor time for one input (a busy machine makes no parser slow) or `WAITED` in
all, more than `MEGABYTES` more memory than before it.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 5.0
WAITED = 60.0
MEGABYTES = 500.0
LONGEST_MESSAGE = 20_000  # characters


@dataclass(frozen=True, kw_only=True)
class Target:
    """One parser.

    Args:
        name: What it is called in tables and on the command line.
        make: Given an empty folder, returns what is called with each input.
        seeds: Valid documents.
        words: Byte strings that mean something to the parser.
        share: How many inputs it gets, relative to the others: slow parsers get fewer.
        longest: Bytes of the longest input.
        json: Whether seeds are JSON, whose values are changed besides its bytes.
    """

    name: str
    make: Callable[[Path], Callable[[bytes], object]]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()
    share: float = 1.0
    longest: int = 4096
    json: bool = False


class TooSlow(Exception):
    """One input took too long."""


class TooLarge(Exception):
    """One input took too much memory."""


class BadMessage(Exception):
    """An error on purpose whose message says nothing, or far too much."""


@dataclass
class Watch:
    """Calls a parser, lets through what is allowed and keeps every other fault once.

    Args:
        parse: What is fuzzed.
        keep: Folder for the inputs of faults; None keeps nothing.
    """

    parse: Callable[[bytes], object]
    keep: Path | None = None
    inputs: int = 0
    faults: dict[str, str] = field(default_factory=dict)

    def __call__(self, data: bytes) -> None:
        """One input."""
        self.inputs += 1
        try:
            self.one(data)
        except Exception as error:
            self._fault(error, data)

    def one(self, data: bytes) -> None:
        """One input; a fault is raised.

        Raises:
            TooSlow, TooLarge, BadMessage: See this module's first lines.
        """
        from plumbline.core.errors import PlumblineError

        before, started = megabytes(), time.process_time()
        try:
            self.parse(data)
        except PlumblineError as error:
            said = str(error)
            if not said.strip() or len(said) > LONGEST_MESSAGE:
                raise BadMessage(f"{type(error).__name__} of {len(said)} characters") from error
        took, grew = time.process_time() - started, megabytes() - before
        if took > SECONDS:
            raise TooSlow(f"{took:.1f} s")
        if grew > MEGABYTES:
            raise TooLarge(f"{grew:.0f} MB")

    def _fault(self, error: Exception, data: bytes) -> None:
        where = _place(error)
        key = f"{type(error).__name__} at {where}"
        if key in self.faults:
            return
        self.faults[key] = f"{error}"[:300]
        if self.keep is not None:
            name = hashlib.sha256(key.encode()).hexdigest()[:12]
            (self.keep / f"{name}.input").write_bytes(data)
            told = {"fault": key, "says": self.faults[key]}
            (self.keep / f"{name}.json").write_text(json.dumps(told), "utf-8")
            text = "".join(traceback.format_exception(error)[-30:])
            (self.keep / f"{name}.txt").write_text(text, "utf-8", errors="replace")


def megabytes() -> float:
    """The most memory that this process ever held."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _place(error: BaseException) -> str:
    """The last line of the package that a traceback goes through."""
    while isinstance(error, BadMessage) and error.__cause__ is not None:
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "plumbline" in Path(f.filename).parts] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "nowhere"
