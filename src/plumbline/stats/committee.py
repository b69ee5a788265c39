"""Which k of m items does a set of rankings choose: score functions, quotas, greedy selection.

Score functions of multiwinner voting: Elkind, Faliszewski, Skowron & Slinko 2017 (doi:10.1007/s00355-017-1026-z).
Greedy choice under lower bounds for groups: Boehmer, Celis, Huang, Mehrotra & Vishnoi, "Subset Selection
Based On Multiple Rankings in the Presence of Bias", ICML 2023, arXiv:2306.09835. Guarantees of greedy for
monotone submodular functions: 1 - 1/e without constraint (Nemhauser, Wolsey & Fisher 1978,
doi:10.1007/BF01588971), 1/2 under a matroid such as quotas of disjoint groups (Fisher, Nemhauser & Wolsey 1978).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plumbline.core.errors import BadInput, UnknownName
from plumbline.stats.arrays import Floats, Integers

Bools = NDArray[np.bool_]
TIE: Final = 1e-9  # gains are equal below this share of the largest


@dataclass(frozen=True)
class Rule:
    """F(S) = sum over voters of sum_j counts(k)[j] * (j-th largest weight among the chosen).

    Attributes:
        name: As users write it.
        weights: m -> weight of each position, first to last; not negative, not increasing.
        counts: k -> how much a voter's best, second best, ... chosen item counts; not negative, not
            increasing. All 1: the items' scores add up (modular). 1, 0, 0, ...: only the best one counts.
    """

    name: str
    weights: Callable[[int], Floats]
    counts: Callable[[int], Floats]


def _first(size: int) -> Floats:
    return np.asarray(np.arange(size) == 0, float)


def _borda(size: int) -> Floats:
    return np.arange(size - 1, -1, -1, dtype=float)


RULES: Final[Mapping[str, Rule]] = {
    r.name: r
    for r in (
        Rule("sntv", _first, np.ones),
        Rule("borda", _borda, np.ones),
        Rule("cc", _borda, _first),
        Rule("harmonic", _borda, lambda k: 1 / np.arange(1.0, k + 1)),
    )
}
"""`sntv`: voters whose first choice is chosen. `borda`: k-Borda. `cc`: Chamberlin & Courant's rule with Borda
weights. `harmonic`: a voter's j-th best chosen item counts 1/j (proportional to the voters)."""


def rule_called(rule: str | Rule) -> Rule:
    """The rule of this name; a `Rule` passes through once its weights have been looked at.

    Raises:
        UnknownName: No such rule.
        BadInput: Weights or counts that are negative or increase: greedy choice has no guarantee then.
    """
    if isinstance(rule, str):
        if rule not in RULES:
            raise UnknownName("score function", rule, RULES)
        return RULES[rule]
    for what, made in (("weights", rule.weights(9)), ("counts", rule.counts(9))):
        if made.shape != (9,) or made.min() < 0 or (np.diff(made) > 0).any():
            raise BadInput(
                f"{what} of {rule.name!r} must be 9 for 9, not negative and not increasing"
            )
    return rule


def position_weights(weights: ArrayLike, *, name: str = "positions") -> Rule:
    """A modular rule from the weights of the positions: k-approval is 1, 1, ..., 0."""
    given = np.asarray(weights, float)

    def of(size: int) -> Floats:
        # `rule_called` looks at nine positions, whatever the rankings' length.
        return np.concatenate((given, np.zeros(max(0, size - given.size))))[:size]

    return rule_called(Rule(name, of, np.ones))


def positions(values: ArrayLike, rng: np.random.Generator | None = None) -> Integers:
    """Positions 0 to m-1 of each row's values, the largest first; equal values in random order.

    Args:
        values: (n, m).
        rng: Breaks ties; None: there are none, and one is an error.
    """
    got = np.asarray(values, float)
    if got.ndim != 2 or not np.isfinite(got).all():
        raise BadInput(f"rankings come from a finite matrix of voters and items; got {got.shape}")
    if rng is None:
        if any(np.unique(row).size < row.size for row in got):
            raise BadInput("a voter puts two items at one place; pass rng to break ties at random")
        return np.argsort(np.argsort(-got, axis=1), axis=1)
    return np.argsort(np.lexsort((rng.random(got.shape), -got), axis=1), axis=1)


def item_weights(rule: Rule, ranks: ArrayLike) -> Floats:
    """The weight that each voter's position gives each item; (n, m).

    Raises:
        BadInput: A row that is not a whole ranking, 0 to m-1.
    """
    got = np.asarray(ranks, np.int64)
    if got.ndim != 2 or not (np.sort(got, axis=1) == np.arange(got.shape[1])).all():
        raise BadInput("every voter ranks every item: each row holds 0 to m-1 once")
    return np.asarray(rule.weights(got.shape[1])[got])


def by_voter(rule: str | Rule, ranks: ArrayLike, chosen: ArrayLike) -> Floats:
    """What each voter adds to F(S); (n,).

    Args:
        rule: A score function.
        ranks: (n, m) positions, 0 is best.
        chosen: Indices of the chosen items.
    """
    found = rule_called(rule)
    weights = item_weights(found, ranks)[:, np.asarray(chosen, np.int64)]
    return np.asarray(-np.sort(-weights, axis=1) @ found.counts(weights.shape[1]))


def score(rule: str | Rule, ranks: ArrayLike, chosen: ArrayLike) -> float:
    """F(S)."""
    return float(by_voter(rule, ranks, chosen).sum())


def proportional(groups: ArrayLike, k: int) -> Integers:
    """Lower bounds floor(k |G| / m), a group code each."""
    counts = np.bincount(np.asarray(groups, np.int64))
    return np.asarray(k * counts // counts.sum(), np.int64)


def select(
    rule: str | Rule, ranks: ArrayLike, k: int, *, rng: np.random.Generator,
    groups: ArrayLike | None = None, least: ArrayLike | None = None,
) -> Integers:  # fmt: skip
    """k items by greedy choice, in the order in which they were chosen.

    Exact where the rule is modular (`sntv`, `borda`, position weights): with lower bounds too, because
    quotas of disjoint groups are a matroid.

    Args:
        rule: A score function.
        ranks: (n, m) positions, 0 is best.
        k: How many.
        rng: Breaks ties, of which SNTV has many.
        groups: Code of each item's one group, (m,); a matrix of memberships is refused where an item
            has two, because counting quotas does not look far enough ahead then.
        least: At least so many of each group; without them no constraint.

    Raises:
        BadInput: k or bounds that cannot be met, or groups that overlap.
    """
    found = rule_called(rule)
    weights = item_weights(found, ranks)
    m = weights.shape[1]
    if not 1 <= k <= m:
        raise BadInput(f"wanted 1 to {m} items; got k = {k}")
    codes = np.zeros(m, np.int64) if groups is None else _disjoint(groups, m)
    due = _bounds(codes, least, k)
    order = rng.permutation(m)
    held = np.empty((weights.shape[0], 0))
    chosen: list[int] = []
    counts = found.counts(k)
    for _ in range(k):
        gains = _gains(weights, held, counts)
        # A place may go to a group that is owed none only while places are left over.
        free = k - len(chosen) > due.sum()
        gains[chosen] = -np.inf
        if not free:
            gains[due[codes] == 0] = -np.inf
        best = order[gains[order] >= gains.max() - TIE * max(1.0, abs(gains.max()))][0]
        chosen.append(int(best))
        due[codes[best]] = max(0, due[codes[best]] - 1)
        held = -np.sort(-np.column_stack([held, weights[:, best]]), axis=1)
    return np.array(chosen, np.int64)


def _gains(weights: Floats, held: Floats, counts: Floats) -> Floats:
    """F(S + i) - F(S) of every item, from each voter's chosen weights in falling order; (m,)."""
    s = held.shape[1]
    if (counts == counts[0]).all():
        return np.asarray(counts[0] * weights.sum(axis=0))
    if not counts[1:].any():
        best = held[:, :1] if s else np.zeros((len(weights), 1))
        return np.asarray(counts[0] * np.maximum(weights - best, 0).sum(axis=0))
    grown = np.concatenate(
        [np.broadcast_to(held[:, None, :], (*weights.shape, s)), weights[:, :, None]], axis=2
    )
    after = -np.sort(-grown, axis=2) @ counts[: s + 1]
    return np.asarray(after.sum(axis=0) - (held @ counts[:s]).sum())


def _disjoint(groups: ArrayLike, m: int) -> Integers:
    got = np.asarray(groups)
    if got.ndim == 2:
        if not (got.sum(axis=1) == 1).all():
            raise BadInput(
                "an item belongs to several groups or to none: quotas are counted for disjoint groups. "
                "Cross the attributes into one"
            )
        got = got.argmax(axis=1)
    if got.shape != (m,) or got.dtype.kind not in "iu" or (got < 0).any():
        raise BadInput(f"groups are codes 0, 1, ..., one for each of the {m} items")
    return got.astype(np.int64)


def _bounds(codes: Integers, least: ArrayLike | None, k: int) -> Integers:
    size = int(codes.max()) + 1
    due = np.zeros(size, np.int64) if least is None else np.array(least, np.int64)
    have = np.bincount(codes, minlength=size)
    if due.shape != (size,) or (due < 0).any() or (due > have).any() or due.sum() > k:
        raise BadInput(
            f"at least {due.tolist()} of groups with {have.tolist()} items cannot all be among {k}"
        )
    return due
