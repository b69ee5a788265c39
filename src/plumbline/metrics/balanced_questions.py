"""A few multiple-choice questions, as many with the right answer at each place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from plumbline.core.context import Context
from plumbline.data.templates.questions import Question

QUICK: Final = 32  # questions; a multiple of four keeps the right answers' places balanced


def of_suite(context: Context, found: Sequence[Question], *, limited: bool) -> list[Question]:
    """In `quick` the first few of one seeded order for each place of the right answer, else all.

    Args:
        context: The run's surroundings.
        found: The questions.
        limited: Whether `quick` takes a part; an own file is asked whole.
    """
    if not limited or context.suite != "quick":
        return list(found)
    places = sorted({q.gold for q in found})
    order = context.seeds.stream("order").permutation(len(found))
    kept: set[str] = set()
    for place in places:
        there = [found[i].id for i in order if found[i].gold == place]
        kept |= set(there[: QUICK // len(places)])
    return [q for q in found if q.id in kept]
