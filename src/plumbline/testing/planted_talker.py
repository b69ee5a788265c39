"""A planted model that answers sums in words, and loses a little confidence with every word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from plumbline.core.answers import LogProbs, Texts
from plumbline.core.questions import Batch, plain
from plumbline.data import worded_answers as own
from plumbline.testing.planted import Planted, uniform


@cache
def _table() -> dict[str, own.Asked]:
    """Questions by prompt."""
    return {q.prompt: q for part in (own.JUDGED, own.CALIBRATION) for q in own.asked(24, part=part)}


@dataclass(frozen=True, kw_only=True)
class PlantedTalker(Planted):
    """Answers in the wording that is wanted; right with chance `knows`, whatever the wording.

    The number of the answer costs Exp(.5) nats where it is right and `doubt` + Exp(1) where it is wrong; every
    other word costs Exp(`dial`). All costs are keyed by question and wording, so at dial 0 the sum does
    not depend on length, given whether it is right.

    Args:
        dial: Mean cost of a word that says nothing, in nats.
        knows: Share of questions it knows.
        doubt: How much more a wrong number costs at least.
    """

    dial: float = 0.0
    knows: float = 0.6
    doubt: float = 0.5
    offers: ClassVar[frozenset[str]] = frozenset({"generate", "logprob"})

    def right(self, question: str) -> bool:
        """Whether it knows this question, by its id."""
        return uniform(self.seed, question, "know") < self.knows

    def _say(self, prompt: str) -> str:
        q = _table()[prompt]
        return (
            q.answer if self.right(q.id) else q.answer.removesuffix(str(q.gold)) + str(q.gold + 1)
        )

    def _generate(self, batch: Batch) -> Texts:
        said = [self._say(plain(p)) for p in batch.columns["prompt"]]
        return Texts(said, ["stop"] * len(said), [""] * len(said))

    def _logprob(self, batch: Batch) -> LogProbs:
        rows = zip(batch.columns["context"], batch.columns["continuation"], strict=True)
        return LogProbs.of([self._cost(plain(c), text) for c, text in rows])

    def _cost(self, context: str, text: str) -> tuple[np.ndarray, list[str]]:
        q, words = _table()[context], text.split()
        number = q.read(text)

        def draw(*parts: object) -> float:
            return -math.log(uniform(self.seed, context, *parts))

        costs = [self.dial * draw("word", k) for k in range(len(words))]
        costs[-1] = 0.5 * draw("key") if number == q.gold else self.doubt + draw("key")
        return -np.array(costs), words
