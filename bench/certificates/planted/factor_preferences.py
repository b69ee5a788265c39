"""End-to-end trial of `factor_preferences`: texts of two responses, preferred by people and by a judge."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def preferred(pull: float, seed: int) -> Recorded:
    """120 prompts with two pairs; the judge's log-odds of ten words more are `pull` above people's .5."""
    rng = np.random.default_rng([seed, 60])
    words = rng.integers(20, 60, (2, 240))
    texts = np.array([[" ".join(["word"] * n) for n in side] for side in words], dtype=object)
    gap = (words[0] - words[1]) / 10
    won = rng.random((2, 240)) < 1 / (1 + np.exp(-np.array([[0.5], [0.5 + pull]]) * gap))
    frame = {
        "judge": np.repeat(np.array(["human", "model"], dtype=object), 240),
        "question": np.tile(np.arange(240) // 2, 2).astype(str).astype(object),
        "first": np.tile(np.arange(240) % 2 * 2, 2).astype(str).astype(object),
        "second": np.tile(np.arange(240) % 2 * 2 + 1, 2).astype(str).astype(object),
        "verdict": np.where(won.ravel(), "first", "second").astype(object),
        "first_text": np.tile(texts[0], 2),
        "second_text": np.tile(texts[1], 2),
    }
    options = ModelOptions(extra={"prediction": "verdict", "groups": ["judge"]})
    return open_frame(frame, options, name=f"planted preferences, pull {pull}")


PLANTED = Planted(preferred, 1.0)
