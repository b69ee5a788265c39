"""Peer review: judges that passed an exam, weighted, against the best of them alone.

Chu et al. 2024, "PRE: a peer review based large language model evaluator", arXiv:2401.15641.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored, Skip
from plumbline.metrics.panel_review import Bench, Exams, exam_tasks, in_wordings, standing, tau
from plumbline.metrics.rating_table import recorded
from plumbline.metrics.recorded import column_called

Floats = NDArray[np.float64]
NONE: Final = Null(kind="none")
DIALS: Final = (0.0, 0.05, 0.1)
_PAIRS, _TASKS = 10, 40


@method(
    id="peer_review",
    version=1,
    title="Peer review by qualified judges (PRE)",
    family="evaluation",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2401.15641",
    suite="quick",
    estimand="how much more often the weighted panel agrees with the gold labels than the judge that did best in the exam, over tasks like these, for this exam",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "the other judges add nothing to the one that did best in the exam",
    },
    sign="signed",
    worse="lower",
    units=("task random",),
    trust="planted",
    axes=("judge",),
    seeds=("S070",),
)
def peer_review(
    context: Context,
    *,
    columns: Mapping[str, str] | None = None,
    gold: str = "human",
    judges: Sequence[str] = (),
    exam: float | Sequence[str] = 0.5,
    exam_by: str = "pairwise",
    threshold: float | None = None,
    weighting: str = "log",
    alpha: float = 1.0,
    wording: str = "",
    share: float = 0.5,
    **_: Any,
) -> Asking:
    """Exam, weights and chair on recorded judgements; the panel against its best judge.

    The table has one row a rating (judge, system, task, rating) or one row a verdict (judge, question, first, second,
    verdict); one of the judges holds the gold labels (people, say). Some tasks are the exam. Judges that pass are
    weighted by their scores, and judge the *other* tasks together: the sign of the weighted votes over both orders,
    or the weighted mean of z-scored ratings. Choosing and weighing judges by the very labels that the panel is
    measured with would be circular.

    Tested: the panel's agreement with the gold labels minus that of the judge with the best exam. A tie has half
    credit; pairs on which the gold labels are tied are left out. The facts hold each judge's exam, weight and
    Kendall's tau with the gold ranking, and the panel's ranking: win shares with places that hold for all systems at
    once, Bradley-Terry strengths, and Elo ratings (K = 16) as mean and spread over 200 orders of the games,
    because one order's ratings are one draw.

    Log-odds weights are right for judges that err independently. Judges of one family repeat each other's
    errors and then count twice; the facts hold the correlations of their errors.

    Args:
        context: The run's surroundings.
        columns: What the table calls its columns, where it is not that: `{"judge": "reviewer"}`.
        gold: The judge whose labels count as right.
        judges: Only these judges; default all but the gold one.
        exam: Share of the tasks that are the exam, drawn from a named stream, or the exam tasks' names.
        exam_by: `pairwise` (accuracy over pairs, a tie half), `exact` or `mse` (ratings against gold ratings).
        threshold: Smallest score that passes: .6, or -1 (an error of at most 1) for `mse`.
        weighting: `log` (log-odds of the score), `uniform`, `exp` or `poly`.
        alpha: Of `exp` and `poly`.
        wording: Column of the prompt's wording, if the exam was judged in two: the second by name serves the exam of
            inner consistency only.
        share: g in w = g w_exam + (1 - g) w_consistency.

    Returns:
        One row a pair and task for the panel, the single judge, their difference, and every judge.
    """
    (answers,) = yield [ask.records()]
    found = recorded(answers.columns, context.about, names=columns)
    said = column_called(answers.columns, wording, context.about).astype(str) if wording else None
    bench, again = in_wordings(found, said, gold, judges)
    here = exam_tasks(bench, exam, context.seeds.stream("exam"))
    exams = Exams.of(
        bench.part(here),
        None if again is None else again.part(here),
        how=exam_by,
        threshold=threshold,
    )
    who = np.flatnonzero(exams.passed)
    if who.size < 2:
        return Skip(
            f"{who.size} of {len(bench.judges)} judges passed the exam (best: {bench.judges[exams.best]} with "
            f"{exams.score[exams.best]:.2f}): no panel"
        )
    weight = exams.weights(who, weighting=weighting, alpha=alpha, share=share)
    review = bench.part(~here)
    verdicts = {"panel": review.verdict(who, weight)}
    verdicts |= {j: review.verdict(np.array([k]), np.ones(1)) for k, j in enumerate(bench.judges)}
    facts = _facts(bench, review, verdicts, context.seeds.stream("standing"))
    for k, name in enumerate(bench.judges):
        facts["judges"][name] |= {**exams.told(k), "weight": float(weight[who == k].sum())}
    facts |= {"exam tasks": int(here.sum()), "best in the exam": bench.judges[exams.best]}
    return tabulate(review, verdicts, bench.judges[exams.best], facts)


def _facts(
    bench: Bench, review: Bench, said: Mapping[str, Floats], rng: np.random.Generator
) -> dict[str, Any]:
    errors = np.stack([review.credit(said[j]).ravel() for j in bench.judges])
    whole = errors[:, np.isfinite(errors).all(axis=0)]
    varies = whole.std(axis=1) > 0 if whole.shape[1] else np.zeros(len(errors), bool)
    apart = np.corrcoef(whole[varies]) if varies.sum() > 1 else np.ones((1, 1))
    names = [j for j, v in zip(bench.judges, varies, strict=True) if v]
    return {
        "judges": {j: {"tau with gold": tau(review, said[j])} for j in bench.judges},
        "tau of the panel": tau(review, said["panel"]),
        "correlation of errors": {
            f"{a}, {b}": float(apart[i, k])
            for i, a in enumerate(names) for k, b in enumerate(names) if i < k
        },
        "ranking": standing(review, said["panel"], rng),
        "pairs without a gold label": int(np.isnan(review.gold).sum()),
    }  # fmt: skip


def tabulate(
    review: Bench, said: Mapping[str, Floats], single: str, facts: Mapping[str, Any]
) -> Scored:
    """Items and measures from verdicts of shape (pairs, tasks) by name; `panel` is among them."""
    credit = {name: review.credit(v) for name, v in said.items()}
    parts = {"difference": credit["panel"] - credit[single], **credit}
    pair, task = (a.ravel() for a in np.indices(review.gold.shape))
    names = np.array(review.systems, object)[np.array(review.pairs)]
    no_gold, size = np.isnan(review.gold).ravel(), pair.size
    score = np.concatenate([v.ravel() for v in parts.values()])
    why = np.where(
        np.tile(no_gold, len(parts)), "no gold label", np.where(np.isnan(score), "no verdict", "")
    )
    items = Items.of(
        item=np.tile(np.arange(size), len(parts)), part=np.repeat(np.array(list(parts), object), size),
        task=np.tile(np.array(review.tasks, object)[task], len(parts)),
        first=np.tile(names[pair, 0], len(parts)), second=np.tile(names[pair, 1], len(parts)),
        score=score, why=why.astype(object),
    )  # fmt: skip
    axis = {"axis": "judge"}
    main = {"group": "panel", "against": single, "measure": "agreement with gold labels"}
    made = [Measure(estimator="mean", where={"part": "difference"}, labels={**axis, **main})]
    made += [
        Measure(estimator="share", role="secondary", null=NONE, where={"part": name},
                labels={**axis, "group": name, "measure": "agreement with gold labels"})
        for name in said
    ]  # fmt: skip
    return Scored(items=items, measures=made, facts=facts)


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """Ten pairs on 40 review tasks: a single judge right with a chance by task, the panel `dial` more often.

    The chance is Beta with mean .7 by task; panel and judge share their luck on half of the pairs.
    """
    shape = (_PAIRS, _TASKS)
    chance = rng.beta(7.0, 3.0, _TASKS)
    luck = rng.random(shape)
    other = np.where(rng.random(shape) < 0.5, luck, rng.random(shape))
    better = (rng.random(shape) < dial / (1 - 0.7)) & (other >= chance)
    right = [luck < chance, (other < chance) | better]
    single, together = (np.where(r, 1.0, -1.0) for r in right)
    bench = Bench(
        ("one",), tuple("abcde"), tuple((a, b) for a in range(5) for b in range(a + 1, 5)),
        tuple(map(str, range(_TASKS))), single[None, None], np.ones(shape),
    )  # fmt: skip
    return tabulate(bench, {"panel": together, "one": single}, "one", {}), dial
