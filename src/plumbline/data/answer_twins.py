"""An answer and its twin: the same but for one thing, both held against another answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KINDS: Final = ("rich_content", "reference", "gender", "factual_error")
"""Rich formatting, an invented reference, gendered wording, facts turned round (arXiv:2402.10669)."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A question with a control answer, its perturbed twin and the answer both stand against.

    Attributes:
        id: Name of the question; twins of one question share it.
        kind: What was done to the control: one of `KINDS`, or `padding`.
        question: The question.
        control: The answer before the perturbation.
        perturbed: The same answer perturbed.
        other: The answer that both are compared with.
    """

    id: str
    kind: str
    question: str
    control: str
    perturbed: str
    other: str
