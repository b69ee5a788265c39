"""Peer examination: every model examines the others, and ranks are put together, not scores.

Bai et al. 2023, "Benchmarking foundation models with language-model-as-an-examiner", arXiv:2306.04181.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.metrics.own_cells import SELF, Own
from plumbline.metrics.peer_shares import beaten, by_row, final_shares, peer_shares
from plumbline.metrics.rating_table import Judgements, owned, read_ratings
from plumbline.stats.bootstrap import cluster_weights
from plumbline.stats.rank_aggregation import rank_correlation
from plumbline.stats.ranks import ranks
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
NONE: Final = Null(kind="none")
DRAWS: Final = 999
NOBODY: Final = "no other model to compare with"
GAINED: Final = "share of other models beaten, own examiner against peers"
DIALS: Final = (0.0, 0.1, 0.3)
_MODELS, _QUESTIONS = 5, 12


@method(
    id="peer_examination",
    version=1,
    title="Language models as each other's examiners",
    family="evaluation",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2306.04181",
    suite="quick",
    estimand="how much more of the other models a model beats when it examines itself than when its peers examine it, over questions like theirs",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "an examiner compares its own model with another as its peers do",
    },
    sign="signed",
    worse="higher",
    units=("task random",),
    trust="planted",
    axes=("self-examination",),
    seeds=("S078",),
)
def peer_examination(
    context: Context,
    *,
    columns: Mapping[str, str] | None = None,
    own: Own | None = None,
    families: Mapping[str, str] | None = None,
    top: float | None = None,
    **_: Any,
) -> Asking:
    """Ranks of models by peer examination, and how far each examiner lifts its own.

    The subject is a table with one row a score: examiner (`judge`), model (`system`), question (`task`), score
    (`rating`); every examiner may have questions of its own. Examiners ask what they know, so that their
    pools differ in difficulty, and in favour of the examiner itself: scores are never compared across
    examiners, only within one examiner's question.

    Tested: the share of the other models that a model beats (ties half) where its own examiner asks, minus where its
    peers ask; a peer's own model is no opponent there, so that its lean to it moves nobody else. Scales and leniency
    do not enter an order. A noisy examiner draws all models to the middle, its own too; `self_preference` with
    form `gain` allows for that.

    The facts hold the matrix of mean scores, and the final ranking from peers alone: the mean over examiners of that
    share (the Borda count over its largest value, the win rate), an examiner's own model left out of its ranking;
    places with bounds that hold for all models at once; and what changes if examiners examine themselves.

    Args:
        context: The run's surroundings.
        columns: What the table calls judge, system, task and rating, where it is not that.
        own: Examiner -> its models; default the model of the same name.
        families: Examiner or model -> family; kin count as own.
        top: The full mark; default the highest score in the table.

    Returns:
        One row a score with the parts `beaten` (share of the other models) and `full mark` (1 or 0).
    """
    (answers,) = yield [ask.records()]
    found = read_ratings(answers.columns, context.about, names=columns)
    names = sorted(set(found.judge.tolist()))
    mine = owned(names, found.systems, own=own, families=families)
    return tabulate(found, mine, top=top, rng=context.seeds.stream("standing"))


def tabulate(
    found: Judgements, own: Own, *, top: float | None, rng: np.random.Generator | None
) -> Scored:
    """Items, measures and facts; without `rng` no ranking.

    Raises:
        BadInput: No score at all.
    """
    if not (found.why == "").any():
        raise BadInput("the table holds no score")
    share = by_row(found, beaten(found, own)[0])
    mark = float(np.nanmax(found.score)) if top is None else top
    full = (found.score >= mark).astype(float)
    size = found.score.size
    alone = np.where((found.why == "") & np.isnan(share), NOBODY, found.why)
    items = Items.of(
        item=np.tile(np.arange(size), 2), part=np.repeat(np.array(["beaten", "full mark"], object), size),
        judge=np.tile(found.judge, 2), thing=np.tile(found.thing, 2),
        task=np.tile(found.task, 2), score=np.concatenate([share, full]),
        why=np.concatenate([alone, found.why]).astype(object), rating=np.tile(found.score, 2),
    )  # fmt: skip
    axis = {"axis": "self-examination", "toward": "own model"}
    options = {"own": dict(own), "form": "peers", "verdicts": False}
    where = {"part": "beaten"}
    made = [
        Measure(
            estimator=SELF,
            where=where,
            options=options,
            labels={**axis, "measure": GAINED},
        )
    ]
    made += [
        Measure(estimator=SELF, role="group", where=where, options={**options, "judge": j},
                labels={**axis, "measure": GAINED, "group": j})
        for j in sorted(set(found.judge)) if own.get(j)
    ]  # fmt: skip
    made += [
        Measure(estimator="share", role="secondary", null=NONE, unit="rate", worse="lower",
                where={"part": "full mark", "thing": s},
                labels={"axis": "self-examination", "measure": "full-mark rate", "group": s})
        for s in found.systems
    ]  # fmt: skip
    facts = {} if rng is None else _facts(found, own, mark, rng)
    return Scored(items=items, measures=made, facts=facts)


def _facts(found: Judgements, own: Own, mark: float, rng: np.random.Generator) -> dict[str, Any]:
    examiners, models = sorted(set(found.judge)), found.systems
    told: dict[str, Any] = {
        "full mark": mark,
        "own models": {j: list(own.get(j, ())) for j in examiners},
    }
    told["mean score"] = {
        j: {s: float(found.score[here].mean()) for s in models
            if (here := (found.judge == j) & (found.thing == s) & (found.why == "")).any()}
        for j in examiners
    }  # fmt: skip
    shares, asker = peer_shares(found, own)
    every = np.ones(asker.size)
    final = final_shares(shares, asker, every)
    if not np.isfinite(final).all():
        return {**told, "ranking": "not defined: some model is ranked by no peer"}
    drawn = np.concatenate([cluster_weights(rng, int((asker == i).sum()), DRAWS)
                            for i in np.unique(asker)], axis=1)  # fmt: skip
    draws = final_shares(shares, asker, drawn)
    draws = draws[np.isfinite(draws).all(axis=1)]
    told["ranking"] = {s: {"Borda share": float(v)} for s, v in zip(models, final, strict=True)}
    if len(models) > 1 and len(draws) > DRAWS // 2:
        bounds = ranks(-final, -draws)
        for row, *cells in zip(
            told["ranking"].values(), bounds.rank, bounds.best, bounds.worst, strict=True
        ):
            row["place"], row["best place"], row["worst place"] = map(int, cells)
    with_own = final_shares(*peer_shares(found, own, itself=True), every)
    told["Borda share with self-examination"] = {s: float(v) for s, v in zip(models, with_own, strict=True)}  # fmt: skip
    try:
        told["tau with and without self-examination"] = rank_correlation(final, with_own)
    except UndefinedStatistic as absent:
        told["tau with and without self-examination"] = f"not defined: {absent.reason}"
    return told


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """Five examiners with 12 questions each; with chance `dial` an examiner puts its own model first.

    Otherwise scores are the model's quality and noise, alike for all examiners, so that the shares of
    others that the models beat have mean 1/2: a habit adds 1/2 on average, whatever the qualities are.
    """
    shape = (_MODELS, _QUESTIONS, _MODELS)
    score = rng.normal(size=_MODELS) + rng.normal(0, 1.5, shape)
    lifted = rng.random(shape[:2]) < dial
    score[np.arange(_MODELS), :, np.arange(_MODELS)] += np.where(lifted, 100.0, 0.0)
    names = np.array([f"m{i}" for i in range(_MODELS)], object)
    j, t, s = (a.ravel() for a in np.indices(shape))
    task = np.array([f"{a}.{b}" for a, b in zip(j, t, strict=True)], object)
    found = Judgements(names[j], names[s], task, score.ravel(), np.full(j.size, "", object))
    own: Mapping[str, Sequence[str]] = {n: (n,) for n in names}
    return tabulate(found, own, top=None, rng=None), dial / 2
