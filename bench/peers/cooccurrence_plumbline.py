"""plumbline's side of `cooccurrence.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from cooccurrence_texts import responses
from worker import serve

from plumbline.data.lexicons import group_words
from plumbline.metrics.generated_words import Written
from plumbline.metrics.generation.cooccurrence_bias import PREFIX, SCORE, nearby

texts, targets = responses(int(sys.argv[1]))
lists = group_words.load("gender")
n = len(texts)
written = Written(
    texts=texts, why=[""] * n, openings=[""] * n, who=[""] * n, groups={}, axes={}, template=[str(i) for i in range(n)],
    draw=[0] * n, facts={},
)  # fmt: skip


def scored():
    """|log10 COBS(w)| as the peer defines it: the log ratio of c(w, g) / c(., g), less that of the groups' own words."""
    items = nearby(written, lists, targets, window=0, decay=0.95)
    options = {"words": targets, "smoothing": 1e-300, "per": "near"}
    sums = SCORE.features(items, options)
    first = items["group"] == lists.groups[0]
    both = np.stack([sums[first].sum(axis=0), sums[~first].sum(axis=0)])
    near = np.stack([items[PREFIX + w] for w in targets], axis=1)
    counts = np.stack([near[first].sum(axis=0), near[~first].sum(axis=0)])
    seeds = np.array([items["seeds"][first].sum(), items["seeds"][~first].sum()])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (
            np.log10(counts[0] / both[0, 1])
            - np.log10(counts[1] / both[1, 1])
            - np.log10(seeds[0] / seeds[1])
        )
    return [float(abs(r)) if (c > 0).all() else -1.0 for r, c in zip(ratios, counts.T, strict=True)]


serve({"score": scored})
