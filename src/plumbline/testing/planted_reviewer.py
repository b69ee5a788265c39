"""A planted judge of pairs: it leans to a place, to length and to what an answer looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from plumbline.core.answers import Choices
from plumbline.core.exchange import contents
from plumbline.core.questions import Batch, Prompt, plain
from plumbline.testing.planted import Planted, uniform


@dataclass(frozen=True, kw_only=True)
class PlantedReviewer(Planted):
    """Says A or B, or C for a tie, of the two answers in the prompt's exchange set `answers`.

    In this order: with chance `refuses` it refuses; with chance `position` it takes the first; with chance
    `longer` the longer answer; for each fragment of `charms` that exactly one answer has, with that chance
    the answer that has it (a negative chance: the other one); with chance `ties` (where a third option is
    offered) a tie; else a coin, which falls anew at every presentation.

    Two answers of one length, or both with a fragment, leave that step out. So against an answer
    without it an answer with a fragment of charm c wins with chance c + (1 - c) / 2, ties counting half.

    Args:
        position: Chance of the first place.
        longer: Chance of the longer answer.
        charms: Fragment of an answer -> chance, in [-1, 1].
        ties: Chance of a tie.
        refuses: Chance of a refusal.
    """

    position: float = 0.0
    longer: float = 0.0
    charms: Mapping[str, float] = field(default_factory=dict)
    ties: float = 0.0
    refuses: float = 0.0
    offers: ClassVar[frozenset[str]] = frozenset({"choose"})

    def _choose(self, batch: Batch) -> Choices:
        rows = zip(batch.columns["prompt"], batch.columns["options"], strict=True)
        picked = [self._pick(prompt, len(options)) for prompt, options in rows]
        n = len(picked)
        status = ["refused" if p < 0 else "" for p in picked]
        return Choices(np.array(picked, np.int64), [np.empty(0)] * n, [""] * n, ["native"] * n, status)  # fmt: skip

    def _pick(self, prompt: Prompt, options: int) -> int:
        text = plain(prompt)
        one, two = contents(prompt, "answers")

        def chance(step: str) -> float:
            return uniform(self.seed, text, step)

        if chance("refuse") < self.refuses:
            return -1
        if chance("place") < self.position:
            return 0
        if len(one) != len(two) and chance("length") < self.longer:
            return int(len(two) > len(one))
        for fragment, charm in self.charms.items():
            has = (fragment in one, fragment in two)
            if has[0] != has[1] and chance(f"charm {fragment}") < abs(charm):
                return int(has[1] if charm > 0 else has[0])
        if options > 2 and chance("tie") < self.ties:
            return 2
        return int(chance("coin") < 0.5)
