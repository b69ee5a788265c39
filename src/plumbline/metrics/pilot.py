"""A few questions first: where none of their answers can be read, the rest is not asked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.questions import Batch, Decoding, Prompt

FEW: Final = 24
"""If half of all answers can be read, as every finding wants, none of 24 can with chance 6e-8."""
WORTH: Final = 4
"""Multiples of the pilot from which one is made."""
NOT_ASKED: Final = "not asked: none of the first answers could be read"


def written(
    prompts: Sequence[Prompt], draws: Sequence[int] | None, *, decoding: Decoding, seed: int,
    read: Callable[[Sequence[int], Texts], int], pilot: int = FEW,
) -> Generator[Sequence[Batch], Sequence[Any], Texts]:  # fmt: skip
    """The texts of all prompts, in their order; most without an answer where the pilot could not be read.

    Args:
        prompts: What is asked.
        draws: Number of each draw, or None.
        decoding: As in `ask.generate`.
        seed: The same.
        read: (rows, their answers) to how many of them say something.
        pilot: Questions that are asked first, spread evenly; 0 asks all at once.
    """

    def asked(rows: Sequence[int]) -> list[Batch]:
        numbers = None if draws is None else [draws[i] for i in rows]
        return [
            ask.generate([prompts[i] for i in rows], decoding=decoding, draws=numbers, seed=seed)
        ]

    every = range(len(prompts))
    if not pilot or len(prompts) < WORTH * pilot:
        (answers,) = yield asked(every)
        texts: Texts = answers
        return texts
    first = np.unique(np.linspace(0, len(prompts) - 1, pilot).round().astype(int)).tolist()
    rest = sorted(set(every) - set(first))
    (tried,) = yield asked(first)
    packed = {row: tried.pack(k) for k, row in enumerate(first)}
    if read(first, tried):
        (more,) = yield asked(rest)
        packed |= {row: more.pack(k) for k, row in enumerate(rest)}
    return Texts.unpack([packed.get(i, [NOT_ASKED, "", ""]) for i in every])
