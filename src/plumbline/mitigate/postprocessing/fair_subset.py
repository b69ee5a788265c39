"""Selection from many rankings with at least so many items of each group.

Boehmer, Celis, Huang, Mehrotra & Vishnoi, "Subset Selection Based On Multiple Rankings in the Presence of
Bias: Effectiveness of Fairness Constraints for Multiwinner Voting Score Functions", ICML 2023, arXiv:2306.09835.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import method
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.seeds import Seeds
from plumbline.data.ranking_tables import SELECTED, RankingTable, read_rankings
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_records import CorrectedRecords, recorded
from plumbline.stats.committee import proportional, rule_called, score, select

Ints = NDArray[np.int64]
METHOD: Final = "fair_subset@1"


@method(
    id="fair_subset",
    version=1,
    title="Selection from rankings under quotas for groups",
    family="data",
    harm="direct discrimination",
    needs=("records",),
    paper="arxiv:2306.09835",
    suite="full",
    estimand="a group's share of the selected items minus its share of all",
    unit="rate",
    null="none",
    sign="signed",
    worse="either",
    units=("unit random",),
    trust="planted",
    kind="correction",
    axes=("group",),
    seeds=("S056",),
)
def fair_subset(
    base: Adapter, *, rule: str = "borda", k: int = 0, least: Mapping[str, int] | None = None,
    voter: str = "voter", item: str = "item", rank: str = "rank", group: str = "", seed: int = 0,
) -> CorrectedRecords:  # fmt: skip
    """Add a column `selected`: which k items have the best score with at least so many of each group.

    By default every group gets at least its share, rounded down: floor(k |G| / m). That assumes that groups
    are equally good on average; where they are not, it costs quality, and `subset_quality` says how much. Items
    are chosen greedily, which is exact for `borda` and `sntv` and at least half of the best for the others. With a
    rule that sees first places only (`sntv`), quotas need very many rankings before they repair anything.

    Args:
        base: A recorded table with a row for each voter and item; see `subset_quality` for the columns.
        rule: `borda`, `cc` (Chamberlin-Courant), `sntv`, `harmonic`.
        k: How many are selected; 0: a third.
        least: At least so many of the named groups, none of the others; default in proportion.
        voter: Column that names the voter.
        item: Column that names the item.
        rank: Column of places, 1 is best; without it `score`, the largest is best.
        group: The group column, where there are several.
        seed: Of the stream that breaks ties.

    Returns:
        The table with the column `selected`.

    Raises:
        AbilityError: The base is no recorded table.
        BadInput: Bounds that cannot be met; a table that holds no whole rankings.
    """
    rule_called(rule)
    columns = recorded(base)
    rng = Seeds(seed).stream("fair_subset", "ties")
    table = read_rankings(
        columns, rng=rng, about=base.about(), voter=voter, item=item, rank=rank, group=group
    )
    m = len(table.items)
    size = k or max(1, m // 3)
    due = proportional(table.groups, size) if least is None else _due(table, least)
    chosen = select(rule, table.ranks, size, rng=rng, groups=table.groups, least=due)
    free = select(rule, table.ranks, size, rng=rng)
    flag = np.isin(np.arange(m), chosen).astype(np.int64)[table.row_item]
    key = next((n for n in columns if n in (SELECTED, f"column:{SELECTED}")), f"column:{SELECTED}")
    params = {
        "rule": rule, "k": size, "least": _named(table, due), "group": table.axis, "seed": seed,
        "selected": [table.items[i] for i in chosen],
        "selected by group": _counts(table, chosen), "without quotas": _counts(table, free),
        "observed score kept": score(rule, table.ranks, chosen) / score(rule, table.ranks, free),
    }  # fmt: skip
    return CorrectedRecords(base, {**columns, key: flag}, METHOD, params)


def _due(table: RankingTable, least: Mapping[str, int]) -> Ints:
    if not isinstance(least, Mapping):
        raise BadInput(f"least is a table such as {{a = 2, b = 3}}; got {least!r}")
    for name, count in least.items():
        if name not in table.names:
            raise UnknownName(f"group of {table.axis}", name, table.names)
        if isinstance(count, bool) or not isinstance(count, int):
            raise BadInput(f"least of {name!r} is a whole number; got {count!r}")
    return np.array([least.get(name, 0) for name in table.names], np.int64)


def _named(table: RankingTable, counts: Ints) -> dict[str, int]:
    return dict(zip(table.names, counts.tolist(), strict=True))


def _counts(table: RankingTable, chosen: Ints) -> dict[str, int]:
    return _named(table, np.bincount(table.groups[chosen], minlength=len(table.names)))
