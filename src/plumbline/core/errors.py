"""Every error that plumbline raises on purpose.

PlumblineError
  UsageError            what the caller asked for cannot be done as asked (exit code 2)
    UnknownName         no method, model form, suite or data set of that name
    MissingExtra        an optional dependency is not installed
    BadInput            a file, table, plan or argument does not hold what was wanted
      NotRecorded       a recorded subject lacks the columns that a method reads
    TooWeak             what plumbline trained is not clearly better than a simple rule
  SubjectError          the model under test (or an instrument) could not answer
    AbilityError        it lacks the ability that was asked for
    Unreachable         it is not there, or refused the key
    BadAnswer           it answered with something that is not an answer (NaN, garbage)
  StoreError            a run or a cache cannot be read or written

Each message says what came, what was wanted, and what to try.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

# What prints all names of a kind; and how many names a message lists where none is near.
_LISTS: Mapping[str, str] = {
    "metric": "plumbline list metrics",
    "method": "plumbline list",
    "correction": "plumbline list corrections",
    "explainer": "plumbline list explainers",
    "data set": "plumbline data list",
    "verb": "plumbline --help",
}
_LISTED = 24


class PlumblineError(Exception):
    """Root of the tree; the command line prints its message without a traceback.

    An error keeps its class, message and attributes when it is copied or comes from another
    process, whatever its class wants to be made from.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[PlumblineError], args: tuple[Any, ...], facts: Mapping[str, Any]) -> Any:
    made = kind.__new__(kind)
    made.args = args
    made.__dict__.update(facts)
    return made


class UsageError(PlumblineError):
    """The request cannot be carried out as it was made."""


class UnknownName(UsageError):
    """A name that nothing answers to; the message lists the nearest ones, else all where they are few."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        if near:
            hint = f"Nearest: {', '.join(near)}."
        elif len(known) > _LISTED:
            hint = f"None of the {len(known)} known names is near it."
        else:
            hint = f"Known: {', '.join(known) or 'none'}."
        listed = f" `{_LISTS[kind]}` names all." if kind in _LISTS else ""
        if not near and "/" in name and kind in {"metric", "method"}:
            listed = f" {name!r} would be of another package: is that installed here (`pip install -e .` in its folder)?"
        super().__init__(f"unknown {kind} {name!r}. {hint}{listed}")
        self.kind, self.name, self.near = kind, name, tuple(near)


class MissingExtra(UsageError):
    """An optional dependency is missing; the message holds the exact pip line."""

    def __init__(self, package: str, extra: str, wanted_by: str) -> None:
        super().__init__(
            f"{wanted_by} needs the package {package!r}, which is not installed. "
            f'Try: pip install "plumbline[{extra}]"'
        )
        self.package, self.extra = package, extra


class BadInput(UsageError):
    """A file, table, plan or argument that does not hold what was wanted."""


class NotRecorded(BadInput):
    """A recorded subject without the columns that a method reads.

    `not_applicable`: in an audit the method is a row with this reason, not a failure.
    """

    not_applicable = True


class TooWeak(UsageError):
    """A trained reader is not clearly better than what it has to beat; the message holds figures.

    `not_applicable`: a method that needs it is a row with these figures, not a failed audit.
    """

    not_applicable = True


class SubjectError(PlumblineError):
    """The subject or an instrument could not answer."""


class AbilityError(SubjectError):
    """The model does not have the ability that the question needs."""


class Unreachable(SubjectError):
    """The model is not there, refused the key, or kept failing after all retries."""


class BadAnswer(SubjectError):
    """The model answered with NaN, infinity or something unreadable."""


class StoreError(PlumblineError):
    """A run directory or a cache that cannot be read or written."""
