"""Clicks calibrated by a few human labels, or weighted by rank.

Zou et al., "Pre-trained Language Model based Ranking in Baidu Search", KDD 2021, arXiv:2105.11108 (trees from post-click
behaviour to labels; the paper's own features and equations were not read). Baseline: inverse propensity weights
of the position-based model, Joachims, Swaminathan & Schnabel 2017, arXiv:1608.04468.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import method
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.seeds import Seeds
from plumbline.data.click_tables import CALIBRATED, ClickTable, read_clicks
from plumbline.mitigate.click_trees import calibrate
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_records import CorrectedRecords, recorded
from plumbline.stats.arrays import codes
from plumbline.stats.click_model import CLIP, inverse_examination, stratified_slopes

Floats = NDArray[np.float64]
METHOD: Final = "click_calibration@1"
HOW: Final = ("tree", "ipw")
_OWN: Final = ("click rate", "rank")


@method(
    id="click_calibration",
    version=1,
    title="Clicks calibrated by human labels",
    family="data",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2105.11108",
    suite="full",
    estimand="position bias and bait in the labels that a ranker is trained on, over queries like these",
    unit="log ratio",
    null="none",
    sign="signed",
    worse="either",
    units=("query random",),
    trust="planted",
    kind="correction",
    axes=("position", "bait"),
    seeds=("S082",),
)
def click_calibration(
    base: Adapter, *, how: str = "tree", relevant: float = 1.0, depth: int = 4, leaf: int = 15,
    eta: float | None = None, clip: float = CLIP, query: str = "query", document: str = "document", rank: str = "rank",
    click: str = "click", impressions: str = "impressions", human: str = "human", behaviour: Sequence[str] = (),
    seed: int = 0,
) -> CorrectedRecords:  # fmt: skip
    """Add a column `calibrated`: what clicks and behaviour say about relevance, to train a ranker on.

    `tree`: a decision tree on click rate, rank and behaviour, fitted on the rows that people labelled; a row's value is its leaf's
    share of relevant rows, smoothed. It can see through bait, where behaviour tells it. Labelled rows get their value from trees
    that have not seen their query, so `click_bias` may compare it with their labels. The tree is kept as numbers.

    `ipw`: click rate times rank ** eta, at most `clip`. It mends position bias only; a value can exceed 1. eta is given, or
    measured as `click_bias` does. Bait that position bias had kept out of sight comes to the fore.

    Labels from the exposed lists carry their pooling bias. Where a quick answer is a good answer, short stays
    are no fault, and a tree will hold them for one unless people labelled such pages, too.

    Args:
        base: A recorded table with a row for each query, document and rank; see `click_bias` for the columns.
        how: `tree` or `ipw`.
        relevant: Smallest human label that counts as relevant.
        depth: Deepest leaf of the tree.
        leaf: Fewest labelled rows in a leaf.
        eta: Exponent of examination, for `ipw`; measured where it is not given.
        clip: Largest weight, for `ipw`.
        query: Column that names the query.
        document: Column that names the document.
        rank: Column of places, 1 is first.
        click: Column of 0 and 1, or of counts.
        impressions: Column of how often the row was shown; without it once.
        human: Column of labels by people, empty where there is none.
        behaviour: Columns of what users did; default all columns called behaviour_NAME; 0 where nobody clicked.
        seed: Of the folds.

    Returns:
        The table with the column `calibrated`.

    Raises:
        AbilityError: The base is no recorded table.
        BadInput: Too few labels; no way to measure eta.
        MissingExtra: scikit-learn is not installed (`tree`).
    """
    if how not in HOW:
        raise UnknownName("way to calibrate clicks", how, HOW)
    columns = recorded(base)
    table = read_clicks(
        columns, about=base.about(), query=query, document=document, rank=rank, click=click,
        impressions=impressions, human=human, behaviour=behaviour,
    )  # fmt: skip
    rate = table.clicks / table.impressions
    if how == "ipw":
        slope = _measured(table) if eta is None else float(eta)
        values = rate * inverse_examination(table.rank, slope, clip=clip)
        params: dict[str, Any] = {"eta": slope, "eta measured": eta is None, "clip": clip}
    else:
        x = np.column_stack([rate, table.rank, table.behaviour])
        truth = np.where(np.isfinite(table.human), (table.human >= relevant) * 1.0, np.nan)
        rng = Seeds(seed).stream("click_calibration", "folds")
        made = calibrate(
            x, truth, codes(table.query, "query"), depth=int(depth), leaf=int(leaf), rng=rng
        )
        values = made.values
        params = {
            "features": [*_OWN, *table.behaviour_names], "tree": made.tree.numbers(), "relevant": relevant,
            "labelled rows": int(np.isfinite(table.human).sum()), "calibration error, held out": made.error, "seed": seed,
        }  # fmt: skip
    kept = {n: v for n, v in columns.items() if (n.partition(":")[2] or n) != CALIBRATED}
    return CorrectedRecords(base, {**kept, f"column:{CALIBRATED}": values}, METHOD, {"how": how, **params})  # fmt: skip


def _measured(table: ClickTable) -> float:
    """The exponent of examination: of documents at several ranks, else at equal human label."""
    swapped, labelled = table.swapped, np.isfinite(table.human)
    if not swapped.any() and not labelled.any():
        raise BadInput(
            "eta cannot be measured: no document was shown at several ranks and none has a human label. Give eta"
        )
    rows = swapped if swapped.any() else labelled
    strata = table.document[rows] if swapped.any() else table.human[rows]
    fit = stratified_slopes(
        table.clicks[rows], np.log(table.rank[rows]), strata, impressions=table.impressions[rows]
    )
    return -float(fit.values[0])
