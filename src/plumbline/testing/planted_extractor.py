"""A planted reader whose greedy answers run into dead ends: how often that hurts is a dial."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from plumbline.core.answers import LogProbs, Texts
from plumbline.core.questions import Batch, plain
from plumbline.data.templates import passages
from plumbline.testing.planted import Planted, uniform

FIRST, DEAD, NEXT = 0.45, 0.55, 0.6
_WORDS = re.compile(r"\s*\w+|\s*[^\w\s]|\s+$")
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class PlantedExtractor(Planted):
    """Answers to the shipped questions about invented passages, word by word.

    With chance `trap` two answers compete: the best begins with a word of probability .45 and goes on with
    certainty, the other's first word has .55 and goes on with .6, so that it is worth .33 and greedy
    decoding takes it. With chance (1 + dial) / 2 the best is the right answer and the other a wrong word of
    the passage, else it is the other way round. So the best spans are right more often than the greedy
    answers by `trap` * dial. Without a trap the right answer has probability 1.
    """

    dial: float = 0.0
    trap: float = 0.5
    offers: ClassVar[frozenset[str]] = frozenset({"generate", "logprob"})

    @cached_property
    def _asked(self) -> Mapping[str, tuple[str, str]]:
        return {q.text: (p.text, q.answer) for p in passages.load() for q in p.questions}

    def _answers(self, prompt: str) -> list[tuple[tuple[str, ...], float, float]]:
        """(words, probability of the first, of what follows it) of a prompt's answers."""
        text, gold = next(v for q, v in self._asked.items() if q in prompt)
        right = tuple(gold.split())
        if uniform(self.seed, gold, text, "trap") >= self.trap:
            return [(right, 1.0, 1.0)]
        shared = set(re.findall(r"\w+", gold.lower()))
        wrong = [w for w in re.findall(r"\w+", text) if w.lower() not in shared and len(w) > 3]
        other = (wrong[int(uniform(self.seed, gold, text, "word") * len(wrong))],)
        helps = uniform(self.seed, gold, text, "helps") < (1 + self.dial) / 2
        best, dead = (right, other) if helps else (other, right)
        return [(best, FIRST, 1.0), (dead, DEAD, NEXT)]

    def _chance(self, prompt: str, said: Sequence[str], word: str) -> float:
        """P(word or end | prompt, words said)."""
        for words, first, follows in self._answers(prompt):
            step = len(said)
            if tuple(said) == words[:step] and step <= len(words):
                wanted = words[step] if step < len(words) else "\n"
                if word == wanted:
                    return first if step == 0 else follows if step == 1 else 1.0
        return _TINY

    def _logprob(self, batch: Batch) -> LogProbs:
        rows = []
        for context, more in zip(
            batch.columns["context"], batch.columns["continuation"], strict=True
        ):
            prompt, _, before = plain(context).partition("Answer:")
            said, pieces = before.split(), [more] if not more.strip() else _WORDS.findall(more)
            values = []
            for piece in pieces:
                word = piece.strip() or "\n"
                values.append(np.log(self._chance(prompt, said, word)))
                said.append(word)
            rows.append((np.array(values), pieces))
        return LogProbs.of(rows)

    def _generate(self, batch: Batch) -> Texts:
        texts = []
        for given in batch.columns["prompt"]:
            prompt = plain(given).partition("Answer:")[0]
            found = self._answers(prompt)
            texts.append(" " + " ".join(max(found, key=lambda a: a[1])[0]))
        return Texts(texts, ["stop"] * len(texts), [""] * len(texts))
