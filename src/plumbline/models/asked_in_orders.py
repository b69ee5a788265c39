"""Choices asked in several orders of one exchange set, and what each answer means in the question as it came.

What corrections by reordering share. A question whose contents stand under labels ("A. ", "Answer 1: ") keeps its
labels while the contents trade places, so that the letter said names another content; a question whose options
are the contents themselves trades the options with them; where the options are neither (documents
trade places, answers stay) an option means the same in every order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Choices
from plumbline.core.exchange import contents, exchange_sets, labels, reordered
from plumbline.core.questions import Batch, Prompt
from plumbline.models.abilities import Adapter
from plumbline.models.whole_batch import answered

Floats = NDArray[np.float64]
Order = tuple[int, ...]
Show = Callable[[int, Prompt], Prompt]
INPUT: Final = "input"
"""The set that marks an item's own text for calibrations; its segments do not trade places."""
INCONSISTENT: Final = "inconsistent in both orders"
KEPT: Final = frozenset({"logprob", "next", "fill", "generate", "embed", "classify", "score"})
"""Abilities that a correction of choices lets through."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The one exchange set of a question.

    Attributes:
        name: The set.
        size: Its number of places.
        at: Which option belongs to each place; empty where options are neither labels nor contents.
        labelled: The options are labels: they stay, and contents move under them.
    """

    name: str
    size: int
    at: Order
    labelled: bool


def exchange_of(prompt: Prompt, options: Sequence[str]) -> Exchange | None:
    """The question's exchange set; None without one, or with several, which nobody knows how to order."""
    names = [name for name in exchange_sets(prompt) if name != INPUT]
    if len(names) != 1:
        return None
    for texts, labelled in ((labels(prompt, names[0]), True), (contents(prompt, names[0]), False)):
        if len(set(texts)) == len(texts) and set(texts) <= set(options):
            at = tuple(list(options).index(text) for text in texts)
            return Exchange(names[0], len(texts), at, labelled)
    return Exchange(names[0], len(contents(prompt, names[0])), (), labelled=False)


@dataclass(frozen=True, slots=True)
class Vote:
    """An answer in one order, in the options of the question as it came.

    Attributes:
        chosen: Index of the option meant, -1 where none was.
        scores: Log-score of each option, or empty.
        how: As in `Choices`.
        status: "" or why there is no answer.
    """

    chosen: int
    scores: Floats
    how: str
    status: str


def asked(
    base: Adapter, batch: Batch, orders: Sequence[Sequence[Order]], *, show: Show | None = None
) -> list[list[Vote]]:
    """Ask each question in its orders; every distinct question once.

    Args:
        base: Who is asked.
        batch: A `choose` batch.
        orders: Orders of each row's exchange set; none for a row that is asked as it came.
        show: (row, reordered prompt) to the prompt that is asked instead.

    Returns:
        For each row one vote an order, or one vote.
    """
    names = ("prompt", "options", "contents")
    columns = [batch.columns[name] for name in names]
    made: list[tuple[int, tuple[Any, Any, Any], NDArray[np.int64]]] = []
    for row, given in enumerate(zip(*columns, strict=True)):
        known = exchange_of(given[0], given[1]) if orders[row] else None
        for order in orders[row] if known else [()]:
            prompt, options, texts, means = _turned(given, known, order)
            shown = show(row, prompt) if show and known else prompt
            made.append((row, (shown, options, texts), means))
    if not made:
        return []
    put = {name: [question[i] for _, question, _ in made] for i, name in enumerate(names)}
    answers = _once(base, batch.with_columns(put))
    votes: list[list[Vote]] = [[] for _ in range(len(batch))]
    for i, (row, _, means) in enumerate(made):
        votes[row].append(_vote(answers, i, means))
    return votes


def _turned(
    given: tuple[Any, ...], known: Exchange | None, order: Order
) -> tuple[Prompt, tuple[str, ...], tuple[str, ...], NDArray[np.int64]]:
    """Prompt, options and contents in an order; and which own option each of its options means."""
    prompt, options, texts = given[0], tuple(given[1]), tuple(given[2])
    means = np.arange(len(options))
    if known is None:
        return prompt, options, texts, means
    moved = reordered(prompt, known.name, order)
    if known.at:
        means[list(known.at)] = [known.at[i] for i in order]
        if tuple(texts[k] for k in known.at) == contents(prompt, known.name):
            texts = tuple(texts[k] for k in means)
        if not known.labelled:
            options = tuple(options[k] for k in means)
    return moved, options, texts, means


def _once(base: Adapter, batch: Batch) -> Choices:
    """Each distinct question asked once; its answer stands in all of its rows."""
    first: dict[bytes, int] = {}
    rows = [first.setdefault(key, len(first)) for key in batch.keys()]  # noqa: SIM118 - not a dict
    found = np.unique(np.asarray(rows, np.int64), return_index=True)[1]
    answers = answered(base, batch.take(found.tolist()))
    return Choices.unpack([answers.pack(i) for i in rows])


def _vote(answers: Choices, i: int, means: NDArray[np.int64]) -> Vote:
    scores = np.asarray(answers.scores[i], float)
    if scores.size:
        own = np.empty_like(scores)
        own[means] = scores
        scores = own
    chosen = int(answers.chosen[i])
    return Vote(
        int(means[chosen]) if chosen >= 0 else -1, scores, answers.how[i], answers.status[i]
    )


def reason(votes: Sequence[Vote]) -> str:
    """Why a question has no answer: one of its orders has none. The same whichever order came first."""
    return min((v.status for v in votes if v.status), default="")


def joined(base: Adapter, batch: Batch, made: Mapping[int, Vote]) -> Choices:
    """The corrected rows, and the base's own answers to all others, in the batch's order."""
    rest = [row for row in range(len(batch)) if row not in made]
    packed: list[Any] = [None] * len(batch)
    if rest:
        answers = answered(base, batch.take(rest))
        for k, row in enumerate(rest):
            packed[row] = answers.pack(k)
    votes = list(made.values())
    corrected = Choices(
        np.array([v.chosen for v in votes], np.int64), [v.scores for v in votes],
        [""] * len(votes), [v.how for v in votes], [v.status for v in votes],
    )  # fmt: skip
    for k, row in enumerate(made):
        packed[row] = corrected.pack(k)
    return Choices.unpack(packed)
