"""A fitted statistic as one number a unit, so that units can be resampled without fitting again.

value + Q times the unit's summed influences has the statistic as its mean over the Q units, and its spread over units is
the sandwich error: the ordinary resampling of units then holds the error of the fit as well (infinitesimal
jackknife; Jaeckel 1972, Efron 1982, ch. 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, codes, vector


def by_unit(value: float, influence: ArrayLike, units: ArrayLike) -> Floats:
    """One number a unit, in sorted order of the units, whose mean is `value`.

    Args:
        value: The statistic.
        influence: (n,) each row's part in the error of the statistic; they sum to about 0.
        units: (n,) labels.

    Raises:
        BadInput: Lengths differ.
    """
    parts = vector(influence, "influence")
    code = codes(units, "units", length=parts.size)
    if not np.isfinite(value):
        raise BadInput(f"value is {value!r}; wanted a finite number")
    sums = np.bincount(code, parts)
    return np.asarray(value + sums.size * (sums - sums.mean()))
