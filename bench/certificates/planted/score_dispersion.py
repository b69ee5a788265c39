"""End-to-end trial of `score_dispersion`: scores of 30 occupations by the gender and age of who is shown."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def scored(shift: float, seed: int) -> Recorded:
    """Whole points of ten; women's images get `shift` points more on average, images differ by one or two."""
    rng = np.random.default_rng([seed, 110])
    o, g, a = (axis.ravel() for axis in np.indices((30, 2, 3)))
    points = rng.uniform(3, 7, 30)[o] + shift * (g == 0) + rng.standard_normal(o.size)
    frame = {
        "occupation": o.astype(str).astype(object),
        "gender": np.array(["women", "men"], dtype=object)[g],
        "age": np.array(["young", "adult", "old"], dtype=object)[a],
        "judge_score": np.clip(np.round(points), 0, 10),
    }
    options = ModelOptions(extra={"score": "judge_score", "groups": ["gender", "age"]})
    return open_frame(frame, options, name=f"planted scores, shift {shift}")


PLANTED = Planted(scored, 1.0)
