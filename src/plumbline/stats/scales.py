"""Scales on which a statistic's error is nearer to normal, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Map = Callable[[Floats], Floats]


def _same(x: Floats) -> Floats:
    return x


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(x))


def _logit(x: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(x / (1 - x)))


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _fisher(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.arctanh(np.clip(x, -1, 1)))


_SCALES: dict[str, tuple[Map, Map]] = {
    "identity": (_same, _same),
    "log": (_log, lambda x: np.asarray(np.exp(x))),
    "logit": (_logit, _expit),
    "fisher": (_fisher, lambda x: np.asarray(np.tanh(x))),
    # An effect size of two equal groups over their common deviation lies in (-2, 2): half of it
    # is a point-biserial correlation, but for a factor sqrt(N / (N - 1)).
    "half fisher": (lambda x: _fisher(x / 2), lambda x: np.asarray(2 * np.tanh(x))),
}
_SLOPES: dict[str, Callable[[float], float]] = {
    "identity": lambda _: 1.0,
    "log": lambda x: 1 / x,
    "logit": lambda x: 1 / (x * (1 - x)),
    "fisher": lambda x: 1 / (1 - x * x),
    "half fisher": lambda x: 0.5 / (1 - x * x / 4),
}


def scale(name: str) -> tuple[Map, Map]:
    """(onto the scale, back from it)."""
    return _SCALES[name]


def slope(name: str, value: float) -> float:
    """Derivative of the map onto the scale: a standard error there is this times the plain one.

    Raises:
        UndefinedStatistic: The value is an end of the scale, where the map is infinitely steep.
    """
    try:
        return _SLOPES[name](value)
    except ZeroDivisionError:
        raise UndefinedStatistic(
            f"the statistic lies at an end of its range ({value:g}), and without one unit it does not: its "
            "error there cannot be told"
        ) from None
