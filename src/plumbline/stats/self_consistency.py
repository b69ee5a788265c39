"""Self-consistency of repeated numeric answers (Chiang et al. 2024, arXiv:2401.17244).

For n readable answers of N: precision P = std / sqrt(n) with the divisor n, coefficient of
precision CoP = exp(-P), confidence C = n / N, self-consistency of response SCoR = CoP * C, which is
0 where nothing could be read. P has the answers' unit, so SCoR changes with it; the scale-free
variant takes std / |median| in place of std.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plumbline.core.errors import BadInput

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SelfConsistency:
    """One number a question each; NaN where it does not exist.

    Attributes:
        precision: P; NaN without a readable answer.
        cop: exp(-P); NaN without a readable answer.
        confidence: Share of readable answers.
        scor: cop * confidence; 0 without a readable answer.
        relative: P / |median|; NaN too where the median is 0 and the answers are not all 0.
        scale_free: exp(-relative) * confidence; 0 without a readable answer.
    """

    precision: Floats
    cop: Floats
    confidence: Floats
    scor: Floats
    relative: Floats
    scale_free: Floats


def self_consistency(answers: ArrayLike) -> SelfConsistency:
    """Self-consistency of each question.

    Args:
        answers: Shape (questions, repetitions); NaN where an answer could not be read.

    Raises:
        BadInput: Not a table with at least one column, or an infinite answer.
    """
    x = np.asarray(answers, float)
    if x.ndim != 2 or x.shape[1] < 1 or np.isinf(x).any():
        raise BadInput(
            f"wanted finite answers or NaN, questions by repetitions; got shape {x.shape}"
        )
    there = np.isfinite(x)
    n = there.sum(axis=1)
    some = n > 0
    mean = np.where(there, x, 0).sum(axis=1) / np.maximum(n, 1)
    squares = (np.where(there, x - mean[:, None], 0) ** 2).sum(axis=1)
    precision = np.where(some, np.sqrt(squares) / np.maximum(n, 1), np.nan)
    median = np.full(len(x), np.nan)
    median[some] = np.nanmedian(x[some], axis=1)
    size = np.abs(median)
    relative = np.where(
        precision == 0, 0.0, np.divide(precision, size, out=np.full(len(x), np.nan), where=size > 0)
    )
    relative = np.where(some, relative, np.nan)
    confidence = n / x.shape[1]
    cop = np.exp(-precision)
    scor = np.where(some, cop * confidence, 0.0)
    scale_free = np.where(some, np.exp(-relative) * confidence, 0.0)
    return SelfConsistency(precision, cop, confidence, scor, relative, scale_free)
