"""Clicks by rank: P(click) = examination(rank) x attractiveness, examination = rank ** -eta.

The position-based model (Richardson, Dominowska & Ragno 2007; Joachims, Swaminathan & Schnabel 2017,
arXiv:1608.04468). Logarithms make it linear, so eta is the slope of log click rates on log rank among rows of equal
attractiveness: of one human label, or of one document that was shown at several ranks (Agarwal et al.
2019, arXiv:1812.05161).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, Integers, codes, matrix, vector
from plumbline.stats.undefined import UndefinedStatistic

CLIP: Final = 20.0
_STEPS: Final = 100
_SMALL: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """Log-linear slopes inside strata.

    Attributes:
        values: Shape (k,).
        influence: Shape (n, k), each row's part in the error of the slopes.
    """

    values: Floats
    influence: Floats


def stratified_slopes(
    clicks: ArrayLike, x: ArrayLike, strata: ArrayLike, *, impressions: ArrayLike | None = None
) -> Slopes:
    """Slopes of log click rates on the columns of x, with a level of its own for each stratum.

    Poisson likelihood given each stratum's clicks; only the mean has to be log-linear, so clicks of 0 and 1,
    counts and estimated rates all do (Gourieroux, Monfort & Trognon 1984).

    Args:
        clicks: (n,) clicks, or a rate, not negative.
        x: (n, k) covariates, or (n,).
        strata: (n,) labels: rows of one stratum would be clicked alike at equal x.
        impressions: (n,) how often the row was shown; 1 by default.

    Raises:
        BadInput: Lengths differ, negative clicks, or impressions that are not above 0.
        UndefinedStatistic: No clicks, or a covariate that does not vary inside the strata that have clicks.
    """
    y = vector(clicks, "clicks")
    given = np.asarray(x, np.float64)
    columns = matrix(given[:, None] if given.ndim == 1 else given, "x")
    code = codes(strata, "strata", length=y.size)
    shown = np.ones(y.size) if impressions is None else vector(impressions, "impressions")
    if columns.shape[0] != y.size or shown.size != y.size:
        raise BadInput(f"{y.size} clicks, {columns.shape[0]} rows of x, {shown.size} impressions")
    if (y < 0).any() or (shown <= 0).any():
        raise BadInput("clicks are not negative, and a row was shown at least once")
    totals = np.bincount(code, y).astype(np.float64)
    if not totals.any():
        raise UndefinedStatistic("nothing was clicked")
    beta = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        expected, apart = _expected(columns, shown, code, totals, beta)
        information = (apart * expected[:, None]).T @ apart
        _identified(information, columns, expected)
        step = np.linalg.solve(information, apart.T @ (y - expected))
        beta = beta + step / max(1.0, np.abs(step).max() / 2.0)
        if np.abs(step).max() < _SMALL:
            break
    else:
        raise UndefinedStatistic("slopes grow without end: a covariate tells clicks from none without error")  # fmt: skip
    rows = apart * (y - expected)[:, None]
    return Slopes(values=beta, influence=rows @ np.linalg.inv(information))


def _expected(
    x: Floats, shown: Floats, code: Integers, totals: Floats, beta: Floats
) -> tuple[Floats, Floats]:
    """Expected clicks of each row given its stratum's, and covariates about their means by them."""
    eta = x @ beta
    mass = shown * np.exp(eta - eta.max())
    share = mass / np.bincount(code, mass, minlength=totals.size)[code]
    means = np.column_stack([np.bincount(code, share * c, minlength=totals.size) for c in x.T])
    return totals[code] * share, x - means[code]


def _identified(information: Floats, x: Floats, expected: Floats) -> None:
    spread = np.maximum((expected[:, None] * (x - x.mean(axis=0)) ** 2).sum(axis=0), 1e-300)
    scaled = information / np.sqrt(np.outer(spread, spread))
    if np.linalg.eigvalsh(scaled).min() < 1e-9:
        raise UndefinedStatistic(
            "rows of equal attractiveness do not differ in rank (or another covariate): position cannot be told "
            "from attractiveness"
        )


def inverse_examination(rank: ArrayLike, eta: float, *, clip: float = CLIP) -> Floats:
    """rank ** eta, at most `clip`: inverse propensity weights of clicks.

    Raises:
        BadInput: A rank below 1, or a clip below 1.
    """
    places = vector(rank, "rank")
    if (places < 1).any() or not clip >= 1:
        raise BadInput("ranks and clip are 1 or more")
    return np.asarray(np.minimum(places**eta, clip))


def calibration_error(probability: ArrayLike, outcome: ArrayLike, *, bins: int = 10) -> float:
    """Expected calibration error: mean |observed - stated| over bins of equal width, by their sizes.

    Naeini, Cooper & Hauskrecht 2015.
    """
    p, y = vector(probability, "probability"), vector(outcome, "outcome")
    if p.size != y.size:
        raise BadInput(f"{p.size} probabilities for {y.size} outcomes")
    which = np.minimum((p * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(which, p - y, minlength=bins)).sum() / p.size)
