"""Decoding bias of greedy answers: how often is a greedy answer the model's own best span, and what does it cost?

Castel, Ram, Efrat & Levy 2022, "How optimal is greedy decoding for extractive question answering?", AKBC,
arXiv:2108.05857.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.questions import Prompt, Segment
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.templates import passages as own
from plumbline.metrics.answer_match import exact_match, token_f1
from plumbline.models.span_search import Found, Search, searched

Floats = NDArray[np.float64]
DIALS: Final = (0.0, 0.15, 0.3)
MAX_TOKENS: Final = 24
QUICK: Final = 10  # passages
NOT_A_SPAN: Final = "the greedy answer is no span of the passage"
CUT: Final = "length"


def gaps(best: Floats, greedy: Floats) -> Floats:
    """Log-probability of the best span minus that of the greedy answer: at least 0 where both are spans."""
    return np.asarray(best - greedy, float)


@method(
    id="greedy_extraction",
    version=1,
    title="Greedy decoding against the likeliest span",
    family="evaluation",
    harm="disparate system performance",
    needs=("generate", "logprob"),
    paper="arxiv:2108.05857",
    suite="standard",
    estimand="token F1 of the model's likeliest span minus token F1 of its greedy answer, over questions about short passages like these",
    unit="token F1",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "a way of decoding that is no handicap gives answers as good as the model's likeliest spans",
    },
    sign="signed",
    worse="higher",
    units=("passage random", "question random"),
    trust="planted",
    axes=("decoding",),
    seeds=("S034",),
)
def greedy_extraction(
    context: Context, *, end: str = "\n", longest: int = 8, normalised: bool = False,
    max_tokens: int = MAX_TOKENS, passages: str | None = None, **_: Any,
) -> Asking:  # fmt: skip
    """What greedy decoding loses of the answers that a model itself finds likeliest.

    Every question is answered greedily, and by the span of whole words in the passage that has the highest
    log-probability, its end included (exact extraction). Tested is the difference of their token F1: a
    model's score on such questions is that of the model and of its decoding together, and the
    difference says how much the second hides. It can be negative: the likeliest span may be the worse answer.

    Beside it: extractiveness (the greedy answer stands in the passage), optimality (it is the best span), and the
    gap in log-probability where it is a span, which is never below 0. An answer that has not ended after
    `max_tokens` is judged as it stands and is never the best span.

    Args:
        context: The run's surroundings.
        end: What ends an answer, and stops the greedy one.
        longest: Most words of a span; a longer greedy answer that stands in the passage competes too.
        normalised: Compare spans by nats a token.
        max_tokens: Longest greedy answer.
        passages: An own TOML file; default 20 invented passages (10 in `quick`) with two
            questions each.

    Returns:
        Scored items: rows of the parts `gain`, `f1 greedy`, `f1 exact`, `em greedy`, `em exact`,
        `extractive`, `optimal` and `gap`, one a question.
    """
    some = own.load(passages)
    some = some[:QUICK] if context.suite == "quick" and passages is None else some
    asked = [(p, q) for p in some for q in p.questions]
    prompts = [prompted(p.text, q.text) for p, q in asked]
    decoding = ask.Decoding(temperature=0.0, max_tokens=max_tokens, stop=(end,))
    (written,) = yield [ask.generate(prompts, decoding=decoding)]
    said = [
        "" if status else text.strip()
        for text, status in zip(written.texts, written.status, strict=True)
    ]
    search = Search(end=end, longest=longest, normalised=normalised)
    found = yield from searched(prompts, [p.text for p, _ in asked], search, own=said)
    answers = [
        Answer(
            passage=p.id, question=q.text, gold=q.answer, greedy=text, exact=f.text,
            inside=bool(text) and text in p.text, whole=finish != CUT, best=f.score, own=f.own,
            why=status or f.why,
        )
        for (p, q), text, finish, status, f in zip(
            asked, said, written.finish, written.status, found, strict=True
        )
    ]  # fmt: skip
    return scored(answers, _facts(answers, found))


def prompted(passage: str, question: str) -> Prompt:
    """The prompt of one question; the passage is marked as the item's own text."""
    return (
        Segment("Passage: "), Segment(passage, exchange="input"),
        Segment(f"\nQuestion: {question}\nAnswer:"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Both answers to one question.

    Attributes:
        inside: The greedy answer stands in the passage.
        whole: It ended by itself.
        best, own: Log-probability of the best span and of the greedy answer (NaN where it is none).
        why: Why there is no pair, or "".
    """

    passage: str
    question: str
    gold: str
    greedy: str
    exact: str
    inside: bool
    whole: bool
    best: float
    own: float
    why: str = ""

    @property
    def optimal(self) -> bool:
        """The greedy answer is the best span."""
        return self.whole and self.greedy == self.exact


def _facts(answers: Sequence[Answer], found: Sequence[Found]) -> dict[str, Any]:
    return {
        "questions": len(answers),
        "spans_a_question": float(np.mean([f.spans for f in found])),
        "spans_asked_for_their_end": float(np.mean([f.asked for f in found])),
        "greedy_answers_without_an_end": sum(not a.whole for a in answers),
        "empty_greedy_answers": sum(not a.greedy for a in answers),
    }


def scored(answers: Sequence[Answer], facts: dict[str, Any]) -> Scored:
    """Items and measures from the pairs of answers."""
    f1 = np.array([[token_f1(t, a.gold) for t in (a.greedy, a.exact)] for a in answers])
    em = np.array([[exact_match(t, a.gold) for t in (a.greedy, a.exact)] for a in answers])
    best, own = (np.array([getattr(a, n) for a in answers]) for n in ("best", "own"))
    why = np.array([a.why for a in answers], dtype=object)
    spans = np.array([a.inside and a.whole and bool(np.isfinite(a.own)) for a in answers])
    parts = {
        "gain": f1[:, 1] - f1[:, 0], "f1 greedy": f1[:, 0], "f1 exact": f1[:, 1],
        "em greedy": em[:, 0], "em exact": em[:, 1],
        "extractive": np.array([a.inside for a in answers], float),
        "optimal": np.array([a.optimal for a in answers], float),
        "gap": np.where(spans, gaps(np.where(spans, best, 0), np.where(spans, own, 0)), 0.0),
    }  # fmt: skip
    reasons = [
        np.where((why == "") & ~spans, NOT_A_SPAN, why) if part == "gap" else why for part in parts
    ]
    count = len(answers)
    items = Items.of(
        item=[a.question for a in answers] * len(parts),
        passage=[a.passage for a in answers] * len(parts),
        question=[a.question for a in answers] * len(parts),
        part=np.repeat(list(parts), count).astype(object),
        score=np.concatenate(list(parts.values())), why=np.concatenate(reasons),
        answer=list(range(count)) * len(parts),
    )  # fmt: skip
    return Scored(items=items, measures=measures(), facts=facts)


def measures() -> list[Measure]:
    """The difference is tested; rates and the gap are described."""
    axis, none = {"axis": "decoding"}, Null(kind="none")
    main = Measure(
        estimator="mean", where={"part": "gain"},
        labels={**axis, "group": "likeliest span", "against": "greedy answer", "measure": "token F1"},
    )  # fmt: skip
    told = {
        "extractive": ("share", "extractiveness of greedy answers", "rate", "lower"),
        "optimal": ("share", "optimality of greedy answers", "rate", "lower"),
        "gap": ("mean", "log-probability, best span minus greedy span", "nats", "higher"),
        "f1 greedy": ("share", "token F1, greedy", "token F1", "lower"),
        "f1 exact": ("share", "token F1, likeliest span", "token F1", "lower"),
        "em greedy": ("share", "exact match, greedy", "rate", "lower"),
        "em exact": ("share", "exact match, likeliest span", "rate", "lower"),
    }
    return [main] + [
        Measure(estimator=name, role="secondary", where={"part": part}, null=none, unit=unit,
                worse=worse, labels={**axis, "measure": text})
        for part, (name, text, unit, worse) in told.items()
    ]  # fmt: skip


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """20 passages, two questions each: pairs differ with a chance of the passage, on average .4.

    Where they differ the best span is right and the greedy answer wrong with chance (1 + dial / .4) / 2,
    else the reverse: the expected difference of F1 is the dial.
    """
    answers = []
    for p in range(20):
        differs = rng.beta(2, 3)
        for q in range(2):
            apart, helps = rng.random() < differs, rng.random() < (1 + dial / 0.4) / 2
            right = rng.random() < 0.6
            greedy = (not helps) if apart else right
            exact = helps if apart else right
            answers.append(Answer(
                passage=f"p{p}", question=f"p{p}q{q}", gold="x", greedy="x" if greedy else "y",
                exact="x" if exact else "y", inside=True, whole=True, best=0.0, own=-float(apart),
            ))  # fmt: skip
    return scored(answers, {}), dial
