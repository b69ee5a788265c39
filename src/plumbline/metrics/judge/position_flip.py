"""Position bias of a pairwise judge: does the verdict follow the place?

Wang et al., "Large language models are not fair evaluators", ACL 2024, arXiv:2305.17926; forms of
consistency as in Li et al. 2023 (PORTIA), arXiv:2310.01432.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.questions import Prompt, Segment
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.templates import pairs as own
from plumbline.metrics.multiple_choice import chat_role
from plumbline.metrics.presentations import Presentations
from plumbline.stats.estimators import ESTIMATORS

Ints = NDArray[np.int64]
FIRST: Final = 0
SECOND: Final = 1
TIE: Final = 2
FLOOR: Final = 0.5
OTHER: Final = "the other order of this pair has no verdict"
CREDIT: Final = np.array([1.0, 0.0, 0.5])  # share for the first position, by verdict
DIALS: Final = (0.0, 0.2, 0.5)
_SHARE: Final = ESTIMATORS["share"]
CONSISTENCY: Final = replace(
    _SHARE, id="one_minus_share", value=lambda sums, options: 1 - _SHARE.value(sums, options)
)


@method(
    id="position_flip",
    version=1,
    title="Position bias of a pairwise judge",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose",),
    paper="arxiv:2305.17926",
    suite="quick",
    estimand="share of verdicts for the answer shown first when every pair is shown in both orders (ties count half), over questions like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.5,
        "says": "both answers stand first once, so a judge of content gives the first place one half",
    },
    sign="signed",
    worse="either",
    units=("question random", "item random"),
    trust="planted",
    axes=("answer position",),
    seeds=("S044", "S048", "S070", "S078"),
)
def position_flip(
    context: Context, *, pairs: str | None = None, ties: bool = True, **_: Any
) -> Asking:
    """Share of verdicts for the first position (tested), flips and agreement beside it.

    Each question is shown with its two answers in both orders; the model says which is better.
    Above one half the judge favours what it reads first, below what it reads last. The flip rate
    (share of pairs whose verdict names another answer, or a tie, in the other order) is positive
    for a merely noisy judge too, so it is not tested. Consistency is one minus the flip rate; a
    consistent judge can be consistently wrong, so the share of verdicts for the better answer is
    shown for the pairs that have one.

    A pair with one verdict missing is left out whole, since otherwise a liked answer would look
    like a liked place. Below half of the pairs with both verdicts everything is Undefined.

    Args:
        context: The run's surroundings.
        pairs: An own TOML file of pairs; default the 44 shipped ones.
        ties: Offer "both are equally good".

    Returns:
        Two rows a pair with the part `order`, one with `flip`, and for inconsistent pairs and
        pairs with a better answer the parts `flipped` and `better`.
    """
    found = own.load(pairs)
    role = chat_role(context.about)
    letters = ("A", "B", "C") if ties else ("A", "B")
    shown = Presentations.of([2] * len(found), "swap").by_order()
    asked = [judged(p.question, p.answers, role=role, ties=ties) for p in found]
    prompts = shown.prompts(asked, "answers")
    (answers,) = yield [ask.choose(prompts, [letters] * len(prompts))]
    better = np.array([0 if p.quality == "first_better" else -1 for p in found], np.int64)
    return scored(
        [p.id for p in found],
        np.asarray(answers.chosen).reshape(2, -1),
        np.asarray(answers.status, dtype=object).reshape(2, -1),
        better=better,
    )


def judged(question: str, answers: Sequence[str], *, role: str, ties: bool) -> Prompt:
    """The judge's prompt: the answers are segments that may trade places."""
    tie = " Say C if both are equally good." if ties else ""
    asked = (
        "Which answer helps the person who asked more? The order of the answers means nothing. "
        f"Say A or B.{tie}\nVerdict:"
    )
    before, parts = f"Somebody asked: {question}\n\n", list[Segment]()
    for letter, text in zip("AB", answers, strict=True):
        parts += [
            Segment(f"{before}Answer {letter}: ", role),  # type: ignore[arg-type]
            Segment(text, role, "answers", letter),  # type: ignore[arg-type]
        ]
        before = "\n\n"
    return (*parts, Segment(f"{before}{asked}", role))  # type: ignore[arg-type]


def answer_named(verdicts: Ints) -> Ints:
    """Which answer each verdict names (0, 1; 2 a tie): verdicts of shape (2, pairs) by order.

    Row 0 shows answer 0 first, row 1 shows answer 1 first.
    """
    swapped = np.where(verdicts[1] == TIE, TIE, 1 - verdicts[1])
    return np.stack([verdicts[0], swapped])


def flipped(verdicts: Ints) -> NDArray[np.bool_]:
    """By pair: the verdict names another answer in the other order; shape (pairs,)."""
    named = answer_named(verdicts)
    return np.asarray(named[0] != named[1])


def scored(
    names: Sequence[str],
    verdicts: Ints,
    status: NDArray[Any],
    *,
    better: Ints | None = None,
    questions: Sequence[str] | None = None,
) -> Scored:
    """Items, measures and facts from verdicts in both orders.

    Args:
        names: Identity of each pair.
        verdicts: `FIRST`, `SECOND` or `TIE`, shape (2, pairs): answer 0 first, answer 1 first.
        status: "" or why there is no verdict, of the same shape.
        better: Index of the clearly better answer, -1 where there is none.
        questions: Question of each pair (pairs of one question are not independent).
    """
    pair = np.asarray(names, dtype=object)
    question = pair if questions is None else np.asarray(questions, dtype=object)
    both = (status == "").all(axis=0)
    why = np.where(both, "", np.where(status != "", status, OTHER)).astype(object)
    one = np.where(both, "", "a verdict is missing").astype(object)
    turned = flipped(verdicts) & both
    gold = np.full(pair.size, -1, np.int64) if better is None else better
    credit = CREDIT[np.clip(verdicts, FIRST, TIE)]
    right = (answer_named(verdicts) == gold).astype(float)
    parts = [  # part, pairs, order, score, why
        ("order", np.arange(pair.size), 0, credit[0], why[0]),
        ("order", np.arange(pair.size), 1, credit[1], why[1]),
        ("flip", np.arange(pair.size), 0, turned.astype(float), one),
        *(("flipped", np.flatnonzero(turned), i, credit[i][turned], one[turned]) for i in (0, 1)),
        *(("better", np.flatnonzero(gold >= 0), i, right[i][gold >= 0], why[i][gold >= 0])
          for i in (0, 1)),
    ]  # fmt: skip
    rows = np.concatenate([p[1] for p in parts])
    order = np.concatenate([np.full(len(p[1]), p[2]) for p in parts])
    items = Items.of(
        item=pair[rows], question=question[rows], score=np.concatenate([p[3] for p in parts]),
        why=np.concatenate([p[4] for p in parts]), order=order,
        part=np.concatenate([np.full(len(p[1]), p[0], dtype=object) for p in parts]),
        verdict=verdicts[order, rows], answer=order * pair.size + rows,
    )  # fmt: skip
    floor = (float(both.mean()), FLOOR, "share of pairs with a verdict in both orders")
    facts = {
        "pairs": len(names),
        "left_out_pairs": int((~both).sum()),
        "unanswered": dict(Counter(s for s in status.ravel().tolist() if s)),
        "ties": int((verdicts[:, both] == TIE).sum()),
    }
    has = {str(part) for part in items["part"]}
    return Scored(items=items, measures=measures(floor, has), facts=facts)


def measures(floor: tuple[float, float, str], parts: set[str]) -> list[Measure]:
    """What is inferred."""
    axis = {"axis": "answer position"}
    none = Null(kind="none")

    def one(part: str, text: str, estimator: Any = "share", **more: Any) -> Measure:
        labels = {**axis, "measure": text}
        return Measure(
            estimator=estimator, labels=labels, where={"part": part}, floor=floor, **more
        )

    rate: Mapping[str, Any] = {"role": "secondary", "null": none}
    made = [
        one("order", "share for the first position"),
        one("flip", "flip rate", worse="higher", **rate),
        one("flip", "consistency", CONSISTENCY, worse="lower", **rate),
    ]
    if "flipped" in parts:
        made.append(
            one("flipped", "share for the first position among inconsistent pairs",
                role="reference", null=none)
        )  # fmt: skip
    if "better" in parts:
        made.append(one("better", "verdicts for the better answer", worse="lower", **rate))
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """44 pairs with quality gaps ~ N(0, 1), judged in both orders by a noisy judge with a habit.

    With chance `dial` a verdict is `first` unseen; otherwise it is a tie with chance .1, else the
    answer with the larger of gap + logistic noise. The share for the first place is (1 + dial)/2.
    """
    count = 44
    gap = rng.normal(size=count)
    sign = np.array([[1.0], [-1.0]])  # row 1 shows the other answer first
    verdicts = np.where(sign * gap + rng.logistic(size=(2, count)) > 0, FIRST, SECOND)
    verdicts = np.where(rng.random((2, count)) < 0.1, TIE, verdicts)
    verdicts = np.where(rng.random((2, count)) < dial, FIRST, verdicts)
    status = np.full((2, count), "", dtype=object)
    return scored([f"p{i}" for i in range(count)], verdicts, status), 0.5 + dial / 2
