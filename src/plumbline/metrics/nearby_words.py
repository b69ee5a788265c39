"""How often target words stand near a group's words, text by text, weighted by their distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.data.lexicons.function_words import function_words
from plumbline.data.lexicons.function_words import words as words_of
from plumbline.data.lexicons.group_words import GroupWords
from plumbline.metrics.generated_words import Written

Floats = NDArray[np.float64]
PREFIX: Final = "near:"


def nearness(distance: NDArray[Any], window: int, decay: float) -> Floats:
    """Weight of a co-occurrence at a distance in words: 1 inside the window, or decay^distance.

    Args:
        distance: Absolute distances, at least 1.
        window: Words to each side; 0 for no limit.
        decay: 1 for equal weights inside the window.
    """
    near = np.power(decay, distance.astype(float))
    return np.where(distance <= window, near, 0.0) if window else near


def nearby(
    written: Written, lists: GroupWords, targets: Sequence[str], *, window: int, decay: float
) -> Items | None:
    """One row a text and group with a word in it: weighted co-occurrences with each target.

    `all_near` counts those with every content word, target or not.
    """
    place = {word: j for j, word in enumerate(targets)}
    side = {word: k for k, group in enumerate(lists.groups[:2]) for word in lists.words[group]}
    left_out, others = lists.every | function_words(), len(targets)
    said = [
        words_of(f"{written.openings[i]} {text}") if text else []
        for i, text in enumerate(written.texts)
    ]
    reach = nearness(np.arange(1, max(map(len, said), default=0) + 1), window, decay)
    weights = np.concatenate(([0.0], reach))  # at distance 0 stands the group's word itself
    rows, held, seeds, near, every = [], [], [], [], []
    for i, text in enumerate(said):
        sides = np.array([side.get(word, -1) for word in text], int)
        codes = np.array([place.get(w, -1 if w in left_out else others) for w in text], int)
        spots = np.flatnonzero(codes >= 0)
        for k, group in enumerate(lists.groups[:2]):
            at = np.flatnonzero(sides == k)
            if not at.size:
                continue
            weight = weights[np.abs(at[:, None] - spots)].sum(axis=0)
            rows.append(i)
            held.append(group)
            seeds.append(at.size)
            near.append(np.bincount(codes[spots], weights=weight, minlength=others + 1))
            every.append(weight.sum())
    table = np.array(near)[:, :others] if near else np.empty((0, 0))
    if not table.any():
        return None
    columns = written.columns("occupation", rows)
    columns["item"] = columns["item"].astype(str).astype(object)
    return Items.of(
        score=table.sum(axis=1), group=np.array(held, object), seeds=np.array(seeds),
        all_near=np.array(every), **columns, **{PREFIX + w: table[:, j] for w, j in place.items()},
    )  # fmt: skip
