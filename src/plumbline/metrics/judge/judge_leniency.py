"""Leniency of a judge: how much oftener than people it gives the highest score, by language.

Hada et al. 2024, "Are large language model-based evaluators the solution to scaling up multilingual
evaluation?", Findings of EACL, arXiv:2309.07462; calibration arXiv:2301.09633.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.metrics.judge_labels import (
    PARTIAL,
    PARTS,
    SPLIT,
    Flags,
    Floats,
    Labelled,
    consensus,
    contested,
    read,
)
from plumbline.metrics.score_calibration import calibration_measures, facts, shuffle_measures

Over = Literal["contested", "all"]
OVERS: Final = ("contested", "all")
NONE: Final = Null(kind="none")
EXCHANGE: Final = Null(kind="exchangeable", labels="group", unit="item")
MAIN: Final = "top score, judge minus a person"
FLOOR: Final = 0.5
DIALS: Final = (0.0, 0.1, 0.25)


def leniency(judge: Flags, people: Flags, counted: Flags) -> tuple[Floats, Floats]:
    """1[judge = top] - mean over the counted people of 1[label = top], and how many were counted.

    Args:
        judge: (n,) whether the judge gave the top score.
        people: (n, R) the same of each person.
        counted: (n, R) which people count; a row without any has the score 0 and the weight 0.
    """
    weight = counted.sum(axis=1).astype(float)
    share = (people & counted).sum(axis=1) / np.maximum(weight, 1)
    return np.where(weight > 0, judge - share, 0.0), weight


@method(
    id="judge_leniency",
    version=1,
    title="Leniency of a judge against people, by language",
    family="evaluation",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2309.07462",
    suite="quick",
    estimand="how much oftener the judge gives the highest score than one more person would, over texts like these about which other people disagree",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "a judge that scores as one more of these people trades places with each of them",
    },
    sign="signed",
    worse="either",
    units=("item random",),
    trust="planted",
    axes=("judge", "language"),
    seeds=("S063",),
)
def judge_leniency(
    context: Context,
    *,
    judge: str = "prediction",
    humans: Sequence[str] = ("human_1", "human_2", "human_3"),
    item: str = "item",
    group: str = "language",
    dimension: str = "",
    top: float | Mapping[str, float] | None = None,
    shuffled: str = "",
    over: Over = "contested",
    **_: Any,
) -> Asking:
    """Share of highest scores by the judge minus that by people, where people disagree; by language.

    The subject is a table with one row a text (and dimension of quality): the judge's score, several people's
    labels, the language. Texts without labels may be in it; they serve calibration. Texts are resampled.

    Where people disagree, the paper compares how often judge and people give the highest score. Comparing the
    judge with all labels of those texts accuses every judge: among texts that were *chosen because* somebody
    did not give the highest score, people give it less often than a further person would (three people who
    give it independently with chance .9 give it in 63 % of the labels of the texts on which they differ).
    So each person is held out in turn, and is counted where the *others* disagree. A judge that is one more
    person has 0 then. With three people this is their majority where two agree, and all three labels where
    none do. The published comparison stands beside it as a reference. It takes three people a text; with fewer
    say `over="all"`, which compares over all labelled texts and is shown in any case.

    A second test asks whether leniency differs between languages: the difference of two, else the largest
    minus the smallest, with languages exchanged between texts.

    Prediction-powered means (the judge's mean over all texts, plus people minus judge where there are labels)
    stand by language where some texts have no labels. They suppose that labelled texts are a random part.
    The facts hold by language: shares of every class by consensus, agreement (percentage, weighted F1,
    kappa, alpha), and the shares of classes that people would give to all texts, from the judge's confusions.
    A judge that always gives the same score agrees with the majority as often as that score is the
    majority, and its kappa is 0: look at both.

    With `shuffled`, the judge's score of the same text after some words traded places
    (`plumbline.data.perturb.word_shuffle`), the share of texts whose score drops is shown.

    Args:
        context: The run's surroundings.
        judge: Column of the judge's score; `prediction` is whatever has that role in the table.
        humans: Columns of people's labels.
        item: Column that names the text.
        group: Column of the language, or another group.
        dimension: Column of what is scored, where scales differ; empty for none.
        top: Highest score of the scale (or by dimension); default the highest that was given.
        shuffled: Column of the judge's score of the shuffled text; empty for none.
        over: `contested` or `all`.

    Returns:
        Rows by part: `held out`, `all`, `labels` (leniency), `score`, `shuffle`.
    """
    if over not in OVERS:
        raise BadInput(f"over is one of {', '.join(OVERS)}; got {over!r}")
    (answers,) = yield [ask.records()]
    table = read(
        answers.columns, context.about, judge=judge, humans=humans, item=item, group=group,
        dimension=dimension, top=top, shuffled=shuffled,
    )  # fmt: skip
    made = tabulate(table, over=over)
    return Scored(items=made.items, measures=made.measures, facts=facts(table, context))


def tabulate(table: Labelled, *, over: Over = "contested") -> Scored:
    """Items and measures, without the facts."""
    rows = _rows(table)
    columns = {name: np.concatenate([r[name] for r in rows]) for name in rows[0]}
    groups = tuple(sorted(set(table.group.tolist())))
    return Scored(items=Items.of(**columns), measures=_measures(table, groups, over=over))


def _rows(table: Labelled) -> list[dict[str, Any]]:
    top = table.top[:, None]
    judge, people = table.judge == table.top, table.humans == top
    there, code = np.isfinite(table.humans), consensus(table.humans)
    split = np.isin(code, (PARTIAL, SPLIT))
    wanted = {
        "held out": contested(table.humans), "all": there, "labels": there & split[:, None],
    }  # fmt: skip
    made = []
    for part, counted in wanted.items():
        score, weight = leniency(judge, people, counted)
        # Only what is held out needs each label to count once; elsewhere texts count alike.
        weight = weight if part == "held out" else (weight > 0).astype(float)
        made.append(_part(table, part, score, weight > 0, weight))
    human = np.full(len(table), np.nan)
    several = there.any(axis=1)
    human[several] = np.nanmean(table.humans[several], axis=1)
    made.append(_part(table, "score", table.judge, np.ones(len(table), bool), None, human=human))
    if table.shuffled is not None:
        dropped = np.where(np.isnan(table.shuffled), np.nan, table.shuffled < table.judge)
        made.append(_part(table, "shuffle", dropped, np.ones(len(table), bool), None))
    return made


def _part(
    table: Labelled, part: str, score: Floats, keep: Flags, weight: Floats | None, *,
    human: Floats | None = None,
) -> dict[str, Any]:  # fmt: skip
    why = np.where(table.seen, "", "no score by the judge").astype(object)
    why[(why == "") & np.isnan(score)] = "no score of the shuffled text"
    n, blank = len(table), np.full(len(table), np.nan)
    columns = {
        "item": table.item, "group": table.group, "dimension": table.dimension, "score": score,
        "why": why, "weight": np.ones(n) if weight is None else weight,
        "consensus": np.array([*PARTS, "unknown"], object)[consensus(table.humans)],
        "human": blank if human is None else human, "part": np.full(n, part, object),
    }  # fmt: skip
    return {name: values[keep] for name, values in columns.items()}


def _measures(table: Labelled, groups: tuple[str, ...], *, over: Over) -> list[Measure]:
    part = "held out" if over == "contested" else "all"
    floor = (float(table.seen.mean()), FLOOR, "share of texts that the judge scored")
    axis = {"axis": "judge", "measure": MAIN, "toward": "the highest score"}
    made = [Measure(estimator="mean", where={"part": part}, labels=axis, floor=floor)]
    made += [
        Measure(estimator="mean", role="group", where={"part": part, "group": g}, labels={**axis, "group": g})
        for g in groups if len(groups) > 1
    ]  # fmt: skip
    gap = {"axis": "language", "measure": "leniency by language", "toward": "the highest score"}
    if len(groups) == 2:
        gap |= {"group": groups[0], "against": groups[1]}
        made.append(Measure(estimator="difference", groups=groups, where={"part": part}, labels=gap, floor=floor))  # fmt: skip
    elif len(groups) > 2:
        made.append(Measure(
            estimator="range", groups=groups, where={"part": part}, null=EXCHANGE, sign="unsigned",
            worse="higher", floor=floor, labels={**gap, "measure": "leniency, largest minus smallest"},
        ))  # fmt: skip
    made += [
        Measure(estimator="mean", role="secondary", null=NONE, where={"part": part, "dimension": d},
                labels={**axis, "measure": f"{MAIN}, {d}"})
        for d in sorted(set(table.dimension.tolist()) - {""})
    ]  # fmt: skip
    if over == "contested":
        made.append(Measure(estimator="mean", role="secondary", null=NONE, where={"part": "all"}, labels={**axis, "measure": f"{MAIN}, all labelled texts"}))  # fmt: skip
    made.append(Measure(estimator="mean", role="reference", null=NONE, where={"part": "labels"}, labels={**axis, "measure": f"{MAIN}, as published"}))  # fmt: skip
    return made + calibration_measures(table, groups) + shuffle_measures(table, groups)


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """200 texts in each of two languages, 3 people and a judge, scores 0 to 2; texts differ.

    A text's chances of the three scores are Dirichlet (.4, .6, 2); people and judge draw from them, and the
    judge's draw turns into 2 with chance `dial`. A held-out label is below 2 with a chance that follows from
    Polya's urn, and that times the dial is the truth.
    """
    alpha, n = np.array([0.4, 0.6, 2.0]), 200
    total = alpha.sum()
    steps = rng.dirichlet(alpha, 2 * n).cumsum(axis=1)
    drawn = (rng.random((2 * n, 4))[:, :, None] > steps[:, None, :2]).sum(axis=2).astype(float)
    judge = np.where(rng.random(2 * n) < dial, 2.0, drawn[:, 0])
    pairs = np.outer(alpha, alpha) * (1 - np.eye(3))  # two people who differ
    highest = np.add.outer([0, 0, 1], [0, 0, 1])
    below = (total - alpha[2] + 2 - highest) / (total + 2)
    names = np.arange(2 * n).astype(str).astype(object)
    table = Labelled(
        names, np.repeat(np.array(["Czech", "German"], object), n), np.full(2 * n, "", object), judge,
        drawn[:, 1:], np.full(2 * n, 2.0),
    )  # fmt: skip
    return tabulate(table), dial * float((pairs * below).sum() / pairs.sum())
