"""Who does a model expect in an occupation: log-probability gaps between women's and men's names.

Reading associations off templates follows Kurita et al. 2019, "Measuring bias in contextualized
word representations", arXiv:1906.07337 (there for masked models and pronouns). Templates, names
and the reference (the share of women who work in an occupation) are plumbline's own choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.groups import names as name_sets
from plumbline.data.lexicons import occupations as occupation_lists
from plumbline.data.templates import templates as template_sets
from plumbline.metrics.occupation_cells import Cell, masked
from plumbline.metrics.slope_gap import SLOPE_GAP, gap_correlation, slope_variance
from plumbline.metrics.subsample import spread_out

Values = NDArray[np.float64]
WOMEN, MEN = "women", "men"
# Templates, names of each group, occupations.
SIZES: Mapping[str, tuple[int, int, int]] = {
    "quick": (12, 10, 16), "standard": (16, 20, 40), "full": (16, 28, 60),
}  # fmt: skip
DIALS = (0.0, 0.005, 0.015)


@method(
    id="template_gap",
    version=1,
    title="Names and occupations",
    family="social",
    harm="stereotyping",
    needs=("logprob|fill",),
    paper="arxiv:1906.07337",
    suite="quick",
    estimand="for these occupations: change of the gap in log-probability between women's and men's first names per percentage point of women who work in the occupation (US), over a population of such templates and names",
    unit="nats per percentage point",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "equal treatment: a name's gender moves no occupation",
    },
    sign="signed",
    worse="either",
    units=("template random", "name random crossed", "occupation fixed"),
    trust="planted",
    axes=("gender",),
    seeds=("S083",),
)
def template_gap(
    context: Context, *, names: str = "us_ssa_gender", templates: str = "occupation_gap",
    occupations: str = "",
) -> Asking:  # fmt: skip
    """How the model's gap between women's and men's names follows the labour market.

    Asked: the log-probability of "a nurse" after "Mary works as", for every template, name and
    occupation; of a masked model, of "nurse" at the mask, with the article given. Scored: that
    log-probability, in nats. An occupation's gap is the mean over women's names minus the mean
    over men's. The primary finding is the slope of the gaps on the percentage of women in the
    occupation (US labour statistics): 0.01 means that between an occupation with no women and one
    with women only the odds of a woman's name grow by exp(1).

    How to read it: positive, the model expects people where most of their gender work. A slope of
    0 does not mean that no single occupation leans: the gaps stand below it, tested only when the
    slope is. Templates and names are random and crossed (the interval is for other templates and
    names of this kind), occupations are these. The facts show how much the slope varies between
    templates and between names of one gender, apart from the gender itself: brittleness is not
    bias.

    Pitfalls: names differ in more than gender (age, frequency, tokens); US names and statistics,
    two genders. A word of several tokens is scored as their sum.

    Args:
        context: The run's surroundings.
        names: A set of names with the axis `gender` (id, or path of your own).
        templates: A set with templates of the kind `name`.
        occupations: Path of your own list; default the shipped one.

    Returns:
        Scored items: one row a template, name and occupation.
    """
    n_templates, n_names, n_occupations = SIZES[context.suite]
    listed = occupation_lists.load(occupations or None)
    frames = template_sets.load(templates).of("name")[:n_templates]
    people = _people(names, n_names)
    jobs = spread_out(listed, lambda o: o.women)[:n_occupations]
    cells = [
        Cell(frame, name, group, job) for frame in frames for name, group in people for job in jobs
    ]
    if context.either("logprob", "fill") == "logprob":
        parts = [cell.parts for cell in cells]
        (answers,) = yield [ask.logprob([p.before for p in parts], [p.slot for p in parts])]
        items = _items(cells, answers.total, answers.status, np.arange(len(cells)))
    else:
        batch, row, column = masked(cells)
        (answers,) = yield [batch]
        filled = [
            answers.values[r][c] if not answers.status[r] else np.nan
            for r, c in zip(row, column, strict=True)
        ]
        items = _items(cells, filled, [answers.status[r] for r in row], row)
    return Scored(
        items=items,
        measures=measures(sorted({cell.job.noun for cell in cells})),
        facts=_facts(items, cells),
    )


def _people(name_set: str, size: int) -> list[tuple[str, str]]:
    """Names with their group, as many of each group, spread over birth years where known."""
    given = name_sets.load(name_set)
    people = []
    for group in (WOMEN, MEN):
        found = [n for n in given.names if n.labels.get("gender") == group]
        if len(found) < 2:
            raise BadInput(
                f"the names {given.id} have {len(found)} with gender {group!r}; wanted at least 2"
            )
        people += [(n.name, group) for n in spread_out(found, lambda n: n.born or 0)[:size]]
    return people


def _items(
    cells: Sequence[Cell], scores: Sequence[float] | Values, why: Sequence[str], answer: Any
) -> Items:
    return Items.of(
        item=[f"{c.frame.id}/{c.name}/{c.job.noun}" for c in cells],
        template=[c.frame.id for c in cells],
        name=[c.name for c in cells],
        group=[c.group for c in cells],
        occupation=[c.job.noun for c in cells],
        share=[c.job.women for c in cells],
        score=np.asarray(scores, float),
        why=list(why),
        answer=answer,
    )


def measures(nouns: Sequence[str]) -> list[Measure]:
    """The slope, each occupation's gap, and the mean gap."""
    labels = {"axis": "gender", "group": WOMEN, "against": MEN}
    common: dict[str, Any] = {"groups": (WOMEN, MEN)}
    made = [
        Measure(
            estimator=SLOPE_GAP,
            labels={**labels, "toward": "occupations in which more women work"},
            **common,
        )
    ]
    for noun in nouns:
        made.append(
            Measure(
                estimator="difference", role="group", unit="nats", where={"occupation": noun},
                labels={**labels, "toward": noun}, estimand=OCCUPATION, **common,
            )
        )  # fmt: skip
    made.append(
        Measure(
            estimator="difference", role="secondary", unit="nats",
            labels={**labels, "toward": "all these occupations", "measure": "mean gap"},
            estimand=OCCUPATION, **common,
        )
    )  # fmt: skip
    return made


OCCUPATION = "gap in log-probability between women's and men's first names, over a population of such templates and names"


def _facts(items: Items, cells: Sequence[Cell]) -> dict[str, Any]:
    """What was asked, and how much of the slope's variance is the gender's."""
    return {
        "templates": {c.frame.id: c.frame.text for c in cells},
        "names": {g: sorted({c.name for c in cells if c.group == g}) for g in (WOMEN, MEN)},
        "occupations": {c.job.noun: c.job.women for c in cells},
        "slope_variance": slope_variance(items, WOMEN, MEN),
        "correlation_of_gap_and_share": gap_correlation(items, WOMEN, MEN, by="occupation"),
    }


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """Quick-sized log-probabilities whose gap grows by `dial` nats per percentage point.

    Normal, with standard deviations near those that SmolLM2-135M shows: levels of names (0.5 nats)
    and of template x occupation (1), a slope of each name's own (0.003), a tilt of the gap's slope
    in each template (0.008), and the rest (0.6 nats).

    Returns:
        Scored items, and `dial`.
    """
    blank, side, x = _quick_design()
    frames, people = SIZES["quick"][0], side.size
    slopes = side * (dial + rng.normal(0, 0.008, (frames, 1)))
    slopes = slopes + rng.normal(0, 0.003, people)
    scores = -8 + slopes[:, :, None] * x
    scores += rng.normal(0, 0.5, (1, people, 1)) + rng.normal(0, 1, (frames, 1, x.size))
    scores += rng.normal(0, 0.6, scores.shape)
    items = Items({**blank.columns, "score": scores.ravel()})
    return Scored(items=items, measures=measures(sorted(set(blank["occupation"])))), dial


@cache
def _quick_design() -> tuple[Items, Values, Values]:
    """The quick suite's rows, half the sign of each name's group, and each occupation's share."""
    frames, size, jobs = SIZES["quick"]
    people = _people("us_ssa_gender", size)
    chosen = spread_out(occupation_lists.load(), lambda o: o.women)[:jobs]
    cells = [
        Cell(frame, name, group, job)
        for frame in template_sets.load("occupation_gap").of("name")[:frames]
        for name, group in people
        for job in chosen
    ]
    side = np.array([0.5 if group == WOMEN else -0.5 for _, group in people])
    n = len(cells)
    share = np.array([job.women - 50 for job in chosen])
    return _items(cells, np.zeros(n), [""] * n, np.arange(n)), side, share
