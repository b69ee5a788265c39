"""End-to-end trial of `judge_leniency`: 300 texts in two languages, scored by three people and a judge."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def scored(soft: float, seed: int) -> Recorded:
    """Everybody gives the text's own class with chance .7; the judge's score turns into 2 with chance `soft`."""
    rng = np.random.default_rng([seed, 63])
    own = rng.choice(3, 300, p=[0.1, 0.2, 0.7])
    said = np.where(rng.random((300, 4)) < 0.7, own[:, None], rng.choice(3, (300, 4)))
    frame = {
        "item": np.arange(300).astype(str).astype(object),
        "language": np.repeat(np.array(["Czech", "German"], dtype=object), 150),
        "judge_score": np.where(rng.random(300) < soft, 2, said[:, 0]),
        **{f"human_{k}": said[:, k] for k in (1, 2, 3)},
    }
    options = ModelOptions(extra={"prediction": "judge_score", "groups": ["language"]})
    return open_frame(frame, options, name=f"planted scores, leniency {soft}")


PLANTED = Planted(scored, 0.5)
