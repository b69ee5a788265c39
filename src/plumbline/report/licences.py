"""Whose data a run has used, and under which licences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.report import format as show
from plumbline.report.rows import Row


@dataclass(frozen=True, slots=True)
class Used:
    """One public data set behind a run's findings."""

    id: str
    title: str
    licence: str
    paper: tuple[str, ...]
    flaws: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def short(self) -> str:
        """The licence without its remarks."""
        return re.split(r"[;(]", self.licence)[0].strip()


def used(shown: Sequence[Row]) -> list[Used]:
    """Data sets of all methods that asked something, in the order of the methods."""
    from plumbline.core.catalog import catalog
    from plumbline.data.sets.registry import catalog as public_sets

    known, sets = catalog(), public_sets()
    metrics: dict[str, list[str]] = {}
    for metric in dict.fromkeys(r.metric for r in shown if r.status != "not_applicable"):
        for name in known[metric].card.data if metric in known else ():
            metrics.setdefault(name, []).append(metric)
    return [
        Used(
            name, show.clean(sets[name].title), show.clean(sets[name].licence), tuple(sets[name].paper),
            tuple(show.clean(f) for f in sets[name].flaws), tuple(metrics[name]),
        )
        for name in metrics
        if name in sets
    ]  # fmt: skip
