"""Placebos on real answers: labels permuted within units, and A/A splits of one group's names.

A calibrated metric finds nothing in them at the nominal rate, whatever the model is. They need
only a stored run, so they show false alarms on the very items a finding was made from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plumbline.audit.measures import again, from_json
from plumbline.audit.store import Run
from plumbline.core.card import Card
from plumbline.core.catalog import find
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate
from plumbline.core.scored import Items, Measure
from plumbline.core.seeds import Seeds
from plumbline.stats.design import codes_of
from plumbline.stats.estimators import estimator
from plumbline.stats.infer import Settings, infer_one
from plumbline.stats.permutation import permuted_labels
from plumbline.stats.proportions import wilson

Shuffle = Callable[[Items, Measure, np.random.Generator], Items | None]


def placebo(
    run: Run, metric: str, *, runs: int = 200, seed: int = 0, draws: int = 499
) -> list[dict[str, Any]]:
    """False-alarm rates of a metric's first primary contrast on placebo versions of its items.

    Args:
        run: A stored run.
        metric: A metric of the run that contrasts groups.
        runs: Placebo data sets of each kind.
        seed: Seed of the shuffles.
        draws: Monte-Carlo draws of one inference.

    Returns:
        A row a kind (`labels permuted`, `A/A split`) with `alarms` of `of` at 5 % and a 95 %
        Wilson interval; a kind that the items do not allow is left out.

    Raises:
        BadInput: The metric has no primary contrast between groups in this run.
    """
    card = find(metric).card
    stored = run.header.get("measures", {}).get(metric, [])
    measures = [from_json(m, metric) for m in filter(again, stored)]
    contrasts = [m for m in measures if m.role == "primary" and estimator(m.estimator).groups != 1]
    if not contrasts:
        raise BadInput(
            f"{metric} has no primary contrast between groups in this run that its stored items give again"
        )
    measure = contrasts[0]
    items = Items(run.items(metric)).where(measure.where).answered()
    rows = []
    for name, shuffle in (("labels permuted", _permuted), ("A/A split", _split)):
        got = _rate(
            items, measure, card, shuffle, runs=runs, seeds=Seeds(seed).child(name), draws=draws
        )
        if got is not None:
            alarms, of = got
            low, high = wilson(alarms, of, level=0.95)
            rows.append(
                {"placebo": name, "alarms": alarms, "of": of, "rate": alarms / of, "low": float(low), "high": float(high)}
            )  # fmt: skip
    return rows


def _rate(
    items: Items,
    measure: Measure,
    card: Card,
    shuffle: Shuffle,
    *,
    runs: int,
    seeds: Seeds,
    draws: int,
) -> tuple[int, int] | None:
    alarms = of = 0
    for k in range(runs):
        moved = shuffle(items, measure, seeds.stream(str(k)))
        if moved is None:
            return None
        got, _ = infer_one(
            moved, measure, card, seeds=seeds.child(str(k)), settings=Settings(draws=draws)
        )
        if isinstance(got, Estimate) and got.p is not None:
            of += 1
            alarms += got.p <= 0.05
    return (alarms, of) if of else None


def _carrier(items: Items) -> str | None:
    """The column whose levels carry one group each (names, words), if there is one."""
    groups = codes_of(items["group"])[0]
    for name in ("name", "word", "item"):
        if name in items:
            codes = codes_of(items[name])[0]
            pairs = np.unique(np.stack([codes, groups]), axis=1).shape[1]
            if pairs == codes.max() + 1 and pairs > len(np.unique(groups)):
                return name
    return None


def _permuted(items: Items, _: Measure, rng: np.random.Generator) -> Items | None:
    """Exchange labels among names (whole names), or inside templates where groups are crossed."""
    group = items["group"].copy()
    carrier = _carrier(items)
    codes, levels = codes_of(group)
    if carrier is not None:
        units, first = np.unique(items[carrier], return_index=True)
        moved = permuted_labels(rng, codes[first], None, 1)[0]
        where = {u: levels[m] for u, m in zip(units, moved, strict=True)}
        group = np.array([where[u] for u in items[carrier]], dtype=object)
    elif "template" in items:
        blocks = codes_of(items["template"])[0]
        cells, first, back = np.unique(
            np.stack([blocks, codes]), axis=1, return_index=True, return_inverse=True
        )
        moved = permuted_labels(rng, codes[first], cells[0], 1)[0]
        group = levels[moved[back.reshape(-1)]]
    else:
        return None
    return Items({**items.columns, "group": group})


def _split(items: Items, measure: Measure, rng: np.random.Generator) -> Items | None:
    """One group's names, split at random into two groups that differ in nothing."""
    carrier = _carrier(items)
    if carrier is None or carrier == "item":
        return None
    names = measure.groups or tuple(np.unique(items["group"]))
    kept = items.where({"group": names[0]})
    units = rng.permutation(np.unique(kept[carrier]))
    first = set(units[: len(units) // 2].tolist())
    group = np.array([names[0] if u in first else names[1] for u in kept[carrier]], dtype=object)
    return Items({**kept.columns, "group": group})
