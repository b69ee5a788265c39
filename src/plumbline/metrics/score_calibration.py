"""What people would say of all texts that a judge scored: calibrated means, and the record's facts."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np

from plumbline.core.card import Null
from plumbline.core.context import Context
from plumbline.core.scored import Measure
from plumbline.metrics.judge_labels import (
    PARTS,
    Labelled,
    agreement,
    calibrated,
    consensus,
    distribution,
)
from plumbline.stats.prediction_powered import POWERED

NONE: Final = Null(kind="none")


def calibration_measures(table: Labelled, groups: tuple[str, ...]) -> list[Measure]:
    """Means that people would give, beside the judge's own; only where some texts have no label."""
    made: list[Measure] = []
    dimensions = sorted(set(table.dimension.tolist()))
    for g, d in ((g, d) for g in groups for d in dimensions):
        here = table.take((table.group == g) & (table.dimension == d) & table.seen)
        labelled = np.isfinite(here.humans).any(axis=1)
        if not labelled.any() or labelled.all():
            continue
        where = {"part": "score", "group": g, "dimension": d}
        labels = {"axis": "judge", "group": g} | ({"dimension": d} if d else {})
        told = (("mean score that people would give", POWERED, "secondary"), ("mean score by the judge", "mean", "reference"))  # fmt: skip
        made += [
            Measure(estimator=how, role=role, null=NONE, unit="points", where=where,  # type: ignore[arg-type]
                    labels={**labels, "measure": text}, estimand="mean score of texts like these")
            for text, how, role in told
        ]  # fmt: skip
    return made


def shuffle_measures(table: Labelled, groups: tuple[str, ...]) -> list[Measure]:
    """Share of texts whose score drops when words are shuffled, by group; only where that was recorded."""
    if table.shuffled is None:
        return []
    text = "share of texts whose score drops when words are shuffled"
    return [
        Measure(estimator="share", role="secondary", null=NONE, where={"part": "shuffle", "group": g},
                worse="lower", labels={"axis": "judge", "group": g, "measure": text}, estimand=text)
        for g in groups
    ]  # fmt: skip


def facts(table: Labelled, context: Context) -> dict[str, Any]:
    """Agreement, classes by consensus and calibrated shares, by group and dimension."""
    told: dict[str, Any] = {
        "texts": len(set(table.item.tolist())), "rows": len(table),
        "without a score": int((~table.seen).sum()),
        "consensus": dict(Counter(np.array([*PARTS, "unknown"], object)[consensus(table.humans)].tolist())),
    }  # fmt: skip
    for g, d in sorted(set(zip(table.group.tolist(), table.dimension.tolist(), strict=True))):
        here = table.take((table.group == g) & (table.dimension == d))
        name = f"{g} | {d}" if d else g
        told[name] = {
            "agreement": agreement(here),
            "classes by consensus": distribution(here),
            "calibration": calibrated(here, context.seeds.stream("calibration", name)),
        }
    return told
