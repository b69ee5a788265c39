"""Short invented passages, and questions whose answers stand in them, all written for plumbline."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from plumbline.core.errors import BadInput
from plumbline.data.toml_rows import Fields, each_once, read_toml


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answer, word for word as the passage has it."""

    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its questions."""

    id: str
    text: str
    questions: tuple[Question, ...]


def load(path: str | Path | None = None) -> tuple[Passage, ...]:
    """The shipped passages, or an own TOML file of the same form.

    Raises:
        BadInput: A field is missing or unknown, an id or a question stands twice, or an answer is no
            part of its passage.
    """
    shipped = files(__package__).joinpath("invented_passages.toml")
    what = "the shipped passages" if path is None else str(path)
    top = Fields(read_toml(shipped if path is None else Path(path)), what)
    top.mark("id", "title", "note")
    found = tuple(_one(row) for row in top.rows("passages"))
    top.no_others()
    each_once((p.id for p in found), f"{what}: id")
    each_once((q.text for p in found for q in p.questions), f"{what}: question")
    return found


def _one(row: Fields) -> Passage:
    asked = []
    text = row.text("text")
    for question in row.rows("questions"):
        asked.append(Question(question.text("text"), question.text("answer")))
        question.no_others()
        if asked[-1].answer not in text:
            raise BadInput(
                f"{row.what}: the answer {asked[-1].answer!r} does not stand in the passage"
            )
    found = Passage(row.text("id"), text, tuple(asked))
    row.no_others()
    return found
