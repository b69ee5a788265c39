"""Seconds and memory of runs of 10^3 to 10^6 questions: asked, committed, inferred, written.

python bench/scale/answers.py [--rounds 2]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import keep  # noqa: E402 - after the path


def main() -> None:
    """A process for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    rows = []
    for n in (1_000, 10_000, 100_000, 1_000_000):
        told = [
            json.loads(
                subprocess.run(
                    [sys.executable, HERE / "one.py", str(n)], capture_output=True, check=True
                ).stdout
            )
            for _ in range(rounds)
        ]
        rows.append({
            "what": f"{n:,} questions: asked, committed, inferred, written", "ours_s": [t["seconds"] for t in told],
            "ratio": max(t["peak_mib"] for t in told), "at_most": 500.0, "unit": "MiB", "each_us": min(t["seconds"] for t in told) / n * 1e6,
        })  # fmt: skip
    keep("scale", rows, packages=("duckdb",))


if __name__ == "__main__":
    main()
