"""Who beats whom within each examiner's question: the kernel of `peer_examination`.

Bai et al. 2023, arXiv:2306.04181. Orders within one examiner's question are the only comparison: pools of
questions differ in difficulty, and examiners in scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.metrics.own_cells import Own
from plumbline.metrics.rating_table import Judgements

Floats = NDArray[np.float64]


def beaten(found: Judgements, own: Own, *, itself: bool = False) -> tuple[Floats, NDArray[Any]]:
    """Share of the other models that each model beats in each examiner's question (ties half).

    An examiner's own models are no opponents: so its lean to them moves nobody else.

    Args:
        found: The scores.
        own: Examiner -> its models.
        itself: They are opponents after all.

    Returns:
        (questions, models), NaN where a model has no score or no opponent; the examiner of each question.
    """
    examiners, models = sorted(set(found.judge)), list(found.systems)
    rows, asker = [np.empty((0, len(models)))], []
    for name in examiners:
        part = found.take(found.judge == name)
        score = part.cube([name], models, sorted(set(part.task)))[0].T
        rival = np.isfinite(score) & ~(np.isin(models, list(own.get(name, ()))) & (not itself))
        gap = np.sign(score[:, :, None] - score[:, None, :])
        against = rival[:, None, :] & ~np.eye(len(models), dtype=bool)
        count = against.sum(axis=2)
        points = np.where(against & np.isfinite(gap), (gap + 1) / 2, 0.0).sum(axis=2)
        known = np.isfinite(score) & (count > 0)
        rows.append(np.where(known, points / np.maximum(count, 1), np.nan))
        asker += [name] * len(score)
    return np.concatenate(rows), np.array(asker, object)


def by_row(found: Judgements, shares: Floats) -> Floats:
    """The share of each row's model in its examiner's question."""
    models, made, start = np.array(found.systems, object), np.full(found.score.size, np.nan), 0
    for name in sorted(set(found.judge)):
        here = np.flatnonzero(found.judge == name)
        tasks = np.array(sorted(set(found.task[here])), object)
        at = start + np.searchsorted(tasks, found.task[here])
        made[here] = shares[at, np.searchsorted(models, found.thing[here])]
        start += tasks.size
    return made


def peer_shares(found: Judgements, own: Own, *, itself: bool = False) -> tuple[Floats, NDArray[Any]]:  # fmt: skip
    """As `beaten`, with the examiner's own models not ranked by it unless `itself`."""
    shares, asker = beaten(found, own, itself=itself)
    if not itself:
        models = list(found.systems)
        mine = {a: np.isin(models, list(own.get(a, ()))) for a in set(asker)}
        shares = np.where(np.array([mine[a] for a in asker], bool), np.nan, shares)
    return shares, asker


def final_shares(shares: Floats, asker: NDArray[Any], weight: Floats) -> Floats:
    """Mean over examiners of their mean shares; questions weighted, shape (..., questions) -> (..., models)."""
    by = []
    read = np.isfinite(shares)
    filled = np.where(read, shares, 0.0)
    for examiner in np.unique(asker):
        here = asker == examiner
        with np.errstate(divide="ignore", invalid="ignore"):
            by.append(
                (weight[..., here] @ filled[here]) / (weight[..., here] @ read[here].astype(float))
            )
    every = np.stack(by)
    count = np.isfinite(every).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.isfinite(every), every, 0.0).sum(axis=0) / count)
