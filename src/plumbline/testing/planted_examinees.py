"""A planted examinee: it writes questions about facts, and answers its own better than others' by a dial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from plumbline.core.answers import Texts
from plumbline.core.questions import Batch, plain
from plumbline.data.templates.graded_questions import Chain, load
from plumbline.testing.planted import Planted, uniform


@dataclass(frozen=True, kw_only=True)
class PlantedExaminee(Planted):
    """Answers a question of these chains rightly with chance `knows`, its own with `knows + dial`.

    Every answer is drawn anew for its words, so that two questions about one fact are independent. A question
    of its own reads "What is meant in note N?", N the fact's number.

    Args:
        dial: How much more often its own questions are answered rightly.
        knows: Chance of a right answer to a question of ours, at every step.
        tells: Share of its questions that give the answer away.
        silent: Share of facts about which it writes no question.
        refuses: Share of questions that it refuses to answer.
        chains: The facts and questions.
    """

    dial: float = 0.0
    knows: float = 0.5
    tells: float = 0.0
    silent: float = 0.0
    refuses: float = 0.0
    chains: tuple[Chain, ...] = field(default_factory=load)
    offers: ClassVar[frozenset[str]] = frozenset({"generate"})

    def _generate(self, batch: Batch) -> Texts:
        said = [self._say(plain(prompt)) for prompt in batch.columns["prompt"]]
        return Texts(
            [text for text, _ in said], ["stop"] * len(said), [status for _, status in said]
        )

    def _say(self, prompt: str) -> tuple[str, str]:
        for number, chain in enumerate(self.chains):
            if f"Here is a fact: {chain.fact}" in prompt:
                return self._write(number, chain), ""
        if uniform(self.seed, prompt, "refuse") < self.refuses:
            return "", "refused"
        for number, chain in enumerate(self.chains):
            if f"note {number}?" in prompt:
                return self._answer(prompt, self.knows + self.dial, chain.steps[0].answers), ""
            for step in chain.steps:
                if step.question in prompt:
                    return self._answer(prompt, self.knows, step.answers), ""
        return "I do not know.", ""

    def _write(self, number: int, chain: Chain) -> str:
        luck = uniform(self.seed, chain.id, "write")
        if luck < self.silent:
            return "Facts are fun."
        if luck < self.silent + self.tells:
            return f"Is it {chain.steps[0].answers[0]}?"
        return f"Question: What is meant in note {number}?\nAnswer: that"

    def _answer(self, prompt: str, chance: float, answers: tuple[str, ...]) -> str:
        right = uniform(self.seed, prompt, "answer") < chance
        return f"It is {answers[0]}." if right else "It is something else."
