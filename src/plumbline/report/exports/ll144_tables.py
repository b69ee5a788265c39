"""The rates and impact ratios of New York City's rule, with intervals and without a pass line.

Rules of the City of New York, title 6, chapter 5, subchapter T, sections 5-300 to 5-303 (Local Law
144 of 2021). Selection rate: those of a category who were selected, over all of it. Scoring rate:
those who scored above the median of all, over all of it. Impact ratio: a category's rate over that
of the most selected (highest scoring) category. Sex, race/ethnicity and both together are computed
apart, over individuals of known sex and race. The rule sets no threshold, and none is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plumbline.core.errors import BadInput
from plumbline.report.exports.ll144_counts import Counts
from plumbline.stats import effects
from plumbline.stats.proportions import wilson
from plumbline.stats.undefined import UndefinedStatistic

SMALL = 0.02  # section 5-301 (d): smaller categories may be left out of the impact ratios
TITLES = ("Sex", "Race/ethnicity", "Intersectional")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One category.

    Attributes:
        sex, race: Its name; "" where the table does not look at it.
        applicants, selected: Individuals.
        share: Of all individuals in the calculations.
        excluded: Whether it was left out of the impact ratios because it is small.
        rate: (value, low, high), Wilson's interval.
        ratio: Impact ratio; None where there is none, and `reason` says why.
        ratio_low, ratio_high: Katz's log interval; None where there is none, and `reason` says why.
    """

    sex: str
    race: str
    applicants: int
    selected: int
    share: float
    excluded: bool
    rate: tuple[float, float, float]
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    reason: str

    @property
    def category(self) -> str:
        """`Female`, `Asian`, `Female, Asian`."""
        return ", ".join(filter(None, (self.sex, self.race)))


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of one rate.

    Attributes:
        counts: What they were made from.
        tables: Lines by the name of the table (`TITLES`).
        level: Level of all intervals.
    """

    counts: Counts
    tables: Mapping[str, tuple[Line, ...]]
    level: float

    @property
    def individuals(self) -> int:
        """How many are in the calculations."""
        return sum(n for n, _ in self.counts.cells.values())

    @property
    def excluded(self) -> list[tuple[str, Line]]:
        """Small categories that were left out of the impact ratios, with their table."""
        return [(t, line) for t, lines in self.tables.items() for line in lines if line.excluded]


def report(counts: Counts, *, level: float = 0.95, exclude_small: bool = False) -> Report:
    """The tables.

    Args:
        counts: Individuals by sex and race.
        level: Level of the intervals.
        exclude_small: Leave categories below 2 % of the data out of the impact ratios, as the rule
            allows an independent auditor who justifies it.
    """
    if not 0 < level < 1:
        raise BadInput(f"level lies between 0 and 1; got {level}")
    keys: tuple[Callable[[tuple[str, str]], tuple[str, str]], ...] = (
        lambda who: (who[0], ""), lambda who: ("", who[1]), lambda who: who,
    )  # fmt: skip
    made = {}
    for title, key in zip(TITLES, keys, strict=True):
        sums: dict[tuple[str, str], list[int]] = {}
        for who, (applicants, selected) in counts.cells.items():
            held = sums.setdefault(key(who), [0, 0])
            held[0] += applicants
            held[1] += selected
        made[title] = _lines(sums, level=level, exclude_small=exclude_small)
    return Report(counts, made, level)


def _lines(
    sums: Mapping[tuple[str, str], list[int]], *, level: float, exclude_small: bool
) -> tuple[Line, ...]:
    total = sum(n for n, _ in sums.values())
    counted = {w: (n, k) for w, (n, k) in sums.items() if not exclude_small or n / total >= SMALL}
    # Of equal rates the larger category stands for the most selected one.
    best = max(counted.values(), key=lambda c: (c[1] / c[0], c[0])) if counted else (0, 0)
    found = []
    for who, (applicants, selected) in sums.items():
        out = who not in counted
        if out:
            ratio: tuple[float | None, float | None, float | None] = (None, None, None)
            reason = f"below {SMALL:.0%} of the data: left out of the impact ratios"
        else:
            ratio, reason = _ratio((selected, applicants), (best[1], best[0]), level)
        low, high = wilson(selected, applicants, level=level)
        found.append(
            Line(
                sex=who[0], race=who[1], applicants=applicants, selected=selected,
                share=applicants / total, excluded=out, rate=(selected / applicants, low, high),
                ratio=ratio[0], ratio_low=ratio[1], ratio_high=ratio[2], reason=reason,
            )
        )  # fmt: skip
    return tuple(found)


def _ratio(
    own: tuple[int, int], best: tuple[int, int], level: float
) -> tuple[tuple[float | None, float | None, float | None], str]:
    """(ratio, low, high) of two counts (selected, applicants), and why one of them is missing."""
    if best[0] == 0:
        return (None, None, None), "nobody was selected"
    value = (own[0] / own[1]) / (best[0] / best[1])
    if value == 1.0:
        return (1.0, None, None), "the highest rate, which the others are held against"
    try:
        counts = effects.Counts(x_first=own[0], n_first=own[1], x_second=best[0], n_second=best[1])
        got = effects.risk_ratio(counts, level=level)
    except UndefinedStatistic as absent:
        return (value, None, None), str(absent)
    return (value, got.low, got.high), ""
