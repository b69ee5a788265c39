"""Multiple-choice questions as prompts: what every method that shows options has in common.

Options stand behind letters, of which the model says one, or they are listed bare and the model
says one of them in full. A letter is one token, so no option is punished for its length, but a
small model then often says one letter whatever the question; a whole answer is free of that habit,
and a handicap of its length is the same in every question that has this answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plumbline.core.questions import Prompt, Segment
from plumbline.data.perturb.order import arrange, rotations
from plumbline.data.templates.questions import Question

LETTERS: Final = "ABCDEFGHIJ"
INSTRUCTION: Final = "Answer with the letter of one option."
IN_FULL: Final = "Answer with one of these, word for word."


def letters(count: int) -> tuple[str, ...]:
    """The first `count` letters."""
    return tuple(LETTERS[:count])


def chat_role(about: Mapping[str, Any]) -> str:
    """`user` where the subject has a chat template (and a system prompt applies), else `text`."""
    return "user" if about.get("chat_template") else "text"


def shown(
    question: str,
    contents: Sequence[str],
    *,
    role: str = "text",
    context: str = "",
    lettered: bool = True,
) -> Prompt:
    """The prompt: context, question, one line an option, and where the answer goes.

    Each option's text is a segment of its own, and these may trade places under the letters.

    Args:
        question: What is asked.
        contents: The options' texts in the order in which they are shown.
        role: Role of all segments: `text` for plain text, `user` for a chat turn.
        context: What is told before the question.
        lettered: Letters before the options; else a dash.
    """
    told = f"{context.strip()}\n\n" if context.strip() else ""
    before = f"{told}Question: {question.strip()}\n"
    parts: list[Segment] = []
    for letter, content in zip(letters(len(contents)), contents, strict=True):
        lead = f"{letter}. " if lettered else "- "
        parts += [
            Segment(f"{before}{lead}", role),  # type: ignore[arg-type]
            Segment(content, role, exchange="options", option=letter),  # type: ignore[arg-type]
        ]
        before = "\n"
    last = INSTRUCTION if lettered else IN_FULL
    parts.append(Segment(f"{before}{last}\nAnswer:", role))  # type: ignore[arg-type]
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Presentation:
    """A question with its options in one order.

    Attributes:
        question: The question's id.
        prompt: What the model reads.
        options: The letters that it may answer.
        order: Index of the option that stands at each place.
        gold: Where the right option stands.
    """

    question: str
    prompt: Prompt
    options: tuple[str, ...]
    order: tuple[int, ...]
    gold: int


def rotated(questions: Sequence[Question], *, role: str = "text") -> list[Presentation]:
    """Every question in all rotations of its options under fixed letters.

    Each option stands at each place once, so over a question's rotations the contents cancel and
    what is left belongs to the letters and their places.
    """
    made = []
    for asked in questions:
        for row in rotations(len(asked.options)):
            order = tuple(row.tolist())
            prompt = shown(asked.text, arrange(asked.options, order), role=role)
            options = letters(len(order))
            made.append(Presentation(asked.id, prompt, options, order, order.index(asked.gold)))
    return made
