"""A planted reader of documents: it finds an answer with a chance that belongs to the place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from plumbline.core.answers import Choices
from plumbline.core.questions import Batch, Prompt, plain
from plumbline.testing.planted import Planted, uniform


@dataclass(frozen=True, kw_only=True)
class PlantedRetriever(Planted):
    """Finds the document that the question is about, with the chance of its place, else guesses an option.

    So accuracy with the answer at place j is sees[j] + (1 - sees[j]) / N.

    Args:
        sees: Chance of each place; of two numbers, of the first and the last place, linear between.
        grabs: Chance that a presentation not seen is answered from the document at the first place
            instead of by a guess.
        refuses: Share of presentations that it refuses.
    """

    sees: tuple[float, ...] = (0.5, 0.5)
    grabs: float = 0.0
    refuses: float = 0.0
    offers: ClassVar[frozenset[str]] = frozenset({"choose"})

    def _choose(self, batch: Batch) -> Choices:
        columns = (batch.columns["prompt"], batch.columns["options"])
        picked = [self._pick(p, o) for p, o in zip(*columns, strict=True)]
        n = len(picked)
        status = ["refused" if i < 0 else "" for i in picked]
        none = [np.empty(0)] * n
        return Choices(np.array(picked, np.int64), none, [""] * n, ["native"] * n, status)

    def _pick(self, prompt: Prompt, options: Sequence[str]) -> int:
        text = plain(prompt)
        if uniform(self.seed, text, "refuse") < self.refuses:
            return -1
        documents = [part.text for part in prompt if part.exchange]
        asked = _words("".join(part.text for part in prompt if not part.exchange))
        about = int(np.argmax([len(_words(d) & asked) for d in documents]))
        where = np.linspace(0, len(documents) - 1, len(self.sees))
        chance = float(np.interp(about, where, self.sees))
        if uniform(self.seed, text, "see") < chance:
            return _said(documents[about], options)
        if uniform(self.seed, text, "grab") < self.grabs:
            return _said(documents[0], options)
        return int(uniform(self.seed, text, "guess") * len(options))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _said(document: str, options: Sequence[str]) -> int:
    """The option that stands in a document."""
    return next(i for i, option in enumerate(options) if option in document)
