"""End-to-end trial of `click_bias`: users who stop before place k with a chance of 1 - k ** -dial, lists by a noisy ranker."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded

TASTE = np.array([0.1, 0.3, 0.6])


def clicked(dial: float, seed: int) -> Recorded:
    """One user a list: a depth is drawn, places down to it are read, and what is read is clicked by its grade."""
    rng = np.random.default_rng([seed, 82])
    lists, documents = 150, 15
    grade = rng.integers(0, 3, (lists, documents))
    better = np.argsort(-(grade + rng.standard_normal(grade.shape)), axis=1)
    grade = np.take_along_axis(grade, better, axis=1)
    # P(depth >= k) = k ** -dial.
    depth = rng.random((lists, 1)) ** (-1 / dial) if dial > 0 else np.full((lists, 1), np.inf)
    rank = np.tile(np.arange(1, documents + 1), (lists, 1))
    click = (rank <= depth) & (rng.random(grade.shape) < TASTE[grade])
    frame = {
        "query": np.repeat(np.arange(lists), documents).astype(str).astype(object),
        "document": np.arange(grade.size).astype(str).astype(object),
        "rank": rank.ravel(),
        "click": click.ravel().astype(int),
        "human": grade.ravel(),
    }
    extra = {"groups": ["query"], "prediction": "click"}
    return open_frame(frame, ModelOptions(extra=extra), name=f"clicks, {dial}")


PLANTED = Planted(clicked, 0.4)
