"""Click logs with a planted position bias and planted bait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

GRADES: Final = (0.05, 0.2, 0.5, 0.8)
"""Attractiveness of documents with the human labels 0 to 3."""
LURE: Final = 0.9
"""Attractiveness of bait, whose human label is 0."""
_TASTE: Final = np.array([1.5, -1.0, 0.7, 0.0])


def planted_clicks(
    rng: np.random.Generator, *, queries: int = 200, documents: int = 20, eta: float = 1.0, bait: float = 0.2,
    impressions: int = 30, labelled: int | None = None, shows: int = 1, skill: float = 0.7,
    grades: Sequence[float] = GRADES,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """A log as columns: users look at a place with probability rank ** -eta, and click what attracts them.

    Documents have four content features, three of which make their relevance (graded 0 to 3 by people), and a fifth, loudness,
    that bait has more of. Ranks come from a noisy ranker that knows the grade. After a click users stay longer the
    better the document is, and leave bait at once; the last click of a session falls on good documents.

    Args:
        rng: Of everything.
        queries: Number of queries.
        documents: Documents of each.
        eta: Position bias; 0: every place is looked at alike.
        bait: Share of documents that are bait.
        impressions: How often each list is shown.
        labelled: Rows with a human label, drawn at random; None is all.
        shows: Lists of a query; with 2 or more the same documents stand at other ranks, too.
        skill: How well the ranker that made the lists knows the grade; 0: lists are in random order.
        grades: Attractiveness by human label.

    Returns:
        query, document, rank, click, impressions, human (NaN where nobody was asked), grade (always known),
        bait, behaviour_dwell (log seconds, 0 without a click), behaviour_last, content_1 to content_4, content_loud.
    """
    n = queries * documents
    x = rng.standard_normal((n, _TASTE.size))
    lure = rng.random(n) < bait
    worth = x @ _TASTE + rng.standard_normal(n)
    grade = np.where(lure, 0, np.digitize(worth, (0.0, 1.5, 3.0)))
    loud = rng.standard_normal(n) + 2.0 * lure
    rows = np.tile(np.arange(n), shows)
    lists = np.repeat(np.arange(queries * shows), documents)
    order = np.lexsort((-(skill * grade[rows] + rng.standard_normal(rows.size)), lists))
    rank = np.empty(rows.size, np.int64)
    rank[order] = np.arange(rows.size) % documents + 1
    attract = np.where(lure, LURE, np.asarray(grades, float)[grade])[rows]
    clicks = rng.binomial(impressions, attract * rank ** (-float(eta)))
    staying = np.where(lure, 1.5, 2.0 + 0.8 * grade)[rows]
    dwell = staying + 0.8 * rng.standard_normal(rows.size) / np.sqrt(np.maximum(clicks, 1))
    last = rng.binomial(clicks, np.where(lure, 0.1, 0.15 + 0.2 * grade)[rows]) / np.maximum(
        clicks, 1
    )
    human = grade[rows].astype(float)
    if labelled is not None:
        kept = rng.choice(rows.size, labelled, replace=False)
        human = np.where(np.isin(np.arange(rows.size), kept), human, np.nan)
    names = np.arange(n)
    table = {
        "query": np.char.add("q", (names // documents).astype(str)).astype(object)[rows],
        "document": np.char.add("d", (names % documents).astype(str)).astype(object)[rows],
        "rank": rank, "click": clicks, "impressions": np.full(rows.size, impressions),
        "human": human, "grade": grade[rows], "bait": lure[rows].astype(np.int64),
        "behaviour_dwell": np.where(clicks > 0, np.maximum(dwell, 0.0), 0.0), "behaviour_last": last,
    }  # fmt: skip
    content = {f"content_{j + 1}": x[rows, j] for j in range(x.shape[1])}
    return {**table, **content, "content_loud": loud[rows]}
