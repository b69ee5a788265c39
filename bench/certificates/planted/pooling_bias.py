"""End-to-end trial of `pooling_bias`: 80 queries of 30 documents; a pool that follows a retriever's score by `dial`."""

import numpy as np
from planted_audit import Planted

from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.recorded import Recorded


def pooled(dial: float, seed: int) -> Recorded:
    """A document is judged where its utility to the pool exceeds a logistic noise; only positives are kept."""
    rng = np.random.default_rng([seed, 114])
    n = 80 * 30
    topic, style, score, overlap = rng.standard_normal((4, n))
    score = 0.5 * topic + np.sqrt(0.75) * score
    relevant = 2 * topic + 1.5 * style - 0.5 > rng.logistic(size=n)
    judged = dial * score + 2 * overlap > rng.logistic(size=n)
    frame = {
        "query": np.repeat(np.arange(80), 30).astype(str).astype(object),
        "label": (relevant & judged).astype(int),
        "content_topic": topic,
        "content_style": style,
        "pool_score": score,
        "pool_overlap": overlap,
    }
    return open_frame(frame, ModelOptions(extra={"groups": ["query"]}), name=f"pool, {dial}")


PLANTED = Planted(pooled, 0.8, {"pool": ("pool_score", "pool_overlap")})
