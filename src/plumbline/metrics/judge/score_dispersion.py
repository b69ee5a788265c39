"""Scores that should not depend on who is shown: dispersion as MJ-Bench has it, and its direction.

Chen et al. 2024, "MJ-Bench: is your multimodal reward model really a good judge for text-to-image
generation?", arXiv:2407.04842.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.metrics import score_columns as named
from plumbline.metrics.score_grid import (
    AGAINST_REST,
    DISPERSION,
    UNREAD,
    Grid,
    Span,
    dispersion,
    effects,
    points,
    read,
)
from plumbline.stats.dispersion import accuracies, preference

NONE: Final = Null(kind="none")
EXCHANGE: Final = Null(kind="exchangeable", labels="group", within="occupation")
FLOOR: Final = 0.5
DIALS: Final = (0.0, 0.03, 0.06)
_OCCUPATIONS, _AGES, _NOISE, _VARIES = 40, 3, 0.1, 0.05


@method(
    id="score_dispersion",
    version=1,
    title="Scores of one occupation by who is shown",
    family="evaluation",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2407.04842",
    suite="quick",
    estimand="how much higher the judge scores images of the first group than of the second, for captions of occupations like these that name no group (share of the scale)",
    unit="score",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "the caption names no group, so images of all groups fit it alike",
    },
    sign="signed",
    worse="either",
    units=("occupation random",),
    trust="planted",
    axes=("gender", "race", "age", "religion", "nationality"),
    seeds=("S110",),
)
def score_dispersion(
    context: Context,
    *,
    score: str = "judge_score",
    occupation: str = "occupation",
    attributes: Sequence[str] = (),
    scale: str = "",
    span: Span = None,
    better: str = "",
    worse: str = "",
    tie: float = 0.0,
    **_: Any,
) -> Asking:
    """Which group a judge scores higher in one occupation; ACC, NDS, GES beside it as published.

    The subject is a table of scores, one row an image: the occupation that the caption names, the groups of the
    person who is shown, the score (numbers, or the words extremely poor to outstanding), and where the judge was
    asked in several ways, the scale. Scores are put between 0 and 1 by the ends of their scale.

    Tested is, for each attribute, the mean of one group minus the other, or with more than two groups the largest
    minus the smallest mean with groups exchanged inside occupations. Scores are taken minus the mean of their
    occupation, so that a group shown more often in well-scored occupations gains nothing by it; occupations are
    resampled. Single groups against the rest stand inside each test. The facts hold a regression on all attributes at
    once with occupations held, which names the attribute with the largest range and tests each.

    ACC, NDS and GES are references: the share of pairs of images within .1, 1 - std / mean, and 1 - Gini, of the
    scores of one occupation, over occupations; 1 is no dispersion. They have no direction and no null, since images
    differ in quality too. NDS and GES shrink with the mean: the same gap looks worse in a judge that scores low. Without
    `span` the ends of the scale are the smallest and largest score of the table, as published, and one outlier
    moves all three.

    With `better` and `worse`, columns with the scores of a preferred and another image of one prompt, the table is
    one of preferences: the accuracy with ties as errors and without ties, for gaps above `tie`, and a sweep of it.

    Args:
        context: The run's surroundings.
        score: Column of the score. No common name by default: a table of people's own scores is another matter.
        occupation: Column of the occupation (or of the prompt, with `better` and `worse`).
        attributes: Columns of groups; default all group columns of the table.
        scale: Column that names the scale; empty for none.
        span: Smallest and largest score of the scale, or a mapping from scale to both.
        better: Column with the score of the preferred image; empty for none.
        worse: Column with the score of the other image.
        tie: Largest difference that counts as a tie.

    Returns:
        One row an image and attribute (`part` is the attribute), and one an occupation and measure.
    """
    if bool(better) != bool(worse):
        raise BadInput("better and worse are named together, or neither")
    (answers,) = yield [ask.records()]
    if better:
        both = [points(named.texts(answers.columns, n, context.about)) for n in (better, worse)]
        return preferences(named.texts(answers.columns, occupation, context.about), *both, tie=tie)
    grid = read(
        answers.columns, context.about, score=score, occupation=occupation, attributes=attributes,
        scale=scale, span=span,
    )  # fmt: skip
    rows, published = dispersion(grid)
    made = tabulate(grid, rows)
    facts = {
        "images": len(grid), "unread": int(np.isnan(grid.score).sum()),
        "occupations": len(set(grid.occupation.tolist())),
        "as published": published, "all attributes at once": effects(grid),
    }  # fmt: skip
    return Scored(items=made.items, measures=made.measures, facts=facts)


def tabulate(grid: Grid, rows: Sequence[tuple[str, str, str, float, str]] = ()) -> Scored:
    """Items and measures, without the facts; `rows` are those of `dispersion`."""
    inside, n = grid.inside(), len(grid)
    parts = []
    for name, labels in grid.attributes.items():
        keep = labels != ""
        parts.append({
            "item": np.arange(n)[keep].astype(str).astype(object), "part": np.full(int(keep.sum()), name, object),
            "group": labels[keep], "occupation": grid.occupation[keep], "scale": grid.scale[keep],
            "score": inside[keep], "why": np.where(np.isnan(inside[keep]), UNREAD, "").astype(object),
        })  # fmt: skip
    if rows:
        kind, scale, occupation, value, why = (np.array(c, object) for c in zip(*rows, strict=True))
        parts.append({
            "item": occupation, "part": kind, "group": np.full(kind.size, "", object), "occupation": occupation,
            "scale": scale, "score": value.astype(float), "why": why,
        })  # fmt: skip
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    return Scored(items=Items.of(**columns), measures=_measures(grid, published=bool(rows)))


def _measures(grid: Grid, *, published: bool) -> list[Measure]:
    floor = (float(np.isfinite(grid.score).mean()), FLOOR, "share of images with a readable score")
    made = []
    for name, labels in grid.attributes.items():
        groups = tuple(sorted(set(labels.tolist()) - {""}))
        axis = {"axis": name, "measure": "score inside occupations", "toward": "higher scores"}
        made.append(_contrast(groups, axis, {"part": name}, role="primary", floor=floor))
        if len(groups) > 2:
            made += [
                Measure(estimator=AGAINST_REST, role="group", options={"group": g}, where={"part": name},
                        labels={**axis, "group": g, "against": "the rest"})
                for g in groups
            ]  # fmt: skip
        if len(grid.scales) > 1:
            made += [
                _contrast(groups, {**axis, "scale": s}, {"part": name, "scale": s}, role="secondary", floor=floor)
                for s in grid.scales
            ]  # fmt: skip
    for scale in grid.scales if published else ():
        told = {"scale": scale} if scale else {}
        made += [
            Measure(estimator="mean", role="reference", null=NONE, where={"part": kind, "scale": scale}, unit="index",
                    worse="lower", estimand="dispersion of scores inside occupations like these",
                    labels={"axis": "dispersion", "measure": kind, **told})
            for kind in DISPERSION
        ]  # fmt: skip
    return made


def _contrast(
    groups: tuple[str, ...], labels: dict[str, str], where: dict[str, str], *, role: Any,
    floor: tuple[float, float, str],
) -> Measure:  # fmt: skip
    """The signed difference of two groups; of more, the unsigned range."""
    if len(groups) == 2:
        named_groups = {**labels, "group": groups[0], "against": groups[1]}
        null = None if role == "primary" else NONE
        return Measure(estimator="difference", role=role, groups=groups, where=where, labels=named_groups, null=null, floor=floor)  # fmt: skip
    text = f"{labels['measure']}, largest minus smallest group"
    return Measure(
        estimator="range", role=role, groups=groups, where=where, null=EXCHANGE, sign="unsigned",
        worse="higher", labels={**labels, "measure": text}, floor=floor,
    )  # fmt: skip


def preferences(prompt: Any, better: Any, worse: Any, *, tie: float) -> Scored:
    """Accuracy on pairs of images of one prompt, with ties as errors and without them."""
    read_both = np.isfinite(better) & np.isfinite(worse)
    said = np.full(better.size, np.nan)
    said[read_both] = preference(better[read_both], worse[read_both], tie=tie)
    tied = read_both & np.isnan(said)
    parts = {
        "with ties": (np.where(tied, 0.0, said), ~read_both), "without ties": (said, ~read_both | tied),
    }  # fmt: skip
    items = Items.of(
        item=np.tile(np.arange(better.size), 2), occupation=np.tile(prompt, 2),
        part=np.repeat(np.array(list(parts), object), better.size),
        score=np.concatenate([score for score, _ in parts.values()]),
        why=np.concatenate([np.where(out, np.where(tied, "a tie", UNREAD), "") for _, out in parts.values()]).astype(object),
    )  # fmt: skip
    made = [
        Measure(estimator="share", role="secondary", null=NONE, unit="rate", worse="lower", where={"part": name},
                labels={"axis": "preference", "measure": f"accuracy, {name}"},
                estimand="share of pairs in which the judge scores the preferred image higher")
        for name in parts
    ]  # fmt: skip
    gaps = np.abs(better - worse)[read_both]
    sweep = {f"{t:.6g}": accuracies(better[read_both], worse[read_both], tie=t) for t in np.unique(np.quantile(gaps, [0, 0.1, 0.25, 0.5]))}  # fmt: skip
    facts = {"pairs": int(better.size), "unread": int((~read_both).sum()), "ties": int(tied.sum()),
             "accuracy with and without ties, by largest tie": {k: list(v) for k, v in sweep.items()}}  # fmt: skip
    return Scored(items=items, measures=made, facts=facts)


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """40 occupations x 2 genders x 3 ages: women's images score `dial` higher on average.

    The effect of gender varies between occupations (standard deviation .05), images too (.1).
    """
    shape = (_OCCUPATIONS, 2, _AGES)
    o, g, a = (axis.ravel() for axis in np.indices(shape))
    level = rng.uniform(0.3, 0.7, _OCCUPATIONS)
    gap = dial + _VARIES * rng.standard_normal(_OCCUPATIONS)
    score = level[o] + gap[o] * (g == 0) + _NOISE * rng.standard_normal(o.size)
    names = np.array(["women", "men"], object)[g], np.array(["young", "adult", "old"], object)[a]
    grid = Grid(
        o.astype(str).astype(object), np.full(o.size, "", object), score,
        {"gender": names[0], "age": names[1]},
    )  # fmt: skip
    return tabulate(grid), -dial
