"""Relevance and selection of labels, estimated together: P(labelled relevant) = P(relevant) P(selected).

Positives are labelled only where they were selected; what is not labelled mixes irrelevant and unselected. With
logistic g (relevance features) and h (selection features) the likelihood is sum y log(gh) + (1 - y) log(1 - gh).
After the coupled estimation of Cai et al. 2022 (arXiv:2209.05072), whose networks alternate; positives with
selection that depends on the instance: Bekker, Robberechts & Davis 2019 (arXiv:1809.03207), by EM. Where
judged negatives are recorded, both models are fitted apart (missing at random given the features).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, matrix, vector
from plumbline.stats.undefined import UndefinedStatistic

How = Literal["scoring", "em"]
RIDGE: Final = 1e-3  # on standardised coefficients; keeps them finite where selection is certain
CLIP: Final = 20.0
_STEPS: Final = 200
_ROUNDS: Final = 4000
_SMALL: Final = 1e-9
_HALVINGS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupled:
    """A fitted pair of models. Coefficients are of the columns as given, the intercept first.

    Attributes:
        relevance: Shape (k_r + 1,).
        selection: Shape (k_s + 1,).
        g: Shape (n,), P(relevant | features).
        h: Shape (n,), P(selected | features).
        influence: Shape (n, k_r + k_s + 2), each row's part in the error of all coefficients, relevance
            first: estimate - truth is about the sum over rows.
        log_likelihood: At the fit, in nats.
        mirrored: True where both models have the same column space and no judged negatives: g and h can
            trade places without any change of the likelihood, so neither can be called relevance.
        steps: How many were taken.
        converged: Whether the steps died out.
    """

    relevance: Floats
    selection: Floats
    g: Floats
    h: Floats
    influence: Floats
    log_likelihood: float
    mirrored: bool
    steps: int
    converged: bool

    @property
    def se(self) -> Floats:
        """Standard errors of all coefficients, relevance first, rows independent (sandwich)."""
        return np.asarray(np.sqrt((self.influence**2).sum(axis=0)))


def coupled(
    x_r: ArrayLike, x_s: ArrayLike, y: ArrayLike, *, judged: ArrayLike | None = None, how: How = "scoring",
    ridge: float = RIDGE,
) -> Coupled:  # fmt: skip
    """Fit both models.

    Args:
        x_r: (n, k_r) relevance features.
        x_s: (n, k_s) selection features.
        y: (n,) 1 where labelled relevant, else 0.
        judged: (n,) 1 where somebody judged; None where only positives are known.
        how: Fisher scoring, or EM (slow; the same optimum).
        ridge: Penalty on squared coefficients of standardised columns.

    Raises:
        BadInput: Shapes differ; values other than 0 and 1; a positive that was not judged.
        UndefinedStatistic: No positives or no others; a constant feature.
    """
    z_r, back_r = _standardised(x_r, "x_r")
    z_s, back_s = _standardised(x_s, "x_s")
    answers = _flags(y, "y", z_r.shape[0])
    if z_s.shape[0] != answers.size:
        raise BadInput(f"x_s has {z_s.shape[0]} rows and y {answers.size}; wanted as many")
    if np.ptp(answers) == 0:
        raise UndefinedStatistic(f"every label is {answers[0]:g}: nothing tells relevance")
    known = None if judged is None else _flags(judged, "judged", answers.size)
    if known is not None and (answers > known).any():
        raise BadInput("a row has a positive label and was not judged")
    if known is not None and (known == answers).all():
        known = None  # nobody recorded a judged negative: positives only
    if known is not None:
        theta, steps, converged = _apart(z_r, z_s, answers, known, ridge)
    elif how == "em":
        theta, steps, converged = _em(z_r, z_s, answers, ridge)
    elif how == "scoring":
        theta, steps, converged = _scoring(z_r, z_s, answers, ridge)
    else:
        raise BadInput(f"how is 'scoring' or 'em'; got {how!r}")
    k = z_r.shape[1]
    g, h = expit(z_r @ theta[:k]), expit(z_s @ theta[k:])
    rows, information = _scores(z_r, z_s, answers, known, g=g, h=h)
    inverse = np.linalg.pinv(information + ridge * np.eye(theta.size))
    whole = np.zeros((theta.size, theta.size))
    whole[:k, :k], whole[k:, k:] = back_r, back_s
    moved = rows @ inverse
    # The penalty's own pull is no error of sampling.
    moved -= moved.mean(axis=0)
    return Coupled(
        relevance=back_r @ theta[:k], selection=back_s @ theta[k:], g=g, h=h, influence=moved @ whole.T,
        log_likelihood=log_likelihood(answers, g, h, known), mirrored=known is None and _same_space(z_r, z_s),
        steps=steps, converged=converged,
    )  # fmt: skip


def log_likelihood(y: Floats, g: Floats, h: Floats, judged: Floats | None = None) -> float:
    """sum y log(gh) + (1 - y) log(1 - gh); with judgements, of both models apart."""
    if judged is None:
        return float(np.where(y > 0, np.log(g) + np.log(h), np.log1p(-_below(g * h))).sum())
    selected = np.where(judged > 0, np.log(h), np.log1p(-_below(h)))
    relevant = np.where(y > 0, np.log(g), np.log1p(-_below(g)))
    return float((selected + judged * relevant).sum())


def relevant_posterior(y: Floats, g: Floats, h: Floats, judged: Floats | None = None) -> Floats:
    """P(relevant | what is known of the row): 1 for a positive, g(1 - h) / (1 - gh) where unlabelled.

    With judgements 0 for a judged negative and g for an unjudged document.
    """
    if judged is None:
        return np.where(y > 0, 1.0, g * (1 - h) / (1 - _below(g * h)))
    return np.where(judged > 0, y, g)


def selected_posterior(y: Floats, g: Floats, h: Floats) -> Floats:
    """P(selected | label): 1 for a positive, h(1 - g) / (1 - gh) where unlabelled."""
    return np.where(y > 0, 1.0, h * (1 - g) / (1 - _below(g * h)))


def inverse_weights(h: Floats, *, clip: float = CLIP) -> Floats:
    """1 / P(selected), at most `clip`.

    Raises:
        BadInput: `clip` is below 1.
    """
    if not clip >= 1:
        raise BadInput(f"clip is {clip!r}; weights are 1 or more, so wanted at least 1")
    return np.asarray(np.minimum(1.0 / np.maximum(h, 1e-300), clip))


def soft_logistic(x: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None) -> Floats:
    """Logistic coefficients, intercept first, for targets between 0 and 1 (fractional labels).

    Raises:
        BadInput: Targets outside 0 and 1, or shapes that differ.
        UndefinedStatistic: A constant feature, or steps that do not die out.
    """
    z, back = _standardised(x, "x")
    wanted = vector(target, "target")
    if wanted.size != z.shape[0] or (wanted < 0).any() or (wanted > 1).any():
        raise BadInput(f"target has {wanted.size} values for {z.shape[0]} rows; wanted 0 to 1")
    mass = np.ones(wanted.size) if weight is None else vector(weight, "weight")
    theta, steps, converged = _soft_fit(z, wanted, RIDGE, mass)
    if not converged:
        raise UndefinedStatistic(f"the coefficients did not settle in {steps} steps")
    return np.asarray(back @ theta)


def _soft_fit(z: Floats, target: Floats, ridge: float, weight: Floats) -> tuple[Floats, int, bool]:
    """Coefficients, how many steps were taken, and whether they died out."""
    theta = np.zeros(z.shape[1])
    for count in range(1, _STEPS + 1):
        step = _soft_step(z, target, theta, ridge, weight)
        theta = theta + step
        if np.abs(step).max() < _SMALL:
            return theta, count, True
    return theta, _STEPS, False


def _soft_step(z: Floats, target: Floats, theta: Floats, ridge: float, weight: Floats) -> Floats:
    """One damped Newton step of a fractional logistic fit."""
    p = expit(z @ theta)
    slope = z.T @ (weight * (target - p)) - ridge * theta
    curve = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge * np.eye(theta.size)
    step = np.linalg.solve(curve, slope)
    return np.asarray(step / max(1.0, np.abs(step).max() / 2.0))


def _scoring(z_r: Floats, z_s: Floats, y: Floats, ridge: float) -> tuple[Floats, int, bool]:
    """The best of two starts: everything 0, and each model as if it alone made the labels."""
    k, ones = z_r.shape[1], np.ones(y.size)
    alone = [np.zeros(z.shape[1]) for z in (z_r, z_s)]
    for _ in range(6):
        alone = [
            t + _soft_step(z, y, t, ridge, ones) for z, t in zip((z_r, z_s), alone, strict=True)
        ]
    for one in alone:
        one[0] += 1.0
    starts = (np.zeros(k + z_s.shape[1]), np.concatenate(alone))
    found = [_climb(z_r, z_s, y, start, ridge) for start in starts]
    best = max(found, key=lambda got: got[1])
    return best[0], best[2], best[3]


def _climb(
    z_r: Floats, z_s: Floats, y: Floats, theta: Floats, ridge: float
) -> tuple[Floats, float, int, bool]:
    k = z_r.shape[1]

    def height(t: Floats) -> float:
        g, h = expit(z_r @ t[:k]), expit(z_s @ t[k:])
        return log_likelihood(y, g, h) - ridge / 2 * float(t @ t)

    now = height(theta)
    for count in range(1, _STEPS + 1):
        g, h = expit(z_r @ theta[:k]), expit(z_s @ theta[k:])
        rows, information = _scores(z_r, z_s, y, None, g=g, h=h)
        slope = rows.sum(axis=0) - ridge * theta
        step = np.linalg.solve(information + ridge * np.eye(theta.size), slope)
        step /= max(1.0, np.abs(step).max() / 2.0)
        for _ in range(_HALVINGS):
            moved = height(theta + step)
            if moved >= now - 1e-12 * abs(now):
                break
            step = step / 2.0
        theta, gained, now = theta + step, moved - now, moved
        if np.abs(step).max() < 1e-7 or (abs(gained) < 1e-10 * abs(now) and count > 3):
            return theta, now, count, True
    return theta, now, _STEPS, False


def _em(z_r: Floats, z_s: Floats, y: Floats, ridge: float) -> tuple[Floats, int, bool]:
    """Posteriors, then one Newton step of each weighted logistic fit (generalised EM)."""
    a, b, ones = np.zeros(z_r.shape[1]), np.zeros(z_s.shape[1]), np.ones(y.size)
    for count in range(1, _ROUNDS + 1):
        g, h = expit(z_r @ a), expit(z_s @ b)
        first = _soft_step(z_r, relevant_posterior(y, g, h), a, ridge, ones)
        second = _soft_step(z_s, selected_posterior(y, g, h), b, ridge, ones)
        a, b = a + first, b + second
        if max(np.abs(first).max(), np.abs(second).max()) < 1e-6:
            return np.concatenate([a, b]), count, True
    return np.concatenate([a, b]), _ROUNDS, False


def _apart(
    z_r: Floats, z_s: Floats, y: Floats, judged: Floats, ridge: float
) -> tuple[Floats, int, bool]:
    """Judged negatives are known: relevance from judged rows, selection from who was judged."""
    fits = [
        _soft_fit(z, target, ridge, weight)
        for z, target, weight in ((z_r, y, judged), (z_s, judged, np.ones(y.size)))
    ]
    theta, steps, converged = zip(*fits, strict=True)
    return np.concatenate(theta), max(steps), all(converged)


def _scores(
    z_r: Floats, z_s: Floats, y: Floats, judged: Floats | None, *, g: Floats, h: Floats
) -> tuple[Floats, Floats]:
    """Each row's derivative of the log-likelihood, and the expected information."""
    if judged is None:
        both = g * h
        slopes = np.hstack([z_r * (1 - g)[:, None], z_s * (1 - h)[:, None]])
        rows = slopes * ((y - both) / (1 - _below(both)))[:, None]
        return rows, (slopes * (both / (1 - _below(both)))[:, None]).T @ slopes
    rows = np.hstack([z_r * (judged * (y - g))[:, None], z_s * (judged - h)[:, None]])
    k = z_r.shape[1]
    information = np.zeros((rows.shape[1], rows.shape[1]))
    information[:k, :k] = (z_r * (judged * g * (1 - g))[:, None]).T @ z_r
    information[k:, k:] = (z_s * (h * (1 - h))[:, None]).T @ z_s
    return rows, information


def _below(p: Floats) -> Floats:
    return np.minimum(p, 1.0 - 1e-12)


def _same_space(z_r: Floats, z_s: Floats) -> bool:
    ranks = [int(np.linalg.matrix_rank(z)) for z in (z_r, z_s, np.hstack([z_r, z_s]))]
    return ranks[0] == ranks[1] == ranks[2]


def _flags(values: ArrayLike, name: str, size: int) -> Floats:
    found = vector(values, name)
    if found.size != size or not np.isin(found, (0.0, 1.0)).all():
        raise BadInput(f"{name} has {found.size} values for {size} rows; wanted 0 or 1 in each")
    return found


def _standardised(x: ArrayLike, name: str) -> tuple[Floats, Floats]:
    """Intercept and standardised columns, and the way back to coefficients of the columns as given."""
    given = np.asarray(x, np.float64)
    columns = matrix(given[:, None] if given.ndim == 1 else given, name)
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    if (spread <= 1e-12 * np.maximum(1.0, np.abs(columns).max(axis=0))).any():
        flat = int(np.argmin(spread))
        raise UndefinedStatistic(
            f"column {flat + 1} of {name} is constant: it cannot be told from the intercept"
        )
    back = np.diag(np.concatenate(([1.0], 1.0 / spread)))
    back[0, 1:] = -centre / spread
    return np.column_stack([np.ones(columns.shape[0]), (columns - centre) / spread]), back
