"""Self-preference of judges: own outputs rated above what leniency and quality explain.

Bai et al. 2023, "Benchmarking foundation models with language-model-as-an-examiner", arXiv:2306.04181;
Chu et al. 2024, "PRE: a peer review based large language model evaluator", arXiv:2401.15641.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.metrics.own_cells import FORMS, SELF, Own
from plumbline.metrics.rating_table import Judgements, owned, recorded, sides, themselves

ITSELF: Final = "the judge's own output"
DIALS: Final = (0.0, 0.2, 0.4)
_JUDGES, _TASKS = 5, 40


@method(
    id="self_preference",
    version=1,
    title="Self-preference of judges (double difference)",
    family="evaluation",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2306.04181",
    suite="quick",
    estimand="how much higher these judges rate their own outputs than their leniency and these systems' quality explain, over tasks like these",
    unit="points",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "a rating is the judge's leniency plus what the output is worth, whoever wrote it",
    },
    sign="signed",
    worse="higher",
    units=("task random",),
    trust="planted",
    axes=("self-preference",),
    seeds=("S078", "S070"),
)
def self_preference(
    context: Context,
    *,
    columns: Mapping[str, str] | None = None,
    judges: Sequence[str] = (),
    own: Own | None = None,
    families: Mapping[str, str] | None = None,
    itself: bool = True,
    form: str = "additive",
    **_: Any,
) -> Asking:
    """How much higher judges rate their own outputs, pooled and by judge, in three forms.

    The subject is a table with one row a rating (judge, system, task, rating), or one row a verdict on two
    systems' outputs (judge, question, first, second, verdict). Judges, systems and ratings are what they are; tasks are
    resampled.

    `additive`, the primary form: ratings that are nobody's own are fitted by judge + system, and what the
    judge's own cell has more is its self-preference. `published`: the double difference of S078, (own minus
    other systems) by the judge minus the same by the others. The others' lean to *their* systems is part of it,
    so a lean b that all n judges share comes out as b n / (n - 1). Both are untouched by leniency and quality,
    and both are misled where judges use the scale with different gains: a judge that spreads its ratings
    gives a good own system more. `gain` takes the residual of the judge's own line on what the others say, at the price
    of more noise.

    Verdicts: the judge's share for its own side, minus that of judges who own neither side of that pair; both
    orders should be there, since a habit for a place otherwise counts. `additive` and `published` are one there;
    `gain` takes the line through one half, which a noisy judge's verdicts draw near to.

    What is left may be taste: a judge may like the style in which it writes. No human label is used; where all judges
    err alike nothing is seen.

    Args:
        context: The run's surroundings.
        columns: What the table calls judge, system, task and rating (or judge, question, first, second and
            verdict), where it is not that: `{"judge": "reviewer"}`.
        judges: Only these judges; default all (leave out people).
        own: Judge -> its systems; default the system of the same name.
        families: Judge or system -> family: kin count as own, and a judge of the same family is no stranger.
        itself: Whether a judge's own systems count beside its kin's.
        form: `additive`, `published` or `gain`: which form is tested.

    Returns:
        One row a judgement; `thing` is the system, or `A | B` with the share for A.
    """
    if form not in FORMS:
        raise BadInput(f"form is one of {', '.join(FORMS)}; got {form!r}")
    (answers,) = yield [ask.records()]
    found = recorded(answers.columns, context.about, names=columns)
    if judges:
        found = found.take(np.isin(found.judge, list(judges)))
    names = sorted(set(found.judge.tolist()))
    mine = owned(names, found.systems, own=own, families=families)
    alone = {} if itself else themselves(names, found.systems, own)
    return tabulate(found, mine, form=form, left_out=alone)


def tabulate(
    found: Judgements, own: Own, *, form: str = "additive", left_out: Own | None = None
) -> Scored:
    """Items, measures and facts.

    Args:
        found: The judgements.
        own: Judge -> systems that count as its own.
        form: Which form is the primary one.
        left_out: Judge -> systems of which its judgements are left out (its own, where kin are asked about).
    """
    verdicts = found.verdicts
    out = [
        bool({*(left_out or {}).get(j, ())} & {*sides(t)})
        for j, t in zip(found.judge, found.thing, strict=True)
    ]
    why = np.where((found.why == "") & np.array(out, bool), ITSELF, found.why).astype(object)
    items = Items.of(
        item=np.arange(found.score.size), judge=found.judge, thing=found.thing, task=found.task,
        score=found.score, why=why, answer=np.arange(found.score.size),
        part=np.full(found.score.size, "verdict" if verdicts else "rating", object),
    )  # fmt: skip
    judges, things = sorted(set(found.judge)), sorted(set(found.thing))
    table = found.cube(judges, things, sorted(set(found.task)))
    with np.errstate(invalid="ignore"):
        counted = np.isfinite(table).sum(axis=2)
        means = np.where(counted > 0, np.nansum(table, axis=2) / np.maximum(counted, 1), np.nan)
    facts = {
        "own systems": {j: list(own.get(j, ())) for j in judges},
        "mean judgement": {
            j: {t: float(m) for t, m in zip(things, row, strict=True) if np.isfinite(m)}
            for j, row in zip(judges, means, strict=True)
        },
    }
    owners = [j for j in judges if own.get(j)]
    return Scored(items=items, measures=measures(own, owners, form, verdicts=verdicts), facts=facts)


def measures(own: Own, owners: Sequence[str], form: str, *, verdicts: bool) -> list[Measure]:
    """The primary, one a judge, and the other forms beside them."""
    unit = "rate" if verdicts else None
    forms = [form, *(f for f in FORMS if f != form and not (verdicts and f == "published"))]
    made = []
    for name in forms:
        text = (
            "own side against judges without a stake"
            if verdicts and name != "gain"
            else FORMS[name]
        )
        labels = {"axis": "self-preference", "toward": "own outputs", "measure": text}
        options = {"own": dict(own), "form": name, "verdicts": verdicts}
        main: Any = "primary" if name == form else "secondary"
        each: Any = "group" if name == form else "secondary"
        made.append(Measure(estimator=SELF, role=main, labels=labels, options=options, unit=unit))
        made += [
            Measure(
                estimator=SELF, role=each, labels={**labels, "group": j},
                options={**options, "judge": j}, unit=unit,
            )
            for j in owners
        ]  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """Five judges rate the outputs of their five models on 40 tasks.

    A rating is the task's ease ~ N(0, .5), the output's worth on it ~ N(quality, .7), the judge's
    leniency ~ N(0, .5), noise ~ N(0, .7), and `dial` for its own output.
    """
    names = np.array([f"m{i}" for i in range(_JUDGES)], object)
    shape = (_JUDGES, _JUDGES, _TASKS)
    worth = rng.normal(0, 0.5, _TASKS) + rng.normal(rng.normal(size=(_JUDGES, 1)), 0.7, shape[1:])
    score = worth[None] + rng.normal(0, 0.5, (_JUDGES, 1, 1)) + rng.normal(0, 0.7, shape)
    score += dial * np.eye(_JUDGES)[:, :, None]
    j, s, t = (a.ravel() for a in np.indices(shape))
    found = Judgements(
        names[j], names[s], t.astype(str).astype(object), score.ravel(), np.full(j.size, "", object)
    )
    return tabulate(found, {n: (n,) for n in names}), dial
