"""A planted classifier in context, with leans of three kinds: of labels, of prompts, of a domain's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from plumbline.core.answers import Choices
from plumbline.core.questions import Batch, Prompt
from plumbline.models.choose_derived import by_scores
from plumbline.testing.planted import Planted, normal


@dataclass(frozen=True, kw_only=True)
class PlantedLabeller(Planted):
    """Log-score of an option: what pulls before the input is read, and what its words and the text itself add.

    The score of option k is `vanilla[k]` (its name's pull), plus `context` times a draw that belongs to the
    fixed part of the prompt, plus `noise` times a draw that belongs to the input as a whole, plus `dial` times the
    share of the input's words that are not `general` for option `toward`. What the input is, the
    segments of the exchange set `input` say. `knows` maps a text to the option it is right to take, which gains
    `sure`. A text without words scores by its prompt alone.

    Args:
        dial: Pull of words that are not general.
        toward: Index of the option that they pull to.
        general: Words without a pull.
        noise: Spread of the inputs' own draws. (Draws of single words would pull too: few frequent words make up
            most of a text, so their mean over a domain is not 0.)
        vanilla: Pulls of the options by index; 0 beyond its end.
        context: Spread of the prompt's own draws.
        knows: Text of a single input -> the option that is right.
        sure: What the right option gains.
        scored: False: say which option is taken, without scores.
    """

    dial: float = 0.0
    toward: int = 0
    general: frozenset[str] = frozenset()
    noise: float = 0.0
    vanilla: Sequence[float] = ()
    context: float = 0.0
    knows: Mapping[str, str] = field(default_factory=dict)
    sure: float = 0.0
    scored: bool = True
    offers: ClassVar[frozenset[str]] = frozenset({"choose"})

    @property
    def fingerprint(self) -> str:
        """Dials and seed; texts and words are told apart by how many they are."""
        dials = (
            self.dial,
            self.toward,
            self.noise,
            tuple(self.vanilla),
            self.context,
            self.sure,
            self.scored,
        )
        return f"{type(self).__name__} {dials} {len(self.general)} {len(self.knows)} {self.seed}"

    def _choose(self, batch: Batch) -> Choices:
        rows = zip(batch.columns["prompt"], batch.columns["options"], strict=True)
        scores = [self.scores(prompt, options) for prompt, options in rows]
        made = by_scores(scores, [""] * len(scores), ["logprob"] * len(scores))
        if self.scored:
            return made
        empty = [np.empty(0)] * len(scores)
        return Choices(made.chosen, empty, made.said, ["generate"] * len(scores), made.status)

    def scores(self, prompt: Prompt, options: Sequence[str]) -> np.ndarray:
        """Log-scores of the options."""
        inputs = [part.text for part in prompt if part.exchange == "input"]
        fixed = "|".join(part.text for part in prompt if part.exchange != "input")
        made = np.zeros(len(options))
        made[: len(self.vanilla)] += np.asarray(self.vanilla, float)[: len(options)]
        made += [self.context * normal(self.seed, fixed, option) for option in options]
        words = [word for text in inputs for word in text.lower().split()]
        if words:
            said = "|".join(inputs)
            made += [self.noise * normal(self.seed, said, option) for option in options]
            made[self.toward] += self.dial * np.mean([word not in self.general for word in words])
        known = self.knows.get("|".join(inputs))
        if known in options:
            made[options.index(known)] += self.sure
        return made
