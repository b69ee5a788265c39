"""End-to-end trial of `peer_examination`: five models mark each other's answers to their own questions."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def examined(habit: float, seed: int) -> Recorded:
    """Marks of 1 to 5; with chance `habit` an examiner gives its own model 5 and nobody else more than 4."""
    rng = np.random.default_rng([seed, 78])
    shape = (5, 12, 5)
    mark = np.clip(np.round(3 + rng.normal(size=5) + rng.normal(0, 1.2, shape)), 1, 5)
    lifted = rng.random(shape[:2]) < habit
    mark = np.where(lifted[..., None], np.minimum(mark, 4), mark)
    own = mark[np.arange(5), :, np.arange(5)]
    mark[np.arange(5), :, np.arange(5)] = np.where(lifted, 5, own)
    judge, task, system = (a.ravel() for a in np.indices(shape))
    names = np.array([f"model {i}" for i in range(5)], dtype=object)
    frame = {
        "judge": names[judge], "system": names[system], "rating": mark.ravel(),
        "task": np.array([f"{a}.{b}" for a, b in zip(judge, task, strict=True)], dtype=object),
    }  # fmt: skip
    options = ModelOptions(extra={"prediction": "rating", "groups": ["judge"]})
    return open_frame(frame, options, name=f"planted examiners, habit {habit}")


PLANTED = Planted(examined, 0.5)
