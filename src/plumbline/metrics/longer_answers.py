"""Verdicts seen by length: which answer is longer, whether it is the better one, and length control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import NotRecorded
from plumbline.core.scored import Items
from plumbline.metrics import verdict_table
from plumbline.metrics.judged_pairs import CREDIT
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE, Texts, Verdicts
from plumbline.stats.estimators import Estimator, item_weights
from plumbline.stats.length_control import length_controlled
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
LONG_RIGHT: Final = "the longer is better"
SHORT_RIGHT: Final = "the shorter is better"
ALIKE: Final = "alike"
UNKNOWN: Final = "not known"


def _strata(items: Items, _: Mapping[str, Any]) -> Floats:
    weight, score = item_weights(items), items["score"]
    sides = [(items["quality"] == side).astype(float) * weight for side in (LONG_RIGHT, SHORT_RIGHT)]  # fmt: skip
    return np.stack([weight, *(c for side in sides for c in (side, side * score))], axis=1)


def _balanced(sums: Floats, _: Mapping[str, Any]) -> Floats:
    """Mean of the two strata's means."""
    n_long, s_long, n_short, s_short = np.moveaxis(sums[..., 0, 1:], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((s_long / n_long + s_short / n_short) / 2)


BALANCED: Final = Estimator("balanced_share", _strata, _balanced, bounds=(0.0, 1.0))
"""Share for the longer answer, as if it were the better one in half of the pairs; column `quality`."""


def sides(table: Verdicts) -> tuple[Texts, Floats, Texts]:
    """By verdict: why it does not count, the share for the longer answer, and which answer is better.

    Raises:
        NotRecorded: No row has both lengths.
    """
    gap = table.lengths[0] - table.lengths[1]
    if np.isnan(gap).all():
        raise NotRecorded(
            "no verdict has the lengths of both answers; wanted are the columns first_length and "
            "second_length, or their names in the argument columns"
        )
    why = np.where(
        np.isnan(gap), "a length is missing", np.where(gap == 0, "equal lengths", table.why)
    ).astype(object)
    credit = CREDIT[np.clip(table.verdict, FIRST, TIE)]
    place = np.where(gap > 0, FIRST, SECOND)
    quality = np.select(
        [table.better == verdict_table.NONE, table.better == TIE, table.better == place],
        [UNKNOWN, ALIKE, LONG_RIGHT], SHORT_RIGHT,
    ).astype(object)  # fmt: skip
    return why, np.where(gap > 0, credit, 1 - credit), quality


def controlled(table: Verdicts) -> dict[str, Any]:
    """One judge's length-controlled model, or why there is none."""
    known = np.isfinite(table.difficulty).all() and len(table) > 0
    try:
        got = length_controlled(
            table.first.tolist(), table.second.tolist(), CREDIT[table.verdict], table.lengths,
            clusters=table.question.tolist(), difficulty=table.difficulty if known else None,
        )  # fmt: skip
    except UndefinedStatistic as absent:
        return {"not defined": absent.reason}
    told = zip(got.systems, got.raw, got.controlled, got.low, got.high, strict=True)
    return {
        "verdicts": len(table),
        "log-odds of length, low, high": list(got.slope),
        "log-odds of the first place, low, high": list(got.place),
        "sd of the difference of lengths": got.spread,
        "win rates": {
            s: {"raw": float(r), "controlled": float(c), "low": float(lo), "high": float(hi)}
            for s, r, c, lo, hi in told
        },
    }
