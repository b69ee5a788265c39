"""The estimator of self-preference: contrasts of cell means, whose weights come from the cells that are there.

Shared by `self_preference` and `peer_examination`; the forms are in `double_difference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.metrics import double_difference as contrasts
from plumbline.metrics.rating_table import sides
from plumbline.stats.estimators import Estimator, item_weights
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Own = Mapping[str, Sequence[str]]
FORMS: Final = {
    "additive": "residual of judge + system",
    "published": "double difference as published",
    "gain": "residual of the judge's own line",
}
LINEAR: Final = {
    "additive": contrasts.additive_residual,
    "published": contrasts.double_difference,
    "peers": contrasts.against_peers,
}


def _prepare(items: Items, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Weights of the cells that are there.

    Raises:
        UndefinedStatistic: The judge in question has no judgement among these rows.
    """
    judges, things = np.unique(items["judge"]), np.unique(items["thing"])
    present = np.zeros((judges.size, things.size), bool)
    cell = np.searchsorted(judges, items["judge"]) * things.size + np.searchsorted(
        things, items["thing"]
    )
    present.ravel()[cell] = True
    verdicts = options["verdicts"]
    stake = stakes(judges.tolist(), things.tolist(), options["own"], verdicts=verdicts)
    weights, made = _weights(present, stake, str(options["form"]), verdicts=verdicts)
    has = np.isfinite(weights).reshape(judges.size, -1).all(axis=1)
    judge = options.get("judge")
    if judge is not None and judge not in judges.tolist():
        raise UndefinedStatistic(f"no judgement by {judge} was read")
    at = None if judge is None else judges.tolist().index(judge)
    kept = np.flatnonzero(has) if at is None else np.array([at])
    return {**options, **made, "cell": cell, "shape": present.shape, "stake": stake, "kept": kept,
            "weights": weights, "present": present}  # fmt: skip


def _weights(
    present: NDArray[np.bool_], stake: Floats, form: str, *, verdicts: bool
) -> tuple[Floats, dict[str, Any]]:
    """Weights of the linear form (or of the panel, for the gain form)."""
    if form != "gain":
        if verdicts:
            return contrasts.against_strangers(present, stake), {}
        return LINEAR[form](present, stake != 0), {}
    if not verdicts:
        panel = contrasts.panel_of(present, stake != 0)
    else:
        free = (stake == 0) & present
        others = free[None] & ~np.eye(len(present), dtype=bool)[:, :, None]
        count = others.sum(axis=1)[:, :, None, None]
        things = np.eye(present.shape[1])[None, :, None, :]
        panel = np.where(count > 0, others[:, None] * things / np.maximum(count, 1), np.nan)
    seen = np.isfinite(panel).all(axis=(-1, -2))
    able = (present & seen & (stake != 0)).any(axis=-1)
    return np.where(able, 0.0, np.nan)[:, None], {
        "panel": np.where(np.isfinite(panel), panel, 0.0),
        "seen": seen,
    }


def stakes(judges: Sequence[str], things: Sequence[str], own: Own, *, verdicts: bool) -> Floats:
    """+1 where a thing is the judge's own (or the first side of a pair is), -1 the second side, else 0."""
    found = np.zeros((len(judges), len(things)))
    for i, judge in enumerate(judges):
        for t, thing in enumerate(things):
            mine = [s in own.get(judge, ()) for s in sides(thing)]
            found[i, t] = mine[0] - (mine[1] if verdicts else 0)
    return found


def _features(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight; count and sum of every cell."""
    cells = int(np.prod(options["shape"]))
    weight = item_weights(items)
    made = np.zeros((len(items), 1 + 2 * cells))
    rows = np.arange(len(items))
    made[:, 0] = weight
    made[rows, 1 + options["cell"]] = weight
    made[rows, 1 + cells + options["cell"]] = weight * items["score"]
    return made


def _value(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Mean over the kept judges of their contrast of cell means."""
    cells = int(np.prod(options["shape"]))
    count, total = sums[..., 0, 1 : 1 + cells], sums[..., 0, 1 + cells :]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = total / count
    kept = options["kept"]
    if not kept.size:
        return np.full(sums.shape[:-2], np.nan)
    if options["form"] == "gain":
        return np.asarray(_by_gain(means, options)[..., kept].mean(axis=-1))
    weights = options["weights"][kept].reshape(kept.size, -1).mean(axis=0)
    used = np.flatnonzero(weights)
    return np.asarray(means[..., used] @ weights[used])


def _by_gain(means: Floats, options: Mapping[str, Any]) -> Floats:
    shape, stake = options["shape"], options["stake"]
    centre = 0.5 if options["verdicts"] else 0.0
    table = means.reshape(*means.shape[:-1], *shape) - centre
    flat = np.where(options["present"].ravel(), table.reshape(*means.shape), 0.0)
    panel = flat @ options["panel"].reshape(-1, flat.shape[-1]).T
    seen = options["present"] & options["seen"]
    return contrasts.gain_residual(
        table, panel.reshape(*means.shape[:-1], *shape), stake * seen, seen & (stake == 0),
        through=options["verdicts"],
    )  # fmt: skip


SELF: Final = Estimator("self_preference", _features, _value, prepare=_prepare)
