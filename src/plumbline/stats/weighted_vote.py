"""Several judges as one: exam, weights, and the chair that puts their judgements together.

Chu et al. 2024, "PRE: a peer review based large language model evaluator", arXiv:2401.15641. Verdicts are signs:
+1 the first system is better, -1 the second, 0 a tie; NaN is no verdict, which is left out of every vote.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plumbline.core.errors import BadInput, UnknownName

Floats = NDArray[np.float64]
WEIGHTINGS: Final = ("log", "uniform", "exp", "poly")
THRESHOLD: Final = 0.6
WORST_MSE: Final = 1.0
_EVEN: Final = 1e-9


def pairwise_accuracy(verdicts: ArrayLike, gold: ArrayLike) -> Floats:
    """Mean of 1[r a > 0] + 1/2 1[r a = 0] along the last axis; NaN where no verdict was read."""
    product = np.asarray(verdicts, float) * np.asarray(gold, float)
    return _mean(np.where(np.isfinite(product), (np.sign(product) + 1) / 2, np.nan))


def exact_match(ratings: ArrayLike, gold: ArrayLike) -> Floats:
    """Share of ratings that equal the gold rating, along the last axis."""
    gap = np.asarray(ratings, float) - np.asarray(gold, float)
    return _mean(np.where(np.isfinite(gap), (gap == 0).astype(float), np.nan))


def squared_error(ratings: ArrayLike, gold: ArrayLike) -> Floats:
    """Minus the mean squared error along the last axis: higher is better, as in the exam."""
    return -_mean((np.asarray(ratings, float) - np.asarray(gold, float)) ** 2)


def clipped(score: ArrayLike, count: ArrayLike) -> Floats:
    """Accuracies kept off 0 and 1 by half an exam item: log weights stay finite."""
    edge = 0.5 / np.maximum(np.asarray(count, float), 1.0)
    return np.asarray(np.clip(np.asarray(score, float), edge, 1.0 - edge))


def raw_weights(score: ArrayLike, *, how: str = "log", alpha: float = 1.0) -> Floats:
    """What a score p is worth: log p - log(1 - p), 1, exp(alpha p), or p ** alpha.

    Raises:
        UnknownName: No such weighting.
        BadInput: A score outside (0, 1) where its log-odds are wanted, or below 0 for a power.
    """
    if how not in WEIGHTINGS:
        raise UnknownName("weighting", how, WEIGHTINGS)
    p = np.asarray(score, float)
    if how == "log":
        if ((p <= 0) | (p >= 1)).any():
            raise BadInput(
                f"log-odds want scores between 0 and 1; got {p.tolist()}. Clip them first"
            )
        return np.asarray(np.log(p) - np.log(1 - p))
    if how == "poly":
        if (p < 0).any():
            raise BadInput(f"a power wants scores of at least 0; got {p.tolist()}")
        return np.asarray(p**alpha)
    return np.ones(p.shape) if how == "uniform" else np.asarray(np.exp(alpha * p))


def weights(
    reference: ArrayLike, consistency: ArrayLike | None = None, *, how: str = "log", alpha: float = 1.0,
    share: float = 0.5,
) -> Floats:  # fmt: skip
    """Normalised weights of qualified judges; with both exams w = g w_reference + (1 - g) w_consistency.

    Raises:
        BadInput: The weights do not sum to more than 0.
    """
    made = raw_weights(reference, how=how, alpha=alpha)
    if consistency is not None:
        made = share * made + (1 - share) * raw_weights(consistency, how=how, alpha=alpha)
    total = float(made.sum())
    if not total > 0:
        raise BadInput(
            f"weights {made.tolist()} sum to {total:g}: judges no better than a coin make no panel"
        )
    return np.asarray(made / total)


def vote(verdicts: ArrayLike, weight: ArrayLike) -> Floats:
    """Sign of the weighted votes: judges on the first axis, both orders and all others behind.

    Each judge adds its weight for every positive, and takes it for every negative verdict. 0 is a tie.

    Args:
        verdicts: (judges, orders, ...), re-signed to one order of the systems.
        weight: (judges,).

    Returns:
        (...); NaN where no judge has a verdict.
    """
    signs = np.sign(np.asarray(verdicts, float))
    read = np.isfinite(signs)
    w = np.asarray(weight, float).reshape(-1, *([1] * (signs.ndim - 1)))
    total = (w * np.where(read, signs, 0.0)).sum(axis=(0, 1))
    even = np.abs(total) <= _EVEN * np.abs(w).sum()
    return np.asarray(np.where(read.any(axis=(0, 1)), np.where(even, 0.0, np.sign(total)), np.nan))


def z_scored(ratings: ArrayLike) -> Floats:
    """Ratings of each judge (first axis) minus its mean, over its standard deviation.

    A judge that gives everything one rating says nothing: its ratings are NaN.
    """
    values = np.asarray(ratings, float)
    flat = values.reshape(len(values), -1)
    read = np.isfinite(flat)
    count = np.maximum(read.sum(axis=1), 1)
    mean = np.where(read, flat, 0.0).sum(axis=1) / count
    gap = flat - mean[:, None]
    spread = np.sqrt(np.square(np.where(read, gap, 0.0)).sum(axis=1) / count)
    with np.errstate(divide="ignore", invalid="ignore"):
        made = np.where(spread[:, None] > 1e-12, gap / spread[:, None], np.nan)
    return np.asarray(made.reshape(values.shape))


def chair(ratings: ArrayLike, weight: ArrayLike) -> Floats:
    """Weighted mean over the judges (first axis) that have a rating; NaN where none has."""
    values = np.asarray(ratings, float)
    read = np.isfinite(values)
    w = np.asarray(weight, float).reshape(-1, *([1] * (values.ndim - 1))) * read
    total = w.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.where(total > 0, (w * np.where(read, values, 0.0)).sum(axis=0) / total, np.nan)
        )


def _mean(values: Floats) -> Floats:
    read = np.isfinite(values)
    count = read.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.where(read, values, 0.0).sum(axis=-1) / np.where(count > 0, count, np.nan)
        )
