"""Win rates with lengths made equal: a logistic model of verdicts on systems, lengths and places.

    P(first wins) = logistic(place + quality_first - quality_second + slope * tanh(d / sd)
                             + (turn_first - turn_second) * difficulty)

with d the first answer's length minus the second's and sd the standard deviation of d. Dubois et al. 2024
(Length-Controlled AlpacaEval, arXiv:2404.04475, eq. 1-3) have the same terms, but one slope a model, no place
(their judge's order is drawn), a difficulty of each instruction fitted beforehand on all their models, and a
penalty. Here the slope is the judge's: one for all systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, vector
from plumbline.stats.logistic import logistic
from plumbline.stats.undefined import UndefinedStatistic


@dataclass(frozen=True)
class LengthControlled:
    """What the model says.

    Attributes:
        systems: Their names.
        quality: Log-odds of each system against the last one, lengths and places equal; shape (S,).
        turn: What each gains a unit of difficulty, against the last one; zeros without difficulty.
        slope: Log-odds that an answer gains by tanh(d / sd) = 1; (value, low, high), 95 %.
        place: Log-odds that the first place gains; (value, low, high), 95 %.
        spread: sd, in the unit of the lengths.
        raw, controlled: Win rates of each system against those it met (ties half), as they are and
            with lengths and places made equal; shape (S,).
        low, high: Interval of `controlled`, for the pairings at hand; shape (S,). By the delta method
            on the log-odds, from the model's cluster-robust covariance.
    """

    systems: tuple[str, ...]
    quality: Floats
    turn: Floats
    slope: tuple[float, float, float]
    place: tuple[float, float, float]
    spread: float
    raw: Floats
    controlled: Floats
    low: Floats
    high: Floats


def length_controlled(
    first: Sequence[str], second: Sequence[str], credit: ArrayLike, lengths: ArrayLike, *,
    clusters: Sequence[str], difficulty: ArrayLike | None = None, level: float = 0.95,
) -> LengthControlled:  # fmt: skip
    """Fit the model.

    A verdict counts as two observations, a tie as one win and one loss; errors are robust to
    dependence inside clusters, so that this makes no interval narrower.

    Args:
        first: System of each verdict's first answer, n of them.
        second: System of its second answer.
        credit: 1 where the first won, 0 where the second, 1/2 for a tie.
        lengths: Shape (2, n), of the first and the second answer.
        clusters: Question of each verdict.
        difficulty: Of each verdict's question, from elsewhere; None leaves the term out.
        level: Confidence level.

    Raises:
        UndefinedStatistic: Verdicts or lengths do not vary, systems and lengths cannot be told
            apart, or a combination of them tells winners without error.
    """
    won, size = vector(credit, "credit"), np.asarray(lengths, float)
    if size.shape != (2, won.size) or not np.isin(won, (0.0, 0.5, 1.0)).all():
        raise BadInput(
            f"wanted credits 0, 1/2 or 1 and two lengths for each of {won.size} verdicts; got "
            f"credits {np.unique(won)[:5]} and lengths of shape {size.shape}"
        )
    gap = size[0] - size[1]
    if gap.std() == 0:
        raise UndefinedStatistic("the answers' lengths do not differ from pair to pair")
    systems = tuple(sorted({*first, *second}))
    sides = _sides(first, second, systems)
    turning = sides[:, :0]
    if difficulty is not None:
        turning = sides * vector(difficulty, "difficulty")[:, None]
    columns = np.column_stack([np.tanh(gap / gap.std()), sides, turning])
    fit = logistic(
        np.repeat(columns, 2, axis=0),
        np.column_stack([won > 0, won > 0.5]).ravel().astype(float),
        clusters=np.repeat(np.asarray(clusters), 2),
    )
    bounds, found, k = fit.interval(level=level), fit.coefficients, len(systems) - 1
    told = np.column_stack([sides, turning])
    even = np.asarray(expit(told @ found[2:]))
    controlled = _rates(systems, first, second, even)
    slopes = _slopes(systems, first, second, (even * (1 - even))[:, None] * told)
    low, high = _bounds(controlled, slopes, fit.covariance[2:, 2:], level)
    place, slope = ((float(found[i]), float(bounds[i, 0]), float(bounds[i, 1])) for i in (0, 1))
    return LengthControlled(
        systems=systems,
        quality=np.append(found[2 : 2 + k], 0.0),
        turn=np.append(found[2 + k :], 0.0) if turning.size else np.zeros(k + 1),
        slope=slope,
        place=place,
        spread=float(gap.std()),
        raw=_rates(systems, first, second, won),
        controlled=controlled,
        low=low,
        high=high,
    )


def _sides(first: Sequence[str], second: Sequence[str], systems: Sequence[str]) -> Floats:
    """+1 for the first system's column, -1 for the second's; the last system has none."""
    code = {name: i for i, name in enumerate(systems)}
    made = np.zeros((len(first), len(systems)))
    made[np.arange(len(first)), [code[s] for s in first]] += 1
    made[np.arange(len(second)), [code[s] for s in second]] -= 1
    return made[:, :-1]


def _rates(
    systems: Sequence[str], first: Sequence[str], second: Sequence[str], shares: Floats
) -> Floats:
    """Mean share of each system over the verdicts that it stood in."""
    one, two = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    return np.array([
        np.concatenate([shares[one == s], 1 - shares[two == s]]).mean() for s in systems
    ])  # fmt: skip


def _slopes(
    systems: Sequence[str], first: Sequence[str], second: Sequence[str], moves: Floats
) -> Floats:
    """How each system's controlled rate moves with each coefficient; shape (S, coefficients)."""
    one, two = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    return np.stack(
        [np.concatenate([moves[one == s], -moves[two == s]]).mean(axis=0) for s in systems]
    )


def _bounds(
    rates: Floats, slopes: Floats, covariance: Floats, level: float
) -> tuple[Floats, Floats]:
    """Delta-method limits on the log-odds, so that they stay between 0 and 1."""
    se = np.sqrt(np.einsum("sk,kl,sl->s", slopes, covariance, slopes))
    reach = ndtri(0.5 + level / 2) * se / (rates * (1.0 - rates))
    return expit(logit(rates) - reach), expit(logit(rates) + reach)
