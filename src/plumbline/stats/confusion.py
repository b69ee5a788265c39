"""Tables of what was true by what was said, with any number of classes: F1, and shares put right.

Rows are the truth (people), columns what was said (a judge). Two classes and their error rates stand in
`agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats
from plumbline.stats.bootstrap import cluster_weights, multinomial_draws
from plumbline.stats.undefined import UndefinedStatistic

LOST: Final = 0.05  # largest share of resamples in which the correction may not exist
DRAWS: Final = 999


def weighted_f1(table: ArrayLike) -> float:
    """F1 of each class, weighted by how often people gave it (a class nobody was put into counts 0).

    Args:
        table: (K, K) counts, truth by said.
    """
    counts = np.asarray(table, float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() <= 0:
        raise BadInput(
            f"wanted a square table of counts with at least one item; got {counts.shape}"
        )
    true, said = counts.sum(axis=1), counts.sum(axis=0)
    both = true + said
    f1 = np.divide(2 * np.diag(counts), both, out=np.zeros_like(both), where=both > 0)
    return float(true @ f1 / true.sum())


def true_shares(table: ArrayLike, said: ArrayLike) -> Floats:
    """pi = argmin ||M pi - q|| over pi >= 0, scaled to sum 1: shares of what people would say.

    M[j, h] is the chance that the judge says j where people say h (from `table`), q the shares of
    what the judge said elsewhere. Where M pi = q has a solution without negative shares, that is it.

    Args:
        table: (H, J) counts of labelled items, people by judge.
        said: (J,) counts of what the judge said.

    Raises:
        UndefinedStatistic: A class of people without an item; or the judge says the same of
            several classes, so that q does not tell them apart.
    """
    counts, q = np.asarray(table, float), np.asarray(said, float)
    if counts.ndim != 2 or counts.shape[1] != q.size or q.sum() <= 0:
        raise BadInput(
            f"wanted a table (people, judge) and as many counts; got {counts.shape}, {q.shape}"
        )
    rows = counts.sum(axis=1)
    if (rows == 0).any():
        raise UndefinedStatistic("a class of the people's labels has no labelled item")
    chance = (counts / rows[:, None]).T
    if np.linalg.matrix_rank(chance, tol=1e-9) < rows.size:
        raise UndefinedStatistic(
            "the judge says the same whatever people say of some classes: its shares tell nothing"
        )
    found, _ = nnls(chance, q / q.sum())
    return np.asarray(found / found.sum())


@dataclass(frozen=True, slots=True)
class Shares:
    """Corrected shares by class with percentile intervals; all of shape (H,)."""

    value: Floats
    low: Floats
    high: Floats


def corrected_shares(
    tables: ArrayLike, judged: ArrayLike, rest: ArrayLike, *,
    level: float, rng: np.random.Generator, draws: int = DRAWS,
) -> Shares:  # fmt: skip
    """`true_shares` of all items; labelled and other items are resampled.

    Args:
        tables: (n, H, J), of each labelled item: its people's labels by what the judge said.
        judged: (n, J), what the judge said of them, a 1 a row.
        rest: (J,) counts of what the judge said of items without a label.
        level: Confidence level.
        rng: The stream.
        draws: Bootstrap samples.

    Raises:
        UndefinedStatistic: As `true_shares`, or in more than 5 % of the resamples.
    """
    cells, one = np.asarray(tables, float), np.asarray(judged, float)
    counts = np.asarray(rest, float)
    value = true_shares(cells.sum(axis=0), one.sum(axis=0) + counts)
    drawn = cluster_weights(rng, len(cells), draws)
    moved = (drawn @ cells.reshape(len(cells), -1)).reshape(draws, *cells.shape[1:])
    other = (
        multinomial_draws(rng, counts, draws) if counts.sum() else np.zeros((draws, counts.size))
    )
    made = []
    for table, said in zip(moved, drawn @ one + other, strict=True):
        try:
            made.append(true_shares(table, said))
        except UndefinedStatistic:  # counted below: too many of them and there is no interval
            continue
    if len(made) < (1 - LOST) * draws:
        raise UndefinedStatistic(
            f"the corrected shares do not exist in {1 - len(made) / draws:.0%} of the resamples; "
            "label more items"
        )
    tail = (1 - level) / 2
    low, high = np.quantile(np.array(made), [tail, 1 - tail], axis=0)
    return Shares(value, low, high)
