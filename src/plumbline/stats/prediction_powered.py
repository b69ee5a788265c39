"""Prediction-powered means: a few labels by people, many scores by a judge, the judge's error taken out.

Angelopoulos, Bates, Fannjiang, Jordan & Zrnic 2023, arXiv:2301.09633; the weight of the judge's scores as
in Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from plumbline.core.errors import BadInput
from plumbline.core.scored import Items
from plumbline.stats.arrays import Floats, fraction, vector
from plumbline.stats.estimators import Estimator, item_weights


@dataclass(frozen=True, slots=True)
class Powered:
    """A mean with its normal interval.

    Attributes:
        value, low, high: The mean that people would give.
        naive: The judge's own mean over all items.
        people: Mean of the labels alone.
        labelled, rest: Items with and without a label.
    """

    value: float
    low: float
    high: float
    naive: float
    people: float
    labelled: int
    rest: int


def powered_mean(
    human: ArrayLike,
    judge: ArrayLike,
    rest: ArrayLike,
    *,
    level: float = 0.95,
    weight: float | None = None,
) -> Powered:
    """w mean(judge of the rest) + mean(human - w judge) over the labelled items, and its interval.

    The variance is w^2 var(rest) / N + var(human - w judge) / n, both with ddof 0 as published; labelled
    items are a random sample of all. w = 1 is the form of 2301.09633. The default w = N / (n + N) is
    mean(judge over all items) + mean(human - judge): the same estimate where the labelled items belong
    to "all", with an interval that knows it.

    Args:
        human: (n,) labels by people.
        judge: (n,) the judge's scores of the same items.
        rest: (N,) the judge's scores of items without a label.
        level: Confidence level.
        weight: w, between 0 (labels alone) and 1.
    """
    y, f, g = vector(human, "human", least=2), vector(judge, "judge"), vector(rest, "rest")
    if y.size != f.size:
        raise BadInput(f"{y.size} labels by people and {f.size} scores of the same items")
    w = g.size / (y.size + g.size) if weight is None else float(weight)
    if not 0 <= w <= 1:
        raise BadInput(f"the weight of the judge's scores lies between 0 and 1; got {w:g}")
    value = float(w * g.mean() + (y - w * f).mean())
    variance = w * w * g.var() / g.size + (y - w * f).var() / y.size
    half = float(ndtri((1 + fraction(level, "level")) / 2) * np.sqrt(variance))
    naive = float(np.concatenate([f, g]).mean())
    return Powered(value, value - half, value + half, naive, float(y.mean()), y.size, g.size)


def _features(items: Items, _: Mapping[str, Any]) -> Floats:
    """Weight, weighted score; the same of labelled items, and what people add there."""
    weight, judge, human = item_weights(items), items["score"], items["human"].astype(float)
    there = np.isfinite(human)
    gap = np.where(there, human, 0.0) - np.where(there, judge, 0.0)
    return np.stack([weight, weight * judge, weight * there, weight * gap], axis=1)


def _value(sums: Floats, _: Mapping[str, Any]) -> Floats:
    count, judge, labelled, gap = np.moveaxis(sums[..., 0, :], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(judge / count + gap / labelled)


POWERED: Final = Estimator("prediction_powered_mean", _features, _value)
"""mean(judge) over all items + mean(human - judge) where there is a label; column `human`, NaN where none."""
