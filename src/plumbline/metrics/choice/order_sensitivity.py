"""Order of retrieved documents: is an answer found less often where it stands last, first or in the middle?

Liu et al., "Lost in the middle", TACL 2024, arXiv:2307.03172 (the curve over places); Wang et al.,
"Eliminating position bias of language models", ICLR 2025, arXiv:2407.01100 (gap of best and worst place).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import Choices
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.templates import invented_facts as own
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.presentations import Presentations

Floats = NDArray[np.float64]
FLOOR: Final = 0.5
NOTES: Final = 5
EACH: Final = {"quick": 2, "standard": 4, "full": 8}
OTHER: Final = "another order of this question has no answer"
AXIS: Final = {"axis": "document position"}
DIALS: Final = (0.0, 0.1, 0.25, 0.5)


def first_minus_last(right: Floats) -> Floats:
    """Right with the answer's note first, minus with it last; `right` (items, places), shape (items,)."""
    return np.asarray(right[:, 0] - right[:, -1], float)


def trend(right: Floats) -> Floats:
    """First minus last along the least-squares line over all places; shape (items,)."""
    place = np.arange(right.shape[1]) - (right.shape[1] - 1) / 2
    slope = right @ place / (place @ place)
    return np.asarray(-(right.shape[1] - 1) * slope)


@method(
    id="order_sensitivity",
    version=1,
    title="Order of retrieved documents",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2307.03172",
    suite="standard",
    estimand="accuracy with the note that holds the answer first, minus with it last among five, over kinds of short invented facts like these; English",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "every note stands at every place once: a reader of all notes finds the answer as often in the first as in the last (arXiv:2407.01100)",
    },
    sign="signed",
    worse="either",
    units=("template random", "item random"),
    trust="planted",
    axes=("document position",),
    seeds=("S048", "S117"),
)
def order_sensitivity(context: Context, *, notes: int = NOTES, each: int | None = None) -> Asking:
    """Accuracy with the answer's note first minus last (tested); the curve over places beside it.

    A question about somebody or something that does not exist is asked together with a few notes
    of the same kind, of which one holds the answer, in all rotations. What can be said are the values
    of all notes, so that a model which reads only one place is right there and wrong elsewhere. Above
    0 the first place is favoured (primacy), below 0 the last (recency). Both ends may be favoured alike, or
    the middle: then the first minus last is 0, and the curve and the gap between the best and the worst place
    show it. The gap is positive by chance; its mean under exchanged places stands beside it. The trend is
    first minus last along a line through all places.

    Where a model hardly finds any answer, places are told apart by what it takes instead: the
    share of answers from the first note minus from the last, right or wrong. A question with an
    unanswered order is left out whole. Notes carry no numbers, since a number would tell the place to a model
    that cannot see it otherwise. Rotations are not all orders: neighbours stay neighbours.

    Args:
        context: The run's surroundings.
        notes: Notes a question, 2 to 6.
        each: Questions of each of the 20 kinds; default 2, 4 or 8 by suite.

    Returns:
        Parts `first_minus_last`, `trend`, `taken` and `same` (a row a question), `place` (a row
        a presentation) and `deviation` (the same, minus the question's mean).
    """
    facts = own.facts(EACH[context.suite] if each is None else each, notes=notes)
    role = chat_role(context.about)
    turned = Presentations.of([notes] * len(facts), "rotation")
    prompts = turned.prompts([own.shown(f, role=role) for f in facts], own.DOCUMENTS)
    (answers,) = yield [ask.choose(prompts, [facts[i].values for i in turned.item])]
    return scored(turned, [f.id for f in facts], [f.kind for f in facts], [f.gold for f in facts], answers)  # fmt: skip


def scored(
    turned: Presentations, names: Sequence[str], kinds: Sequence[str], gold: Sequence[int], answers: Choices
) -> Scored:  # fmt: skip
    """Items, measures and facts from the choices, one a presentation.

    Args:
        turned: What stood where.
        names: Identity of each question.
        kinds: Its kind.
        gold: Index of the note that holds its answer.
        answers: Indices of notes' values.
    """
    chosen, status = np.asarray(answers.chosen), np.asarray(answers.status, dtype=object)
    whole = turned.whole(answers.ok)
    place = turned.place_with(np.asarray(gold))
    why = np.where(whole[turned.item], "", np.where(status != "", status, OTHER)).astype(object)
    right = (chosen == np.asarray(gold)[turned.item]).astype(float)
    count = turned.content.shape[1]
    table = np.zeros((len(names), count))
    table[turned.item, place] = right
    from_place = turned.place_with_row(chosen)
    taken = (from_place == 0).astype(float) - (from_place == count - 1)
    one = {
        "first_minus_last": first_minus_last(table), "trend": trend(table),
        "taken": turned.table(taken, 0.0).mean(axis=1),
        "same": turned.consistent(chosen).astype(float),
    }  # fmt: skip
    rows = [(part, np.arange(len(names)), score) for part, score in one.items()]
    here = np.concatenate([r[1] for r in rows] + [turned.item] * 2)
    lone = np.flatnonzero(turned.number == 0)
    at = np.concatenate([lone[r[1]] for r in rows] + [np.arange(len(turned))] * 2)
    named = np.array([str(p + 1) for p in range(count)], dtype=object)
    bare = np.full(len(names) * len(rows), "", dtype=object)
    items = Items.of(
        item=np.asarray(names, dtype=object)[here], template=np.asarray(kinds, dtype=object)[here],
        part=np.repeat([*one, "place", "deviation"], [len(names)] * len(rows) + [len(turned)] * 2).astype(object),
        score=np.concatenate([*(r[2] for r in rows), right, right - table.mean(axis=1)[turned.item]]),
        group=np.concatenate([bare, named[place], named[place]]), why=why[at], answer=at,
    )  # fmt: skip
    floor = (float(whole.mean()), FLOOR, "share of questions answered in every order")
    facts = {
        "questions": len(names), "notes": count, "left_out_questions": int((~whole).sum()),
        "unanswered": dict(Counter(s for s in status.tolist() if s)),
        "accuracy_by_chance": 1 / count, "derived_from": dict(Counter(answers.how)),
    }  # fmt: skip
    return Scored(items=items, measures=measures(named.tolist(), floor), facts=facts)


def measures(places: Sequence[str], floor: tuple[float, float, str]) -> list[Measure]:
    """What is inferred."""
    none = Null(kind="none")

    def one(part: str, text: str, **more: Any) -> Measure:
        estimator = more.pop("estimator", "mean")
        labels = {**AXIS, "measure": text, **more.pop("say", {})}
        where = {"part": part, **more.pop("only", {})}
        return Measure(estimator=estimator, labels=labels, where=where, floor=floor, **more)

    made = [one("first_minus_last", "accuracy, answer first minus last")]
    made += [
        one("deviation", "accuracy minus the mean over places", role="group", say={"group": p}, only={"group": p})
        for p in places
    ]  # fmt: skip
    moved = Null(kind="exchangeable", labels="group", within="item")
    made += [
        one("place", "gap between best and worst place", estimator="range", groups=tuple(places),
            sign="unsigned", null=moved, worse="higher", role="secondary"),
        one("trend", "trend over places, first minus last", role="secondary", null=none),
        one("taken", "answers from the first note minus from the last", role="secondary", null=none),
        one("same", "same answer in all orders", estimator="share", role="secondary", null=none, worse="lower"),
        one("place", "accuracy", estimator="share", role="secondary", null=none, worse="lower"),
    ]  # fmt: skip
    made += [
        one("place", "accuracy by place", estimator="share", role="reference", null=none, worse="lower",
            say={"group": p}, only={"group": p})
        for p in places
    ]  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """Quick's design: 20 kinds with 2 questions of 5 notes; the chance to be right falls over places.

    P(right at place j) = .5 + u + (dial + v) (1/2 - j/4), with u ~ U(-.15, .15) and v ~ U(-.1, .1) of the kind:
    first minus last is dial in expectation.
    """
    kinds, each = len(own.kinds()), EACH["quick"]
    kind = np.tile(np.arange(kinds), each)
    turned = Presentations.of([NOTES] * kind.size, "rotation")
    gold = rng.integers(0, NOTES, kind.size)
    place = turned.place_with(gold)
    u, v = rng.uniform(-0.15, 0.15, kinds), rng.uniform(-0.1, 0.1, kinds)
    of = kind[turned.item]
    chance = 0.5 + u[of] + (dial + v[of]) * (0.5 - place / (NOTES - 1))
    wrong = (gold[turned.item] + rng.integers(1, NOTES, len(turned))) % NOTES
    chosen = np.where(rng.random(len(turned)) < chance, gold[turned.item], wrong)
    n = len(turned)
    answers = Choices(chosen, [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)
    return scored(turned, [f"f{i}" for i in range(kind.size)], [f"k{k}" for k in kind], gold.tolist(), answers), dial  # fmt: skip
