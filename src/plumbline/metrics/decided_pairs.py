"""Pairs that a judge decides in both orders: `judge_coverage`'s kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Choices
from plumbline.core.questions import Batch
from plumbline.metrics.judged_pairs import TIE, answer_named
from plumbline.metrics.verdict_table import Ints
from plumbline.models.asked_in_orders import INCONSISTENT

Floats = NDArray[np.float64]
Rows = list[tuple[str, Ints, NDArray[Any], NDArray[Any]]]
"""Rows of several parts: (part, pairs, score, why there is none)."""
UNDECIDED: Final = -1
ABSTAINED: Final = ("tie", INCONSISTENT)
"""Reasons of a missing verdict that say: the judge has looked, and names neither."""
SECOND_WORDING: Final = (
    "\n\nCompare the two answers. Which of them is of more use, whatever place it has here? Reply "
    "with A or B.{tie}\nDecision:"
)


def decided(verdicts: Ints) -> Ints:
    """The answer that both orders name, `UNDECIDED` where they differ or call it a tie; shape (pairs,).

    Args:
        verdicts: `FIRST`, `SECOND` or `TIE`, shape (2, pairs): answer 0 first, answer 1 first.
    """
    named = answer_named(verdicts)
    return np.where((named[0] == named[1]) & (named[0] != TIE), named[0], UNDECIDED)


def credit(found: Ints, better: Ints) -> Floats:
    """1 for the better answer, 0 for the other, one half where nothing is decided."""
    return np.where(found == UNDECIDED, 0.5, (found == better).astype(float))


def by_margin(scores: Floats, count: int) -> tuple[Ints, Ints]:
    """The `count` pairs with the widest margin between the answers' scores, and the answer ahead in each.

    Args:
        scores: Log-scores of the first and second place, shape (2, pairs, 2), by order.
        count: How many pairs.
    """
    lead = scores[0, :, 0] - scores[0, :, 1] + scores[1, :, 1] - scores[1, :, 0]
    rows = np.argsort(-np.abs(lead), kind="stable")[:count]
    return rows, (lead[rows] < 0).astype(np.int64)


def reworded(batch: Batch, *, ties: bool) -> Batch:
    """The same pairs under the second wording of the instruction."""
    tie = " Reply with C if neither is better." if ties else ""
    said = SECOND_WORDING.format(tie=tie)
    prompts = [(*p[:-1], replace(p[-1], text=said)) for p in batch.columns["prompt"]]
    return batch.with_columns({**batch.columns, "prompt": prompts})


def place_scores(answers: Choices, count: int) -> Floats | None:
    """Scores of both places, shape (2, pairs, 2); None unless every row has them."""
    if not all(s.size >= 2 for s in answers.scores):
        return None
    return np.stack([s[:2] for s in answers.scores]).reshape(2, count, 2)


def tried(found: Ints, why: NDArray[Any], better: Ints, gold: Ints, suffix: str) -> Rows:
    """Rows of credit and coverage, and of the decided pairs; each (part, pairs, score, why)."""
    there = gold[(found[gold] != UNDECIDED) & (why[gold] == "")]
    end = f" {suffix}" if suffix else ""
    return [
        (f"credit{end}", gold, credit(found, better)[gold], why[gold]),
        (f"coverage{end}", gold, (found != UNDECIDED)[gold], why[gold]),
        (f"right{end}", there, (found == better)[there], why[there]),
    ]
