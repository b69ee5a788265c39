"""A planted scout: it knows which objects belong in which rooms, to a stated degree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from plumbline.core.answers import Texts
from plumbline.core.questions import Batch, plain
from plumbline.data.room_maps import room_of
from plumbline.testing.planted import Planted, uniform

_ROW = re.compile(r"^\d+\. (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class PlantedScout(Planted):
    """Names groups by the share of their objects that belong to the wanted object's kind of room.

    Args:
        guesses: q, the chance that a vote names one group at random instead.
        wrong: Turns likely into unlikely.
        mute: Chance that a reply names nothing that can be read.
        first: Chance that a vote names the first group shown, whatever it holds.
    """

    guesses: float = 0.0
    wrong: bool = False
    mute: float = 0.0
    first: float = 0.0
    offers: ClassVar[frozenset[str]] = frozenset({"generate"})

    def named(self, goal: str, groups: list[list[str]], *, likely: bool) -> list[int]:
        """Groups that knowledge names, from 0."""
        kind = room_of(goal)
        share = np.array([np.mean([room_of(o) == kind for o in group]) for group in groups])
        return np.flatnonzero(share >= 0.4 if likely != self.wrong else share <= 0.2).tolist()

    def _generate(self, batch: Batch) -> Texts:
        pairs = zip(batch.columns["prompt"], batch.columns["draw"], strict=True)
        texts = [self._reply(plain(prompt), int(draw)) for prompt, draw in pairs]
        return Texts(texts, ["stop"] * len(texts), [""] * len(texts))

    def _reply(self, text: str, draw: int) -> str:
        question = text.rpartition("Wanted: ")[2]
        goal = question.partition(".")[0]
        groups = [row.split(", ") for row in _ROW.findall(question)]
        if uniform(self.seed, text, draw, "mute") < self.mute:
            return "That depends."
        if uniform(self.seed, text, draw, "first") < self.first:
            return "1"
        if uniform(self.seed, text, draw, "guess") < self.guesses:
            return str(1 + int(uniform(self.seed, text, draw, "which") * len(groups)))
        found = self.named(goal, groups, likely="are likely" in question)
        return ", ".join(str(k + 1) for k in found) or "none"
