"""Relevance of unlabelled documents, estimated together with the selection of labels.

Cai, Guo, Fan, Ai, Zhang & Cheng, "Hard Negatives or False Negatives: Correcting Pooling Bias in Training Neural
Ranking Models", CIKM 2022, arXiv:2209.05072. Their loss was not read: this is the likelihood of two logistic models,
whose posteriors become training targets for any ranker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.card import method
from plumbline.core.errors import BadInput
from plumbline.data.judged_tables import RELEVANCE, JudgedTable, read_judged
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_records import CorrectedRecords, recorded
from plumbline.stats.coupled_selection import (
    CLIP,
    Coupled,
    coupled,
    inverse_weights,
    relevant_posterior,
)  # fmt: skip

Floats = NDArray[np.float64]
METHOD: Final = "coupled_relevance@1"
WEIGHT: Final = "relevance_weight"
MODEL: Final = "relevance_model"


@method(
    id="coupled_relevance",
    version=1,
    title="Coupled estimation of relevance and selection",
    family="data",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2209.05072",
    suite="full",
    estimand="NDCG of a ranker trained on the labels, over queries like these",
    unit="rate",
    null="none",
    sign="signed",
    worse="lower",
    units=("query random",),
    trust="planted",
    kind="correction",
    axes=("judgement pool",),
    seeds=("S114",),
)
def coupled_relevance(
    base: Adapter, *, content: Sequence[str] = (), pool: Sequence[str] = (), query: str = "query",
    label: str = "label", judged: str = "judged", clip: float = CLIP,
) -> CorrectedRecords:  # fmt: skip
    """Add columns with the estimated relevance of every document, to train a ranker on in place of the labels.

    `relevance`: 1 for a labelled relevant document, 0 for a judged negative, and P(relevant | features, no label) for
    all others. `relevance_weight`: 1 / P(selected), at most `clip`, for a positive; 1 - P(relevant) for a document
    that is used as a negative; 1 for a judged negative. `relevance_model`: P(relevant) by the relevance features alone.

    A pool feature that tells relevance, too, is named in both `content` and `pool`; left out of the content, it makes relevance
    among the rest too high.

    Train on `relevance` as a soft target, or on the labels with the weights. It repairs false negatives. Negatives that
    go stale while a ranker is trained are another trouble, and stay. Draw documents by their features, never by
    features and label together (the top of all unlabelled ones): no model of selection holds for those.

    Args:
        base: A recorded table with a row for each query and document; see `pooling_bias` for the columns.
        content: Relevance features; default all columns content_NAME.
        pool: Selection features; default all columns pool_NAME.
        query: Column that names the query.
        label: Column above 0 where a document was labelled relevant.
        judged: Column of 1 and 0, if there is one.
        clip: Largest weight.

    Returns:
        The table with three more columns.

    Raises:
        AbilityError: The base is no recorded table.
        BadInput: Features that cannot tell relevance from selection, or a fit that did not converge.
    """
    columns = recorded(base)
    table = read_judged(
        columns,
        about=base.about(),
        content=content,
        pool=pool,
        query=query,
        label=label,
        judged=judged,
    )
    known = table.judged
    if known is not None and not (known > table.label).any():
        known = None
    fit = coupled(table.content, table.pool, table.label, judged=known)
    _check(fit)
    relevance = relevant_posterior(table.label, fit.g, fit.h, known)
    weight = np.where(table.label > 0, inverse_weights(fit.h, clip=clip), 1 - relevance)
    made = {RELEVANCE: relevance, WEIGHT: weight, MODEL: fit.g}
    kept = {name: values for name, values in columns.items() if name.partition(":")[2] not in made and name not in made}  # fmt: skip
    added = {f"column:{name}": values for name, values in made.items()}
    return CorrectedRecords(base, {**kept, **added}, METHOD, _params(table, fit, relevance, clip))


def _check(fit: Coupled) -> None:
    if fit.mirrored:
        raise BadInput(
            "relevance and selection features span the same space and no judged negatives are recorded: nothing says which "
            "model is relevance. Give each features of its own (content, pool), or record who was judged (judged)"
        )
    if not fit.converged:
        raise BadInput(
            f"the likelihood found no maximum in {fit.steps} steps; are features nearly dependent?"
        )


def _params(table: JudgedTable, fit: Coupled, relevance: Floats, clip: float) -> dict[str, Any]:
    rest = table.label == 0
    h = fit.h[table.label > 0]
    return {
        "content": list(table.content_names), "pool": list(table.pool_names), "clip": clip,
        "relevance": fit.relevance.tolist(), "selection": fit.selection.tolist(),
        "labelled relevant": int(table.label.sum()), "estimated relevant among the rest": float(relevance[rest].sum()),
        "share of positives whose weight is clipped": float((h * clip < 1).mean()),
    }  # fmt: skip
