"""End-to-end trial of `numeric_recall`: numbers remembered around the truth, or 30 % too large."""

import numpy as np
from planted_audit import Planted

from plumbline.testing import PlantedRecaller

PLANTED = Planted(
    lambda d, s: PlantedRecaller(factor=float(np.exp(d)), spread=0.3, noise=0.1, copies=0.01, seed=s),
    0.3,
)  # fmt: skip
