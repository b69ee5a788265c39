"""Corrected by swapping: a pair is judged in both orders, and a verdict that turns with the order is a tie."""

from __future__ import annotations

from typing import ClassVar, final

from plumbline.core.answers import Choices
from plumbline.core.questions import Batch
from plumbline.models.asked_in_orders import KEPT, Vote, asked, joined
from plumbline.models.both_orders import BOTH, agreed, pairs, undecided
from plumbline.models.corrected_questions import CorrectedQuestions


@final
class SwapAndTie(CorrectedQuestions):
    """A judge whose verdict counts only where both orders name the same answer.

    Questions without a pair that may trade places go through unchanged. Where the orders disagree
    the verdict is a tie if the options offer exactly one option besides the pair, else there is none.
    """

    kind: ClassVar[str] = "swap_and_tie"
    corrects: ClassVar[frozenset[str]] = frozenset({"choose"})
    keeps: ClassVar[frozenset[str]] = KEPT

    def corrected(self, batch: Batch) -> Choices:
        """Verdicts of both orders."""
        found = pairs(batch)
        rows = [row for row, known in enumerate(found) if known]
        part = batch.take(rows)
        votes = asked(self.base, part, [BOTH] * len(rows))
        made: dict[int, Vote] = {}
        for row, both in zip(rows, votes, strict=True):
            known = found[row]
            if known:
                made[row] = agreed(both) or undecided(known, batch.columns["options"][row], both)
        return joined(self.base, batch, made)

    def questions(self, batch: Batch) -> int:
        """Two where there are pairs."""
        return 2 if any(pairs(batch)) else 1
