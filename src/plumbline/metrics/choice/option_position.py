"""Option position: does a letter win because of where it stands?

Every question is asked in all rotations of its options under fixed letters. Liu et al., "MMBench:
Is your multi-modal model an all-around player?", ECCV 2024, arXiv:2307.06281 (CircularEval);
spread of recalls: Zheng et al. 2024, arXiv:2309.03882.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import Choices
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.templates import questions as own
from plumbline.metrics.balanced_questions import QUICK, of_suite
from plumbline.metrics.multiple_choice import LETTERS, chat_role, letters, shown
from plumbline.metrics.presentations import Presentations
from plumbline.metrics.rotations import Circle, Ints, known_share
from plumbline.stats.estimators import ESTIMATORS, Estimator

Floats = NDArray[np.float64]
FLOOR: Final = 0.5
OTHER: Final = "another order of this question has no answer"
DIALS: Final = (0.0, 0.15, 0.4)

SPREAD: Final = ESTIMATORS["between_variance"]


def _recall_sd(sums: Floats, options: Mapping[str, Any]) -> Floats:
    """Population standard deviation of the recalls by place of the right answer (RStd)."""
    return np.sqrt(SPREAD.value(sums, options))


RSTD: Final = Estimator("recall_sd", SPREAD.features, _recall_sd, groups=0, bounds=(0.0, 0.5))


@method(
    id="option_position",
    version=1,
    title="Position preference among options (CircularEval)",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2307.06281",
    suite="quick",
    estimand="share of answers that take the first option when every option stands there equally often, over questions of common knowledge like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.25,
        "says": "every option stands at every place once, so without a preference each of four places gets 1/4",
    },
    sign="signed",
    worse="either",
    units=("question random",),
    trust="planted",
    axes=("option position",),
    seeds=("S117", "S093", "S027"),
)
def option_position(context: Context, *, questions: str | None = None) -> Asking:
    """Share of answers at the first place (tested), at each place, and what it does to accuracy.

    Because all rotations are asked, what a model knows or likes cancels exactly: without a
    preference for a place each of N gets 1/N. A preference for another place than the first shows in the rows
    of the places and in the distance (total variation from equal shares; it is positive even by chance,
    so its mean under exchanged places stands beside it).

    Circular accuracy counts a question as right only if all rotations are right. It punishes
    plain noise like position preference (with p right answers by noise alone, p^N), so the
    consistency, the gap to the accuracy in the file's order and k_hat, the share of questions
    known if the rest were guessed, stand next to it. After a correction that makes answers invariant to
    order, circular accuracy and k_hat rise to the accuracy without anything being known. RStd is the spread of the recalls by the
    right answer's place.

    A question with an unanswered rotation is left out whole, since otherwise liked contents would
    look like a liked place; the facts say how many and why.

    Args:
        context: The run's surroundings.
        questions: An own TOML file; default 32 of the shipped questions in `quick`, else all 68.

    Returns:
        Rows of several parts: `place` (presentation x place), `recall` (presentation), and one row
        a question for `vanilla`, `circular`, `gap`, `consistent` and `known`.
    """
    chosen = _chosen(context, own.load(questions), limited=questions is None)
    circle = Circle.of([len(q.options) for q in chosen], [q.gold for q in chosen])
    role = chat_role(context.about)
    turned = Presentations.of([len(q.options) for q in chosen], "rotation")
    prompts = turned.prompts([shown(q.text, q.options, role=role) for q in chosen], "options")
    contents = turned.behind_labels([q.options for q in chosen])
    (answers,) = yield [ask.choose(prompts, [letters(len(o)) for o in contents], contents=contents)]
    return scored(circle, [q.id for q in chosen], answers)


def _chosen(
    context: Context, found: Sequence[own.Question], *, limited: bool
) -> list[own.Question]:
    return of_suite(context, found, limited=limited)


def scored(circle: Circle, names: Sequence[str], answers: Choices) -> Scored:
    """Items, measures and facts from the choices, one a presentation in the circle's order."""
    whole = circle.whole(answers.ok)
    status = np.asarray(answers.status, dtype=object)
    why = np.where(whole[circle.question], "", np.where(status != "", status, OTHER)).astype(object)
    items = _items(circle, np.asarray(names, dtype=object), np.asarray(answers.chosen), why)
    right = (answers.chosen == circle.place)[why == ""]
    share = float(right.mean()) if right.size else None
    sizes = sorted(set(circle.size.tolist()))
    facts = {
        "questions": len(names),
        "left_out_questions": int((~whole).sum()),
        "unanswered": dict(Counter(s for s in status.tolist() if s)),
        "accuracy_over_rotations": share,
        "circular_by_noise_alone": {str(n): share**n for n in sizes} if share is not None else None,
        "derived_from": dict(Counter(answers.how)),
    }
    floor = (float(whole.mean()), FLOOR, "share of questions answered in every order")
    return Scored(items=items, measures=measures(circle, floor), facts=facts)


def _items(circle: Circle, names: Any, chosen: Ints, why: Any) -> Items:
    """All parts as one table."""
    widest = int(circle.size.max())
    rows, places = np.nonzero(np.arange(widest) < circle.size[:, None])
    first = circle.shift == 0
    size = circle.size[first]
    circular, vanilla = circle.circular(chosen), circle.vanilla(chosen)
    by_question = {
        "vanilla": vanilla, "circular": circular, "gap": vanilla.astype(int) - circular,
        "consistent": circle.consistent(chosen), "known": known_share(circular, size),
    }  # fmt: skip
    letter = np.array(letters(widest), dtype=object)
    wide = (rows, np.arange(circle.size.size), *([np.flatnonzero(first)] * len(by_question)))
    here = np.concatenate(wide)  # the presentation that each row belongs to
    right = chosen == circle.place
    bare = np.full(len(by_question) * size.size, "", dtype=object)
    parts = np.repeat(["place", "recall", *by_question], [len(part) for part in wide])
    return Items.of(
        item=names[circle.question[here]], question=names[circle.question[here]],
        score=np.concatenate([chosen[rows] == places, right, *by_question.values()]).astype(float), why=why[here],
        part=parts.astype(object), options=circle.size[here], rotation=circle.shift[here],
        group=np.concatenate([letter[places], letter[circle.place], bare]),
        place=chosen[here], answer=here,
    )  # fmt: skip


def measures(circle: Circle, floor: tuple[float, float, str]) -> list[Measure]:
    """What is inferred; distances and recalls are separate for each number of options."""
    axis = {"axis": "option position"}
    size = circle.size[circle.shift == 0]

    def place(index: int, **more: Any) -> Measure:
        # Each question with that place puts every option there once: expected are Q / (sum of N).
        expected = float(1 / size[size > index].mean())
        null = Null(kind="point", value=expected, says="every option stands there once")
        labels = {**axis, **more.pop("say"), "measure": "share of answers"}
        where = {"part": "place", "group": LETTERS[index]}
        return Measure(
            estimator="share", labels=labels, where=where, null=null, floor=floor, **more
        )

    made = [place(0, say={"toward": "the first option"})]
    made += [
        place(i, say={"group": letter}, role="group")
        for i, letter in enumerate(letters(int(size.max())))
    ]
    moved = Null(kind="exchangeable", labels="group", within="question")
    for n in sorted(set(size.tolist())):
        wanted: dict[str, Any] = {"groups": letters(n), "sign": "unsigned", "null": moved,
                                  "worse": "higher", "floor": floor}  # fmt: skip
        made += [
            Measure(estimator="share_distance", role="secondary", where={"part": "place", "options": n},
                    labels={**axis, "measure": f"distance from equal shares, {n} options"}, **wanted),
            Measure(estimator=RSTD, role="reference", where={"part": "recall", "options": n},
                    labels={**axis, "measure": f"RStd of recalls, {n} options"}, **wanted),
        ]  # fmt: skip
    said = {
        "vanilla": ("share", "accuracy in the file's order", "lower"),
        "circular": ("share", "circular accuracy", "lower"),
        "gap": ("mean", "accuracy minus circular accuracy", "higher"),
        "consistent": ("share", "same content in all orders", "lower"),
        "known": ("mean", "k_hat, share known if the rest is guessed", "lower"),
    }
    none = Null(kind="none")
    made += [
        Measure(estimator=name, role="reference" if part == "known" else "secondary", null=none,
                where={"part": part}, worse=worse, labels={**axis, "measure": text}, floor=floor)
        for part, (name, text, worse) in said.items()
    ]  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """32 questions of four options: half are known, else a habit for A with chance `dial`.

    A known question is answered rightly in all rotations; at an unknown one every presentation
    takes A with chance `dial`, otherwise any place. The share of A is then .25 + .375 * dial.
    """
    circle = Circle.of([4] * QUICK, [i % 4 for i in range(QUICK)])
    known = rng.random(QUICK)[circle.question] < 0.5
    guess = np.where(rng.random(known.size) < dial, 0, rng.integers(0, 4, known.size))
    chosen = np.where(known, circle.place, guess)
    n = chosen.size
    answers = Choices(chosen, [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)
    return scored(circle, [f"q{i}" for i in range(QUICK)], answers), 0.25 + 0.375 * dial
