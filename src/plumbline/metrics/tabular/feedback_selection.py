"""Selection bias of feedback in conversations: who speaks up is not who was asked.

Shi et al., "WildFeedback: Aligning LLMs with in-situ user interactions and feedback", 2024,
arXiv:2408.15549, mine such signals; the correction by inverse propensities is this project's reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.feedback_signals import DISSATISFIED, NEITHER, SATISFIED, rubrics, signals
from plumbline.metrics.feedback_rates import BIAS, CORRECTED, LABEL_BIAS
from plumbline.metrics.score_columns import has, numbers, texts
from plumbline.stats.agreement import cohen_kappa
from plumbline.stats.inverse_propensity import inverse_propensity
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
DIALS: Final = (0.0, 0.2, 0.4)
NONE: Final = Null(kind="none")
GIVEN, LABELS, NOTHING = "given propensities", "labels", "none"
UNSAID: Final = "the turn shows no signal"
NO_CORRECTION: Final = (
    "No propensities and no labels: the naive rate stands alone, and nothing says how far it is off. "
    "Give a column, or speaks=[happy, unhappy]."
)  # fmt: skip
_CLUSTERS, _TURNS, _RATE, _HAPPY = 300, 4, 0.7, 0.3


@method(
    id="feedback_selection",
    version=1,
    title="Selection bias of feedback in conversations",
    family="data",
    harm="misrepresentation",
    needs=("records",),
    paper="arxiv:2408.15549",
    suite="standard",
    estimand="share of satisfied turns among those whose user says so, minus the share among all, over conversations like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "satisfied and dissatisfied users speak up equally often",
    },
    sign="signed",
    worse="either",
    units=("conversation random",),
    trust="planted",
    axes=("feedback",),
    seeds=("S014",),
)
def feedback_selection(
    context: Context,
    *,
    conversation: str = "conversation",
    turn: str = "turn",
    role: str = "role",
    text: str = "text",
    propensity: str = "propensity",
    satisfied: str = "satisfied",
    speaks: Sequence[float] = (),
) -> Asking:
    """Naive satisfaction rate of users' signals minus the corrected one (tested), both beside it.

    Read from a table with a row a turn. Patterns label what each user's turn after a reply says of that
    reply (eighteen rubrics; `plumbline.data.feedback_signals`). The naive rate is the share of satisfied
    among turns that say anything. It is corrected by the chance of speaking up in that state: from a column
    of propensities or from `speaks`, as sum z/r over sum 1/r; else from a column of human labels (1 and
    0, empty where nobody judged), whose mean is the share among all if the labelled turns are a random part.

    Propensities are taken as known, and labels of patterns as right: with errors of the patterns both rates
    move, and the facts hold the patterns' kappa against the labels, with the rates of every rubric. Topic
    changes look like no feedback; some complaints are no fault of the reply. Conversations are resampled.

    Args:
        context: The run's surroundings.
        conversation: Column with the conversation's id.
        turn: Column with the turn's number.
        role: Column with `user` or `assistant`.
        text: Column with what was said.
        propensity: Column with the chance that a user in that turn's state speaks up; may be missing.
        satisfied: Column with human labels, 1 or 0; may be missing.
        speaks: The chances of satisfied and dissatisfied users, in place of a column.

    Returns:
        Rows of two parts: `spoke` (a row a turn; score 1 where satisfied) and `turn` (score 1 where it shows a signal).
    """
    if len(speaks) not in {0, 2} or not all(0 < s <= 1 for s in speaks):
        raise BadInput(f"speaks is {list(speaks)}; wanted two chances above 0, [happy, unhappy]")
    (answers,) = yield [ask.records()]
    table, about = answers.columns, context.about
    who = np.char.lower(texts(table, role, about).astype(str))
    order = np.lexsort((numbers(table, turn, about), texts(table, conversation, about).astype(str)))
    talk = texts(table, conversation, about)[order]
    later = np.r_[False, talk[1:] == talk[:-1]]
    heard = later & (who[order] == "user")
    here = order[heard]

    def maybe(name: str) -> Floats:
        found = has(table, name, about) if name else False
        return numbers(table, name, about)[here] if found else np.full(here.size, np.nan)

    kinds = [signals(t) for t in texts(table, text, about)[here].tolist()]
    r = maybe("" if speaks else propensity)
    kind = np.array([k.kind for k in kinds], dtype=object)
    if speaks:
        r = np.where(
            kind == SATISFIED, speaks[0], np.where(kind == DISSATISFIED, speaks[1], np.nan)
        )
    shown = Counter(n for k in kinds for n in (*k.satisfied, *k.dissatisfied))
    made = tabulate(talk[heard], kind, r, maybe(satisfied))
    rates = {n: shown[n] / max(here.size, 1) for s in (SATISFIED, DISSATISFIED) for n in rubrics(s)}
    return Scored(items=made.items, measures=made.measures, notes=made.notes,
                  facts={**made.facts, "rates of rubrics": rates})  # fmt: skip


def tabulate(talk: NDArray[Any], kind: NDArray[Any], r: Floats, label: Floats) -> Scored:
    """Items, measures and facts of turns: conversation, signal, propensity (NaN), human label (NaN)."""
    if not np.isin(label[np.isfinite(label)], (0.0, 1.0)).all():
        raise BadInput("the column of labels holds something other than 1, 0 and empty")
    bad = np.isfinite(r) & ~((r > 0) & (r <= 1))
    if bad.any():
        raise BadInput(f"a propensity is {r[bad][0]}; wanted chances above 0 and at most 1")
    said, glad = kind != NEITHER, (kind == SATISFIED).astype(float)
    have = np.isfinite(r) | ~said
    how = GIVEN if said.any() and have.all() else LABELS if np.isfinite(label).any() else NOTHING
    n = talk.size
    items = Items.of(
        item=np.tile(np.arange(n).astype(str).astype(object), 2), conversation=np.tile(talk, 2),
        part=np.repeat(np.array(["spoke", "turn"], dtype=object), n),
        score=np.concatenate([glad, said.astype(float)]), satisfied=np.tile(glad, 2),
        why=np.concatenate([np.where(said, "", UNSAID), np.full(n, "")]).astype(object),
        propensity=np.tile(np.where(np.isfinite(r), r, 1.0), 2), label=np.tile(label, 2),
    )  # fmt: skip
    facts: dict[str, Any] = {"turns after a reply": int(n), "turns with a signal": int(said.sum()),
                             "corrected by": how}  # fmt: skip
    if how == GIVEN:
        facts |= _weighted(glad[said], r[said], talk[said])
    facts["patterns against labels"] = _agreement(kind, label)
    return Scored(
        items=items,
        measures=_measures(how),
        facts=facts,
        notes=[NO_CORRECTION] if how == NOTHING else [],
    )


def _weighted(glad: Floats, r: Floats, talk: NDArray[Any]) -> dict[str, Any]:
    try:
        got = inverse_propensity(glad, r, cluster=talk.astype(str))
    except UndefinedStatistic as absent:
        return {"effective turns": f"not defined: {absent.reason}"}
    return {
        "effective turns": got.effective,
        "corrected, linearised": [got.value, got.low, got.high],
    }


def _agreement(kind: NDArray[Any], label: Floats) -> Any:
    """Cohen's kappa of the patterns on turns that have a signal and a label."""
    both = (kind != NEITHER) & np.isfinite(label)
    if not both.any():
        return "no turn has a signal and a label"
    table = np.zeros((2, 2))
    np.add.at(table, (label[both].astype(int), (kind[both] == SATISFIED).astype(int)), 1)
    try:
        got = cohen_kappa(table, level=0.95)
    except UndefinedStatistic as absent:
        return f"not defined: {absent.reason}"
    return {"kappa": got.value, "low": got.low, "high": got.high, "turns": got.n}


def _measures(how: str) -> list[Measure]:
    axis, spoke, turn = {"axis": "feedback"}, {"part": "spoke"}, {"part": "turn"}
    naive: dict[str, Any] = {"estimator": "share", "where": spoke, "null": NONE, "worse": "lower"}
    made = []
    if how != NOTHING:
        main = BIAS if how == GIVEN else LABEL_BIAS
        made.append(
            Measure(
                estimator=main,
                where=spoke if how == GIVEN else turn,
                labels={
                    **axis,
                    "measure": "naive minus corrected satisfaction",
                    "toward": "satisfied",
                },
            )
        )
    made.append(
        Measure(
            role="secondary",
            labels={**axis, "measure": "naive satisfaction: share of those who spoke"},
            **naive,
        )
    )
    if how == GIVEN:
        made.append(
            Measure(
                estimator=CORRECTED,
                role="secondary",
                where=spoke,
                null=NONE,
                worse="lower",
                labels={**axis, "measure": "corrected satisfaction"},
            )
        )
    made.append(Measure(estimator="share", role="secondary", where=turn, null=NONE, worse="either",
                        labels={**axis, "measure": "turns with a signal"}))  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """300 conversations of 4 turns, .7 satisfied (correlation .2): happy users speak with .3, others with .3 + dial.

    These are means: how freely somebody speaks varies from turn to turn, by .2 either way, whatever the turn was
    like. The naive share tends to .7 * .3 over .7 * .3 + .3 * (.3 + dial); the truth is that minus .7.
    """
    glad = rng.random((_CLUSTERS, _TURNS)) < rng.beta(4 * _RATE, 4 * (1 - _RATE), (_CLUSTERS, 1))
    r = rng.uniform(_HAPPY - 0.2, _HAPPY + 0.2, glad.shape) + dial * ~glad
    kind = np.where(rng.random(r.shape) < r, np.where(glad, SATISFIED, DISSATISFIED), NEITHER)
    talk = np.repeat(np.arange(_CLUSTERS), _TURNS).astype(str).astype(object)
    spoken = _RATE * _HAPPY
    truth = spoken / (spoken + (1 - _RATE) * (_HAPPY + dial)) - _RATE
    return tabulate(talk, kind.ravel().astype(object), r.ravel(), np.full(r.size, np.nan)), truth
