"""Answers taken from the passage: the likeliest span in place of what greedy decoding writes."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from plumbline.core.answers import Answers, Texts
from plumbline.core.questions import Batch, Prompt
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.span_search import Search, searched
from plumbline.models.whole_batch import answered

PASSAGE: Final = "input"
"""Exchange set of the segment that holds the item's own text."""


class ExactSpan(CorrectedQuestions):
    """`generate` at temperature 0 gives the best span of a prompt's passage; all else is the base's.

    A prompt without a passage, and one that is to be answered by a draw, goes through unchanged.
    """

    kind: ClassVar[str] = "exact_span"
    corrects: ClassVar[frozenset[str]] = frozenset({"generate"})
    keeps: ClassVar[frozenset[str]] = frozenset({"logprob", "next", "choose", "score", "embed"})

    def corrected(self, batch: Batch) -> Answers:
        """Spans where there is a passage, the base's texts elsewhere."""
        prompts = batch.columns["prompt"]
        greedy = batch.settings["decoding"].temperature == 0
        rows = [i for i, p in enumerate(prompts) if greedy and passage(p)]
        found = self._spans([prompts[i] for i in rows])
        rest = sorted(set(range(len(batch))) - set(rows))
        told: list[list[Any]] = [[]] * len(batch)
        if rest:
            written = answered(self.base, batch.take(rest))
            for k, i in enumerate(rest):
                told[i] = written.pack(k)
        for i, (text, why) in zip(rows, found, strict=True):
            told[i] = [why, text, "" if why else "stop"]
        return Texts.unpack(told)

    def _spans(self, prompts: list[Prompt]) -> list[tuple[str, str]]:
        """(text, why there is none) of each prompt's best span."""
        if not prompts:
            return []
        job = searched(prompts, [passage(p) for p in prompts], Search(**self.params))
        batches = next(job)
        while True:
            try:
                batches = job.send([answered(self.base, b) for b in batches])
            except StopIteration as done:
                return [(f.text, f.why) for f in done.value]

    def questions(self, batch: Batch) -> int:
        """A question a word, and a few for the ends of the best spans."""
        longest = max((len(passage(p).split()) for p in batch.columns.get("prompt", ())), default=0)
        return 1 + 2 * longest


def passage(prompt: Prompt) -> str:
    """The text of the segment that holds the item's own; "" where there is none."""
    return next((part.text for part in prompt if part.exchange == PASSAGE), "")
