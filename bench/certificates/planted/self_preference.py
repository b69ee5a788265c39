"""End-to-end trial of `self_preference`: five judges rate their own five models on 40 tasks."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def rated(lean: float, seed: int) -> Recorded:
    """Whole ratings of 1 to 10: worth, leniency and noise, and `lean` for the judge's own output."""
    rng = np.random.default_rng([seed, 78])
    shape = (5, 5, 40)
    worth = rng.normal(5.5, 1, 40) + rng.normal(rng.normal(size=(5, 1)), 0.7, (5, 40))
    score = worth + rng.normal(0, 0.5, (5, 1, 1)) + rng.normal(0, 0.7, shape)
    score += lean * np.eye(5)[:, :, None]
    judge, system, task = (a.ravel() for a in np.indices(shape))
    names = np.array([f"model {i}" for i in range(5)], dtype=object)
    frame = {
        "judge": names[judge], "system": names[system], "task": task.astype(str).astype(object),
        "rating": np.clip(np.round(score), 1, 10).ravel(),
    }  # fmt: skip
    options = ModelOptions(extra={"prediction": "rating", "groups": ["judge"]})
    return open_frame(frame, options, name=f"planted ratings, lean {lean}")


PLANTED = Planted(rated, 0.5)
