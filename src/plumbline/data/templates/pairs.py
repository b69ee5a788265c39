"""Questions with two answers each, written for plumbline, to be judged in both orders."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.toml_rows import Fields, each_once, read_toml

QUALITIES: Final = ("first_better", "similar")
SHORT: Final = "judge_pairs"
LONG: Final = "judge_pairs_long"
"""Answers of four or five sentences, all with a better one."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with two answers.

    Attributes:
        id: Unique in the file.
        axis: `position`.
        quality: `first_better`: the first of `answers` is clearly better; `similar`: neither is.
        question: What was asked.
        answers: Both answers; which one is shown first is up to the method.
    """

    id: str
    axis: str
    quality: str
    question: str
    answers: tuple[str, str]


def load(path: str | Path | None = None, *, name: str = SHORT) -> tuple[Pair, ...]:
    """Shipped pairs, or an own TOML file of the same form.

    Args:
        path: An own file; None for the shipped pairs of this name.
        name: `SHORT` or `LONG`.

    Raises:
        BadInput: Not such a file: a field is missing or unknown, an id stands twice, or there are
            not two different answers.
    """
    shipped = files(__package__).joinpath(f"{name}.toml")
    what = "the shipped pairs" if path is None else str(path)
    top = Fields(read_toml(shipped if path is None else Path(path)), what)
    top.mark("id", "title", "note")
    found = tuple(_one(row) for row in top.rows("pairs"))
    top.no_others()
    each_once((row.id for row in found), f"{what}: id")
    return found


def _one(row: Fields) -> Pair:
    answers = row.texts("answers")
    if len(answers) != 2 or answers[0] == answers[1]:
        raise BadInput(f"{row.what} has {len(set(answers))} answers; wanted two different ones")
    found = Pair(
        row.text("id"),
        row.text("axis"),
        row.one_of("quality", QUALITIES),
        row.text("question"),
        (answers[0], answers[1]),
    )
    row.no_others()
    return found
