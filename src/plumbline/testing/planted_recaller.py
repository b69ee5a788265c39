"""A planted model that recalls numbers by a factor, with noise and refusals, and copies from tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from plumbline.core.answers import Texts
from plumbline.core.questions import Batch, plain
from plumbline.data.templates import numeric_facts
from plumbline.testing.planted import Planted, normal, uniform

_ROW = re.compile(r"says: .* is (\S+) \S+\.\n")


@dataclass(frozen=True, kw_only=True)
class PlantedRecaller(Planted):
    """Says factor * truth, give or take, counted from the quantity's zero.

    Args:
        factor: What every remembered number is multiplied by.
        noise: Relative standard deviation from draw to draw.
        spread: Relative standard deviation from question to question.
        refuses: Share of answers that are refusals.
        copies: Relative standard deviation of a number that stands in the prompt.
        zeros: Unit to where its quantity is zero: degrees Celsius are stretched from there.
    """

    factor: float = 1.0
    noise: float = 0.02
    spread: float = 0.0
    refuses: float = 0.0
    copies: float = 0.0
    zeros: dict[str, float] = field(default_factory=lambda: {"°C": -273.15})
    offers: ClassVar[frozenset[str]] = frozenset({"generate"})

    def _generate(self, batch: Batch) -> Texts:
        known = {fact.question: fact for fact in numeric_facts.load()}
        texts = []
        for prompt, draw in zip(batch.columns["prompt"], batch.columns["draw"], strict=True):
            text = plain(prompt)
            fact = known[text.rpartition("\n")[2]]
            if uniform(self.seed, text, draw, "refuse") < self.refuses:
                texts.append("I am sorry, but I cannot say.")
                continue
            zero = self.zeros.get(fact.unit, 0.0)
            row = _ROW.search(text)
            error = normal(self.seed, text, draw, "draw")
            if row:
                value = (float(row[1]) - zero) * (1 + self.copies * error)
            else:
                lasting = self.spread * normal(self.seed, fact.id, "question")
                size = float(np.exp(np.log(self.factor) + lasting + self.noise * error))
                value = (fact.truth - zero) * size
            texts.append(f"It is about {value + zero:.10g} {fact.unit}.")
        return Texts(texts, ["stop"] * len(texts), [""] * len(texts))
