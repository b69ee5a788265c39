"""End-to-end trial of `peer_review`: three judges, of whom two repeat each other more or less."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded

EXAM = [f"exam {i}" for i in range(20)]


def judged(apart: float, seed: int) -> Recorded:
    """Verdicts on five systems by judges with an exam of .85, .75 and .75, all right in .75 of the review.

    The exam's shares are exact, so that the first judge is the best of it and two of the others outweigh it: the
    third judge errs by itself with chance `apart`, otherwise it repeats the second. With
    `apart` 0 these two outvote the first, so the panel is right as often as the best judge alone.
    """
    rng = np.random.default_rng([seed, 70])
    tasks = [*EXAM, *(f"task {i}" for i in range(40))]
    rows = []
    sat = 0
    for task in tasks:
        for a in range(5):
            for b in range(a + 1, 5):
                right = rng.random(3) < 0.75
                right[2] = right[2] if rng.random() < apart else right[1]
                if task in EXAM:
                    right, sat = np.array([17, 15, 15]) > sat % 20, sat + 1
                for name, first_wins in (("human", True), *zip("xyz", right, strict=True)):
                    for one, two in ((a, b), (b, a)):
                        word = "first" if bool(first_wins) == (one == a) else "second"
                        rows.append((name, task, f"s{one}", f"s{two}", word))
    keys = ("judge", "question", "first", "second", "verdict")
    columns = zip(*rows, strict=True)
    frame = {k: np.array(c, dtype=object) for k, c in zip(keys, columns, strict=True)}
    options = ModelOptions(extra={"prediction": "verdict", "groups": ["judge"]})
    return open_frame(frame, options, name=f"planted judges, apart {apart}")


PLANTED = Planted(judged, 1.0, params={"exam": EXAM})
