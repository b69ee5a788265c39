"""Two sides of a comparison in one run: they take turns, and what is reported is the ratio of each turn.

A row of `bench/results/NAME.json` is one comparison: seconds of both sides a turn, their ratios, the greatest difference of
what they computed, the target, and the command. `bench/render.py` writes `bench/RESULTS.md` from all rows.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import IO, Any, Self, cast

import numpy as np

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers"
RESULTS = HERE / "results"


class Side:
    """A process that runs cases of one script.

    Args:
        script: A script that calls `worker.serve`.
        peer: Name of the peer's environment; none for plumbline's own.
        threads: For BLAS, OpenMP and torch.
        given: Arguments of the script.
    """

    def __init__(
        self, script: Path, *, peer: str = "", threads: int = 1, given: tuple[str, ...] = ()
    ) -> None:
        python = str(PEERS / peer / "bin" / "python") if peer else sys.executable
        if peer and not Path(python).is_file():
            raise SystemExit(f"{peer} is not installed; try: python bench/peers/setup.py {peer}")
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": str(HERE),
               "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}  # fmt: skip
        if not peer:
            env["PYTHONPATH"] = f"{HERE}{os.pathsep}{HERE.parent / 'src'}"
        self.process = subprocess.Popen(
            [python, str(script), *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )

        self.stdin = cast("IO[str]", self.process.stdin)
        self.stdout = cast("IO[str]", self.process.stdout)

    def run(self, case: str, *, at_least: float = 0.0) -> dict[str, Any]:
        """Run a case once, or again and again for `at_least` seconds; returns the mean."""
        self.stdin.write(json.dumps({"case": case, "at_least": at_least}) + "\n")
        self.stdin.flush()
        line = self.stdout.readline()
        if not line:
            raise SystemExit(
                f"{self.process.args} ended with {self.process.wait()} while it ran {case!r}"
            )
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End the process."""
        self.stdin.close()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def paired(
    ours: tuple[Side, str],
    peer: tuple[Side, str],
    *,
    rounds: int = 3,
    at_least: tuple[float, float] = (0.0, 0.0),
    per: tuple[float, float] = (1.0, 1.0),
) -> dict[str, Any]:
    """Take turns, the first one changing each round.

    Args:
        ours, peer: Side and case.
        rounds: Turns of each.
        at_least: Seconds for which a turn is repeated, for each side.
        per: What a turn's seconds are divided by, for each side (draws, questions).

    Returns:
        Seconds a unit of both sides, their ratios peer / ours, and both values.
    """
    times: tuple[list[float], list[float]] = ([], [])
    values: list[Any] = [None, None]
    for number in range(rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            told = (ours, peer)[side][0].run((ours, peer)[side][1], at_least=at_least[side])
            times[side].append(told["seconds"] / per[side])
            values[side] = told["value"]
    ratios = [b / a for a, b in zip(*times, strict=True)]
    return {
        "ours_s": times[0], "peer_s": times[1], "ratio": median(ratios), "ratio_low": min(ratios),
        "ratio_high": max(ratios), "values": values,
    }  # fmt: skip


def difference(a: Any, b: Any) -> float:
    """Greatest absolute difference of two nested lists of numbers."""
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max())


def keep(name: str, rows: list[dict[str, Any]], *, packages: tuple[str, ...] = ()) -> None:
    """Write the rows with when, where and how they came about."""
    RESULTS.mkdir(exist_ok=True)
    about = {
        "when": datetime.now(UTC).isoformat(timespec="minutes"), "cores": os.cpu_count(), "machine": processor(),
        "python": platform.python_version(), "command": " ".join(["python", *sys.argv]), "load": os.getloadavg()[0],
        "versions": {p: metadata.version(p) for p in ("numpy", *packages)},
    }  # fmt: skip
    (RESULTS / f"{name}.json").write_text(
        json.dumps({"about": about, "rows": rows}, indent=1) + "\n", "utf-8"
    )
    for row in rows:
        print(json.dumps(row))


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )
