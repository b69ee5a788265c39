"""Causal language models: log-probabilities, next tokens, choices; texts are in `hf_write`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from plumbline.core.answers import Choices, Floats, LogProbs, Nexts
from plumbline.core.questions import Batch, Prompt
from plumbline.models import hf_scoring
from plumbline.models.abilities import Cost, Rows
from plumbline.models.choose_derived import NONE, by_scores, check_reduce, spoken
from plumbline.models.hf_adapter import HfAdapter, MakeTask
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.hf_prompt import Encoded, Prompter
from plumbline.models.hf_scoring import Scored, can_share, reads_trees, stem_of
from plumbline.models.hf_write import WriteTask


def open_causal(hf: HfModel) -> HfAdapter:
    """The adapter of a loaded causal model."""
    prompter = Prompter.of(hf.tokenizer, hf.options)
    share = can_share(hf)
    trees = share and reads_trees(hf)
    widen = hf.tokenizer.convert_tokens_to_ids(prompter.bos) if prompter.bos else None
    scorer = Scorer(hf, prompter, trees, widen if hf.widens_first else None)
    tasks: Mapping[str, MakeTask] = {
        "logprob": lambda _, batch: LogProbTask(scorer, batch),
        "next": lambda _, batch: NextTask(scorer, batch),
        "choose": lambda _, batch: ChooseTask(scorer, batch),
        "generate": partial(WriteTask, prompter=prompter, share=share),
    }
    first = "float32" if scorer.widen is not None else str(hf.dtype).removeprefix("torch.")
    facts = {"shares_prefixes": trees, "first_token_computed_in": first}
    return HfAdapter(hf, tasks, lambda: {**prompter.facts(), **facts})


@dataclass(frozen=True, slots=True)
class Scorer:
    """Tokenises pairs of context and continuation, and scores them.

    Attributes:
        trees: Whether shared beginnings are computed once.
        widen: Id of the BOS after which the first token is scored in float32, or None.
    """

    hf: HfModel
    prompter: Prompter
    trees: bool
    widen: int | None = None

    def encode(self, contexts: Sequence[Prompt], continuations: Sequence[str]) -> list[Encoded]:
        """Tokens of each pair; one that does not fit has its status instead."""
        coded = self.prompter.together(contexts, continuations)
        return [self._fitting(e) for e in coded]

    def _fitting(self, e: Encoded) -> Encoded:
        status = e.status or self.hf.too_long(len(e.ids))
        return Encoded((), 0, (), status=status) if status else e

    def encode_lists(
        self, contexts: Sequence[Prompt], lists: Sequence[Sequence[str]]
    ) -> list[list[Encoded]]:
        """As `encode`, with several continuations a context."""
        pairs = [(c, text) for c, texts in zip(contexts, lists, strict=True) for text in texts]
        flat = iter(self.encode([c for c, _ in pairs], [t for _, t in pairs]))
        return [[next(flat) for _ in texts] for texts in lists]

    def parts(self, questions: Sequence[Sequence[Scored]], bound: int) -> list[Rows]:
        """Which questions go together; none of a question's sequences means nothing to compute."""
        return hf_scoring.parts(self.hf, questions, bound, trees=self.trees)

    def score(self, questions: Sequence[Sequence[Scored]]) -> list[list[Floats]]:
        """Token log-probabilities of each question's sequences.

        In half precision the first token after BOS alone is taken from `HfModel.after_alone`.
        """
        sequences = [s for some in questions for s in some]
        found = hf_scoring.score(self.hf, sequences, trees=self.trees)
        if self.widen is not None:
            table = self.hf.after_alone
            for s, values in zip(sequences, found, strict=True):
                if s.start == 1 and s.ids[0] == self.widen:
                    values[0] = table(self.widen)[s.ids[1]]
        each = iter(found)
        return [[next(each) for _ in some] for some in questions]


def first_status(coded: Sequence[Encoded]) -> str:
    """The first reason among a question's candidates, or ""."""
    return next((e.status for e in coded if e.status), "" if coded else "no candidates")


@final
class LogProbTask:
    """Log-probability of each continuation after its context."""

    def __init__(self, scorer: Scorer, batch: Batch) -> None:
        self.scorer, self.batch = scorer, batch
        self.coded = scorer.encode(batch.columns["context"], batch.columns["continuation"])

    def parts(self, bound: int) -> list[Rows]:
        """Sequences that begin alike together."""
        return self.scorer.parts([self._scored(i) for i in range(len(self.coded))], bound)

    def cost(self) -> Cost:
        """Tokens read."""
        return Cost(tokens_in=sum(len(e.ids) for e in self.coded))

    def run(self, rows: Sequence[int]) -> LogProbs:
        """Answers of these rows."""
        found = self.scorer.score([self._scored(i) for i in rows])
        self.scorer.hf.count("straddled", sum(self.coded[i].straddled for i in rows))
        return LogProbs.of(
            [
                self._answer(i, some[0] if some else NONE)
                for i, some in zip(rows, found, strict=True)
            ]
        )

    def _answer(self, row: int, values: Floats) -> tuple[Floats, Sequence[str]] | str:
        coded = self.coded[row]
        if coded.status:
            return coded.status
        return finite(values, str(self.batch.columns["continuation"][row])), coded.pieces

    def _scored(self, row: int) -> list[Scored]:
        coded = self.coded[row]
        return [] if coded.status else [Scored(coded.ids, coded.start)]


@final
class NextTask:
    """Log-probability of each candidate's first token after the context."""

    def __init__(self, scorer: Scorer, batch: Batch) -> None:
        self.scorer, self.batch = scorer, batch
        self.coded = scorer.encode_lists(batch.columns["context"], batch.columns["candidates"])
        self.status = [first_status(some) for some in self.coded]

    def parts(self, bound: int) -> list[Rows]:
        """Contexts that begin alike together."""
        return self.scorer.parts([self._group(i) for i in range(len(self.coded))], bound)

    def cost(self) -> Cost:
        """Tokens read: each context once."""
        return Cost(tokens_in=sum(max((e.start for e in some), default=0) for some in self.coded))

    def run(self, rows: Sequence[int]) -> Nexts:
        """Answers of these rows."""
        open_rows = [i for i in rows if not self.status[i]]
        found = self.scorer.score([self._group(i) for i in open_rows])
        values = {
            i: finite(np.array([v[0] for v in some]), str(self.batch.columns["candidates"][i]))
            for i, some in zip(open_rows, found, strict=True)
        }
        straddled = sum(any(e.straddled for e in self.coded[i]) for i in open_rows)
        self.scorer.hf.count("straddled", straddled)
        return Nexts([values.get(i, NONE) for i in rows], [self.status[i] for i in rows])

    def _group(self, row: int) -> list[Scored]:
        if self.status[row]:
            return []
        return [Scored(e.ids[: e.start + 1], e.start) for e in self.coded[row]]


@final
class ChooseTask:
    """The option with the highest log-probability after the prompt.

    All options of a question are scored from the same place on, the first token in which their
    tokenisations differ or that belongs to an option. So an option that merges with the prompt's
    last characters is compared on equal terms. `how` is `next` where every option is one token.
    """

    def __init__(self, scorer: Scorer, batch: Batch) -> None:
        self.scorer, self.batch, self.reduce = scorer, batch, check_reduce(batch)
        prompts = batch.columns["prompt"]
        said = [
            [spoken(p, o) for o in options]
            for p, options in zip(prompts, batch.columns["options"], strict=True)
        ]
        self.groups: list[list[Scored]] = []
        self.status: list[str] = []
        for coded in scorer.encode_lists(prompts, said):
            group, status = _aligned(coded)
            self.groups.append(group)
            self.status.append(status)

    def parts(self, bound: int) -> list[Rows]:
        """Questions that begin alike together."""
        return self.scorer.parts(self.groups, bound)

    def cost(self) -> Cost:
        """Tokens read, each option with its prompt."""
        return Cost(tokens_in=sum(len(s.ids) for group in self.groups for s in group))

    def run(self, rows: Sequence[int]) -> Choices:
        """Answers of these rows."""
        open_rows = [i for i in rows if not self.status[i]]
        found = self.scorer.score([self.groups[i] for i in open_rows])
        scores = {
            i: finite(
                np.array([v.sum() if self.reduce == "sum" else v.mean() for v in some]),
                str(self.batch.columns["options"][i]),
            )
            for i, some in zip(open_rows, found, strict=True)
        }
        how = ["next" if self._single(i) else "logprob" for i in rows]
        return by_scores([scores.get(i, NONE) for i in rows], [self.status[i] for i in rows], how)

    def _single(self, row: int) -> bool:
        return bool(self.groups[row]) and all(len(s.ids) == s.start + 1 for s in self.groups[row])


def _aligned(coded: Sequence[Encoded]) -> tuple[list[Scored], str]:
    status = first_status(coded)
    if status:
        return [], status
    stem = stem_of([Scored(e.ids, e.start) for e in coded])
    if stem == 0:
        return [], "first token has no context (no BOS)"
    return [Scored(e.ids, stem) for e in coded], ""
