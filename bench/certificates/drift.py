"""Re-run the shipped certificates and say where the code no longer does what they state.

    python bench/certificates/drift.py [--quick] [--fresh SEED] [--workers N] [ID ...]

Without options every certificate is made again with its own seed, draws and numbers of runs, in
parallel and the longest first; the same seed must give the same digits. With `--fresh SEED` other
simulations are drawn, and every rate is compared with the shipped one by Fisher's exact test; the
false alarm of the whole check is 1 % (Holm over all rates). `--quick` does both with little: the
first runs of every dial with the shipped seed against `traces.json`, digit by digit, and 200 (100
where something is planted) fresh runs against the shipped rates.

Ends with 0 where nothing drifted, 1 where something did, 2 where a certificate is missing or bad.
After a wanted change of a method: `make.py ID`, then `drift.py --write-traces ID`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import fisher_exact

from plumbline.audit.calibrate import CHUNK, Trials, certified, joined, outcomes, simulator, trials
from plumbline.core.results import Estimate
from plumbline.stats.multiplicity import holm

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parents[1] / "src" / "plumbline" / "audit" / "shipped"
TRACES = HERE / "traces.json"
TRACED = 10  # runs a dial
ALPHA = 0.01
CLOSE = 1e-9  # relative; another machine's linear algebra rounds otherwise
QUICK = (200, 100)
EVERY = 60  # seconds between two lines of progress


@dataclass(frozen=True)
class Job:
    """A chunk of simulations of one dial, or a trace."""

    metric: str
    dial: float
    runs: int
    seed: int
    first: int
    draws: int
    kind: str = "trials"


@dataclass(frozen=True)
class Drift:
    """One figure that is not what the certificate states."""

    metric: str
    figure: str
    shipped: Any
    now: Any
    p: float | None = None

    def __str__(self) -> str:
        by = "" if self.p is None else f"  (adjusted p {self.p:.2g})"
        return f"{self.metric}: {self.figure}: shipped {self.shipped}, now {self.now}{by}"


def shipped(ids: Sequence[str], folder: Path = SHIPPED) -> dict[str, dict[str, Any]]:
    """Metric -> certificate.

    Raises:
        SystemExit: (2) A named certificate is not there.
    """
    names = list(ids) or sorted(p.stem for p in folder.glob("*.json"))
    lacking = [n for n in names if not (folder / f"{n}.json").is_file()]
    if lacking or not names:
        print(f"no certificate of {', '.join(lacking) or 'any method'} in {folder}")
        raise SystemExit(2)
    return {n: json.loads((folder / f"{n}.json").read_text("utf-8")) for n in names}


def sizes(certificate: Mapping[str, Any], quick: tuple[int, int] | None) -> dict[float, int]:
    """Dial -> number of runs: the certificate's own, or fewer."""
    full = {float(u["dial"]): int(u["of"]) for u in certificate["undefined"]}
    if quick is None:
        return full
    return {dial: min(n, quick[i > 0]) for i, (dial, n) in enumerate(full.items())}


def jobs(
    certificates: Mapping[str, Mapping[str, Any]], *, seed: int | None, quick: tuple[int, int] | None
) -> list[Job]:  # fmt: skip
    """Chunks of all dials; a seed of None is each certificate's own."""
    made = []
    for metric, c in certificates.items():
        for dial, runs in sizes(c, quick).items():
            for first in range(0, runs, CHUNK):
                n = min(CHUNK, runs - first)
                own = c["seed"] if seed is None else seed
                made.append(Job(metric, dial, n, own, first, c["draws"]))
    return made


def trace(job: Job) -> dict[str, float]:
    """Sums over the first runs of a dial: a changed digit anywhere changes one of them."""
    sums: dict[str, float] = defaultdict(float)
    for got, truth in outcomes(
        job.metric, dial=job.dial, runs=job.runs, seed=job.seed, first=job.first, draws=job.draws
    ):  # fmt: skip
        sums["truth"] += truth
        if not isinstance(got, Estimate):
            sums["undefined"] += 1
            continue
        for name in ("value", "low", "high", "p", "se"):
            number = getattr(got, name)
            if number is not None and math.isfinite(number):
                sums[name] += number
    return dict(sums)


def done(job: Job) -> tuple[Job, Any, float]:
    """A job's result and its seconds of processor."""
    start = time.process_time()
    if job.kind == "trace":
        made: Any = trace(job)
    else:
        made = trials(
            job.metric, dial=job.dial, runs=job.runs, seed=job.seed, first=job.first,
            draws=job.draws,
        )  # fmt: skip
    return job, made, time.process_time() - start


def costs() -> dict[str, float]:
    """Metric -> seconds a run, as measured when its trace was written."""
    if not TRACES.is_file():
        return {}
    return {m: t["seconds_a_run"] for m, t in json.loads(TRACES.read_text("utf-8")).items()}


def carried_out(todo: Iterable[Job], workers: int) -> Iterator[tuple[Job, Any, float]]:
    """All jobs, the longest first so that no process is left alone with one at the end."""
    cost = costs()
    ordered = sorted(todo, key=lambda j: -j.runs * cost.get(j.metric, 0.01))
    if workers <= 1:
        yield from watched(map(done, ordered), ordered)
        return
    with ProcessPoolExecutor(workers) as pool:
        futures = as_completed([pool.submit(done, j) for j in ordered])
        yield from watched((future.result() for future in futures), ordered)


def watched(
    results: Iterable[tuple[Job, Any, float]], todo: Sequence[Job]
) -> Iterator[tuple[Job, Any, float]]:
    """The same results; now and then a line on standard error says how far they are."""
    began = told = time.monotonic()
    for number, result in enumerate(results, 1):
        now = time.monotonic()
        if now - told > EVERY or number == len(todo):
            told = now
            print(f"{number} of {len(todo)} pieces after {now - began:.0f} s", file=sys.stderr)
        yield result


def gathered(results: Iterable[tuple[Job, Any, float]]) -> dict[str, dict[float, Trials]]:
    """Metric -> dial -> its trials, chunks joined in their order."""
    parts: dict[tuple[str, float], list[tuple[int, Trials]]] = defaultdict(list)
    for job, made, _ in results:
        parts[job.metric, job.dial].append((job.first, made))
    found: dict[str, dict[float, Trials]] = defaultdict(dict)
    for (metric, dial), chunks in parts.items():
        found[metric][dial] = joined([t for _, t in sorted(chunks, key=lambda c: c[0])])
    return found


def same(a: Any, b: Any) -> bool:
    """Equal, or equal up to rounding."""
    if isinstance(a, float) and isinstance(b, int | float) and not isinstance(b, bool):
        return math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)
    return bool(a == b)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a certificate by its path."""
    if isinstance(value, Mapping):
        label = f" at {value['dial']:g}" if "dial" in value else ""
        for key, inner in value.items():
            yield from flat(inner, f"{name}{label} {key}".strip())
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from flat(inner, name if isinstance(inner, Mapping) else f"{name} {i}")
    else:
        yield name, value


KEPT = ("end_to_end", "placebos")  # not made by simulation


def digits(shipped: Mapping[str, Any], now: Mapping[str, Any]) -> list[Drift]:
    """Every figure of a certificate that its own seed does not give again."""
    before = dict(flat({k: v for k, v in shipped.items() if k not in KEPT}))
    after = dict(flat({k: v for k, v in now.items() if k not in KEPT}))
    metric = str(shipped["metric"])
    return [
        Drift(metric, name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        # A certificate made before `lower_bound` was recorded says nothing about it.
        if not same(before.get(name), after.get(name)) and (name in before or name != "lower_bound")
    ]


@dataclass(frozen=True)
class Rate:
    """A shipped rate beside one of fresh simulations; counts of runs."""

    metric: str
    figure: str
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def p(self) -> float:
        """Fisher's exact test, two-sided."""
        table = [[k, n - k] for k, n in (self.before, self.after)]
        return float(fisher_exact(table).pvalue)


def rates(shipped: Mapping[str, Any], now: Mapping[float, Trials]) -> list[Rate]:
    """False alarms, coverage, power and undefined runs, each with its fresh counterpart."""
    metric = str(shipped["metric"])

    def counted(row: Mapping[str, Any]) -> tuple[int, int]:
        return round(row["rate"] * row["n"]), int(row["n"])

    found = []
    first = next(iter(now.values()))
    if shipped["false_alarms"]:
        after = (first.alarms, first.tested)
        found.append(Rate(metric, "false alarms", counted(shipped["false_alarms"]), after))
    for row in shipped["coverage"]:
        t = now[float(row["dial"])]
        if "rate" in row:
            after = (t.covered, t.runs - t.undefined)
            found.append(Rate(metric, f"coverage at {t.dial:g}", counted(row), after))
    for row in shipped["power"]:
        t = now[float(row["dial"])]
        if "rate" in row:
            found.append(Rate(metric, f"power at {t.dial:g}", counted(row), (t.alarms, t.tested)))
    for row in shipped["undefined"]:
        t = now[float(row["dial"])]
        before = (int(row["runs"]), int(row["of"]))
        found.append(Rate(metric, f"undefined at {t.dial:g}", before, (t.undefined, t.runs)))
    return found


def differing(compared: Sequence[Rate], alpha: float = ALPHA) -> list[Drift]:
    """Rates whose difference is significant after Holm's correction over all."""
    if not compared:
        return []
    adjusted = holm(np.array([r.p for r in compared]))
    return [
        Drift(r.metric, r.figure, _share(r.before), _share(r.after), float(p))
        for r, p in zip(compared, adjusted, strict=True)
        if p <= alpha
    ]


def _share(counts: tuple[int, int]) -> str:
    k, n = counts
    return f"{k / n:.4f} of {n:,}" if n else "none tested"


def trace_jobs(certificates: Mapping[str, Mapping[str, Any]], runs: int = TRACED) -> list[Job]:
    """The first runs of every dial of every certificate."""
    return [
        Job(metric, float(u["dial"]), runs, c["seed"], 0, c["draws"], "trace")
        for metric, c in certificates.items()
        for u in c["undefined"]
    ]


def traced(results: Iterable[tuple[Job, Any, float]]) -> dict[str, Any]:
    """Metric -> its trace by dial, and seconds a run."""
    found: dict[str, Any] = {}
    seconds: dict[str, list[float]] = defaultdict(list)
    for job, made, took in sorted(results, key=lambda r: (r[0].metric, r[0].dial)):
        row = found.setdefault(job.metric, {"runs": job.runs, "dials": {}})
        row["dials"][f"{job.dial:g}"] = made
        seconds[job.metric].append(took / job.runs)
    for metric, row in found.items():
        row["seconds_a_run"] = round(float(np.mean(seconds[metric])), 5)
    return found


def trace_drift(kept: Mapping[str, Any], now: Mapping[str, Any]) -> list[Drift]:
    """Sums of the first runs that changed, and methods without a trace."""
    found = []
    for metric, row in now.items():
        if metric not in kept:
            found.append(Drift(metric, "trace", "none", "made; write it with --write-traces"))
            continue
        for dial, sums in row["dials"].items():
            before = kept[metric]["dials"].get(dial, {})
            found += [
                Drift(metric, f"sum of {name} over {row['runs']} runs at {dial}", before.get(name), now_)
                for name, now_ in sums.items()
                if not same(before.get(name), now_)
            ]  # fmt: skip
    return found


def missing_dials(certificates: Mapping[str, Mapping[str, Any]]) -> list[Drift]:
    """Certificates whose dials are not the method's any more."""
    found = []
    for metric, c in certificates.items():
        own = [float(d) for d in simulator(metric)[1]]
        stated = [float(u["dial"]) for u in c["undefined"]]
        if own != stated:
            found.append(Drift(metric, "dials", stated, own))
    return found


def table(
    certificates: Mapping[str, Any], drifts: Sequence[Drift], said: Mapping[str, str]
) -> None:
    """One line a certificate, then every figure that drifted."""
    wrong = defaultdict(list)
    for d in drifts:
        wrong[d.metric].append(d)
    for metric in certificates:
        state = f"DRIFT in {len(wrong[metric])} figures" if wrong[metric] else "as shipped"
        print(f"{metric:32} {state:22} {said.get(metric, '')}")
    for d in drifts:
        print(d)


def check(given: argparse.Namespace) -> tuple[dict[str, Any], list[Drift], dict[str, str]]:
    """Run what was asked for."""
    certificates = shipped(given.ids, given.shipped)
    drifts = missing_dials(certificates)
    moved = {d.metric for d in drifts}
    sound = {m: c for m, c in certificates.items() if m not in moved}
    said: dict[str, str] = {}
    if given.quick:
        kept = json.loads(given.traces.read_text("utf-8"))
        drifts += trace_drift(kept, traced(carried_out(trace_jobs(sound), given.workers)))
        if given.traces_only:
            return certificates, drifts, said
    seed = given.fresh if given.fresh is not None or not given.quick else int(time.time())
    quick = (given.runs, given.dial_runs) if given.quick else None
    if seed is not None:
        print(f"fresh simulations with seed {seed}")
    made = gathered(carried_out(jobs(sound, seed=seed, quick=quick), given.workers))
    compared: list[Rate] = []
    for metric, c in sound.items():
        found = {dial: made[metric][dial] for dial in sizes(c, quick)}
        now = certified(metric, list(found.values()), seed=c["seed"], draws=c["draws"])
        said[metric] = now["summary"]
        if seed is None:
            drifts += digits(c, now)
        else:
            compared += rates(c, found)
    return certificates, drifts + differing(compared), said


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--quick", action="store_true", help="traces, and few fresh runs")
    parser.add_argument("--traces-only", action="store_true", help="with --quick: no fresh runs")
    parser.add_argument("--fresh", type=int, metavar="SEED", help="other simulations, by test")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=QUICK[0], help="of --quick, nothing planted")
    parser.add_argument("--dial-runs", type=int, default=QUICK[1], help="of --quick, planted")
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="folder of certificates")
    parser.add_argument("--traces", type=Path, default=TRACES)
    parser.add_argument("--write-traces", action="store_true", help="of the methods, or of all")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, or write traces; the exit code."""
    given = options().parse_args(arguments)
    if given.write_traces:
        certificates = shipped(given.ids, given.shipped)
        kept = json.loads(given.traces.read_text("utf-8")) if given.traces.is_file() else {}
        kept |= traced(carried_out(trace_jobs(certificates), given.workers))
        given.traces.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
        return 0
    certificates, drifts, said = check(given)
    table(certificates, drifts, said)
    n = len({d.metric for d in drifts})
    print(
        f"{len(certificates)} certificates: {n} drifted"
        if n
        else f"{len(certificates)} certificates: no drift"
    )
    return 1 if drifts else 0


if __name__ == "__main__":
    sys.exit(main())
