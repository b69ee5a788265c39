"""Pairs of answers before a judge: the prompt, both orders, and which answer a verdict names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import Choices
from plumbline.core.questions import Batch, Prompt, Segment
from plumbline.metrics.presentations import Presentations
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE, Ints
from plumbline.stats.estimators import ESTIMATORS

FLOOR: Final = 0.5
OTHER: Final = "the other order of this pair has no verdict"
CREDIT: Final = np.array([1.0, 0.0, 0.5])  # share for the first position, by verdict
_SHARE: Final = ESTIMATORS["share"]
CONSISTENCY: Final = replace(
    _SHARE, id="one_minus_share", value=lambda sums, options: 1 - _SHARE.value(sums, options)
)


def judged(
    question: str, answers: Sequence[str], *, role: str, ties: bool, checklist: Sequence[str] = ()
) -> Prompt:
    """The judge's prompt: the answers are segments that may trade places.

    Args:
        question: What was asked.
        answers: The answers in the order in which they are shown.
        role: Role of all segments.
        ties: Whether the judge may call them equal.
        checklist: What the person who asked wants of an answer; shown after the question.
    """
    tie = " Say C if both are equally good." if ties else ""
    asked = (
        "Which answer helps the person who asked more? The order of the answers means nothing. "
        f"Say A or B.{tie}\nVerdict:"
    )
    wants = "".join(f"- {point}\n" for point in checklist)
    wanted = f"Whoever asked wants this of an answer:\n{wants}\n" if wants else ""
    before, parts = f"Somebody asked: {question}\n\n{wanted}", list[Segment]()
    for letter, text in zip("AB", answers, strict=True):
        parts += [
            Segment(f"{before}Answer {letter}: ", role),  # type: ignore[arg-type]
            Segment(text, role, "answers", letter),  # type: ignore[arg-type]
        ]
        before = "\n\n"
    return (*parts, Segment(f"{before}{asked}", role))  # type: ignore[arg-type]


def in_both_orders(
    pairs: Sequence[tuple[str, Sequence[str]]], *, role: str, ties: bool,
    checklists: Sequence[Sequence[str]] = (),
) -> Batch:  # fmt: skip
    """Ask for verdicts on (question, two answers): all as they came, then all with the answers swapped.

    `checklists` holds what each question's asker wants; empty for none.
    """
    letters = ("A", "B", "C") if ties else ("A", "B")
    shown = Presentations.of([2] * len(pairs), "swap").by_order()
    wants = checklists or [()] * len(pairs)
    asked = [
        judged(question, answers, role=role, ties=ties, checklist=want)
        for (question, answers), want in zip(pairs, wants, strict=True)
    ]
    prompts = shown.prompts(asked, "answers")
    return ask.choose(prompts, [letters] * len(prompts))


def verdicts_of(answers: Choices) -> tuple[Ints, NDArray[Any]]:
    """Verdicts and why there is none, shape (2, pairs) each, from what `in_both_orders` asked."""
    status = np.asarray(answers.status, dtype=object)
    return np.asarray(answers.chosen).reshape(2, -1), status.reshape(2, -1)


def answer_named(verdicts: Ints) -> Ints:
    """Which answer each verdict names (0, 1; 2 a tie): verdicts of shape (2, pairs) by order.

    Row 0 shows answer 0 first, row 1 shows answer 1 first.
    """
    swapped = np.where(verdicts[1] == TIE, TIE, 1 - verdicts[1])
    return np.stack([verdicts[0], swapped])


def flipped(verdicts: Ints) -> NDArray[np.bool_]:
    """By pair: the verdict names another answer in the other order; shape (pairs,)."""
    named = answer_named(verdicts)
    return np.asarray(named[0] != named[1])


def why_out(status: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Which pairs have a verdict in both orders, and why each row of the others is left out.

    Args:
        status: "" or why there is no verdict, shape (2, pairs).
    """
    both = np.asarray((status == "").all(axis=0))
    return both, np.where(both, "", np.where(status != "", status, OTHER)).astype(object)


def share_for(answer: int, verdicts: Ints) -> NDArray[np.float64]:
    """1 where a verdict names this answer, 0 where the other, 1/2 for a tie; shape (2, pairs)."""
    named = answer_named(verdicts)
    return np.where(named == TIE, 0.5, (named == answer).astype(float))


__all__ = [
    "CONSISTENCY", "CREDIT", "FIRST", "FLOOR", "OTHER", "SECOND", "TIE", "answer_named", "flipped",
    "in_both_orders", "judged", "share_for", "verdicts_of", "why_out",
]  # fmt: skip
