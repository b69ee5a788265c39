"""Who is deferred at one rate: by third of length and by group, at equal correctness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import Null
from plumbline.core.scored import Measure
from plumbline.stats.deferral import terciles, threshold
from plumbline.stats.matched_rates import MATCHED
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Labels = NDArray[Any]
THIRDS: Final = ("short", "middle", "long")
OTHERS: Final = "all others"
_NONE: Final = Null(kind="none")
_ESTIMAND: Final = "difference in the rate of deferral among equally right answers"


def gaps(
    scores: Mapping[str, Floats], length: Floats, groups: Mapping[str, Labels], *,
    rate: float, floor: tuple[float, float, str],
) -> list[tuple[Floats, Labels, Measure]]:  # fmt: skip
    """Deferred or not, the compared groups' labels, and the measure, for every score and contrast.

    Args:
        scores: Confidence in each answer by the score's name, NaN where it has none.
        length: Tokens of each answer.
        groups: Labels of each answer by axis.
        rate: Share of the scored answers that is deferred.
        floor: See `Measure`.

    Returns:
        The score of the rows is 1 where deferred, 0 where not, NaN where there is no confidence.
    """
    made = []
    for said, value in scores.items():
        ok = np.isfinite(value)
        try:
            edge = threshold(value[ok], rate)
        except UndefinedStatistic:
            continue  # all answers are alike by it: nobody goes first, and its correlation says why
        sent = np.where(ok, (value < edge).astype(float), np.nan)
        for axis, name, against, labels in _contrasts(length, groups, ok):
            part = f"{axis}: deferred by {said}, {name}"
            measure = Measure(
                estimator=MATCHED, role="secondary", null=_NONE, unit="rate", floor=floor,
                where={"part": part}, groups=(name, against), options={"stratum": "right"},
                worse="either", estimand=_ESTIMAND,
                labels={"axis": axis, "measure": f"deferred by {said} at {rate:.0%} of all",
                        "group": name, "against": against, "toward": "deferral"},
            )  # fmt: skip
            made.append((sent, labels, measure))
    return made


def _contrasts(
    length: Floats, groups: Mapping[str, Labels], ok: NDArray[np.bool_]
) -> Iterator[tuple[str, str, str, Labels]]:
    """Axis, group, what it is held against, and labels."""
    third = np.full(length.size, "", dtype=object)
    third[ok] = np.array(THIRDS, dtype=object)[terciles(length[ok])]
    if {THIRDS[0], THIRDS[2]} <= set(third):
        yield "length", THIRDS[2], THIRDS[0], third
    for axis, labels in groups.items():
        names = sorted(set(labels[ok].tolist()))
        for name in names if len(names) > 1 else ():
            yield axis, name, OTHERS, np.where(labels == name, name, OTHERS).astype(object)
