"""Letter or place: what a preference for "option A" is made of.

Zheng et al., "Large language models are not robust multiple choice selectors", ICLR 2024,
arXiv:2309.03882, tell token bias (the letter) from position bias (the place) by moving one without the other.
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
from plumbline.data.templates import questions as own
from plumbline.metrics.balanced_questions import QUICK, of_suite
from plumbline.metrics.continuations import stacked
from plumbline.metrics.letter_and_place import (
    LETTER_PART,
    PLACE_PART,
    SCHEMES,
    column,
    crossed,
    excess,
    strength,
)
from plumbline.metrics.multiple_choice import chat_role, letters, shown
from plumbline.metrics.presentations import Presentations

FLOOR: Final = 0.5
CLEAR: Final = 0.05
"""Shortest preference of which parts are told: five points of the answers."""
OTHER: Final = "another order of this question has no answer"
AXES: Final = {"labels": "option letter", "both": "option place", "contents": "option position"}
DIALS: Final = (0.0, 0.15, 0.4)


@method(
    id="label_position",
    version=1,
    title="Letter or place among options",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2309.03882",
    suite="full",
    estimand="share of answers with the first letter when every option stands behind every letter equally often and keeps its place (letter), and share at the first place when every option stands at every place and keeps its letter (place), over questions of common knowledge like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.25,
        "says": "letters move over options that stay, so without a preference for a letter each of four gets 1/4; likewise places (arXiv:2309.03882)",
    },
    sign="signed",
    worse="either",
    units=("question random",),
    trust="planted",
    axes=("option letter", "option place", "option position"),
    seeds=("S117", "S093", "S048"),
)
def label_position(context: Context, *, questions: str | None = None) -> Asking:
    """Share of the first letter, whatever its place, and of the first place, whatever its letter (both tested).

    `option_position` moves options under fixed letters, so that "A" and "first" are one thing. Here each
    question is asked in three kinds of rotations: options under fixed letters (together), letters over
    options that stay (the letter alone), and options that keep their letters (the place alone). What the model
    knows cancels exactly in each of them.

    The share due to the letter is the inner product of the joint preference (excess of each option over an
    equal share) with the letter's, over the sum of the products with letter's and place's; the place
    has the rest. It is above 1 where the place works against the letter. Products of a question with
    itself are left out: their noise is common, since the first of all rotations is one prompt. Both shares are
    Undefined where the joint preference is shorter than five points. What letter and place together do not
    make up is in the facts: they need not add.

    Moved letters look odd ("C. ... A. ..."), and a model may do on such prompts what it does not do
    elsewhere; accuracy in each kind of rotation stands beside the shares.

    Args:
        context: The run's surroundings.
        questions: An own TOML file; default 32 of the shipped questions in `quick`, else all 68.

    Returns:
        A row for each presentation and option (the `scheme` says what moved), one a presentation
        with the part `right`, and one a question with the part `parts`.
    """
    chosen = of_suite(context, own.load(questions), limited=questions is None)
    sizes, role = [len(q.options) for q in chosen], chat_role(context.about)
    asked = [shown(q.text, q.options, role=role) for q in chosen]
    turned = {scheme: Presentations.of(sizes, "rotation", moves=scheme) for scheme in SCHEMES}
    batches = []
    for rows in turned.values():
        contents = rows.behind_labels([q.options for q in chosen])
        said = [letters(len(c)) for c in contents]
        batches.append(ask.choose(rows.prompts(asked, "options"), said, contents=contents))
    answers = yield batches
    return scored(turned, [q.id for q in chosen], [q.gold for q in chosen], answers)


def scored(
    turned: dict[str, Presentations], names: Sequence[str], gold: Sequence[int], answers: Sequence[Choices]
) -> Scored:  # fmt: skip
    """Items, measures and facts from the choices of the three schemes."""
    rows = turned["contents"]
    status = np.stack([np.asarray(a.status, dtype=object) for a in answers])
    whole = rows.whole((status == "").all(axis=0))
    widest = rows.content.shape[1]
    question = np.asarray(names, dtype=object)
    row, option = np.nonzero(np.arange(widest) < rows.size[:, None])
    tables: list[Items] = []
    off: dict[str, NDArray[np.float64]] = {}
    for k, (scheme, said) in enumerate(zip(SCHEMES, answers, strict=True)):
        label, reasons = np.asarray(said.chosen), status[k]
        index = turned[scheme].place_of(label) if scheme == "both" else label
        right = turned[scheme].content_of(label) == np.asarray(gold)[rows.item]
        why = np.where(whole[rows.item], "", np.where(reasons != "", reasons, OTHER)).astype(object)
        named = np.array(names_of(scheme, widest), dtype=object)[option]
        for part, at, score, group in (
            ("share", row, index[row] == option, named),
            ("right", np.arange(len(rows)), right, np.full(len(rows), "", dtype=object)),
        ):
            tables.append(Items.of(
                item=question[rows.item[at]], question=question[rows.item[at]], score=score, why=why[at],
                scheme=np.full(at.size, scheme, dtype=object), part=np.full(at.size, part, dtype=object),
                group=group, answer=at + k * len(rows),
            ))  # fmt: skip
        off[scheme] = excess(rows.item, index, rows.size, widest)
    tables.append(_parts(question, whole, off))
    clear = strength(off["contents"][whole]) if whole.sum() > 1 else 0.0
    floor = (float(whole.mean()), FLOOR, "share of questions answered in every order")
    facts = _facts({scheme: table[whole] for scheme, table in off.items()}, whole, status)
    return Scored(items=stacked(tables), measures=measures(rows, floor, clear), facts=facts)


def names_of(scheme: str, count: int) -> tuple[str, ...]:
    """What can be preferred: letters, or places by number."""
    return tuple(str(i + 1) for i in range(count)) if scheme == "both" else letters(count)


def _parts(
    question: NDArray[Any], whole: NDArray[np.bool_], off: dict[str, NDArray[np.float64]]
) -> Items:
    """A row a question with its excess in each scheme."""
    columns = {column(s, j): table[:, j] for s, table in off.items() for j in range(table.shape[1])}
    return Items.of(
        item=question, question=question, score=np.zeros(question.size),
        why=np.where(whole, "", OTHER).astype(object), answer=np.full(question.size, -1),
        part=np.full(question.size, "parts", dtype=object), **columns,
    )  # fmt: skip


def _facts(
    kept: dict[str, NDArray[np.float64]], whole: NDArray[np.bool_], status: NDArray[Any]
) -> dict[str, Any]:
    """How much the letter and the place leave over, and what was not answered."""
    left = kept["contents"] - kept["labels"] - kept["both"]
    many = bool(whole.sum() > 1)
    return {
        "questions": int(whole.size), "left_out_questions": int((~whole).sum()),
        "unanswered": dict(Counter(s for s in status.ravel().tolist() if s)),
        "length of the joint preference": strength(kept["contents"]) if many else None,
        "length of what letter and place do not make up": strength(left) if many else None,
        "letter against place": crossed(kept["labels"], kept["both"]) if many else None,
    }  # fmt: skip


def measures(rows: Presentations, floor: tuple[float, float, str], clear: float) -> list[Measure]:
    """What is inferred."""
    none, size = Null(kind="none"), rows.size[rows.number == 0]
    widest = int(size.max())
    expected = Null(kind="point", value=float(1 / size.mean()), says="every option has it once")
    made: list[Measure] = []
    for scheme in ("labels", "both"):
        names = names_of(scheme, widest)
        labels = {"axis": AXES[scheme], "measure": "share of answers"}
        where = {"part": "share", "scheme": scheme}
        toward = "the first letter" if scheme == "labels" else "the first place"
        made.append(Measure(estimator="share", labels={**labels, "toward": toward}, null=expected,
                            where={**where, "group": names[0]}, floor=floor))  # fmt: skip
        made += [
            Measure(estimator="share", role="group", labels={**labels, "group": name}, floor=floor,
                    where={**where, "group": name}, null=Null(kind="point", value=float(1 / size[size > i].mean()), says="every option has it once"))
            for i, name in enumerate(names)
        ]  # fmt: skip
    joint = {"axis": AXES["contents"]}
    long = floor if floor[0] < FLOOR else (clear, CLEAR, "length of the joint preference")
    made += [
        Measure(estimator=est, role="secondary", null=none, unit="share", where={"part": "parts"},
                labels={**joint, "measure": text}, options={"widest": widest}, floor=long)
        for est, text in ((LETTER_PART, "share due to the letter"), (PLACE_PART, "share due to the place"))
    ]  # fmt: skip
    moved = {
        "contents": "options moved under letters",
        "labels": "letters moved",
        "both": "lettered options moved",
    }
    made += [
        Measure(estimator="share", role="secondary", null=none, worse="lower", floor=floor,
                where={"part": "right", "scheme": scheme},
                labels={"axis": AXES[scheme], "measure": f"accuracy, {text}"})
        for scheme, text in moved.items()
    ]  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """32 questions of four options: half are known; else A with chance `dial`, the first place with `dial` / 2.

    The letter's share of A is .25 + .375 * dial: what is said for its place has every letter equally often.
    """
    turned = {scheme: Presentations.of([4] * QUICK, "rotation", moves=scheme) for scheme in SCHEMES}
    gold = np.arange(QUICK) % 4
    known = rng.random(QUICK) < 0.5
    answers: list[Choices] = []
    for rows in turned.values():
        n = len(rows)
        right = np.take_along_axis(rows.label, rows.place_with(gold)[:, None], axis=1)[:, 0]
        said = rng.integers(0, 4, n)
        said = np.where(rng.random(n) < dial / 2, rows.label[:, 0], said)
        said = np.where(rng.random(n) < dial, 0, said)
        said = np.where(known[rows.item], right, said)
        if answers:  # the first order of every scheme is the same prompt
            said = np.where(rows.number == 0, answers[0].chosen, said)
        answers.append(Choices(said, [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n))
    return scored(
        turned, [f"q{i}" for i in range(QUICK)], gold.tolist(), answers
    ), 0.25 + 0.375 * dial
