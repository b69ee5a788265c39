"""What `label_bias` asks of one classification task: random, empty and tested texts, in frames.

Everything is drawn from named streams: random texts by task, demonstrations by task and set, tested texts by task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch, Prompt
from plumbline.data.perturb.random_words import domain_texts
from plumbline.data.sets.label_bias_classification import Example, Task, audited, pool, task
from plumbline.data.templates.classification import Frame, frames
from plumbline.metrics.subsample import nested_rows

Texts = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Setting:
    """One way to ask: without demonstrations, or with sets of them.

    Attributes:
        name: `zero-shot` or `4-shot`.
        frames: One frame a case; draw m and text m are asked in case m mod their number.
        shown: The demonstrations of each case; empty where there are none.
    """

    name: str
    frames: tuple[Frame, ...]
    shown: tuple[tuple[Example, ...], ...]

    @property
    def bare(self) -> bool:
        """Without demonstrations."""
        return not any(self.shown)

    def case(self, count: int) -> NDArray[np.int64]:
        """Case of each of `count` texts."""
        return np.arange(count, dtype=np.int64) % len(self.frames)

    def prompts(
        self, texts: Texts, labels: Sequence[str], role: Any, *, bare: bool = False
    ) -> list[Prompt]:
        """One prompt a text; without the demonstrations where `bare`."""
        made = []
        for case, text in zip(self.case(len(texts)), texts, strict=True):
            shown = () if bare else self.shown[case]
            pairs = [(example.texts, example.label) for example in shown]
            made.append(self.frames[case].prompt(text, labels, shown=pairs, role=role))
        return made


@dataclass(frozen=True)
class Asked:
    """What is asked of one task.

    Attributes:
        english, domain: Random texts, draw by draw.
        settings: Zero-shot first.
        tested: Texts that are classified.
    """

    task: Task
    english: Texts
    domain: Texts
    settings: Sequence[Setting]
    tested: Sequence[Example]

    def parts(self, setting: Setting) -> dict[str, Texts]:
        """Texts of a setting by part, in the order in which they are asked.

        `bare` are the empty texts in the frames of the sets, without their demonstrations.
        """
        empty = [("",) * self.task.places] * len(setting.frames)
        more = {} if setting.bare else {"bare": empty}
        tested = [example.texts for example in self.tested]
        return {
            "english": self.english,
            "domain": self.domain,
            "empty": empty,
            **more,
            "tested": tested,
        }

    def batch(self, setting: Setting, role: Any) -> Batch:
        """All questions of a setting."""
        labels = self.task.labels
        prompts = [
            prompt
            for part, texts in self.parts(setting).items()
            for prompt in setting.prompts(texts, labels, role, bare=part == "bare")
        ]
        return ask.choose(prompts, [labels] * len(prompts))

    def rows(self, setting: Setting) -> dict[str, slice]:
        """Where each part's answers stand in the batch."""
        ends = np.cumsum([0, *(len(texts) for texts in self.parts(setting).values())]).tolist()
        return {part: slice(ends[i], ends[i + 1]) for i, part in enumerate(self.parts(setting))}


def asked(
    context: Context, name: str, *, english: Sequence[str], draws: int, shots: int, sets: int, most: int
) -> Asked:  # fmt: skip
    """Draw what is asked of a task.

    Raises:
        BadInput: More demonstrations than there are texts to show.
    """
    wanted, texts, shown = task(name), audited(name), pool(name)
    if shots > len(shown):
        raise BadInput(f"{shots} demonstrations of {name}; its pool holds {len(shown)}")
    places = [[example.texts[k] for example in texts] for k in range(wanted.places)]
    rng = context.seeds.stream("random words", name)
    known = frames(wanted.kind)
    settings = [Setting("zero-shot", known, ((),) * len(known))]
    if shots:
        stream = [context.seeds.stream("demonstrations", name, str(k)) for k in range(sets)]
        drawn = [s.choice(len(shown), size=shots, replace=False).tolist() for s in stream]
        made = tuple(tuple(shown[i] for i in rows) for rows in drawn)
        turned = tuple(known[k % len(known)] for k in range(sets))
        settings.append(Setting(f"{shots}-shot", turned, made))
    size = min(context.size() or most, most)
    kept = nested_rows(
        [example.label for example in texts], size, context.seeds.stream("tested", name)
    )
    return Asked(
        task=wanted,
        english=domain_texts(places, count=draws, rng=rng, words=english),
        domain=domain_texts(places, count=draws, rng=rng),
        settings=settings,
        tested=[texts[i] for i in kept],
    )
