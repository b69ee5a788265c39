"""Planted conversations: latent satisfaction, and users who speak up more often in one state.

The phrases were written from the rubrics' names, apart from the tagger's patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from plumbline.core.answers import Records
from plumbline.core.questions import Batch
from plumbline.testing.planted import Planted

PHRASES: Final = {
    "satisfied": (
        "Thank you so much, this helps a lot.", "Thanks, now on to the next part of the essay.",
        "Oh, now I understand how interest works.", "That makes sense, I had it backwards before.",
        "I'll try that tonight and see.", "Let me try this with the other file.",
        "Great answer, I will keep it.", "This is excellent work.", "Wow, I did not expect that to be so clear.",
        "My daughter loved the story.", "I'm so happy with how the letter turned out.",
        "Haha, the second joke got me.", "Lol that is spot on.",
        "Okay, got it.", "You're right, I had forgotten about leap years.",
        "That's all for today, bye!", "Nothing else from me, have a nice evening.",
        "Much better, the intro flows now.", "It works now, the test passes.", "We are getting closer.",
    ),
    "dissatisfied": (
        "This is useless for my class.", "I don't like this version at all.", "That was a terrible answer.",
        "Please rewrite it for children.", "Can you make it shorter?", "Try again with fewer words.",
        "That is wrong, the war ended in 1945.", "You made a mistake in the third line.", "This is not correct, check the formula.",
        "Why can't you just open the link?", "I expected you to know last night's score.",
        "Forget it, I will look elsewhere.", "Never mind.",
        "You ignored the second half of my question.", "That's not what I asked for.", "I already told you the budget is 200.",
        "Your first version was better.", "The answers are getting worse.",
        "This is too vague, give me numbers.", "I need more detail on the second step.",
        "It sounds like a robot.", "The tone is too formal for a birthday card.",
    ),
    "": (
        "How do I boil an egg?", "What is the capital of Peru?", "Write a poem about the sea in autumn.",
        "And what about the eastern provinces?", "Translate this paragraph into German: The house is by the lake.",
        "Here is the second chapter of the manuscript.", "List five books on gardening.",
        "Which of the two plans costs less per month?", "Now do the same for the year 2020.",
        "The meeting is on Tuesday at nine.", "Explain how a steam engine turns heat into motion.",
        "Give me a recipe with lentils and carrots.", "What time is it in Tokyo when it is noon in Rome?",
        "Suppose the price falls by ten percent.", "My budget is 200 a month and I live in Leeds.",
        "Can a cat eat cheese?", "Summarise the article below in two sentences.",
        "Who wrote the novel about the white whale?", "I work in a hospital and start at six.",
        "Sort these numbers from small to large: 4, 9, 1.",
    ),
}  # fmt: skip


def with_typos(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """The text where each word of three letters or more is misspelt with this chance.

    A misspelling drops a letter, swaps two neighbours, or doubles a letter.
    """
    words = text.split(" ")
    for k, word in enumerate(words):
        if len(word) < 3 or rng.random() >= rate:
            continue
        at, how = int(rng.integers(len(word) - 1)), int(rng.integers(3))
        words[k] = (
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[: at + 1] + word[at:],
        )[how]
    return " ".join(words)


@dataclass(frozen=True, kw_only=True)
class PlantedFeedback(Planted):
    """A log of conversations: in every turn the user is satisfied or not, and may or may not say so.

    Args:
        satisfied: Mean share of satisfied turns.
        happy: Chance that a satisfied user says so.
        unhappy: Chance that a dissatisfied one does.
        conversations: How many.
        turns: Turns of a user after a reply, in each.
        alike: How much turns of one conversation hang together (intraclass correlation).
        labels: Share of turns that a person has labelled.
    """

    satisfied: float = 0.7
    happy: float = 0.05
    unhappy: float = 0.3
    conversations: int = 400
    turns: int = 4
    alike: float = 0.2
    labels: float = 0.0
    offers: ClassVar[frozenset[str]] = frozenset({"records"})

    def _records(self, batch: Batch | None) -> Records:  # noqa: ARG002 - one question, one answer
        rng = np.random.default_rng([self.seed, 14])
        size = 1 / self.alike - 1
        chance = rng.beta(self.satisfied * size, (1 - self.satisfied) * size, self.conversations)
        rows = []
        for c, p in enumerate(chance):
            rows += [
                (c, 0, "user", "How do I boil an egg?", "", ""),
                (c, 1, "assistant", "Like so.", "", ""),
            ]
            for k in range(self.turns):
                glad = bool(rng.random() < p)
                speaks = self.happy if glad else self.unhappy
                kind = ("satisfied" if glad else "dissatisfied") if rng.random() < speaks else ""
                text = str(rng.choice(PHRASES[kind]))
                label = str(int(glad)) if rng.random() < self.labels else ""
                rows.append((c, 2 * k + 2, "user", text, f"{speaks}", label))
                rows.append((c, 2 * k + 3, "assistant", "Like so, again.", "", ""))
        names = ("conversation", "turn", "role", "text", "propensity", "satisfied")
        columns = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
        return Records({f"column:{n}": v for n, v in zip(names, columns, strict=True)})
