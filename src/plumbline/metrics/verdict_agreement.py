"""Verdicts against better answers, and raters against each other: rows, pairs, units, rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.metrics.judged_pairs import CREDIT
from plumbline.metrics.verdict_table import (
    FIRST,
    NONE,
    SECOND,
    TIE,
    Ints,
    Pairs,
    Texts,
    Verdicts,
    both_orders,
)
from plumbline.stats.agreement import cohen_kappa
from plumbline.stats.rater_agreement import COUNTS
from plumbline.stats.system_ranks import rank_agreement
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Part = Mapping[str, Any]
DRAWS: Final = 1999
ROW: Final = "verdict"
UNIT: Final = "presentation"
CONSISTENT: Final = "right in both orders"
TOGETHER: Final = "right over both orders together"


def decided(table: Verdicts) -> Flags:
    """Rows whose verdict and better answer are both one of the answers."""
    return np.isin(table.verdict, (FIRST, SECOND)) & np.isin(table.better, (FIRST, SECOND))


def right(table: Verdicts) -> Flags:
    """Rows whose verdict is the better answer, or a tie where that is a tie."""
    return np.asarray((table.verdict == table.better) & (table.verdict != NONE))


def over_both_orders(table: Verdicts, pairs: Pairs) -> tuple[Flags, Flags]:
    """By pair with a better answer: right in both orders, and right over both together.

    Over both together a verdict for the better answer counts 1, for the other -1, a tie 0; the sum is above 0
    (Tan et al. 2025, arXiv:2410.12784).
    """
    verdict, better = table.verdict[pairs.rows], table.better[pairs.rows]
    sign = np.where(verdict == better, 1, np.where(np.isin(verdict, (FIRST, SECOND)), -1, 0))
    return (verdict == better).all(axis=0), sign.sum(axis=0) > 0


def unit_counts(table: Verdicts) -> tuple[Texts, Ints]:
    """Question of each unit with two or more verdicts, and the verdicts' counts by category (units, 3).

    A unit is one presentation: a question, who stood first, who stood second.
    """
    read = table.take(table.why == "")
    if len(read) == 0:
        return np.empty(0, object), np.zeros((0, 3), np.int64)
    shown = zip(read.question, read.first, read.second, strict=True)
    keys = np.array(["\x1f".join(cells) for cells in shown])
    _, start, unit = np.unique(keys, return_index=True, return_inverse=True)
    counts = np.zeros((start.size, 3), np.int64)
    np.add.at(counts, (unit.reshape(-1), read.verdict), 1)
    several = counts.sum(axis=1) > 1
    return read.question[start][several], counts[several]


def _part(name: str, question: Any, score: Any, **columns: Any) -> Part:
    n = len(question)
    return {"part": np.full(n, name, object), "question": question, "score": np.asarray(score, float), **columns}  # fmt: skip


def by_row(known: Verdicts) -> Part:
    """One row a verdict with a better answer: right or not."""
    both = np.where(decided(known), "yes", "no").astype(object)
    return _part(
        ROW, known.question, right(known), why=known.why, judge=known.judge, decided=both,
        said=np.clip(known.verdict, FIRST, TIE), gold=known.better,
    )  # fmt: skip


def by_pair(known: Verdicts) -> list[Part]:
    """Two rows a pair in both orders, one by each rule; a pair with a verdict missing has the reason."""
    if len(known) == 0:
        return []
    pairs = both_orders(known)
    if pairs.rows.size == 0:
        return []
    at, status = known.take(pairs.rows[0]), known.why[pairs.rows]
    why = np.where((status == "").all(axis=0), "", "a verdict is missing").astype(object)
    rules = zip((CONSISTENT, TOGETHER), over_both_orders(known, pairs), strict=True)
    return [_part(name, at.question, score, why=why, judge=at.judge) for name, score in rules]


def by_unit(table: Verdicts) -> Part:
    """One row a presentation with two or more verdicts: the share of pairs of raters that agree.

    Empty where there is none.
    """
    question, counts = unit_counts(table)
    if question.size == 0:
        return {}
    size = counts.sum(axis=1)
    agree = (counts * (counts - 1)).sum(axis=1) / (size * (size - 1))
    return _part(UNIT, question, agree, size=size, **dict(zip(COUNTS, counts.T, strict=True)))


def joined(parts: Sequence[Part]) -> Items:
    """All parts under one set of columns; what a part does not have is "" or -1."""
    here = [p for p in parts if p]
    texts = {n: np.asarray(v).dtype.kind == "O" for p in here for n, v in p.items()}
    table = {
        name: np.concatenate([_or_blank(p, name, text=text) for p in here])
        for name, text in texts.items()
    }
    return Items.of(item=np.arange(len(table["part"])), **table)


def _or_blank(part: Part, name: str, *, text: bool) -> NDArray[Any]:
    if name in part:
        return np.asarray(part[name])
    return np.full(len(part["part"]), "" if text else -1, dtype=object if text else np.int64)


def told(known: Verdicts, rng: np.random.Generator) -> dict[str, Any]:
    """One judge's figures, without intervals but for kappa and the rankings."""
    read = known.take(known.why == "")
    if len(read) == 0:
        return {"verdicts": len(known), "read": 0}
    some = read.take(decided(read))
    pairs = by_pair(read)
    table = np.zeros((3, 3))
    np.add.at(table, (read.verdict, read.better), 1)
    try:
        kappa = cohen_kappa(table, level=0.95)
        beyond: Any = [kappa.value, kappa.low, kappa.high]
    except UndefinedStatistic as absent:
        beyond = f"not defined: {absent.reason}"
    return {
        "verdicts": len(known),
        "read": len(read),
        "accuracy, a tie is an answer": float(right(read).mean()),
        "accuracy without ties": float(right(some).mean()) if len(some) else "nothing is decided",
        "Cohen's kappa, low, high (verdicts as independent)": beyond,
        **{str(p["part"][0]): float(p["score"].mean()) for p in pairs},
        "ranking of systems": rankings(read, rng),
    }


def rankings(table: Verdicts, rng: np.random.Generator) -> dict[str, Any]:
    """How alike the judge and the better answers rank the systems, or why that cannot be said."""
    known = table.take((table.why == "") & (table.better != NONE))
    if len(known) == 0:
        return {"not defined": "no verdict has a better answer beside it"}
    systems, codes = np.unique(np.concatenate([known.first, known.second]).astype(str), return_inverse=True)  # fmt: skip
    first, second = codes.reshape(2, -1)
    question = np.unique(known.question.astype(str), return_inverse=True)[1].reshape(-1)
    shape = (int(question.max()) + 1, systems.size)
    games, said, gold = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for side, sign in ((first, 1), (second, -1)):
        np.add.at(games, (question, side), 1)
        for wins, verdict in ((said, known.verdict), (gold, known.better)):
            credit = CREDIT[verdict]
            np.add.at(wins, (question, side), credit if sign > 0 else 1 - credit)
    try:
        got = rank_agreement(said, games, gold, games, draws=DRAWS, rng=rng)
    except UndefinedStatistic as absent:
        return {"not defined": absent.reason}
    return {
        "systems": got.systems,
        "questions": got.questions,
        "Kendall's tau-b, low, high": list(got.kendall),
        "Spearman's rho, low, high": list(got.spearman),
        "win rates": {
            str(s): {"judge": float(j), "better answers": float(g)}
            for s, j, g in zip(
                systems, said.sum(0) / games.sum(0), gold.sum(0) / games.sum(0), strict=True
            )
        },
    }
