"""Questions with follow-ups: reading short answers, and how deep a chain is answered.

Bai et al. 2023, "Benchmarking foundation models with language-model-as-an-examiner", arXiv:2306.04181.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.metrics.answer_match import normal

_MARKS: Final = " \t*#-\"'“”:"


def holds(said: str, answers: Sequence[str]) -> bool:
    """Whether one of these answers stands, word for word, in the first line of what was said."""
    line = next((part for part in said.splitlines() if part.strip()), "")
    words = normal(line.replace("-", " "))
    for answer in answers:
        wanted = normal(answer.replace("-", " "))
        size = len(wanted)
        if size and any(words[i : i + size] == wanted for i in range(len(words) - size + 1)):
            return True
    return False


def expected_depth(share: float, *, most: int | None = None) -> float:
    """Mean number of right answers before the first wrong one, where each is right with this chance.

    p / (1 - p); with at most H questions p (1 - p^H) / (1 - p), which is H for p = 1.

    Raises:
        BadInput: Not a share, or p = 1 without a cap.
    """
    if not 0 <= share <= 1:
        raise BadInput(f"a share lies between 0 and 1; got {share}")
    if share == 1:
        if most is None:
            raise BadInput(
                "who is always right never stops: say how many questions there are at most"
            )
        return float(most)
    return share * (1 - (share**most if most is not None else 0.0)) / (1 - share)


def written_question(said: str) -> str:
    """The first sentence with a question mark in what a model wrote, or "" where there is none."""
    for line in said.splitlines():
        if "?" in line:
            text = line.split("?", 1)[0].strip(_MARKS)
            for lead in ("Question:", "question:"):
                text = text.removeprefix(lead).strip(_MARKS)
            return f"{text}?" if text else ""
    return ""
