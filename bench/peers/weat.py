"""WEAT with its p-value: all 12,870 splits of 8 + 8 words, against WEFE's 10,000 draws.

    python bench/peers/weat.py [--rounds 3]

Random vectors of 300 numbers. WEFE draws with replacement, so its p is near the exact one, not equal; the effect size is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from side_by_side import Side, keep, paired  # noqa: E402 - after the path

SIZE, DIMENSIONS, SEED = 8, 300, 20261130


def main() -> None:
    """Compare, with one thread and with all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"
        np.save(
            path, np.random.default_rng(SEED).normal(size=(4 * SIZE, DIMENSIONS)).astype(np.float32)
        )
        given = (str(path), str(SIZE))
        for threads in (1, os.cpu_count() or 1):
            with (
                Side(HERE / "weat_plumbline.py", threads=threads, given=given) as ours,
                Side(HERE / "weat_wefe.py", peer="wefe", threads=threads, given=given) as peer,
            ):
                ours.run("exact")
                got = paired((ours, "exact"), (peer, "p 10000"), rounds=rounds, at_least=(0.5, 0.0))
            (d, p), (peer_d, peer_p) = got.pop("values")
            # WEFE divides by the population's standard deviation; the paper, and plumbline, by the sample's.
            d *= (2 * SIZE / (2 * SIZE - 1)) ** 0.5
            rows.append({
                "what": "WEAT, 8 + 8 words: exact p (12,870 splits) against 10,000 draws", "peer": "WEFE 1.0.1", "threads": threads,
                "target": 5000, **got, "equal": f"effect size (over the population's sd) to {abs(d - peer_d):.1e}; p {p:.4f} exact, {peer_p:.4f} by its draws",
            })  # fmt: skip
    keep("weat", rows, packages=("scipy",))


if __name__ == "__main__":
    main()
