"""A learned deferral rule: is the small model's answer as good as the large one's?

Trained on quantiles, sum and mean of an answer's token log-probabilities (Post-Hoc-Quantile of Gupta et al. 2024,
arXiv:2404.10136; target 1[A(small) >= A(large)]). What comes out are plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from plumbline.core.errors import BadInput, MissingExtra, TooWeak, UnknownName
from plumbline.stats.deferral import network_output
from plumbline.stats.held_out import accuracy_gap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEARNERS: Final = ("logistic", "mlp")
FOLDS: Final = 5
FEWEST: Final = 20  # questions of the rarer class
WIDTH: Final = 32


@dataclass(frozen=True, slots=True)
class Trained:
    """A rule that passed.

    Attributes:
        params: `center`, `scale` and `layers` of the network, and how it was judged.
        held_out: Score of each answer by a rule that had not seen its question.
    """

    params: dict[str, Any]
    held_out: Floats


def learn(
    x: Floats, small: Floats, large: Floats, unit: Ints, *, learner: str, rng: np.random.Generator
) -> Trained:
    """Train on all answers, judged on held-out questions.

    Args:
        x: Features, (n, d); the last column is Chow-Average.
        small: Quality of the small model's answers.
        large: Quality of the large model's.
        unit: Question of each answer; folds never part one.
        learner: `logistic` or `mlp`.
        rng: Folds, intervals, the network's start.

    Raises:
        TooWeak: Not clearly better than the majority class and than Chow-Average.
        BadInput: Too few questions of a class to be trained on.
    """
    if learner not in LEARNERS:
        raise UnknownName("learner", learner, LEARNERS)
    target = (small >= large).astype(int)
    rarer = int(min(np.unique(unit[target == c]).size for c in (0, 1)))
    if rarer < FEWEST:
        raise BadInput(
            f"{rarer} calibration questions on which the {'large' if target.mean() > 0.5 else 'small'} model is better; "
            f"a learned rule wants {FEWEST}. Ask more (count), or take rule='quantile'"
        )
    fold = rng.permutation(np.arange(unit.max() + 1) % FOLDS)[unit]
    held = np.empty(len(x))
    share = np.empty(len(x))
    start = int(rng.integers(2**31))
    for f in range(FOLDS):
        seen = fold != f
        held[~seen] = _score(_fit(x[seen], target[seen], learner, start), x[~seen])
        share[~seen] = target[seen].mean()
    majority = accuracy_gap((held > 0) == target, (share > 0.5) == target, rng, unit)
    gain = large - small
    # AUC-DF is the mean of small + gain (1 - place): the difference of two rules, item by item.
    # Held-out comparison takes shares as well as yes and no.
    shares: list[Any] = [-gain * _place(score) for score in (held, x[:, -1])]
    area = accuracy_gap(shares[0], shares[1], rng, unit)
    if majority[0] <= 0 or area[0] <= 0:
        raise TooWeak(
            "the learned deferral rule is not clearly better than simple ones on held-out questions: accuracy above "
            f"the majority's {majority[0]:.3f} to {majority[1]:.3f}, AUC-DF above Chow-Average's {area[0]:.4f} to "
            f"{area[1]:.4f}; both intervals must lie above 0. Take rule='quantile', or ask more questions (count)"
        )
    judged = {"over_majority": list(majority), "auc_over_average": list(area), "learner": learner}
    return Trained({**_fit(x, target, learner, start), **judged}, held)


def _place(score: Floats) -> Floats:
    return np.asarray((rankdata(score) - 0.5) / score.size)


def _score(fitted: dict[str, Any], x: Floats) -> Floats:
    return network_output((x - fitted["center"]) / fitted["scale"], fitted["layers"])


def _fit(x: Floats, target: Ints, learner: str, start: int) -> dict[str, Any]:
    """Standardised logistic regression, or a network of five layers, as plain numbers."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        raise MissingExtra("scikit-learn", "sklearn", "a learned deferral rule") from None
    center, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    z = (x - center) / scale
    if learner == "logistic":
        line = LogisticRegression(max_iter=5000).fit(z, target)
        parts = [(line.coef_.T, line.intercept_)]
    else:
        net = MLPClassifier((WIDTH,) * 4, alpha=1.0, max_iter=5000, random_state=start).fit(
            z, target
        )
        parts = list(zip(net.coefs_, net.intercepts_, strict=True))
    layers = [{"weight": w.tolist(), "bias": b.tolist()} for w, b in parts]
    return {"center": center.tolist(), "scale": scale.tolist(), "layers": layers}
