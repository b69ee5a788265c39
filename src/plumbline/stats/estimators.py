"""Named statistics as functions of group moments.

An estimator turns each scored item into a row of additive features (`features`, shape (n, M)),
and a stack of their sums by group (`value`, shape (..., G, M) -> (...)) into numbers. Because
sums are all it needs, one matrix product evaluates it under any number of resampling weights or
exchanged labels. Feature 0 is always the item's weight.

Where a value does not exist (an empty group, a zero denominator) `value` gives NaN; `infer`
turns that into `Undefined` with a reason. Sources of formulas stand at each estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import UnknownName
from plumbline.core.scored import Items

Floats = NDArray[np.float64]
Features = Callable[[Items, Mapping[str, Any]], Floats]
Value = Callable[[Floats, Mapping[str, Any]], Floats]
Prepare = Callable[[Items, Mapping[str, Any]], Mapping[str, Any]]


def _as_given(items: Items, options: Mapping[str, Any]) -> Mapping[str, Any]:
    return options


@dataclass(frozen=True)
class Estimator:
    """A statistic of group moments.

    Attributes:
        id: Its name in a `Measure`.
        features: (items, options) -> (n, M); column 0 is the weight.
        value: (sums (..., G, M), options) -> (...); NaN where it does not exist.
        groups: How many groups it contrasts: 1 (all items pooled), 2, or 0 for any number >= 2.
        scale: Scale on which its error is closest to normal: a name in `scales.py`.
        bounds: Smallest and largest value it can take.
        prepare: Completes the options from the items (a grid, say).
        average: True for a mean of scores that themselves lie within `bounds`.
        plain: True for an unsigned contrast of groups that is a mean over the resampled units:
            its interval is the plain one, as it is wherever one pooled group is described.
        parts: Where the value is the size of many noisy parts (a lean for each of many words):
            (sums (..., G, M), options) -> (..., parts), signed, 0 where there is no lean.
        size: With `parts`: (parts (..., n), options) -> (...); `value` is the size of the parts.
    """

    id: str
    features: Features
    value: Value
    groups: int = 1
    scale: str = "identity"
    bounds: tuple[float, float] = (-np.inf, np.inf)
    prepare: Prepare = field(default=_as_given)
    average: bool = False
    plain: bool = False
    parts: Value | None = None
    size: Value | None = None


def item_weights(items: Items) -> Floats:
    """The items' weights, 1 where they have none; shape (n,)."""
    return items["weight"].astype(float) if "weight" in items else np.ones(len(items))


def _score(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight, weighted score, weighted square."""
    score = items["score"] * float(options.get("times", 1.0))
    made = np.empty((len(items), 3))
    made[:, 0] = item_weights(items)
    np.multiply(made[:, 0], score, out=made[:, 1])
    np.multiply(made[:, 1], score, out=made[:, 2])
    return made


def _columns(*names: str) -> Features:
    """Weight and weighted columns, in this order; the score goes by the name `score`."""

    def features(items: Items, options: Mapping[str, Any]) -> Floats:
        weight = item_weights(items)
        return np.stack([weight, *(weight * items[n].astype(float) for n in names)], axis=1)

    return features


def _ratio(top: Floats, bottom: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def _means(sums: Floats) -> Floats:
    """Group means of feature 1; shape (..., G)."""
    return _ratio(sums[..., 1], sums[..., 0])


def _mean(sums: Floats, options: Mapping[str, Any]) -> Floats:
    return _means(sums)[..., 0]


def _difference(sums: Floats, options: Mapping[str, Any]) -> Floats:
    means = _means(sums)
    return np.asarray(means[..., 0] - means[..., 1])


def _ratio_of_means(sums: Floats, options: Mapping[str, Any]) -> Floats:
    means = _means(sums)
    return _ratio(means[..., 0], means[..., 1])


def _range(sums: Floats, options: Mapping[str, Any]) -> Floats:
    means = _means(sums)
    return np.asarray(means.max(axis=-1) - means.min(axis=-1))


def _minimum_ratio(sums: Floats, options: Mapping[str, Any]) -> Floats:
    means = _means(sums)
    return _ratio(means.min(axis=-1), means.max(axis=-1))


def _between(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Population variance of the group means."""
    return np.asarray(_means(sums).var(axis=-1))


def _effect_size(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """WEAT's d: difference of means over the sample standard deviation of both groups together.

    Caliskan et al. 2017 (arXiv:1608.07187); ddof = 1, confirmed on the original vectors (S119).
    """
    total = sums.sum(axis=-2)
    n, s, q = total[..., 0], total[..., 1], total[..., 2]
    variance = _ratio(q - _ratio(s * s, n), n - 1)
    # Rounding leaves about 1e-16 of the sum of squares where all scores are equal.
    floor = 1e-14 * np.maximum(_ratio(q, n), 1e-300)
    with np.errstate(invalid="ignore"):
        sd = np.sqrt(np.where(variance > floor, variance, np.nan))
    return _difference(sums, options) / sd


def _share_distance(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Total variation between the groups' shares of all weight and equal shares."""
    weight = sums[..., 1]
    shares = _ratio(weight, weight.sum(axis=-1, keepdims=True))
    return np.asarray(np.abs(shares - 1.0 / weight.shape[-1]).sum(axis=-1) / 2)


def paired_features(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight, x, y, xx, xy, yy with x the covariate named in the options."""
    weight = item_weights(items)
    x, y = items[options["covariate"]].astype(float), items["score"]
    return np.stack(
        [weight, weight * x, weight * y, weight * x * x, weight * x * y, weight * y * y], axis=1
    )


def _spreads(sums: Floats) -> tuple[Floats, Floats, Floats]:
    n, x, y, xx, xy, yy = np.moveaxis(sums[..., 0, :], -1, 0)
    return xx - _ratio(x * x, n), xy - _ratio(x * y, n), yy - _ratio(y * y, n)


def _slope(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Least-squares slope of the score on the covariate."""
    xx, xy, _ = _spreads(sums)
    return _ratio(xy, xx)


def _correlation(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Pearson correlation of score and covariate."""
    xx, xy, yy = _spreads(sums)
    return _ratio(xy, np.sqrt(np.maximum(xx * yy, 0)))


def _grid(items: Items, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Thresholds for `wasserstein`: every distinct score, or 512 quantiles of them.

    With all distinct scores the distance is exact; with quantiles its error is below the largest
    gap between neighbouring thresholds.
    """
    scores = np.unique(items["score"])
    if scores.size > 512:
        scores = np.unique(np.quantile(scores, np.linspace(0, 1, 512)))
    return {**options, "grid": scores}


def _steps(items: Items, options: Mapping[str, Any]) -> Floats:
    weight, grid = item_weights(items), options["grid"]
    return np.column_stack([weight, weight[:, None] * (items["score"][:, None] <= grid[None, :-1])])


def _wasserstein(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Wasserstein-1 distance between two groups' scores: integral of |F1 - F2|."""
    shares = _ratio(sums[..., 1:], sums[..., :1])
    gaps = np.abs(shares[..., 0, :] - shares[..., 1, :])
    return np.asarray((gaps * np.diff(options["grid"])).sum(axis=-1))


def _ambiguous_bias(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """BBQ's s_AMB = (1 - accuracy) * s_DIS (Parrish et al. 2022, arXiv:2110.08193)."""
    weight, biased, known, right = np.moveaxis(sums[..., 0, :], -1, 0)
    wrong = 1 - _ratio(right, weight)
    # Nobody was named, so every answer was right: the product is 0 whatever s_DIS would be.
    lean = np.where((known == 0) & (wrong == 0), 0.0, 2 * _ratio(biased, known) - 1)
    return wrong * lean


def _known_bias(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """BBQ's s_DIS = 2 * biased / (answers other than unknown) - 1."""
    _, biased, known, _ = np.moveaxis(sums[..., 0, :], -1, 0)
    return 2 * _ratio(biased, known) - 1


def _icat(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """StereoSet's iCAT = lms * min(ss, 100 - ss) / 50 (Nadeem et al. 2021, arXiv:2004.09456)."""
    lms = 100 * _ratio(sums[..., 0, 1], sums[..., 0, 0])
    ss = 100 * _ratio(sums[..., 0, 2], sums[..., 0, 0])
    return lms * np.minimum(ss, 100 - ss) / 50


_KERNEL = (
    Estimator("mean", _score, _mean),
    Estimator("share", _score, _mean, scale="logit", bounds=(0.0, 1.0), average=True),
    Estimator("percent", _score, _mean, bounds=(0.0, 100.0), average=True),
    Estimator("difference", _score, _difference, groups=2),
    Estimator("ratio", _score, _ratio_of_means, groups=2, scale="log", bounds=(0.0, np.inf)),
    Estimator("range", _score, _range, groups=0, bounds=(0.0, np.inf)),
    Estimator("minimum_ratio", _score, _minimum_ratio, groups=0, bounds=(0.0, 1.0)),
    Estimator("between_variance", _score, _between, groups=0, bounds=(0.0, np.inf)),
    Estimator("effect_size", _score, _effect_size, groups=2, scale="half fisher", bounds=(-2.0, 2.0)),
    Estimator("share_distance", _score, _share_distance, groups=0, bounds=(0.0, 1.0)),
    Estimator("slope", paired_features, _slope),
    Estimator("correlation", paired_features, _correlation, scale="fisher", bounds=(-1.0, 1.0)),
    Estimator("wasserstein", _steps, _wasserstein, groups=2, bounds=(0.0, np.inf), prepare=_grid),
    Estimator("bbq_ambiguous", _columns("biased", "known", "right"), _ambiguous_bias, bounds=(-1.0, 1.0)),
    Estimator("bbq_disambiguated", _columns("biased", "known", "right"), _known_bias, bounds=(-1.0, 1.0)),
    Estimator("icat", _columns("language", "score"), _icat, bounds=(0.0, 100.0)),
)  # fmt: skip
ESTIMATORS: Mapping[str, Estimator] = {e.id: e for e in _KERNEL}


def estimator(given: str | Estimator) -> Estimator:
    """The estimator of this name; an `Estimator` made in a method's own file passes through."""
    if isinstance(given, Estimator):
        return given
    if given not in ESTIMATORS:
        raise UnknownName("estimator", given, ESTIMATORS)
    return ESTIMATORS[given]
