"""A planted judge: hidden quality of the answers, a bonus for what is read first, and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Choices
from plumbline.core.questions import Batch, Prompt, plain
from plumbline.testing.planted import Planted, normal, uniform


@dataclass(frozen=True, kw_only=True)
class PlantedJudge(Planted):
    """Names the label whose text has the highest appeal.

    Appeal is the text's quality, plus `slot` times the share of that text which stands in the first
    stretch of contiguous text (whole answers: all of it for the first one), plus noise that is drawn
    anew at every presentation. So a bonus that acts once per block of text falls on a third of an answer where
    answers are shown in three parts in turn.

    Args:
        quality: Standard deviation of the texts' qualities.
        slot: Bonus of the first block; below 0 what is read first loses.
        noise: Standard deviation of the noise.
        better: Text -> what is added to its quality.
        labels: Label -> what is added to the appeal of what stands under it.
        habit: Share of presentations that get the label read first, unseen.
        refuses: Share of presentations without a verdict.
        ties: Appeals closer than this are a tie, where exactly one option is no label.
        scored: Give scores of the options: their appeal, -50 for one under which no text stands.
    """

    quality: float = 1.0
    slot: float = 0.0
    noise: float = 0.0
    better: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, float] = field(default_factory=dict)
    habit: float = 0.0
    refuses: float = 0.0
    ties: float = 0.0
    scored: bool = False
    offers: ClassVar[frozenset[str]] = frozenset({"choose"})

    def _choose(self, batch: Batch) -> Choices:
        picked, scores, status = [], [], []
        for prompt, options in zip(batch.columns["prompt"], batch.columns["options"], strict=True):
            appeal = self._appeal(prompt, options)
            picked.append(self._named(plain(prompt), appeal))
            status.append("refused" if picked[-1] < 0 else "")
            scores.append(np.maximum(appeal, -50.0) if self.scored else np.empty(0))
        n = len(picked)
        return Choices(np.array(picked, np.int64), scores, [""] * n, ["native"] * n, status)

    def _named(self, text: str, appeal: NDArray[np.float64]) -> int:
        if uniform(self.seed, text, "refuse") < self.refuses:
            return -1
        known = np.flatnonzero(np.isfinite(appeal))
        top = known[np.argsort(-appeal[known])]
        if self.ties and known.size < appeal.size and appeal[top[0]] - appeal[top[1]] < self.ties:
            return int(np.flatnonzero(~np.isfinite(appeal))[0])
        return int(top[0])

    def _appeal(self, prompt: Prompt, options: Sequence[str]) -> NDArray[np.float64]:
        """Appeal of each option; -inf of those under which no text stands."""
        blocks: list[tuple[str, str]] = []
        for part in prompt:
            if part.option not in options:
                continue
            if blocks and blocks[-1][0] == part.option:
                blocks[-1] = (part.option, blocks[-1][1] + part.text)
            else:
                blocks.append((part.option, part.text))
        whole: dict[str, str] = {}
        for label, text in blocks:
            whole[label] = whole.get(label, "") + text
        shown = plain(prompt)
        appeal = np.full(len(options), -np.inf)
        for i, label in enumerate(options):
            if label in whole:
                text = whole[label]
                worth = self.quality * normal(self.seed, "quality", text) + self.better.get(text, 0)
                noise = self.noise * normal(self.seed, shown, label)
                appeal[i] = worth + self.labels.get(label, 0) + noise
        first, text = blocks[0]
        appeal[list(options).index(first)] += self.slot * len(text) / len(whole[first])
        if uniform(self.seed, shown, "habit") < self.habit:
            appeal[list(options).index(first)] += 1e6
        return appeal
