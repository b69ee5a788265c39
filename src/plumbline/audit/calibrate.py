"""Calibration: what a metric's inference does where the truth is known.

A method's file has `simulate(rng, *, dial) -> (Scored, truth)` and `DIALS`: scored items at its
real design, drawn from a stated distribution, and the population value of the first primary
measure. Simulations go through `infer` like an audit's items; their rates are the certificate.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.catalog import catalog, find
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate, Outcome
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.estimators import estimator
from plumbline.stats.infer import Settings, infer_one
from plumbline.stats.power import minimum_detectable_effect
from plumbline.stats.proportions import wilson

FALSE_ALARMS = (0.04, 0.06)
COVERAGE = (0.93, 0.97)
CHUNK = 250  # runs of one process; a certificate's standard error is a median over chunks' medians
Simulate = Callable[..., tuple[Scored, float]]


@dataclass(frozen=True)
class Trials:
    """Outcomes of simulations at one dial.

    Attributes:
        dial: Strength of what was planted.
        truth: Population value of the statistic (mean over simulations where it varies).
        runs, undefined, covered, alarms: Counts; `alarms` of p <= alpha.
        tested: Runs with a p-value.
        se: Median standard error (or half-width / 1.96).
        df: Median degrees of freedom, or None.
    """

    dial: float
    truth: float
    runs: int
    undefined: int
    covered: int
    alarms: int
    tested: int
    se: float
    df: float | None


def simulator(metric: str) -> tuple[Simulate, tuple[float, ...]]:
    """A method's `simulate` and `DIALS`.

    Raises:
        BadInput: The method's file has none.
    """
    module = importlib.import_module(find(metric).target.partition(":")[0])
    try:
        return module.simulate, tuple(module.DIALS)
    except AttributeError:
        raise BadInput(
            f"{metric} cannot be calibrated: its file has no simulate() and DIALS"
        ) from None


def outcomes(
    metric: str, *, dial: float, runs: int, seed: int, first: int = 0, draws: int = 1999
) -> Iterator[tuple[Outcome, float]]:
    """What is inferred from each simulation, and the truth behind it; run k has its own streams."""
    simulate, _ = simulator(metric)
    card = find(metric).card
    seeds = Seeds(seed).child("calibrate", metric, f"{dial:g}")
    for k in range(first, first + runs):
        scored, truth = simulate(seeds.stream(str(k)), dial=dial)
        measure = next(m for m in scored.measures if m.role == "primary")
        got, _ = infer_one(
            scored.items, measure, card, seeds=seeds.child(str(k)), settings=Settings(draws=draws)
        )
        yield got, truth


def trials(
    metric: str, *, dial: float, runs: int, seed: int, first: int = 0, draws: int = 1999
) -> Trials:
    """Simulate and infer `runs` times; run k draws from a stream named after k."""
    undefined = covered = alarms = tested = 0
    errors, dfs, truths = [], [], []
    for got, truth in outcomes(
        metric, dial=dial, runs=runs, seed=seed, first=first, draws=draws
    ):  # fmt: skip
        truths.append(truth)
        if not isinstance(got, Estimate):
            undefined += 1
            continue
        covered += got.low <= truth <= got.high
        errors.append(got.se or (got.high - got.low) / 3.92)
        if got.df is not None:
            dfs.append(got.df)
        if got.p is not None:
            tested += 1
            alarms += got.p <= 0.05
    return Trials(
        dial, float(np.mean(truths)), runs, undefined, int(covered), int(alarms), tested,
        float(np.median(errors)) if errors else float("nan"), float(np.median(dfs)) if dfs else None,
    )  # fmt: skip


def joined(parts: Sequence[Trials]) -> Trials:
    """Chunks of one dial as one."""

    def total(name: str) -> int:
        return sum(getattr(p, name) for p in parts)

    dfs = [p.df for p in parts if p.df is not None]
    return Trials(
        parts[0].dial, float(np.mean([p.truth for p in parts])), total("runs"), total("undefined"),
        total("covered"), total("alarms"), total("tested"), float(np.median([p.se for p in parts])),
        float(np.median(dfs)) if dfs else None,
    )  # fmt: skip


def run_trials(
    metric: str, *, dial: float, runs: int, seed: int, workers: int = 1, draws: int = 1999
) -> Trials:
    """`trials` split over processes; the result does not depend on how many."""
    starts = list(range(0, runs, CHUNK))
    sizes = [min(CHUNK, runs - s) for s in starts]
    if workers <= 1 or len(starts) == 1:
        parts = [
            trials(metric, dial=dial, runs=n, seed=seed, first=s, draws=draws)
            for s, n in zip(starts, sizes, strict=True)
        ]
        return joined(parts)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(trials, metric, dial=dial, runs=n, seed=seed, first=s, draws=draws)
            for s, n in zip(starts, sizes, strict=True)
        ]
        return joined([j.result() for j in jobs])


def _rate(count: int, of: int) -> dict[str, Any] | None:
    if of == 0:
        return None
    low, high = wilson(count, of, level=0.95)
    return {"rate": count / of, "low": float(low), "high": float(high), "n": of}


def calibrate(
    metric: str, *, runs: int = 10_000, dial_runs: int | None = None, seed: int = 20260, workers: int = 1,
    draws: int = 1999,
) -> dict[str, Any]:  # fmt: skip
    """A certificate as a JSON-able dict.

    Args:
        metric: Id of a method.
        runs: Simulations where nothing is planted.
        dial_runs: Simulations at each planted dial; `runs` by default.
        seed: Seed of the simulations.
        workers: Processes.
        draws: Monte-Carlo draws of one inference.

    Returns:
        False alarms, coverage and power with 95 % Wilson intervals, the targets, whether they
        are met, the minimum detectable effect at 80 % power, and a one-line summary.
    """
    _, dials = simulator(metric)
    null = run_trials(metric, dial=dials[0], runs=runs, seed=seed, workers=workers, draws=draws)
    planted = [
        run_trials(metric, dial=d, runs=dial_runs or runs, seed=seed, workers=workers, draws=draws)
        for d in dials[1:]
    ]
    return certified(metric, [null, *planted], seed=seed, draws=draws)


def certified(metric: str, found: Sequence[Trials], *, seed: int, draws: int) -> dict[str, Any]:
    """The certificate of finished simulations, those without a planted lean first."""
    null, *planted = found
    card = find(metric).card
    defined = null.runs - null.undefined
    alarms = _rate(null.alarms, null.tested)
    coverage = [
        {"dial": t.dial, "truth": t.truth, **(_rate(t.covered, t.runs - t.undefined) or {})}
        for t in found
    ]
    floor = lower_bound(metric)
    certificate = {
        "metric": metric,
        "version": card.version,
        "null": card.null.kind,
        "simulations": sum(t.runs for t in found),
        "seed": seed,
        "draws": draws,
        "undefined": [{"dial": t.dial, "runs": t.undefined, "of": t.runs} for t in found],
        "false_alarms": alarms,
        "coverage": coverage,
        "power": [
            {"dial": t.dial, "truth": t.truth, **(_rate(t.alarms, t.tested) or {})} for t in planted
        ],
        "minimum_detectable_effect": _mde(null) if defined else None,
        "lower_bound": floor,
        "targets": targets(alarms, coverage, floor),
    }
    certificate["summary"] = summary(certificate)
    return certificate


def _mde(null: Trials) -> float | None:
    if not np.isfinite(null.se) or null.se <= 0:
        return None
    return float(minimum_detectable_effect(null.se, df=null.df or np.inf, alpha=0.05, power=0.8))


def lower_bound(metric: str) -> float | None:
    """The smallest value of a method's unsigned primary statistic; None where it is signed."""
    simulate, dials = simulator(metric)
    scored, _ = simulate(Seeds(0).stream("bound"), dial=dials[0])
    measure = next(m for m in scored.measures if m.role == "primary")
    if (measure.sign or find(metric).card.sign) == "signed":
        return None
    low = float(estimator(measure.estimator).bounds[0])
    return low if np.isfinite(low) else None


def targets(
    alarms: Mapping[str, Any] | None,
    coverage: Sequence[Mapping[str, Any]],
    floor: float | None = None,
) -> dict[str, Any]:
    """Each target with whether it is met; a rate's Wilson interval must touch the target's range.

    Where the truth is the smallest value that an unsigned statistic can have (`floor`), an
    interval cannot lie below it and misses on one side at most: there more coverage is no miss.
    """
    found: dict[str, Any] = {}
    if alarms is not None:
        low, high = FALSE_ALARMS
        found["false_alarms"] = {
            "range": [low, high],
            "met": alarms["low"] <= high and alarms["high"] >= low,
        }
    low, high = COVERAGE

    def bad(row: Mapping[str, Any]) -> bool:
        at_floor = floor is not None and row["truth"] <= floor + 1e-12
        return bool(row["high"] < low or (row["low"] > high and not at_floor))

    missed = [c["dial"] for c in coverage if "rate" in c and bad(c)]
    found["coverage"] = {"range": [low, high], "met": not missed, "missed_at_dials": missed}
    return found


def summary(certificate: Mapping[str, Any]) -> str:
    """One line for reports."""
    parts = []
    alarms = certificate["false_alarms"]
    if alarms is not None:
        parts.append(f"false alarms {alarms['rate']:.1%} at 5 % ({alarms['n']:,} runs)")
    rates = [c["rate"] for c in certificate["coverage"] if "rate" in c]
    if rates:
        parts.append(f"coverage {min(rates):.1%} to {max(rates):.1%} at 95 %")
    missed = [name for name, t in certificate["targets"].items() if not t["met"]]
    if missed:
        parts.append(f"target missed: {', '.join(m.replace('_', ' ') for m in missed)}")
    return "; ".join(parts)


def calibratable() -> list[str]:
    """Ids of the methods that have a simulator."""
    found = []
    for name, entry in catalog().items():
        module = importlib.import_module(entry.target.partition(":")[0])
        if hasattr(module, "simulate"):
            found.append(name)
    return found
