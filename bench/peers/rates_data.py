"""The table of `rates.py`: rows, groups, labels and decisions that lean a little more in each group."""

import numpy as np

GROUPS, SEED = 20, 20261130


def table(rows):
    """(label, decision, group) of so many rows."""
    rng = np.random.default_rng(SEED)
    group = rng.integers(0, GROUPS, rows)
    label = rng.integers(0, 2, rows)
    decision = (rng.random(rows) < 0.3 + 0.01 * group + 0.2 * label).astype(np.int64)
    return label, decision, np.array([f"g{i:02}" for i in range(GROUPS)], object)[group]
