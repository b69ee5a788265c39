"""Rates of a million decisions in 20 groups: point values, and bootstrap draws, against fairlearn's MetricFrame.

    python bench/peers/rates.py [--rows 1000000] [--rounds 3]

Accuracy, selection, true and false positive rate. fairlearn resamples rows; plumbline resamples random lots of rows, so
intervals agree as two Monte-Carlo intervals do.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

from rates_data import table  # noqa: E402 - after the path
from side_by_side import Side, difference, keep, paired  # noqa: E402 - after the path


def as_wide(ends: list, rates: list, rows: int) -> float:
    """Mean width of the drawn 95 % intervals over that of the binomial; rows are independent here, so it should be near 1.

    Args:
        ends: Low and high of each group and rate; shape (2, groups, rates).
        rates: The rates; shape (groups, rates). The first two look at all rows of a group.
        rows: Rows of the table.
    """
    _, _, group = table(rows)
    sizes = np.unique(group.astype(str), return_counts=True)[1]
    low, high = np.array(ends)[:, :, :2]
    p = np.array(rates)[:, :2]
    return float(((high - low) / (2 * 1.959964 * np.sqrt(p * (1 - p) / sizes[:, None]))).mean())


def main() -> None:
    """Compare, with one thread and with all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = []
    for threads in (1, os.cpu_count() or 1):
        args = (str(given.rows),)
        with (
            Side(HERE / "rates_plumbline.py", threads=threads, given=args) as ours,
            Side(
                HERE / "rates_fairlearn.py", peer="fairlearn", threads=threads, given=args
            ) as peer,
        ):
            common = {"peer": "fairlearn 0.15.0", "threads": threads}
            for case in ("point", "1000 draws", "whole"):
                ours.run(case)
            got = paired((ours, "point"), (peer, "point"), rounds=given.rounds, at_least=(0.5, 0.0))
            one, two = got.pop("values")
            rows.append({
                "what": f"four rates of {given.rows:,} rows in 20 groups", **common, "target": 30, **got,
                "equal": f"to {difference(one, two):.0e}",
            })  # fmt: skip
            got = paired(
                (ours, "1000 draws"),
                (peer, "5 draws"),
                rounds=1 if threads > 1 else given.rounds,
                per=(1000, 5),
                at_least=(0.5, 0.0),
            )
            ends, _ = got.pop("values")
            rows.append({
                "what": "a bootstrap draw of these rates (1,000 against 5 draws)", **common, "target": 1000, **got,
                "equal": f"intervals of accuracy and selection {as_wide(ends, one, given.rows):.2f} times as wide as binomial ones",
            })  # fmt: skip
            whole = ours.run("whole", at_least=1.0)
            rows.append({
                "what": "for scale: all of `group_rates` on these rows (every rate, intervals, permutation test)",
                "threads": threads, "ours_s": [whole["seconds"]],
            })  # fmt: skip
    keep("rates", rows, packages=("scipy",))


if __name__ == "__main__":
    main()
