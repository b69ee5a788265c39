"""Prompts that classify a text in context: frames of our own, with or without demonstrations.

The item's own text stands in segments of the exchange set `input`, one a place, so that a calibration can put
other texts there (`plumbline.core.questions.Segment`). Everything else, the demonstrations included, is fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.questions import Prompt, Role, Segment
from plumbline.data.toml_rows import Fields, each_once, read_toml

KINDS: Final = ("sentiment", "question", "topic", "inference")
INPUT: Final = "input"
Shown = tuple[Sequence[str], str]
"""A demonstration: its texts and its label."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One wording.

    Attributes:
        id: Its name.
        kind: See `KINDS`.
        ask: What is to be done.
        leads: What stands before each text of an example.
        answer: What stands before the label.
        turn: By how many places the list of labels is turned.
    """

    id: str
    kind: str
    ask: str
    leads: tuple[str, ...]
    answer: str
    turn: int

    def prompt(
        self, texts: Sequence[str], labels: Sequence[str], *, shown: Sequence[Shown] = (), role: Role = "text"
    ) -> Prompt:  # fmt: skip
        """The prompt for one example.

        Args:
            texts: One text a lead.
            labels: What may be answered.
            shown: Demonstrations, first to last.
            role: Role of all segments.

        Raises:
            BadInput: More or fewer texts than leads.
        """
        listed = ", ".join(labels[(i + self.turn) % len(labels)] for i in range(len(labels)))
        fixed = f"{self.ask} Possible answers: {listed}.\n\n"
        for example, label in shown:
            lines = (f"{lead} {text}\n" for lead, text in self._led(example))
            fixed += f"{''.join(lines)}{self.answer} {label}\n\n"
        parts: list[Segment] = []
        for lead, text in self._led(texts):
            parts += [Segment(f"{fixed}{lead} ", role), Segment(text, role, exchange=INPUT)]
            fixed = "\n"
        return (*parts, Segment(f"\n{self.answer}", role))

    def _led(self, texts: Sequence[str]) -> list[tuple[str, str]]:
        if len(texts) != len(self.leads):
            raise BadInput(f"frame {self.id} takes {len(self.leads)} texts; got {len(texts)}")
        return list(zip(self.leads, texts, strict=True))


@cache
def frames(kind: str) -> tuple[Frame, ...]:
    """The wordings of a kind of task, in the file's order.

    Raises:
        UnknownName: No such kind.
    """
    if kind not in KINDS:
        raise UnknownName("kind of classification", kind, KINDS)
    top = Fields(read_toml(files(__package__).joinpath("classification.toml")), "classification")
    top.mark("id", "title", "note")
    found: list[Frame] = []
    for row in top.rows("frames"):
        which = row.one_of("kind", KINDS)
        turn = sum(frame.kind == which for frame in found)
        parts = (row.text("ask"), row.texts("leads"), row.text("answer"))
        found.append(Frame(row.text("id"), which, *parts, turn))
        row.no_others()
    top.no_others()
    each_once([frame.id for frame in found], "frames: the id")
    return tuple(frame for frame in found if frame.kind == kind)
