"""Corrected by averaging over orders: probabilities of contents, whatever place they stood at."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any, ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import Choices
from plumbline.core.errors import BadInput
from plumbline.core.exchange import contents, filled
from plumbline.core.questions import Batch, Prompt
from plumbline.core.seeds import Seeds
from plumbline.models.abilities import Adapter
from plumbline.models.asked_in_orders import (
    KEPT,
    Exchange,
    Order,
    Vote,
    asked,
    exchange_of,
    joined,
    reason,
)
from plumbline.models.choose_derived import TIE
from plumbline.models.corrected_questions import CorrectedQuestions

Floats = NDArray[np.float64]
# Probabilities that should be equal differ by rounding; a winner by less than this is none.
CLOSE: Final = 1e-9


def mean_probabilities(scores: Sequence[Floats]) -> Floats:
    """Mean over orders of the options' probabilities, each order's made to sum to 1.

    Args:
        scores: Log-scores of one question's options in each order, of one length.
    """
    table = np.stack(scores)
    odds = np.exp(table - table.max(axis=1, keepdims=True))
    return np.asarray((odds / odds.sum(axis=1, keepdims=True)).mean(axis=0))


def circles(size: int, most: int, rng: np.random.Generator) -> list[Order]:
    """All orders of `size` contents if they are at most `most`, else whole circles.

    A circle is an order with all its rotations, in which every content stands at every place once;
    circles are distinct, `most // size` of them and at least one.
    """
    if math.factorial(size) <= most:
        return list(permutations(range(size)))
    heads: set[Order] = set()
    while len(heads) < max(1, most // size):
        heads.add((0, *(1 + rng.permutation(size - 1)).tolist()))
    return [head[s:] + head[:s] for head in sorted(heads) for s in range(size)]


@final
class PermutationAverage(CorrectedQuestions):
    """A model whose choice is the content that is likeliest on average over orders.

    Questions without exactly one exchange set go through unchanged. The orders are drawn from a
    stream of the question with its contents sorted, so that a question is answered alike in
    whatever order it comes.
    """

    kind: ClassVar[str] = "permutation_average"
    corrects: ClassVar[frozenset[str]] = frozenset({"choose"})
    keeps: ClassVar[frozenset[str]] = KEPT

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        super().__init__(base, method, params)
        if int(params["orders"]) < 2:
            raise BadInput(f"an average is over two orders or more; got {params['orders']}")

    def corrected(self, batch: Batch) -> Choices:
        """Averages."""
        orders = [self._orders(*row) for row in _questions(batch)]
        rows = [row for row, found in enumerate(orders) if found]
        part = batch.take(rows)
        votes = asked(self.base, part, [orders[row] for row in rows])
        made = {row: averaged(found) for row, found in zip(rows, votes, strict=True)}
        return joined(self.base, batch, made)

    def questions(self, batch: Batch) -> int:
        """The most orders of a question."""
        return max((len(self._orders(*row)) for row in _questions(batch)), default=1) or 1

    def _orders(self, prompt: Prompt, options: Sequence[str]) -> list[Order]:
        known = exchange_of(prompt, options)
        if known is None:
            return []
        texts = contents(prompt, known.name)
        index = sorted(range(known.size), key=lambda i: texts[i])
        rng = self._stream(prompt, options, known, [texts[i] for i in index])
        return [tuple(index[i] for i in order) for order in circles(known.size, int(self.params["orders"]), rng)]  # fmt: skip

    def _stream(
        self, prompt: Prompt, options: Sequence[str], known: Exchange, texts: Sequence[str]
    ) -> np.random.Generator:
        """The stream of this question in any order."""
        plain = filled(prompt, known.name, texts)
        said = tuple(options) if known.labelled else tuple(sorted(options))
        key = ask.choose([plain], [said]).keys()[0].hex()
        return Seeds(int(self.params["seed"])).stream("permutation_average", key)


def _questions(batch: Batch) -> list[tuple[Prompt, Sequence[str]]]:
    return list(zip(batch.columns["prompt"], batch.columns["options"], strict=True))


def averaged(votes: Sequence[Vote]) -> Vote:
    """The option that is likeliest on average, or named most often where there are no scores.

    An order without an answer leaves the question without one. Exactly equal options are a tie.
    """
    how, none = votes[0].how, np.empty(0)
    missing = reason([v for v in votes if v.status != TIE])
    if missing:
        return Vote(-1, none, how, missing)
    if all(v.scores.size for v in votes):
        # Scores say by how much even where the two best are equal in one order.
        mean = mean_probabilities([v.scores for v in votes])
        best = np.flatnonzero(mean >= mean.max() - CLOSE)
        scores = np.log(np.maximum(mean, np.finfo(float).tiny))
    else:
        counted = Counter(v.chosen for v in votes if not v.status)
        most = max(counted.values(), default=0)
        best, scores = np.array([o for o, n in counted.items() if n == most], np.int64), none
    if best.size != 1:
        return Vote(-1, scores, how, TIE)
    return Vote(int(best[0]), scores, how, "")
