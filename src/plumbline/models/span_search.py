"""The likeliest span of a passage as a model's answer: exact extraction.

Castel, Ram, Efrat & Levy 2022, "How optimal is greedy decoding for extractive question answering?",
arXiv:2108.05857. A span c_i..c_{i+k-1} scores

    sum_j log p(c_{i+j} | prompt, c_i..c_{i+j-1}) + log p(end | prompt, c_i..c_{i+k-1}).

One question for each place where a span may start gives the first sum for all lengths. The end's term is at
most 0, so spans are asked for it in the order of their first sums, and only while one of them can still win.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import LogProbs
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch, Prompt
from plumbline.models.choose_derived import spoken

Floats = NDArray[np.float64]
WORD: Final = re.compile(r"\w+(?:[-'\u2019.,/]\w+)*")
AT_ONCE: Final = 6
"""Spans of one passage that are asked for their end together."""
DUPLICATES: Final = ("max", "sum")
MERGES: Final = "the end merges with what is before it"


def span_scores(tokens: Floats, ends: Floats, *, normalised: bool = False) -> Floats:
    """Log-probability of every span as a whole answer.

    Args:
        tokens: log p of the j-th token of the span that starts at i, given its first ones; shape
            (starts, longest), NaN behind the passage's end.
        ends: log p of the end after that token; the same shape.
        normalised: Divide by the number of tokens, the end's among them.

    Returns:
        Shape (starts, longest): the span of tokens i to i + j; -inf where there is none.
    """
    sums = np.cumsum(tokens, axis=1) + ends
    if normalised:
        sums = sums / (np.arange(tokens.shape[1]) + 2)
    return np.where(np.isnan(sums), -np.inf, sums)


def best_span(scores: Floats) -> tuple[int, int, float]:
    """(start, tokens less one, score) of the likeliest span; the first of equals."""
    start, more = np.unravel_index(int(scores.argmax()), scores.shape)
    return int(start), int(more), float(scores[start, more])


@dataclass(frozen=True, slots=True)
class Search:
    """How spans are searched for.

    Attributes:
        end: What ends an answer.
        longest: Most words of a span.
        normalised: Compare by nats a token instead of by log-probability.
        duplicates: A text that stands in the passage several times counts once (`max`: its probability) or
            as often as it stands there (`sum`).

    Raises:
        BadInput: No end, no words, or another word for duplicates.
    """

    end: str = "\n"
    longest: int = 8
    normalised: bool = False
    duplicates: str = "max"

    def __post_init__(self) -> None:
        if not self.end or self.longest < 1 or self.duplicates not in DUPLICATES:
            raise BadInput(
                f"a search wants an end, at least 1 word and duplicates {' or '.join(DUPLICATES)}; got {self}"
            )


@dataclass(slots=True)
class Found:
    """What was found in one passage.

    Attributes:
        text: The best span; "" where there is none.
        score: Its score.
        own: Score of the text that was asked about besides, NaN where it is no span of the passage.
        spans: Different spans that were scored.
        asked: Spans that were asked for their end.
        why: Why there is no best span, or "".
    """

    text: str = ""
    score: float = -np.inf
    own: float = np.nan
    spans: int = 0
    asked: int = 0
    why: str = ""


@dataclass(slots=True)
class _Spans:
    """The spans of one passage on their way.

    Attributes:
        bounds: What each text can score at most; falls as texts are asked.
        tokens: Tokens of each text.
        scores: Scores of the texts that were asked.
        first: Texts that are asked before all others.
        failed: Why the last text without a score has none.
    """

    prompt: Prompt
    bounds: dict[str, float]
    tokens: dict[str, int]
    found: Found
    scores: dict[str, float] = field(default_factory=dict)
    first: list[str] = field(default_factory=list)
    failed: str = ""

    def next(self) -> list[str]:
        """Texts to ask now: those that can still win, likeliest first."""
        can = [t for t, b in self.bounds.items() if b > self.found.score]
        some = sorted(can, key=lambda t: (-self.bounds[t], t))[:AT_ONCE]
        some = list(dict.fromkeys([*self.first, *some]))
        self.first = []
        return [] if self.found.why else some


def searched(
    prompts: Sequence[Prompt], passages: Sequence[str], search: Search, *, own: Sequence[str] | None = None
) -> Generator[list[Batch], list[LogProbs], list[Found]]:  # fmt: skip
    """Ask for the best span of each passage as an answer to its prompt.

    Yields batches of `logprob` questions and takes their answers: a metric passes them on, a correction asks
    its base. Spans begin and end with words, and are tokenised as answers to the prompt.

    Args:
        prompts: Prompts that an answer follows.
        passages: Where the answers are to stand.
        search: How.
        own: Another text for each prompt, say the greedy answer; where it stands in the passage it is a
            span too, whatever its bounds, so that no best span is below it.
    """
    others = list(own) if own is not None else [""] * len(prompts)
    asked = [_suffixes(p, passage, search) for p, passage in zip(prompts, passages, strict=True)]
    spoken_own = [
        spoken(p, o) if o and o in passage else ""
        for p, passage, o in zip(prompts, passages, others, strict=True)
    ]
    rows = [(p, s.text) for p, some in zip(prompts, asked, strict=True) for s in some]
    more = [(p, o) for p, o in zip(prompts, spoken_own, strict=True) if o]
    (answers,) = yield [ask.logprob([p for p, _ in rows + more], [t for _, t in rows + more])]
    states: list[_Spans] = []
    at, extra = 0, len(rows)
    for prompt, suffixes, text in zip(prompts, asked, others, strict=True):
        state = _bounded(
            prompt, suffixes, [(answers, at + k) for k in range(len(suffixes))], search
        )
        at += len(suffixes)
        if spoken_own[len(states)]:
            _with_own(state, text, answers, extra, search)
            extra += 1
        states.append(state)
    while open_ := [(s, t) for s in states for t in s.next()]:
        # The whole answer after the same prompt, so that a model reads the prompt once for all of them.
        wholes = [spoken(s.prompt, t) + search.end for s, t in open_]
        (answers,) = yield [ask.logprob([s.prompt for s, _ in open_], wholes)]
        for row, (state, text) in enumerate(open_):
            _settle(state, text, answers, row, search)
    for state, text in zip(states, others, strict=True):
        _close(state, text)
    return [s.found for s in states]


@dataclass(frozen=True, slots=True)
class _Suffix:
    """A passage from one word on: what is asked, where it begins, and where its words end."""

    passage: str
    start: int
    text: str
    ends: frozenset[int]


def _suffixes(prompt: Prompt, passage: str, search: Search) -> list[_Suffix]:
    words = [m.span() for m in WORD.finditer(passage)]
    made = []
    for i, (start, _) in enumerate(words):
        ends = [end for _, end in words[i : i + search.longest]]
        text = spoken(prompt, passage[start : ends[-1]])
        made.append(_Suffix(passage, start, text, frozenset(ends)))
    return made


def _bounded(
    prompt: Prompt, suffixes: Sequence[_Suffix], rows: Sequence[tuple[LogProbs, int]], search: Search
) -> _Spans:  # fmt: skip
    """Bounds of all spans from the suffixes' token values."""
    state = _Spans(prompt, {}, {}, Found())
    counts: dict[str, int] = {}
    for suffix, (answers, row) in zip(suffixes, rows, strict=True):
        if answers.status[row]:
            state.found.why = state.found.why or answers.status[row]
            continue
        values, pieces = answers.row(row)
        sums = np.cumsum(values)
        # The last piece ends where the suffix ends; a first piece may begin in the prompt.
        lengths = np.cumsum([len(p) for p in pieces])
        stops = max(suffix.ends) - (lengths[-1] - lengths)
        for k, stop in enumerate(stops.tolist()):
            if stop in suffix.ends:
                text = suffix.passage[suffix.start : stop]
                state.bounds[text] = float(sums[k])
                state.tokens[text] = k + 1
                counts[text] = counts.get(text, 0) + 1
    if not state.bounds and not state.found.why:
        state.found.why = "the passage has no words"
    for text, count in counts.items():
        more = np.log(count) if search.duplicates == "sum" else 0.0
        state.bounds[text] = _scaled(state.bounds[text] + more, state.tokens[text], search)
    state.found.spans = len(state.bounds)
    return state


def _scaled(log: float, tokens: int, search: Search) -> float:
    return log / (tokens + 1) if search.normalised else log


def _with_own(state: _Spans, text: str, answers: LogProbs, row: int, search: Search) -> None:
    """A text of the passage that may be no span of whole words."""
    if not answers.status[row]:
        state.first.append(text)
        if text not in state.bounds:
            values, pieces = answers.row(row)
            state.tokens[text] = len(pieces)
            state.bounds[text] = _scaled(float(values.sum()), len(pieces), search)


def _settle(state: _Spans, text: str, answers: LogProbs, row: int, search: Search) -> None:
    """A text's score from the log-probability of its end."""
    values, pieces = answers.row(row)
    bound, tokens = state.bounds.pop(text), state.tokens[text]
    state.found.asked += 1
    if answers.status[row] or "".join(pieces[tokens:]) != search.end:
        state.failed = answers.status[row] or MERGES
        return
    score = bound + _scaled(float(values[tokens:].sum()), tokens, search)
    state.scores[text] = score
    if score > state.found.score:
        state.found.text, state.found.score = text, score


def _close(state: _Spans, own: str) -> None:
    """The other text's score, and why nothing was found where nothing was."""
    state.found.own = state.scores.get(own, np.nan)
    if not state.scores:
        state.found.why = state.found.why or state.failed
