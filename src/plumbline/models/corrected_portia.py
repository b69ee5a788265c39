"""Corrected by PORTIA: a judge reads two answers part by part, in both orders, cut alike in length or words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

from plumbline.core.answers import Choices
from plumbline.core.errors import BadInput
from plumbline.core.exchange import contents
from plumbline.core.questions import Batch, Prompt
from plumbline.models import answer_parts
from plumbline.models.abilities import Adapter
from plumbline.models.asked_in_orders import KEPT, Vote, asked, joined
from plumbline.models.both_orders import BOTH, agreed, pairs, undecided
from plumbline.models.corrected_questions import CorrectedQuestions

Split = Mapping[str, tuple[str, ...]]


@final
class Portia(CorrectedQuestions):
    """A judge that is shown the parts of two answers in turn; see `plumbline.models.answer_parts`.

    Questions without one labelled pair go through unchanged. Parts of equal length are tried first; where
    the verdict turns with the order, parts of like words. A pair on which both fail is a tie if the
    options offer one, else it has no verdict.
    """

    kind: ClassVar[str] = "portia"
    corrects: ClassVar[frozenset[str]] = frozenset({"choose"})
    keeps: ClassVar[frozenset[str]] = KEPT

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        super().__init__(base, method, params)
        if int(params["parts"]) < 1:
            raise BadInput(f"an answer has one part or more; got {params['parts']}")

    def corrected(self, batch: Batch) -> Choices:
        """Verdicts on which both orders agree, in the first or the second way of cutting."""
        found = pairs(batch, labelled=True)
        names = {row: known.name for row, known in enumerate(found) if known}
        texts = {row: self._pair(batch.columns["prompt"][row], name) for row, name in names.items()}
        count = int(self.params["parts"])
        made: dict[int, Vote] = {}
        last: dict[int, list[Vote]] = {}
        tried: dict[int, Split] = {}
        for cut in (by_length, by_words) if self.params["second"] else (by_length,):
            splits = {row: cut(*texts[row], count) for row in names if row not in made}
            # The same parts again would be the same question again.
            rows = [row for row, split in splits.items() if split != tried.get(row)]
            asked_now = [names[row] for row in rows], [splits[row] for row in rows]
            for row, votes in zip(rows, self._shown(batch, rows, *asked_now), strict=True):
                last[row] = votes
                verdict = agreed(votes)
                if verdict is not None:
                    made[row] = verdict
            tried = splits
        for row, known in enumerate(found):
            if known and row not in made:
                made[row] = undecided(known, batch.columns["options"][row], last[row])
        return joined(self.base, batch, made)

    @staticmethod
    def _pair(prompt: Prompt, name: str) -> tuple[str, str]:
        one, two = contents(prompt, name)
        return one, two

    def _shown(
        self, batch: Batch, rows: Sequence[int], names: Sequence[str], splits: Sequence[Split]
    ) -> list[list[Vote]]:
        """Votes of both orders on these rows, shown in these parts."""

        def show(i: int, prompt: Prompt) -> Prompt:
            shown = [splits[i][text] for text in contents(prompt, names[i])]
            return answer_parts.merged(prompt, names[i], shown)

        return asked(self.base, batch.take(rows), [BOTH] * len(rows), show=show)

    def questions(self, batch: Batch) -> int:
        """Two in each way of cutting."""
        if not any(pairs(batch, labelled=True)):
            return 1
        return 4 if self.params["second"] else 2


def by_length(one: str, two: str, count: int) -> Split:
    """Parts of about equal length; fewer than `count` where an answer has fewer sentences."""
    cut = {text: answer_parts.units(text) for text in (one, two)}
    count = min(count, *(len(u) for u in cut.values()))
    return {t: answer_parts.parts(u, answer_parts.length_cuts(u, count)) for t, u in cut.items()}


def by_words(one: str, two: str, count: int) -> Split:
    """Parts whose words overlap most; the same whichever answer is named first."""
    one, two = sorted((one, two))
    a, b = (answer_parts.runs(answer_parts.units(text)) for text in (one, two))
    count = min(count, len(a), len(b))
    first, second = answer_parts.semantic_cuts(a, b, count)
    return {one: answer_parts.parts(a, first), two: answer_parts.parts(b, second)}
