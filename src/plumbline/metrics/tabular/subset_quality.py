"""Who is chosen from many rankings: representation of groups, true quality, the price of quotas.

Boehmer, Celis, Huang, Mehrotra & Vishnoi, "Subset Selection Based On Multiple Rankings in the Presence of
Bias", ICML 2023, arXiv:2306.09835: quality F(S^) / max F(S) on latent rankings. The test of representation
is this project's.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import UnknownName
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.ranking_tables import RankingTable, read_rankings
from plumbline.metrics.selection_shares import DISTANCE, QUALITY, REPRESENTATION, factor
from plumbline.stats.committee import by_voter, rule_called, score, select

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NONE: Final = Null(kind="none")
OTHERS: Final = "all others"
REPRESENTED: Final = "share of the selected minus share of all"
SHARE: Final = 3  # by default a third of the items is selected
DIALS: Final = (0.0, 0.5, 1.0)
_ITEMS, _VOTERS = 60, 20


@method(
    id="subset_quality",
    version=1,
    title="Representation and quality of what rankings select",
    family="data",
    harm="direct discrimination",
    needs=("records",),
    paper="arxiv:2306.09835",
    suite="standard",
    estimand="a group's share of the selected items minus its share of all, over items like these, ranked by these voters",
    unit="rate",
    null={
        "kind": "exchangeable",
        "labels": "group",
        "unit": "unit",
    },
    sign="signed",
    worse="either",
    units=("unit random",),
    trust="planted",
    axes=("group",),
    seeds=("S056", "S070", "S078"),
)
def subset_quality(
    context: Context, *, rule: str = "borda", k: int = 0, voter: str = "voter", item: str = "item",
    rank: str = "rank", group: str = "", latent: str = "latent", focus: str = "",
) -> Asking:  # fmt: skip
    """Each group's share of the selected items against its share of all; quality where it is known.

    Read from a table with a row for each voter and item: the item's place (or score), its group, and where it is
    known its latent quality, which was not used in the ranking. Items are selected by `rule` from all rankings,
    without quotas; a column `selected`, as `fair_subset` writes it, is taken as it is.

    Tested is one group against all others, with groups exchanged among items: rankings as such say nothing
    about groups then. With more than two groups it is the distance of both distributions of shares, and
    each group stands beside it. An exchange of groups cannot tell bias from unequal quality: a group that is
    truly worse is selected less, too. Where latent quality is recorded, the ratio F(selected) / max F on
    latent rankings says what was lost (max by greedy choice, exact for modular rules); voters are resampled
    with the selection as it is. (Where it is the best one itself nothing varies: the facts keep the 1.) The price of a constraint is what the selection loses on the observed rankings
    against the unconstrained one; if rankings are biased it is no loss.

    Args:
        context: The run's surroundings.
        rule: `borda`, `cc` (Chamberlin-Courant), `sntv`, `harmonic`.
        k: How many are selected; 0: as many as are recorded as selected, else a third.
        voter: Column that names the voter.
        item: Column that names the item.
        rank: Column of places, 1 is best; without it `score`, the largest is best.
        group: The group column, where there are several.
        latent: Column of latent quality.
        focus: The group that is tested; default the smaller of two (of equal ones the first by name).

    Returns:
        One row an item (`selection`), one a voter for `quality` and `price`.
    """
    rule_called(rule)
    (answers,) = yield [ask.records()]
    rng = context.seeds.stream("ties")
    table = read_rankings(
        answers.columns, rng=rng, about=context.about, voter=voter, item=item, rank=rank, group=group, latent=latent,
    )  # fmt: skip
    return scored(table, rule=rule, k=k, rng=rng, focus=focus)


def scored(
    table: RankingTable, *, rule: str, k: int, rng: np.random.Generator, focus: str = ""
) -> Scored:
    """Items, measures and facts of one table of rankings."""
    if focus and focus not in table.names:
        raise UnknownName(f"group of {table.axis}", focus, table.names)
    m = len(table.items)
    size = table.selected.size if table.selected is not None else k or max(1, m // SHARE)
    free = select(rule, table.ranks, size, rng=rng)
    chosen = free if table.selected is None else table.selected
    names = np.array(table.names, dtype=object)[table.groups]
    flag = np.isin(np.arange(m), chosen).astype(float)
    whole = {"unit": table.items, "score": flag, "best": np.zeros(m)}
    parts: list[dict[str, Any]] = []
    made = []
    for part, labels, measure in _contrasts(table, names, flag == 1, focus):
        parts.append({**whole, "part": part, "group": labels})
        made.append(measure)
    if table.latent is not None:
        best = select(rule, table.latent, size, rng=rng)
        pair = (by_voter(rule, table.latent, rows) for rows in (chosen, best))
        parts.append(_voters(table, "quality", *pair))
        made.append(_ratio("quality", "true quality of the selection", "lower"))
    if table.selected is not None:
        pair = (by_voter(rule, table.ranks, rows) for rows in (chosen, free))
        parts.append(_voters(table, "price", *pair))
        made.append(_ratio("price", "observed score against the unconstrained selection", "either"))
    rows = {
        name: np.concatenate([np.asarray(p[name], dtype=kind) for p in parts])
        for name, kind in (("unit", object), ("group", object), ("score", float), ("best", float))
    }
    kinds = [p["part"] for p in parts for _ in p["score"]]
    items = Items.of(item=rows["unit"], part=np.array(kinds, dtype=object), **rows)
    return Scored(items=items, measures=made, facts=_facts(table, rule, chosen, free, rng))


def _contrasts(
    table: RankingTable, names: NDArray[Any], selected: NDArray[np.bool_], focus: str
) -> list[tuple[str, NDArray[Any], Measure]]:
    """Part, group column, measure: one group against all others; with several groups their distance first."""
    labels = {"axis": table.axis, "toward": "being selected"}
    smaller = table.names[int(np.bincount(table.groups).argmin())]
    one = focus or (smaller if len(table.names) == 2 else "")
    made: list[tuple[str, NDArray[Any], Measure]] = []
    if not one:
        distance = Measure(
            estimator=DISTANCE, where={"part": "selection"}, groups=table.names, sign="unsigned",
            worse="higher", labels={**labels, "measure": "distance of selected shares from all shares"},
        )  # fmt: skip
        made.append(("selection", names, distance))
    for name in [one] if one else table.names:
        other = OTHERS if len(table.names) > 2 else next(n for n in table.names if n != name)
        part = f"selection, {name}"
        measure = Measure(
            estimator=REPRESENTATION, role="primary" if one else "group", groups=(name, other),
            where={"part": part}, options={"factor": factor(names == name, selected)},
            labels={**labels, "group": name, "against": other, "measure": REPRESENTED},
        )  # fmt: skip
        made.append((part, np.where(names == name, name, other).astype(object), measure))
    return made


def _voters(table: RankingTable, part: str, score: Floats, best: Floats) -> dict[str, Any]:
    bare = np.full(len(table.voters), "", dtype=object)
    return {"part": part, "unit": table.voters, "group": bare, "score": score, "best": best}


def _ratio(part: str, said: str, worse: str) -> Measure:
    return Measure(
        estimator=QUALITY, role="secondary", where={"part": part}, null=NONE, unit="ratio", worse=worse,
        labels={"axis": "quality", "measure": said},
        estimand="score of this selection over that of the best one, over voters like these",
    )  # fmt: skip


def _facts(
    table: RankingTable, rule: str, chosen: Ints, free: Ints, rng: np.random.Generator
) -> dict[str, Any]:
    have, got = (
        np.bincount(table.groups[rows], minlength=len(table.names)) for rows in (..., chosen)
    )
    facts: dict[str, Any] = {
        "voters": len(table.voters), "items": dict(zip(table.names, have.tolist(), strict=True)),
        "selected": dict(zip(table.names, got.tolist(), strict=True)), "rule": rule,
        "ties inside rankings": table.ties, "selection recorded": table.selected is not None,
        "selected items": [table.items[i] for i in chosen],
    }  # fmt: skip
    if table.latent is not None:
        # Proportional quotas assume equally good groups; this says how equal they are.
        place = 1 - table.latent.mean(axis=0) / (len(table.items) - 1)
        facts["mean latent place of the groups, 1 is best"] = {
            name: float(place[table.groups == g].mean()) for g, name in enumerate(table.names)
        }
        top = score(rule, table.latent, select(rule, table.latent, free.size, rng=rng))
        facts["quality of the selection"] = score(rule, table.latent, chosen) / top
        facts["quality without constraint"] = score(rule, table.latent, free) / top
    return facts


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """60 items, 24 of group `b`, ranked by 20 voters; a third is selected by Borda counts.

    A voter's value of an item is N(0, 1), the item's own, plus N(0, 1), minus `dial` for group `b`. The truth is the
    share of `b` in the best third of 10^6 items minus .4.
    """
    second = np.arange(_ITEMS) < 24
    own = rng.standard_normal(_ITEMS) - dial * second
    values = own + rng.standard_normal((_VOTERS, _ITEMS))
    table = RankingTable(
        voters=tuple(map(str, range(_VOTERS))), items=tuple(map(str, range(_ITEMS))),
        ranks=np.argsort(np.argsort(-values, axis=1), axis=1), axis="group", names=("a", "b"),
        groups=second.astype(np.int64), latent=None, selected=None, row_item=np.zeros(0, np.int64), ties=0,
    )  # fmt: skip
    return scored(table, rule="borda", k=0, rng=rng), _truth(dial)


@cache
def _truth(dial: float) -> float:
    """Borda counts in a large population are sums of the values' ranks: F(value) over voters."""
    if dial == 0:
        return 0.0
    rng = np.random.default_rng(56)
    count = 1_000_000
    second = np.arange(count) < 0.4 * count
    own = rng.standard_normal(count) - dial * second
    total = np.zeros(count)
    for _ in range(_VOTERS):
        value = own + rng.standard_normal(count)
        total[np.argsort(value)] += np.arange(count)
    best = np.argpartition(total, -(count // SHARE))[-(count // SHARE) :]
    return float(second[best].mean() - 0.4)
