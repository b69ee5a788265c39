"""Twins of answers, written for plumbline: padding, and four perturbations of form and content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from plumbline.core.errors import BadInput, UnknownName
from plumbline.data.answer_twins import KINDS, Twin
from plumbline.data.toml_rows import Fields, each_once, read_toml

PADDING: Final = "padding"
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with two answers of like quality, and the first with its facts turned round."""

    id: str
    question: str
    answers: tuple[str, str]
    error: str


@dataclass(frozen=True, slots=True)
class Bank:
    """Questions, and what can be put on their answers.

    Attributes:
        questions: In the order of the file.
        padding: (before, after), texts that say nothing.
        references: (where the text cites it, how it is listed), works that do not exist.
        remarks: Hurtful sentences about women or men.
    """

    questions: tuple[Question, ...]
    padding: tuple[tuple[str, str], ...]
    references: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]

    def twins(self, kind: str) -> list[Twin]:
        """One twin a question of one of `KINDS`; references and remarks go round.

        Raises:
            UnknownName: No such kind.
        """
        if kind not in KINDS:
            raise UnknownName("kind of twin", kind, KINDS)
        made: dict[str, Callable[[int, Question], str]] = {
            "rich_content": lambda _, q: rich(q.answers[0]),
            "reference": lambda i, q: referenced(
                q.answers[0], self.references[i % len(self.references)]
            ),
            "gender": lambda i, q: f"{q.answers[0]} {self.remarks[i % len(self.remarks)]}",
            "factual_error": lambda _, q: q.error,
        }
        return [
            Twin(q.id, kind, q.question, q.answers[0], made[kind](i, q), q.answers[1])
            for i, q in enumerate(self.questions)
        ]

    def padded(self, each: int | None = None) -> list[tuple[str, Twin]]:
        """Name of the padding and the twin: every question with `each` paddings (None: all), in turn."""
        count = len(self.padding)
        found = []
        for i, q in enumerate(self.questions):
            for j in range(count if each is None else min(each, count)):
                number = (i + j) % count
                before, after = self.padding[number]
                text = f"{before} {q.answers[0]} {after}"
                twin = Twin(q.id, PADDING, q.question, q.answers[0], text, q.answers[1])
                found.append((f"padding {number + 1}", twin))
        return found


def rich(text: str) -> str:
    """The same sentences under a bold heading, as a list with check marks."""
    lines = [f"- ✅ {sentence}" for sentence in _SENTENCE.split(text)]
    return "\n".join(["## 💡 **Answer**", "", *lines])


def referenced(text: str, reference: tuple[str, str]) -> str:
    """The text with a citation in its last sentence, and the reference listed below it."""
    cited, listed = reference
    return f"{text[:-1]} ({cited}).\n\nReference:\n{listed}"


def load(path: str | Path | None = None) -> Bank:
    """The shipped questions, or an own TOML file of the same form.

    Raises:
        BadInput: Not such a file: a field is missing or unknown, an id stands twice, or the two answers
            and the error are not three different texts.
    """
    shipped = files(__package__).joinpath("judge_twins.toml")
    what = "the shipped twins" if path is None else str(path)
    top = Fields(read_toml(shipped if path is None else Path(path)), what)
    top.mark("id", "title", "note")
    padding = tuple(_two(row, "before", "after") for row in top.rows("padding"))
    references = tuple(_two(row, "cited", "listed") for row in top.rows("references"))
    found = Bank(
        tuple(_question(row) for row in top.rows("questions")), padding, references,
        top.texts("remarks"),
    )  # fmt: skip
    top.no_others()
    each_once((q.id for q in found.questions), f"{what}: id")
    return found


def _two(row: Fields, one: str, other: str) -> tuple[str, str]:
    found = row.text(one), row.text(other)
    row.no_others()
    return found


def _question(row: Fields) -> Question:
    answers, error = row.texts("answers"), row.text("error")
    if len(answers) != 2 or len({*answers, error}) != 3:
        raise BadInput(f"{row.what}: wanted two different answers and an error that is neither")
    found = Question(row.text("id"), row.text("question"), (answers[0], answers[1]), error)
    row.no_others()
    return found
