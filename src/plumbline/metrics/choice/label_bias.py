"""Label bias of a classifier in context: what it answers before it has read anything.

Fei, Hou, Chen and Bosselut, "Mitigating label biases for in-context learning", ACL 2023, arXiv:2305.19148:
vanilla, context and domain label bias. Frames, label words and tests are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Choices
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.lexicons.basic_english import basic_english
from plumbline.data.sets.label_bias_classification import Task
from plumbline.data.tables import read_text
from plumbline.metrics.continuations import stacked
from plumbline.metrics.label_probabilities import (
    MACRO_F1,
    SHIFT,
    UNIFORM,
    columns,
    has_scores,
    probabilities,
)
from plumbline.metrics.label_questions import Asked, Setting, asked
from plumbline.metrics.multiple_choice import chat_role
from plumbline.stats.label_prior import Floats, from_uniform, total_variation

TASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "quick": ("sst2", "trec"),
    "standard": ("sst2", "trec", "agnews", "rte"),
    "full": ("sst2", "cr", "mr", "mpqa", "trec", "agnews", "cb", "rte"),
}
GROUPS: Final = ("English words", "words of the domain")
WIDEST: Final = 6
FLOOR: Final = 0.5
EXCHANGED: Final = Null(kind="exchangeable", labels="group", within="pair")
NONE: Final = Null(kind="none")
DIALS: Final = (0.0, 0.1, 0.25)
SHARES: Final = (
    "this model gives no scores of the labels: shares of its choices stand in for probabilities"
)
_DRAWS, _LABELS = 24, 4


@method(
    id="label_bias",
    version=1,
    title="Label bias of in-context classification",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2305.19148",
    suite="full",
    estimand="total variation between the mean probabilities of the labels under random English words and under random words of the task's own texts, over such texts in these frames",
    unit="probability",
    null={"kind": "exchangeable", "labels": "group", "within": "pair"},
    sign="unsigned",
    worse="higher",
    units=("case random",),
    trust="planted",
    data=("label-bias-classification",),
    axes=("sst2", "cr", "mr", "mpqa", "trec", "agnews", "cb", "rte"),
    seeds=("S027",),
)
def label_bias(
    context: Context, *, tasks: Sequence[str] = (), shots: int = 4, sets: int = 8, draws: int = _DRAWS,
    most: int = 200, english: str = "", plain: bool = False,
) -> Asking:  # fmt: skip
    """Vanilla, context and domain label bias of a task, and how well it is done.

    *Domain* (primary, without demonstrations; a second row with them): DLB = 1/2 sum_y | P(y | English) -
    P(y | domain) |, P the mean over random texts: words of Basic English, and words of the task's own texts as
    often as they occur there, equally many. The two texts of a draw are asked in the same frame; p comes
    from exchanging which of them is which. The distance is positive by chance, so its mean under
    that exchange stands beside it.

    *Vanilla*: distance of P(y) under an empty text from equal probabilities, frames being the units. *Context*: how far a set
    of demonstrations moves P(y) under an empty text, sets being the units. Both are exact distances, one a
    unit, and have no p. Macro-F1 and accuracy on texts of the task stand beside them, so that a correction can be seen to
    help or not; without demonstrations texts are the units, with them the sets are.

    A label is said in full and its probability is that among the labels. Where a model gives no scores, the shares of
    its choices stand in for probabilities, and the notes say so: a lean that never changes the choice is then not seen.

    Demonstrations are drawn at random, as many of each label as come, from texts that are not classified. The random
    texts take their words from the classified texts, without labels.

    Args:
        context: The run's surroundings.
        tasks: Names in `plumbline.data.sets.label_bias_classification`; by default two in `quick`, four in
            `standard`, all eight in `full`.
        shots: Demonstrations in a prompt; 0 for none.
        sets: Sets of demonstrations.
        draws: Random texts of each kind.
        most: Most texts of a task that are classified.
        english: File of words to use for Basic English, parted by white space.
        plain: Ask a chat model in plain text, without its template.

    Returns:
        Rows of a task and setting: one a random text, an empty text or a tested text; `part` says which.
    """
    chosen = tuple(tasks) or TASKS[context.suite]
    if min(draws, sets) < 2 or most < 2 or shots < 0:
        raise BadInput(
            f"draws, sets and most are at least 2, shots at least 0; got {draws}, {sets}, {most}, {shots}"
        )
    words = tuple(read_text(Path(english)).lower().split()) if english else basic_english()
    known = [
        asked(context, name, english=words, draws=draws, shots=shots, sets=sets, most=most)
        for name in chosen
    ]
    role = "text" if plain else chat_role(context.about)
    pairs = [(one, setting) for one in known for setting in one.settings]
    answers = yield [one.batch(setting, role) for one, setting in pairs]
    scores = has_scores(answers)
    made, measures, told = [], [], {}
    for (one, setting), got in zip(pairs, answers, strict=True):
        items = rows(one, setting, got, scores=scores)
        made.append(items)
        measures += measured(one.task, setting, items)
        told[f"{one.task.id}, {setting.name}"] = _facts(one, setting, items, got)
    notes = [] if scores else [SHARES]
    return Scored(items=stacked(made), measures=measures, facts=told, notes=notes)


def rows(one: Asked, setting: Setting, answers: Choices, *, scores: bool) -> Items:
    """The items of a task in a setting."""
    found, why = probabilities(answers, len(one.task.labels), scores=scores)
    where, empty = one.rows(setting), one.rows(setting)["empty"]
    size = len(one.english)
    called = np.array([f"{setting.name} case {c}" for c in setting.case(size)], dtype=object)
    pair = np.array([f"{setting.name} draw {m}" for m in range(size)], dtype=object)
    both = slice(where["english"].start, where["domain"].stop)
    tables = [_table(
        one, setting, "random", found[both], why[both], score=found[both].max(axis=1),
        group=np.repeat(np.array(GROUPS, dtype=object), size), pair=np.tile(pair, 2),
        case=np.tile(pair if setting.bare else called, 2),
    )]  # fmt: skip
    units = np.array([f"{setting.name} case {c}" for c in range(len(setting.frames))], dtype=object)
    if setting.bare:
        moved, reasons = from_uniform(found[empty]), why[empty]
    else:
        moved = total_variation(found[empty], found[where["bare"]])
        reasons = np.where(why[empty] != "", why[empty], why[where["bare"]])
    tables.append(
        _table(one, setting, "empty", found[empty], reasons, score=moved, case=units, pair=units)
    )
    status = np.array(answers.status, dtype=object)[where["tested"]]
    taken = np.asarray(answers.chosen)[where["tested"]]
    gold = np.array([one.task.labels.index(example.label) for example in one.tested])
    names = np.array([example.id for example in one.tested], dtype=object)
    cases = units[setting.case(len(names))]
    tables.append(_table(
        one, setting, "tested", found[where["tested"]], status, score=(taken == gold).astype(float),
        case=names if setting.bare else cases, pair=names, gold=gold, taken=taken,
    ))  # fmt: skip
    return stacked(tables)


def _table(
    one: Asked, setting: Setting, part: str, found: Floats, why: NDArray[Any], **given: Any
) -> Items:
    """One part's rows; a row is named by task, setting, part and what it is about."""
    group = given.get("group", np.full(len(found), "", dtype=object))
    names = [f"{one.task.id} {part} {p} {g}" for p, g in zip(given["pair"], group, strict=True)]
    said = np.full(len(found), f"{setting.name} {part}", dtype=object)
    return Items.of(
        item=np.array(names, dtype=object), part=said, why=why,
        task=np.full(len(found), one.task.id, dtype=object), **given, **columns(found, WIDEST),
    )  # fmt: skip


def measured(task: Task, setting: Setting, items: Items) -> list[Measure]:
    """What is inferred of a task in a setting; the domain label bias comes first."""
    options = {"labels": len(task.labels)}

    def one(estimator: Any, part: str, text: str, **more: Any) -> Measure:
        where = {"task": task.id, "part": f"{setting.name} {part}", **more.pop("only", {})}
        labels = {"axis": task.id, "measure": f"{text}, {setting.name}"}
        answered = items.where(where)["why"] == ""
        floor = (answered.sum() / max(answered.size, 1), FLOOR, "share of questions answered")
        return Measure(**{
            "estimator": estimator, "role": "secondary", "labels": labels, "where": where, "floor": floor,
            "options": options, "null": NONE, **more,
        })  # fmt: skip

    role = "primary" if setting.bare else "secondary"
    kind = "vanilla label bias" if setting.bare else "context label bias"
    task_done: dict[str, Any] = {"unit": "rate", "worse": "lower", "sign": "signed"}
    return [
        one(SHIFT, "random", "domain label bias", role=role, groups=GROUPS, null=EXCHANGED),
        one(
            UNIFORM, "random", "prior under words of the domain, distance from uniform",
            only={"group": GROUPS[1]},
        ),
        one("share", "empty", kind),
        one(MACRO_F1, "tested", "macro-F1", **task_done),
        one("share", "tested", "accuracy", **task_done),
    ]  # fmt: skip


def _facts(one: Asked, setting: Setting, items: Items, answers: Choices) -> dict[str, Any]:
    """Mean probabilities by label, and how the answers came."""
    found: dict[str, Any] = {"labels": list(one.task.labels)}
    for name, where in (
        *((group, {"part": f"{setting.name} random", "group": group}) for group in GROUPS),
        ("empty text", {"part": f"{setting.name} empty"}),
        ("classified texts", {"part": f"{setting.name} tested"}),
    ):
        here = items.where(where).answered()
        means = [float(here[f"p{k}"].mean()) for k in range(len(one.task.labels)) if len(here)]
        found[f"mean probabilities, {name}"] = means
    found["words of a random text"] = [len(text.split()) - 1 for text in one.domain[0]]
    found["unanswered"] = dict(Counter(s for s in answers.status if s))
    found["derived_from"] = dict(Counter(answers.how))
    return found


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """24 draws of four labels in six frames, each with probabilities of its own that both texts share.

    A text's probabilities are half its frame's, half a Dirichlet draw with mean q (English) or q moved
    by `dial` from the last label to the first (domain): the true distance is dial / 2.
    """
    q = np.array([0.2, 0.2, 0.25, 0.35])
    moved = q + dial * np.array([1, 0, 0, -1])
    frame = rng.dirichlet(2 * np.ones(_LABELS), size=6)[np.arange(_DRAWS) % 6]
    draws = [rng.dirichlet(3 * mean, size=_DRAWS) for mean in (q, moved)]
    found = np.concatenate([(frame + drawn) / 2 for drawn in draws])
    pair = np.tile([f"draw {m}" for m in range(_DRAWS)], 2).astype(object)
    items = Items.of(
        item=np.arange(2 * _DRAWS), score=found.max(axis=1), group=np.repeat(np.array(GROUPS, dtype=object), _DRAWS),
        pair=pair, case=pair, **columns(found, WIDEST),
    )  # fmt: skip
    measure = Measure(
        estimator=SHIFT, labels={"axis": "simulated"}, groups=GROUPS, options={"labels": _LABELS}
    )
    return Scored(items=items, measures=[measure]), dial / 2
