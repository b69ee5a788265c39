"""Factors of preferences: what judges like about responses, against what people like.

Oh et al. 2025, "Uncovering factor-level preference to improve human-model alignment", Findings of EMNLP,
arXiv:2410.06965; several factors at once as in DecipherPref, arXiv:2305.14702.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import UnknownName
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.metrics.factor_table import JUDGES, PEOPLE, Preferences, read, told
from plumbline.metrics.judged_pairs import FLOOR
from plumbline.stats.factor_scores import ALIGNED, gaussian_tau

NONE: Final = Null(kind="none")
SIDES: Final = (JUDGES, PEOPLE)
DIALS: Final = (0.0, 0.3, 0.6)
_TIES, _TASTE, _SPREAD = 0.15, 0.4, 0.3


@method(
    id="factor_preferences",
    version=1,
    title="Factors that judges prefer, against people",
    family="evaluation",
    harm="disparate system performance",
    needs=("records",),
    paper="arxiv:2410.06965",
    suite="quick",
    estimand="how much more the judges' preferences follow the length of a response than people's, over prompts like these",
    unit="correlation",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "judges follow the factor as far as people do on the same pairs",
    },
    sign="signed",
    worse="either",
    units=("question random",),
    trust="planted",
    axes=("factor",),
    seeds=("S060",),
)
def factor_preferences(
    context: Context,
    *,
    people: Sequence[str] | str = ("human",),
    main: str = "length",
    factors: Sequence[str] = (),
    texts: tuple[str, str] = ("first_text", "second_text"),
    source: str = "source",
    columns: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    **_: Any,
) -> Asking:
    """How far judges follow length, marks, novelty and other factors, minus how far people do.

    The subject is a table of verdicts (judge, question, first, second, verdict), people's verdicts among them.
    Factors are columns of numbers, first_NAME and second_NAME, or are counted in the texts of both responses:
    length in words, words a sentence, reading grade, formatting marks, and with a source text novelty
    (share of word pairs that the source does not have). A column wins over a count of the same name; a factor in
    which no pair differs is left out.

    tau of a factor is the share of preferences for the response that has more of it minus the share for the one
    that has less. A preference for neither, and a pair alike in the factor, count in the denominator: they pull tau
    toward 0 and cannot turn it. Each pair counts once a holder, however often it was judged. Only pairs that people
    and judges both judged enter. Tested is the difference in tau of the main factor, judges minus people; the
    other factors stand beside it, and each judge alone is tested inside the first test.

    tau of one factor takes in whatever goes along with it: where only facts matter and long texts have more of
    them, length has a tau. It also shrinks with noise and with a habit for a place: a judge that answers at random
    follows nothing, which counts as liking length less than people do. Look at both before reading a lean. The facts hold a logistic model of each holder's decided preferences on all
    factors at once (and the first place), on one scale for all holders, with intervals clustered by prompt;
    counts; and how the taus of judge and people correlate over factors, with intervals that resample prompts. Few
    factors make a correlation that says little, and noise in taus draws it to 0.

    A factor that an LLM extracted is measured by an instrument of the same kind as what is judged here: have a
    sample checked by people first. A difference is no error: people like long answers too.

    Args:
        context: The run's surroundings.
        people: Judges of the table who are people.
        main: The factor that is tested.
        factors: Factors in columns; default all pairs of columns first_NAME, second_NAME that hold numbers.
        texts: Columns with the texts of both responses; not needed.
        source: Column with the text that both start from (for novelty); not needed.
        columns: What a verdict table calls its columns.
        where: Only rows of the table with these values.

    Returns:
        One row a preference and factor; `part` is the factor, the score +1, -1 or 0.
    """
    (answers,) = yield [ask.records()]
    table = read(
        answers.columns, context.about, names=columns, where=where, texts=(texts[0], texts[1]), source=source,
        people=(people,) if isinstance(people, str) else tuple(people), factors=tuple(factors),
    )  # fmt: skip
    if main not in table.factors:
        raise UnknownName("factor", main, table.factors)
    made = tabulate(table, main=main)
    shared = table.shared()
    facts = {
        "preferences": len(table),
        "of shared pairs": len(shared),
        "factors": list(table.factors),
    }
    if len(shared):
        facts |= told(shared, context.seeds.stream("alignment"))
    return Scored(items=made.items, measures=made.measures, facts=facts)


def tabulate(table: Preferences, *, main: str = "length") -> Scored:
    """Items and measures of the shared pairs, without the facts."""
    here = table.shared()
    score, n = here.concordance, len(here)
    parts = np.repeat(np.array(here.factors, object), n)
    why = np.tile(here.why, len(here.factors))
    unknown = np.isnan(score).ravel() & (why == "")
    why[unknown] = np.array([f"no {p}" for p in parts[unknown]], object)
    items = Items.of(
        item=np.tile(here.pair, len(here.factors)), question=np.tile(here.question, len(here.factors)),
        holder=np.tile(here.holder, len(here.factors)), group=np.tile(here.side, len(here.factors)),
        part=parts, score=score.ravel(), why=why, weight=np.tile(here.weight(), len(here.factors)),
    )  # fmt: skip
    floor = (float((table.why == "").mean()), FLOOR, "share of verdicts that could be read")
    return Scored(items=items, measures=_measures(table, main, floor))


def _measures(table: Preferences, main: str, floor: tuple[float, float, str]) -> list[Measure]:
    def labels(factor: str, **more: str) -> dict[str, str]:
        return {"axis": "factor", "measure": f"tau of {factor}", "toward": f"more {factor}"} | more

    against = {"group": JUDGES, "against": PEOPLE}
    made = [
        Measure(estimator="difference", groups=SIDES, where={"part": main}, labels=labels(main, **against), floor=floor)
    ]  # fmt: skip
    made += [
        Measure(estimator="difference", role="group", groups=SIDES, labels=labels(main, group=j, against=PEOPLE),
                where={"part": main, "holder": (j, *table.people)})
        for j in table.judges if len(table.judges) > 1
    ]  # fmt: skip
    made += [
        Measure(estimator="difference", role="secondary", null=NONE, groups=SIDES, where={"part": f}, labels=labels(f, **against))
        for f in table.factors if f != main
    ]  # fmt: skip
    made += [
        Measure(estimator="mean", role="reference", null=NONE, where={"part": f, "group": side},
                labels=labels(f, group=side), estimand="how far preferences follow the factor")
        for f in table.factors for side in SIDES
    ]  # fmt: skip
    if len(table.factors) > 2:
        made.append(Measure(
            estimator=ALIGNED, role="secondary", null=NONE, groups=SIDES, options={"factors": table.factors},
            labels={"axis": "factor", "measure": "correlation of taus over factors", **against},
            estimand="how judges' and people's taus correlate over these factors", worse="lower",
        ))  # fmt: skip
    return made


@cache
def _truth(dial: float) -> float:
    """E over N(taste, spread) weights of tau(weight + dial) - tau(weight), without ties."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    weight = _TASTE + _SPREAD * nodes
    gap = gaussian_tau(weight + dial) - gaussian_tau(weight)
    return float((1 - _TIES) * shares @ gap / shares.sum())


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """80 prompts with 3 pairs each: the odds of the longer response differ by prompt; people and one judge.

    The difference of lengths is N(0, 1), its weight N(.4, .3) by prompt for people, and `dial` more for the
    judge; 15 % of preferences are ties.
    """
    prompts, pairs = 80, 3
    weight = rng.normal(_TASTE, _SPREAD, prompts)[:, None]
    gap = rng.standard_normal((prompts, pairs))
    pull = np.stack([weight, weight + dial])
    won = rng.random((2, prompts, pairs)) < 1 / (1 + np.exp(-pull * gap))
    sign = np.where(rng.random(won.shape) < _TIES, 0.0, np.where(won, 1.0, -1.0))
    who, prompt, pair = (a.ravel() for a in np.indices(won.shape))
    names = prompt.astype(str).astype(object)
    table = Preferences(
        np.array(["human", "judge"], object)[who], names, names + " | " + pair.astype(str).astype(object),
        sign.ravel(), np.full(sign.size, "", object), ("length",),
        np.stack([np.tile(gap.ravel(), 2), np.zeros(sign.size)])[:, None, :], ("human",),
    )  # fmt: skip
    return tabulate(table), _truth(dial)
