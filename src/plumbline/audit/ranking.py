"""Three or more models in order: the composite index over shared components, paired by item.

All models are scored on the items that every one of them answered. Leaving out a cluster of
items moves all models at once, so what the items have in common cancels in a difference, as in
`compare`; ranks have intervals that hold for all models together (`stats.ranks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.audit.compare import as_findings, measures_of
from plumbline.audit.faces import Shown
from plumbline.audit.pairing import matched
from plumbline.audit.store import Run
from plumbline.core.catalog import find
from plumbline.core.errors import BadInput
from plumbline.core.scored import Items, Measure
from plumbline.core.seeds import Seeds
from plumbline.stats.composite import LAMBDA, TO_COMPONENT
from plumbline.stats.design import design
from plumbline.stats.estimators import estimator
from plumbline.stats.infer import grouped
from plumbline.stats.interval import left_out, sums_of
from plumbline.stats.joint import covariance
from plumbline.stats.ranks import Ranks, ranks

Floats = NDArray[np.float64]
Key = tuple[str, ...]
DRAWS = 4000


@dataclass(frozen=True)
class Ranking(Shown):
    """Models by their composite index, the smallest (least lean) first.

    Attributes:
        models: Rows in order: `model, name, fingerprint, value, low, high, rank, rank_low,
            rank_high, components`.
        pairs: Rows of `first, second, difference, low, high, p`: places in `models`, simultaneous
            intervals, p adjusted over all pairs.
        shared: The components that all models have, with the number of shared items.
        left_out: Primary findings that are not shared, with the reason.
        level: Level of all intervals.
    """

    TEXT, CELL, CHART = "ranking:plain_text", "notebook:ranking", "plots:ranking"

    models: Sequence[Mapping[str, Any]]
    pairs: Sequence[Mapping[str, Any]]
    shared: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, Any]]
    level: float

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "models": [dict(m) for m in self.models], "pairs": [dict(p) for p in self.pairs],
            "shared": [dict(s) for s in self.shared], "left_out": [dict(x) for x in self.left_out],
            "level": self.level,
        }  # fmt: skip


@dataclass(frozen=True)
class _Component:
    """One shared finding: every model's distance from the null, and their joint error."""

    key: Key
    unit: str
    dimension: str
    n: int
    distance: Floats
    covariance: Floats


def rank(runs: Sequence[Run], *, seed: int = 0, level: float = 0.95) -> Ranking:
    """Rank models by the composite index over the primary findings that all runs share.

    The index is that of `plumbline.audit.index` (LLMBI, arXiv:2312.14769) with equal weights.
    Errors of different findings are taken as independent.

    Raises:
        BadInput: Fewer than two runs, or no shared finding to build the index from.
    """
    if len(runs) < 2:
        raise BadInput(f"ranking wants at least two runs; got {len(runs)}")
    parts, missing = _components(runs)
    if not parts:
        raise BadInput(
            "the runs share no primary finding that an index can be built from: audit all models "
            "with the same plan"
        )
    distance = np.stack([p.distance for p in parts], axis=-1)  # (models, findings)
    rng = Seeds(seed).stream("ranking")
    noise = np.stack([_noise(p.covariance, rng) for p in parts], axis=-1)
    value, _ = _index(distance[None], parts)
    drawn, _ = _index(distance[None] + noise, parts)
    found = ranks(value[0], drawn, level=level)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(drawn, tails, axis=0)
    _, dimensions = _index(distance[None], parts)
    names = sorted({p.dimension for p in parts})
    order = np.argsort(value[0], kind="stable")
    models = [
        {
            **_who(runs[m]), "value": float(value[0, m]), "low": float(low[m]), "high": float(high[m]),
            "rank": int(found.rank[m]), "rank_low": int(found.best[m]), "rank_high": int(found.worst[m]),
            "components": dict(zip(names, map(float, dimensions[0, m]), strict=True)),
        }
        for m in order
    ]  # fmt: skip
    shared = [{"metric": p.key[0], "labels": list(p.key[1:]), "items": p.n} for p in parts]
    return Ranking(models, _pairs(value[0], found, order), shared, missing, level)


def _pairs(value: Floats, found: Ranks, order: NDArray[np.int64]) -> list[dict[str, Any]]:
    return [
        {
            "first": i, "second": j, "difference": float(value[order[j]] - value[order[i]]),
            "low": float(found.low[order[j], order[i]]), "high": float(found.high[order[j], order[i]]),
            "p": float(found.p[order[j], order[i]]),
        }
        for i, j in combinations(range(order.size), 2)
    ]  # fmt: skip


def _who(run: Run) -> dict[str, Any]:
    subject = run.header["subject"]
    return {name: subject[name] for name in ("model", "name", "fingerprint")}


def _components(runs: Sequence[Run]) -> tuple[list[_Component], list[dict[str, Any]]]:
    """What all runs can be compared on, and which primary findings of any run are not."""
    every = [measures_of(run) for run in runs]
    estimated = [{f.key for f in as_findings(run)} for run in runs]
    keys: dict[Key, Measure] = {}
    for measures in every:
        keys.update({k: m for k, m in measures.items() if m.role == "primary" and k not in keys})
    found, missing = [], []
    for key, measure in keys.items():
        made: _Component | str = "not estimated in every run"
        if all(key in names for names in estimated):
            made = _component(runs, key, measure)
        if isinstance(made, str):
            missing.append({"metric": key[0], "labels": list(key[1:]), "why": made})
        else:
            found.append(made)
    return found, missing


def _component(runs: Sequence[Run], key: Key, measure: Measure) -> _Component | str:
    card = find(key[0]).card
    unit, null = measure.unit or card.unit, measure.null or card.null
    if unit not in TO_COMPONENT or null.kind == "none":
        return f"unit {unit} has no component"
    tables = [t.where(measure.where) for t in matched([run.items(key[0]) for run in runs])]
    est = estimator(measure.estimator)
    sides = [grouped(items, measure, est) for items in tables]
    if why := next((why for _, _, why in sides if why), ""):
        return f"on the items that all models answered: {why}"
    first, groups, _ = sides[0]
    plan = design(first, groups, card.units)
    if plan.rows is None:
        return "too few independent units among the items that all models answered"
    options = est.prepare(first, measure.options)
    values, parts = [], []
    for items, codes, _ in sides:
        features = est.features(Items(items.columns), options)
        sums = sums_of(features, codes, plan, n_groups=int(codes.max()) + 1)
        values.append(float(est.value(sums.total, options)))
        parts.append(left_out(sums, est, options))
    if not np.isfinite(values).all() or not all(np.isfinite(x).all() for p in parts for x in p):
        return "the statistic does not exist for a model, or not without one cluster"
    return _Component(
        key, unit, measure.labels.get("axis", key[0]), len(first),
        np.array(values) - (null.value or 0.0), covariance(parts, sums),
    )  # fmt: skip


def _noise(spread: Floats, rng: np.random.Generator) -> Floats:
    """Draws of the models' joint error, shape (DRAWS, models)."""
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(rng.standard_normal((DRAWS, spread.shape[0])) @ root.T)


def _index(distance: Floats, parts: Sequence[_Component]) -> tuple[Floats, Floats]:
    """The index and its dimensions for distances of shape (draws, models, findings)."""
    scaled = np.stack(
        [TO_COMPONENT[p.unit](distance[..., i]) for i, p in enumerate(parts)], axis=-1
    )
    names = np.array([p.dimension for p in parts])
    by = np.stack([scaled[..., names == n].mean(axis=-1) for n in sorted(set(names))], axis=-1)
    feeling = [i for i, p in enumerate(parts) if p.unit == "sentiment"]
    extra = np.abs(distance[..., feeling]).mean(axis=-1) / 4 if feeling else 0.0
    return by.mean(axis=-1) + LAMBDA * extra, by
