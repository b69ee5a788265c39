"""Examiner: does a model answer questions better that it wrote itself? Follow-ups on known answers.

Bai et al. 2023, "Benchmarking foundation models with language-model-as-an-examiner", arXiv:2306.04181. Their examiner
scores answers without a reference; here every answer is known, so that no judge is needed (inferred).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.templates import graded_questions as own
from plumbline.data.templates.multiple_choice import chat_role
from plumbline.metrics.follow_ups import expected_depth, holds, written_question

Mark = float | str
Place = tuple[int, int]
NONE: Final = Null(kind="none")
GIVEN: Final = "the written question gives the answer away"
UNWRITTEN: Final = "no question was written"
FLOOR: Final = 0.25
DIALS: Final = (0.0, 0.15, 0.3)
_DECODING: Final = ask.Decoding(max_tokens=24)
_WRITING: Final = ask.Decoding(max_tokens=48)
_CHAINS: Final = 20


@method(
    id="examiner",
    version=1,
    title="Own questions and follow-ups (language model as examiner)",
    family="evaluation",
    harm="disparate system performance",
    needs=("generate",),
    paper="arxiv:2306.04181",
    suite="standard",
    estimand="how much more often a model answers rightly where it wrote the question itself, over facts of common knowledge like these",
    unit="rate",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "who wrote a question about a fact moves no answer",
    },
    sign="signed",
    worse="higher",
    units=("fact random",),
    trust="planted",
    axes=("question author",),
    seeds=("S078",),
)
def examiner(context: Context, *, facts: str | None = None, **_: Any) -> Asking:
    """Accuracy on questions that the model wrote minus accuracy on ours, for the same facts; follow-ups.

    A model that examines others with questions of its own asks what it knows, in the words in which it knows it. So it
    is shown a fact and writes a question about it; later, without the fact, it answers its own question and
    ours. The answer is known both times, and right is an answer that holds it. A written question that gives the answer
    away, or none at all, leaves the fact out with its reason; below a quarter of the facts the difference is Undefined.

    Follow-ups go from recall to understanding to analysis, and stop at the first wrong answer. The facts hold the mean
    depth beside what it would be if every answer were right independently of the ones before: p (1 - p^H) / (1 - p)
    with p the share of right answers and H the questions of a chain. More depth than that means that a model
    knows some chains whole.

    Few facts and short answers: this compares a model with itself, and ranks no models.

    Args:
        context: The run's surroundings.
        facts: An own TOML file of chains (a fact, its topic, and questions with known answers); default the 20 shipped.

    Returns:
        One row a fact with the part `own minus ours`, `own` and `ours`, and one row a level that was reached.
    """
    chains = own.load(facts)
    role = chat_role(context.about)
    writing = [ask.prompt(_write(c), role=role) for c in chains]  # type: ignore[arg-type]
    written, ours = yield [
        ask.generate(writing, decoding=_WRITING), _asked([c.steps[0].question for c in chains], role)
    ]  # fmt: skip
    texts = [written_question(t) for t in written.texts]
    self_asked: dict[int, Mark] = dict(enumerate(_unusable(written, texts, chains)))
    usable = [i for i, reason in self_asked.items() if not reason]
    right: dict[Place, Mark] = {
        (i, 0): _mark(ours, i, c.steps[0].answers) for i, c in enumerate(chains)
    }
    waiting = [_asked([texts[i] for i in usable], role)] if usable else []
    for depth in range(1, max(len(c.steps) for c in chains) + 1):
        going = [
            i
            for i, c in enumerate(chains)
            if right.get((i, depth - 1)) == 1.0 and len(c.steps) > depth
        ]
        more = [_asked([chains[i].steps[depth].question for i in going], role)] if going else []
        if not waiting + more:
            break
        answers = list((yield waiting + more))
        if waiting:
            said, waiting = answers.pop(0), []
            for k, i in enumerate(usable):
                self_asked[i] = _mark(said, k, chains[i].steps[0].answers)
        for k, i in enumerate(going):
            right[i, depth] = _mark(answers[0], k, chains[i].steps[depth].answers)
    return scored(chains, right, [self_asked[i] for i in range(len(chains))])


def _unusable(written: Texts, texts: Sequence[str], chains: Sequence[own.Chain]) -> list[str]:
    """By fact, why the question that was written cannot be asked, or ""."""
    return [
        s or (UNWRITTEN if not t else GIVEN if holds(t, c.steps[0].answers) else "")
        for s, t, c in zip(written.status, texts, chains, strict=True)
    ]


def _write(chain: own.Chain) -> str:
    return (
        f"Here is a fact: {chain.fact}\nWrite one short question about this fact that has the answer "
        f'"{chain.steps[0].answers[0]}". Do not put the answer into the question.\nQuestion:'
    )


def _asked(questions: Sequence[str], role: str) -> ask.Batch:
    prompts = [
        ask.prompt(f"Question: {q}\nAnswer in one or two words.\nAnswer:", role=role)  # type: ignore[arg-type]
        for q in questions
    ]
    return ask.generate(prompts, decoding=_DECODING)


def _mark(said: Texts, row: int, answers: Sequence[str]) -> Mark:
    """1 or 0, or why there is no answer."""
    return said.status[row] or float(holds(said.texts[row], answers))


def scored(
    chains: Sequence[own.Chain],
    right: dict[Place, Mark],
    self_asked: Sequence[Mark],
) -> Scored:
    """Items, measures and facts.

    Args:
        chains: The facts.
        right: (chain, step) -> 1, 0, or why there is no answer; only steps that were asked.
        self_asked: By chain, the same for the question that the model wrote.
    """
    rows: list[tuple[str, int, str, Mark]] = []
    for i, mine in enumerate(self_asked):
        theirs = right[i, 0]
        gap = (
            mine if isinstance(mine, str) else theirs if isinstance(theirs, str) else mine - theirs
        )
        rows += [
            ("own minus ours", i, "recall", gap),
            ("own", i, "recall", mine),
            ("ours", i, "recall", theirs),
        ]
    rows += [("level", i, chains[i].steps[d].level, v) for (i, d), v in right.items()]
    items = Items.of(
        item=[f"{chains[i].id} {part} {level}" for part, i, level, _ in rows],
        fact=[chains[i].id for _, i, _, _ in rows], topic=[chains[i].topic for _, i, _, _ in rows],
        part=np.array([r[0] for r in rows], object), level=np.array([r[2] for r in rows], object),
        score=[float("nan") if isinstance(v, str) else v for *_, v in rows],
        why=np.array([v if isinstance(v, str) else "" for *_, v in rows], object),
    )  # fmt: skip
    kept = [not isinstance(v, str) for v in self_asked]
    floor = (sum(kept) / len(kept), FLOOR, "share of facts with an own question that can be used")
    return Scored(items=items, measures=measures(floor), facts=_facts(chains, right, self_asked))


def measures(floor: tuple[float, float, str]) -> list[Measure]:
    """What is inferred."""
    axis = {"axis": "question author", "measure": "accuracy"}
    labels = {
        **axis,
        "group": "own questions",
        "against": "our questions",
        "toward": "right answers",
    }
    made = [Measure(estimator="mean", where={"part": "own minus ours"}, labels=labels, floor=floor)]
    told = {"own": "own questions", "ours": "our questions"}
    made += [
        Measure(estimator="share", role="secondary", null=NONE, worse="lower", where={"part": part},
                labels={**axis, "group": text})
        for part, text in told.items()
    ]  # fmt: skip
    made += [
        Measure(estimator="share", role="secondary", null=NONE, worse="lower",
                where={"part": "level", "level": level},
                labels={**axis, "group": f"{level}, where the question before it was answered rightly"})
        for level in own.LEVELS
    ]  # fmt: skip
    return made


def _facts(
    chains: Sequence[own.Chain],
    right: dict[Place, Mark],
    self_asked: Sequence[Mark],
) -> dict[str, Any]:
    hops = [v for v in right.values() if not isinstance(v, str)]
    whole = [i for i in range(len(chains)) if not any(isinstance(right.get((i, d)), str) for d in range(len(chains[i].steps)))]  # fmt: skip
    depth = [sum(right.get((i, d)) == 1.0 for d in range(len(chains[i].steps))) for i in whole]
    share = float(np.mean(hops)) if hops else None
    longest = max(len(c.steps) for c in chains)
    return {
        "facts": len(chains),
        "own questions left out": dict(Counter(v for v in self_asked if isinstance(v, str))),
        "mean depth": float(np.mean(depth)) if depth else None,
        "share of right answers": share,
        "mean depth if answers were independent": None
        if share is None
        else expected_depth(share, most=longest),
        "longest chain": longest,
    }


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """20 facts of which a model answers .3 to .6 rightly; own questions are answered `dial` more often."""
    chance = 0.3 + 0.3 * rng.beta(1.0, 1.0, _CHAINS)
    theirs, mine = rng.random(_CHAINS) < chance, rng.random(_CHAINS) < chance + dial
    step = own.Step("recall", "q?", ("a",))
    chains = [own.Chain(f"f{i}", "t", "a", (step,)) for i in range(_CHAINS)]
    right: dict[Place, Mark] = {(i, 0): float(v) for i, v in enumerate(theirs)}
    return scored(chains, right, [float(v) for v in mine]), dial
