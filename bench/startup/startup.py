"""Seconds until a command has said what it says, and of the bare import; best of several, files warm.

python bench/startup/startup.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import keep  # noqa: E402 - after the path

BIN = Path(sys.executable).parent
IMPORT = "import time; b = time.perf_counter(); import plumbline; print(time.perf_counter() - b)"
CASES = {
    "`plumbline --help`": ([BIN / "plumbline", "--help"], 0.2),
    "`plumbline list`": ([BIN / "plumbline", "list"], 0.3),
    "`import plumbline`": ([sys.executable, "-c", IMPORT], 0.05),
}


def main() -> None:
    """Time each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    rows = []
    for what, (command, target) in CASES.items():
        times = []
        for _ in range(rounds + 1):
            began = time.perf_counter()
            said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
            times.append(float(said) if "import" in what else time.perf_counter() - began)
        times = sorted(times[1:])
        rows.append({
            "what": what, "at_most": target, "unit": "s", "ours_s": times, "ratio": times[len(times) // 2],
            "ratio_low": times[0], "ratio_high": times[-1],
        })  # fmt: skip
    keep("startup", rows)


if __name__ == "__main__":
    main()
