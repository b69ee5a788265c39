"""Systems in the order of a judge's verdicts, and how far that order hangs on the judge's own bias.

Win rates count every opponent alike; questions are resampled, all systems together, so that rank intervals hold at
once (`plumbline.stats.ranks`). The judge's bias is no sampling error and no interval shows it. So the verdicts are counted
again in ways that each take one lean out: places made equal, verdicts on the judge's own outputs left out,
lengths made equal, each judge left out in turn. The range over these ways is the sensitivity band.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtrit

from plumbline.audit.faces import Shown
from plumbline.core.errors import BadInput
from plumbline.core.seeds import Seeds
from plumbline.metrics.verdict_table import FIRST, TIE, Verdicts, both_orders
from plumbline.stats.head_to_head import joint_covariance, tallies, win_rates
from plumbline.stats.length_control import length_controlled
from plumbline.stats.ranks import Ranks, ranks
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
CREDIT: Final = np.array([1.0, 0.0, 0.5])
DRAWS: Final = 4000
COUNTED: Final = "as recorded"
PLACES: Final = "places made equal"
STRANGERS: Final = "without verdicts on own outputs"
LENGTHS: Final = "lengths and places made equal"


@dataclass(frozen=True)
class Leaderboard(Shown):
    """Systems by their win rate, the highest first.

    Attributes:
        systems: Rows in order: `system, value, low, high, rank, rank_low, rank_high, band_low, band_high,
            band_rank_low, band_rank_high`; the band is the range over the ways of counting.
        pairs: Rows `first, second` (places in `systems`), `difference, low, high, p` (simultaneous), and
            `order_holds`: whether every way of counting puts them in this order.
        ways: Win rates of all systems by way of counting.
        left_out: Ways that cannot be counted, with the reason.
        questions, verdicts, unread: How many; `unread` by reason.
        level: Level of all intervals.
    """

    TEXT, CELL, CHART = "leaderboard:plain_text", "notebook:leaderboard", "plots:leaderboard"

    systems: Sequence[Mapping[str, Any]]
    pairs: Sequence[Mapping[str, Any]]
    ways: Mapping[str, Mapping[str, float]]
    left_out: Mapping[str, str]
    questions: int
    verdicts: int
    unread: Mapping[str, int]
    level: float

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "systems": [dict(s) for s in self.systems], "pairs": [dict(p) for p in self.pairs],
            "ways": {k: dict(v) for k, v in self.ways.items()}, "left_out": dict(self.left_out),
            "questions": self.questions, "verdicts": self.verdicts, "unread": dict(self.unread),
            "level": self.level,
        }  # fmt: skip


def leaderboard(
    table: Verdicts, *, own: Mapping[str, Sequence[str]] | None = None, seed: int = 0,
    level: float = 0.95,
) -> Leaderboard:  # fmt: skip
    """Rank the systems of a table of verdicts.

    Args:
        table: Recorded verdicts; verdicts that could not be read are left out and counted.
        own: Judge -> systems that are its own or its kin's; default the system of the judge's name.
        seed: Of the draws behind rank intervals.
        level: Of all intervals.

    Raises:
        BadInput: Fewer than two systems, or no readable verdict, or a single question.
    """
    read = table.take(table.why == "")
    names = sorted({*table.first.tolist(), *table.second.tolist()})
    if len(names) < 2 or not len(read):
        raise BadInput(
            f"a leaderboard wants readable verdicts on two or more systems; got {len(read)} on {len(names)}"
        )
    won, made = _tallies(read, names)
    value = win_rates(won.sum(axis=0), made.sum(axis=0))
    if np.isnan(value).any():
        missing = [n for n, v in zip(names, value, strict=True) if np.isnan(v)]
        raise BadInput(f"no readable verdict on {', '.join(missing)}")
    try:
        spread = joint_covariance(won, made)
    except UndefinedStatistic as absent:
        raise BadInput(f"these verdicts give no intervals: {absent}") from None
    found = _ranks(value, spread, questions=len(won), seed=seed, level=level)
    half = stdtrit(len(won) - 1, (1 + level) / 2) * np.sqrt(np.diag(spread))
    ways, left_out = _ways(read, names, own, value)
    order = np.argsort(-value, kind="stable")
    rows = [_row(names[s], s, (value, half), found, ways) for s in order]
    pairs = _pairs(value, found, ways, order)
    told = {way: dict(zip(names, map(float, v), strict=True)) for way, v in ways.items()}
    return Leaderboard(rows, pairs, told, left_out, len(won), len(read), table.unread(), level)


def _tallies(table: Verdicts, names: Sequence[str]) -> tuple[Floats, Floats]:
    """`tallies` of the rows, by question; a system out of `names` is an error of ours."""
    _, question = np.unique(table.question.astype(str), return_inverse=True)
    one, two = (np.searchsorted(names, side.astype(str)) for side in (table.first, table.second))
    return tallies(one, two, CREDIT[np.clip(table.verdict, FIRST, TIE)], question, len(names))


def _ranks(value: Floats, spread: Floats, *, questions: int, seed: int, level: float) -> Ranks:
    """Simultaneous ranks, 1 for the highest win rate; draws have the tails of t(questions - 1)."""
    rng = Seeds(seed).stream("leaderboard")
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    noise = rng.standard_normal((DRAWS, value.size)) @ root.T
    scale = np.sqrt(rng.chisquare(questions - 1, size=(DRAWS, 1)) / (questions - 1))
    return ranks(-value, -value + noise / scale, level=level)


def _ways(
    read: Verdicts, names: Sequence[str], own: Mapping[str, Sequence[str]] | None, value: Floats
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Win rates by every way of counting that exists, and why the others do not."""
    ways: dict[str, Floats] = {COUNTED: value}
    left_out: dict[str, str] = {}
    for name, rows, why in _selections(read, own):
        counted = None
        if not why:
            won, made = _tallies(read.take(rows), names)
            counted = win_rates(won.sum(axis=0), made.sum(axis=0))
            why = "a system is left without verdicts" if np.isnan(counted).any() else ""
        if why or counted is None:
            left_out[name] = why
        else:
            ways[name] = counted
    equal = _lengths_equal(read, names, met=_tallies(read, names)[1].sum(axis=0) > 0)
    if isinstance(equal, str):
        left_out[LENGTHS] = equal
    else:
        ways[LENGTHS] = equal
    return ways, left_out


def _selections(
    read: Verdicts, own: Mapping[str, Sequence[str]] | None
) -> Iterator[tuple[str, NDArray[Any], str]]:
    """(way, rows that count, why it cannot be counted)."""
    pairs = both_orders(read).rows
    yield PLACES, np.unique(pairs), "" if pairs.size else "no pair was judged in both orders"
    mine = own or {j: (j,) for j in read.judges}
    stake = np.array([
        bool({a, b} & set(mine.get(j, ())))
        for j, a, b in zip(read.judge, read.first, read.second, strict=True)
    ])  # fmt: skip
    yield (
        STRANGERS,
        np.flatnonzero(~stake),
        "" if stake.any() else "no judge judges its own outputs",
    )
    if len(read.judges) > 1:
        for judge in read.judges:
            yield f"without the judge {judge}", np.flatnonzero(read.judge != judge), ""


def _lengths_equal(read: Verdicts, names: Sequence[str], *, met: NDArray[np.bool_]) -> Floats | str:
    """Win rates against the opponents of the other ways, alike, by the model's pairwise shares."""
    known = np.isfinite(read.lengths).all(axis=0)
    if not known.any():
        return "the lengths of the answers are not recorded"
    rows = read.take(np.flatnonzero(known))
    try:
        got = length_controlled(
            rows.first.tolist(), rows.second.tolist(), CREDIT[rows.verdict], rows.lengths,
            clusters=rows.question.tolist(),
        )  # fmt: skip
    except UndefinedStatistic as absent:
        return str(absent)
    if set(got.systems) != set(names):
        return "a system has no verdict with both lengths"
    # Both are sorted, so qualities stand in the order of `names`.
    return win_rates(expit(got.quality[:, None] - got.quality), met.astype(float))


def _row(
    name: str, s: int, estimate: tuple[Floats, Floats], found: Ranks, ways: Mapping[str, Floats]
) -> dict[str, Any]:
    """System s: (value, half-width) of all systems, ranks, and the band over the ways of counting."""
    value, half = (float(of[s]) for of in estimate)
    every = np.stack(list(ways.values()))
    place = 1 + (every > every[:, [s]]).sum(axis=1)
    return {
        "system": name, "value": value, "low": max(0.0, value - half), "high": min(1.0, value + half),
        "rank": int(found.rank[s]), "rank_low": int(found.best[s]), "rank_high": int(found.worst[s]),
        "band_low": float(every[:, s].min()), "band_high": float(every[:, s].max()),
        "band_rank_low": int(place.min()), "band_rank_high": int(place.max()),
    }  # fmt: skip


def _pairs(
    value: Floats, found: Ranks, ways: Mapping[str, Floats], order: NDArray[np.int64]
) -> list[dict[str, Any]]:
    every = np.stack(list(ways.values()))
    made = []
    for i, j in combinations(range(order.size), 2):
        a, b = int(order[i]), int(order[j])
        made.append({
            "first": i, "second": j, "difference": float(value[a] - value[b]),
            # `ranks` speaks of the negated values: b's minus a's.
            "low": float(found.low[b, a]), "high": float(found.high[b, a]),
            "p": float(found.p[a, b]), "order_holds": bool((every[:, a] > every[:, b]).all()),
        })  # fmt: skip
    return made
