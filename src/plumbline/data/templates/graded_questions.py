"""Facts with questions of rising depth and known answers, written for plumbline."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.toml_rows import Fields, each_once, read_toml

LEVELS: Final = ("recall", "understand", "analyse")


@dataclass(frozen=True, slots=True)
class Step:
    """A question: its level, its text, and the answers that count as right."""

    level: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A fact and its questions, each asked only where the one before it was answered rightly.

    Attributes:
        id: Unique in the file.
        topic: A node of the taxonomy: `geography`, `science`, ...
        fact: The fact behind the first question, as a sentence.
        steps: The first is of level `recall`.
    """

    id: str
    topic: str
    fact: str
    steps: tuple[Step, ...]


def load(path: str | Path | None = None) -> tuple[Chain, ...]:
    """The shipped chains, or an own TOML file of the same form.

    Raises:
        BadInput: Not such a file: a field is missing or unknown, an id stands twice, a chain does not begin with
            `recall`, or a fact does not hold its first answer.
    """
    shipped = files(__package__).joinpath("graded_questions.toml")
    what = "the shipped chains" if path is None else str(path)
    top = Fields(read_toml(shipped if path is None else Path(path)), what)
    top.mark("id", "title", "note")
    found = tuple(_one(row) for row in top.rows("chains"))
    top.no_others()
    each_once((row.id for row in found), f"{what}: id")
    return found


def _one(row: Fields) -> Chain:
    steps = tuple(_step(step) for step in row.rows("steps"))
    found = Chain(row.text("id"), row.text("topic"), row.text("fact"), steps)
    row.no_others()
    if not steps or steps[0].level != LEVELS[0]:
        raise BadInput(f"{row.what}: the first question is of level {LEVELS[0]}")
    if not any(a.casefold() in found.fact.casefold() for a in steps[0].answers):
        raise BadInput(f"{row.what}: the fact {found.fact!r} holds none of {steps[0].answers}")
    return found


def _step(row: Fields) -> Step:
    found = Step(row.one_of("level", LEVELS), row.text("question"), row.texts("answers"))
    row.no_others()
    return found
