"""How many rankings does a score function need before quotas repair a biased selection?

The empirical tool of Boehmer et al. 2023, arXiv:2306.09835: plug in a score function, a bias and
utilities, and see the quality of the selection against the number of rankings. What drives it is called
smoothness there: how well scores on biased rankings order the items *inside* a group as the unbiased ones do. Its
exact constants are not used here; the second array shows the order itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput
from plumbline.core.explanation import Array, Drawing, Explanation
from plumbline.data.biased_rankings import Rankings, biased_rankings, utilities
from plumbline.stats.committee import Rule, item_weights, proportional, rule_called, score, select

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draw = Callable[[np.random.Generator, int], Rankings]
"""(stream, number of voters) -> their rankings, observed and latent."""
SIZES: Final = (5, 10, 20, 50, 100, 200, 500)
WAYS: Final = ("without quotas", "with quotas")


def utility_draw(
    groups: Sequence[int], theta: Sequence[float], values: Callable[..., Floats] = utilities, **given: Any
) -> Draw:  # fmt: skip
    """Rankings by the utility model: a function of (stream, voters, items) and a factor for each group."""

    def draw(rng: np.random.Generator, voters: int) -> Rankings:
        return biased_rankings(rng, values(rng, voters, len(groups), **given), groups, theta)

    return draw


def selection_curve(
    rule: str | Rule, draw: Draw, groups: Sequence[int], k: int, *, rng: np.random.Generator,
    sizes: Sequence[int] = SIZES, repeats: int = 50, least: Sequence[int] | None = None,
) -> Explanation:  # fmt: skip
    """Quality ratio F(S^) / max F on latent rankings, with and without quotas, against the number of rankings.

    Args:
        rule: A score function by name, or a `Rule`.
        draw: How rankings come about; `utility_draw` makes the usual one.
        groups: Code of each item's group.
        k: How many items are selected.
        rng: The stream of rankings and of ties.
        sizes: Numbers of rankings, each once.
        repeats: Draws for each number.
        least: Quotas a group; default in proportion.

    Returns:
        Arrays `quality` (selection x rankings), `error` (its standard error over draws) and `order`: the share of
        pairs of items of one group that single-item scores on biased rankings order as on latent ones.
        The maximum is by greedy choice, exact for modular rules.

    Raises:
        BadInput: Fewer than two repeats, or a number of rankings twice or below 1.
    """
    found, codes = rule_called(rule), np.asarray(groups, np.int64)
    if repeats < 2 or len(set(sizes)) < len(sizes) or min(sizes, default=0) < 1:
        raise BadInput(
            f"wanted two repeats or more and sizes from 1, each once; got {repeats}, {sizes}"
        )
    due = proportional(codes, k) if least is None else np.asarray(least, np.int64)
    once = _Selection(found, codes, k, due)
    runs = np.array([[once.of(draw(rng, n), rng) for _ in range(repeats)] for n in sizes])
    means, errors = runs.mean(axis=1), runs.std(axis=1, ddof=1) / np.sqrt(repeats)
    coords: dict[str, Any] = {"selection": WAYS, "rankings": tuple(sizes)}
    arrays = {
        "quality": Array.of(means[:, :2].T, unit="ratio", says="latent score of the selection over the best one's", **coords),
        "error": Array.of(errors[:, :2].T, unit="ratio", says="standard error over draws of rankings", **coords),
        "order": Array.of(means[:, 2], unit="rate", says="pairs inside groups in their latent order", rankings=tuple(sizes)),
    }  # fmt: skip
    drawing = Drawing(
        array="quality", mark="line", x="rankings", by="selection",
        caption=f"Quality of {k} of {codes.size} items by {found.name} against the number of rankings",
    )  # fmt: skip
    return Explanation(
        arrays=arrays, drawings=[drawing],
        facts={"rule": found.name, "k": k, "repeats": repeats, "quotas": due.tolist()},
    )  # fmt: skip


@dataclass(frozen=True)
class _Selection:
    """What is selected, and how."""

    rule: Rule
    codes: Ints
    k: int
    due: Ints

    def of(self, seen: Rankings, rng: np.random.Generator) -> tuple[float, float, float]:
        """Quality without and with quotas, and the order inside groups, of one draw."""
        best = select(self.rule, seen.latent, self.k, rng=rng)
        free = select(self.rule, seen.observed, self.k, rng=rng)
        bound = select(self.rule, seen.observed, self.k, rng=rng, groups=self.codes, least=self.due)
        top, one, two = (score(self.rule, seen.latent, rows) for rows in (best, free, bound))
        return one / top, two / top, self.inside(seen)

    def inside(self, seen: Rankings) -> float:
        """Share of pairs inside groups whose single-item scores stand in the latent order; ties half."""
        one, two = (item_weights(self.rule, r).sum(axis=0) for r in (seen.observed, seen.latent))
        a, b = np.triu_indices(self.codes.size, 1)
        same = self.codes[a] == self.codes[b]
        signs = np.sign(one[a] - one[b])[same] * np.sign(two[a] - two[b])[same]
        return float((1 + signs).mean() / 2)
