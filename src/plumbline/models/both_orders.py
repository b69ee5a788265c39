"""One verdict from both orders of a pair: the content that both name, else a tie or no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from plumbline.core.questions import Batch
from plumbline.models.asked_in_orders import (
    INCONSISTENT,
    Exchange,
    Order,
    Vote,
    exchange_of,
    reason,
)

BOTH: Final[tuple[Order, ...]] = ((0, 1), (1, 0))


def pairs(batch: Batch, *, labelled: bool = False) -> list[Exchange | None]:
    """The exchange set of each row that shows two contents of which one can be named, else None."""
    found: list[Exchange | None] = []
    for prompt, options in zip(batch.columns["prompt"], batch.columns["options"], strict=True):
        known = exchange_of(prompt, options)
        fits = known is not None and known.size == 2 and bool(known.at)
        found.append(known if fits and known and (known.labelled or not labelled) else None)
    return found


def agreed(votes: Sequence[Vote]) -> Vote | None:
    """What both orders name, a missing verdict with its reason, or None where they differ."""
    missing = reason(votes)
    if missing:
        return Vote(-1, np.empty(0), votes[0].how, missing)
    if len({v.chosen for v in votes}) > 1:
        return None
    return Vote(votes[0].chosen, np.empty(0), votes[0].how, "")


def undecided(known: Exchange, options: Sequence[str], votes: Sequence[Vote]) -> Vote:
    """A tie where the options offer one (the only option besides the pair), else no verdict."""
    others = [i for i in range(len(options)) if i not in known.at]
    if len(others) == 1:
        return Vote(others[0], np.empty(0), votes[0].how, "")
    return Vote(-1, np.empty(0), votes[0].how, INCONSISTENT)
