"""Priors over labels: estimated under inputs that say nothing, and divided out of the answers.

Fei et al. 2023 (arXiv:2305.19148), with the content-free inputs of Zhao et al. 2021 (arXiv:2102.09690) and the
batch mean of Zhou et al. 2024 (arXiv:2309.17249). Probabilities are kept as logarithms.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput

Floats = NDArray[np.float64]
FLOOR: Final = 1e-12
MEANS: Final = ("arithmetic", "log")


def normalised(scores: Any) -> Floats:
    """Log-probabilities over the options from log-scores; shape (..., C), each row sums to 1."""
    values = np.asarray(scores, float)
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(
        values - top - np.log(np.exp(values - top).sum(axis=-1, keepdims=True)), float
    )


def mean_prior(logs: Any, *, mean: str = "arithmetic") -> Floats:
    """The prior over labels, as log-probabilities of shape (C,).

    Args:
        logs: Normalised log-probabilities under inputs that say nothing, shape (M, C).
        mean: `arithmetic`, the published one; or `log`, the geometric mean, renormalised: averaging
            probabilities of scattered logits draws the prior toward uniform, averaging their
            logarithms does not.

    Raises:
        BadInput: No such mean, or no row.
    """
    rows = np.asarray(logs, float)
    if mean not in MEANS or rows.ndim != 2 or not len(rows):
        raise BadInput(
            f"the mean is one of {', '.join(MEANS)}, over at least one row; got {mean!r} and {len(rows)} rows"
        )
    if mean == "log":
        return normalised(np.maximum(rows, np.log(FLOOR)).mean(axis=0))
    return np.asarray(np.log(np.maximum(np.exp(rows).mean(axis=0), FLOOR)))


def divided(logs: Any, prior: Floats) -> Floats:
    """Log-probabilities after division by the prior, renormalised; shape (..., C).

    Args:
        logs: Normalised log-probabilities, shape (..., C).
        prior: Log-probabilities of the prior, shape (C,); floored at 1e-12.
    """
    return normalised(np.asarray(logs, float) - np.maximum(prior, np.log(FLOOR)))


def total_variation(first: Any, second: Any) -> Floats:
    """1/2 sum |p - q| over the last axis: 0 for equal distributions, 1 for disjoint ones."""
    return np.asarray(np.abs(np.asarray(first, float) - np.asarray(second, float)).sum(axis=-1) / 2)


def from_uniform(probabilities: Any) -> Floats:
    """Total variation from equal probabilities; at most 1 - 1/C."""
    values = np.asarray(probabilities, float)
    return total_variation(values, 1 / values.shape[-1])
