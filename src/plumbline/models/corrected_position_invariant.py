"""Position-invariant answers: a transformers model that attends to a prompt's exchange set as to a set.

Prompts without an exchange set go through the base unchanged. The weights stay what they were, so `open` is
not kept: what one would see inside is the model's own attention.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from plumbline.core.answers import Answers, answer_type
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch, Prompt
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.hf_causal import ChooseTask, LogProbTask, NextTask, Scorer
from plumbline.models.hf_write import WriteTask
from plumbline.models.set_attention import WAYS
from plumbline.models.set_passes import as_set, inner
from plumbline.models.set_prompt import LaidOut, OnePrompt, SetPrompter
from plumbline.models.whole_batch import answered

OFFERED: Final = tuple(way for way in WAYS if way != "causal")
_TASKS: Final[Mapping[str, type[LogProbTask | NextTask | ChooseTask]]] = {
    "logprob": LogProbTask,
    "next": NextTask,
    "choose": ChooseTask,
}


class PositionInvariant(CorrectedQuestions):
    """A causal model whose answers do not depend on the order of a prompt's documents.

    Args:
        base: An adapter of a transformers model of Llama's kind, or one with corrected weights.
        method: Id and version of the correction.
        params: `how` (see `set_attention.WAYS`) and `exchange` (name of the exchange set, "" for a prompt's first).

    Raises:
        AbilityError: Not such a model.
        BadInput: No such way.
    """

    kind: ClassVar[str] = "position_invariant"
    corrects: ClassVar[frozenset[str]] = frozenset({"logprob", "next", "choose", "generate"})

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        super().__init__(base, method, params)
        if params.get("how") not in OFFERED:
            raise BadInput(f"how is one of {', '.join(OFFERED)}; got {params.get('how')!r}")
        hf = inner(base)
        self._prompter = SetPrompter.of(hf.tokenizer, hf.options)
        self._hf, self._module = as_set(hf, str(params["how"]))

    def about(self) -> dict[str, Any]:
        """The base's facts, the correction's, and what was met: sets, and sets whose bounds split a token."""
        met = {f"count_{name}": n for name, n in sorted(self._hf.counters.items())}
        return {**super().about(), "documents": "content with its label", **met}

    def corrected(self, batch: Batch) -> Answers:
        """Prompt by prompt where there is an exchange set; the base's own answers elsewhere."""
        prompts = batch.columns["prompt" if "prompt" in batch.columns else "context"]
        chosen = str(self.params.get("exchange", ""))
        by_prompt: dict[Prompt, list[int]] = {}
        for row, prompt in enumerate(prompts):
            by_prompt.setdefault(prompt, []).append(row)
        made: dict[int, list[Any]] = {}
        plain: list[int] = []
        for prompt, rows in by_prompt.items():
            name = self._prompter.exchanged(prompt, chosen)
            if not name:
                plain += rows
                continue
            answers = self._about_one(batch.take(rows), self._prompter.laid_out(prompt, name))
            made.update({row: answers.pack(k) for k, row in enumerate(rows)})
        if plain:
            answers = answered(self.base, batch.take(sorted(plain)))
            made.update({row: answers.pack(k) for k, row in enumerate(sorted(plain))})
        found: Answers = answer_type(batch.ability, batch.settings).unpack(
            [made[i] for i in range(len(batch))]
        )
        return found

    def _about_one(self, batch: Batch, laid: LaidOut) -> Answers:
        """Answers to questions about one prompt with an exchange set."""
        import torch

        self._hf.count("sets", 1)
        self._hf.count("sets_whose_bounds_split_a_token", int(laid.straddles))
        prompter = OnePrompt.at(self._prompter, laid)
        attending: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if laid.layout is not None:
            attending = self._module.attending(laid.layout)
        with torch.inference_mode(), attending:
            if batch.ability == "generate":
                writing = WriteTask(self._hf, batch, prompter=prompter, share=True)
                if laid.status:
                    writing.status = [laid.status] * len(batch)
                return writing.run(range(len(batch)))
            scorer = Scorer(self._hf, prompter, trees=False)
            answers: Answers = _TASKS[batch.ability](scorer, batch).run(range(len(batch)))
            return answers

    def close(self) -> None:
        """Let go of the model."""
        self._hf.model = None
        super().close()
