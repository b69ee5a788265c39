"""Ends of prompts, and the next byte there by tokens and by bytes: the kernel of `tokenization_bias`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.errors import BadInput
from plumbline.models.byte_cover import Tokens, total_variation
from plumbline.models.byte_models import ByteModel

WORD, SPACE, INSIDE, GIVEN = "word end", "trailing space", "inside a word", "as given"
# What stands before, and the word that goes on; every text is cut at three ends.
TEXTS: Final = (
    ("The train to the coast leaves from", "platform"), ("She put the letter back into the", "drawer"),
    ("Every morning he walks the dog around the", "garden"), ("The recipe asks for two cups of", "flour"),
    ("After the storm the whole village was without", "electricity"), ("He forgot to lock the", "bicycle"),
    ("The museum is closed on", "Monday"), ("They painted the kitchen a pale shade of", "yellow"),
    ("The children are playing in the", "garden"), ("My grandmother used to bake bread every", "Saturday"),
    ("The committee will announce its decision next", "week"), ("Please send the invoice to the", "address"),
    ("The lake is frozen from December to", "March"), ("We ordered coffee and a piece of", "chocolate"),
    ("The bridge was closed because of the", "weather"), ("He plays the violin in a small", "orchestra"),
    ("The nearest hospital is in the", "city"), ("She reads the newspaper on the way to", "work"),
    ("The window of the shop was full of old", "furniture"), ("The doctor told him to drink more", "water"),
    ("The ship sailed around the", "world"), ("There is a small restaurant behind the", "station"),
    ("The teacher wrote the answer on the", "blackboard"), ("It has been raining since", "yesterday"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cut:
    """A prompt, how it ends, the text that it is cut from, and the word that goes on ("" for none)."""

    prompt: str
    end: str
    name: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read at one prompt's end.

    Attributes:
        distance: Total variation between the two distributions of the next byte and the end.
        leaked: Probability on invalid sequences, given the prompt.
        exact: Share of P(prompt) on its own encoding.
        word: log P of the next word's tokens minus log P of its bytes, or None.
        tokens, bytes: The likeliest next byte of each.
    """

    distance: float
    leaked: float
    exact: float
    word: float | None
    tokens: int
    bytes: int


def cuts_of(texts: Sequence[tuple[str, str]]) -> list[Cut]:
    """Every text cut at a word's end, after the space behind it, and in the middle of the next word."""
    made = []
    for before, word in texts:
        name = f"{before} {word}"
        half = len(word) // 2
        made += [
            Cut(before, WORD, name, f" {word}"), Cut(f"{before} ", SPACE, name, word),
            Cut(f"{before} {word[:half]}", INSIDE, name, word[half:]),
        ]  # fmt: skip
    return made


def readings_of(model: ByteModel, cuts: Sequence[Cut]) -> list[Reading]:
    """Readings of all prompts, those of one text in one call of the model."""
    made: list[Reading] = []
    for name in dict.fromkeys(c.name for c in cuts):
        some = [c for c in cuts if c.name == name]
        places = [_place(model, c) for c in some]
        model.process.ask(
            [
                sequence
                for (lead, data), cut in zip(places, some, strict=True)
                for sequence in (
                    *model.process.needed(lead, data),
                    lead + model.encode(data),
                    *(model.process.needed(lead, data + cut.word.encode()) if cut.word else ()),
                )
            ]
        )
        made += [_reading(model, place, cut.word) for place, cut in zip(places, some, strict=True)]
        model.process.forget()
    return made


def _place(model: ByteModel, cut: Cut) -> tuple[Tokens, bytes]:
    lead, data, status = model.begin(ask.prompt(cut.prompt), "")
    if status or not cut.prompt:
        raise BadInput(f"the prompt {cut.prompt!r} cannot be read: {status or 'it is empty'}")
    return lead, data


def _reading(model: ByteModel, place: tuple[Tokens, bytes], word: str) -> Reading:
    process, (lead, data) = model.process, place
    cover = process.cover(lead, data)
    found, leaked = process.after(cover)
    naive = process.token_conditioned(lead, data)
    gap = None
    if word:
        spoken = process.chain(lead + model.encode(data), model.encode(word.encode()))
        gap = spoken - (process.log_prob(lead, data + word.encode()) - cover.total)
    return Reading(
        distance=total_variation(naive, found / found.sum()), leaked=leaked,
        exact=float(np.exp(cover.exact - cover.total)), word=gap, tokens=int(naive.argmax()),
        bytes=int(found.argmax()),
    )  # fmt: skip
