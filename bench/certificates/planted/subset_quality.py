"""End-to-end trial of `subset_quality`: 60 items by 40 voters who value one group `dial` too low (in logs)."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def ranked(dial: float, seed: int) -> Recorded:
    """The smaller group `b` (24 items) loses `dial` in every voter's log utility."""
    rng = np.random.default_rng([seed, 56])
    second = np.arange(60) < 24
    values = rng.normal(0, 0.5, 60) + rng.normal(0, 0.5, (40, 60)) - dial * second
    v, i = (a.ravel() for a in np.indices(values.shape))
    frame = {
        "voter": v.astype(str).astype(object),
        "item": i.astype(str).astype(object),
        "rank": 1 + np.argsort(np.argsort(-values, axis=1), axis=1).ravel(),
        "group": np.where(second, "b", "a").astype(object)[i],
    }
    return open_frame(frame, ModelOptions(extra={"score": "rank"}), name=f"rankings, {dial}")


PLANTED = Planted(ranked, 0.8)
