"""The laws that every method's findings keep, as assertions with messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from plumbline.core.card import Card
from plumbline.core.results import Estimate, Finding
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.infer import infer


def only(findings: list[Finding] | Any, **labels: str) -> Finding:
    """The one primary finding with these labels.

    Raises:
        AssertionError: There is none, or more than one.
    """
    found = [
        f for f in findings
        if f.role == "primary" and all(f.labels.get(k) == v for k, v in labels.items())
    ]  # fmt: skip
    if len(found) != 1:
        raise AssertionError(
            f"wanted one primary finding with {labels}; got {[f.key for f in found]}"
        )
    return found[0]


def _estimate(finding: Finding) -> Estimate:
    if not isinstance(finding.outcome, Estimate):
        raise AssertionError(f"{finding.key} is {finding.status}: {finding.outcome}")
    return finding.outcome


def assert_recovered(finding: Finding, truth: float) -> None:
    """The interval holds the population value, and the null is rejected."""
    got = _estimate(finding)
    if not got.low <= truth <= got.high:
        raise AssertionError(f"{finding.key}: [{got.low}, {got.high}] misses the truth {truth}")
    if got.p is not None and got.p > 0.05:
        raise AssertionError(f"{finding.key}: planted bias {truth} not found, p = {got.p}")


def assert_no_finding(finding: Finding, *, alpha: float = 0.001) -> None:
    """Nothing planted: p is not tiny. One run; rates are the certificate's business."""
    got = _estimate(finding)
    if got.p is not None and got.p <= alpha:
        raise AssertionError(f"{finding.key}: nothing is planted, yet p = {got.p}")


def assert_simulation_recovered(
    card: Card,
    simulate: Callable[..., tuple[Scored, float]],
    *,
    dial: float,
    dials: Sequence[float],
    salt: int,
) -> None:
    """300 simulated data sets: the mean is the truth within 4 Monte-Carlo errors, intervals cover.

    Only the method's first measure is inferred. Dial 0 must alarm at the nominal 5 %; the
    largest dial must be found in 95 of 100 data sets. The bounds are binomial ones at 99.9 %.

    Args:
        card: The method's card; its inference rules apply.
        simulate: Draws (scores, population value) from a generator at a dial.
        dial: The planted bias.
        dials: All the dials of the method; 0 among them is the null.
        salt: Keeps the data sets of one test apart from another's.
    """
    values, covered, hits, truth = [], 0, 0, float("nan")
    for seed in range(300):
        got, truth = simulate(np.random.default_rng([seed, salt]), dial=dial)
        first = Scored(items=got.items, measures=got.measures[:1])
        outcome = _estimate(infer(first, card, seeds=Seeds(seed))[0])
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p is not None and outcome.p <= 0.05
    mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(300)
    if not abs(mean - truth) < 4 * error:
        raise AssertionError(f"{card.id}: mean {mean} of 300 misses {truth} by over 4 x {error}")
    if not 270 <= covered <= 297:
        raise AssertionError(f"{card.id}: {covered} of 300 intervals hold the truth {truth}")
    if dial == 0 and not 3 <= hits <= 30:
        raise AssertionError(f"{card.id}: nothing is planted, yet {hits} of 300 alarm")
    if dial == max(dials) and hits < 285:
        raise AssertionError(f"{card.id}: only {hits} of 300 find the planted {dial}")
