"""Self-debiasing while a text is drawn: tokens that a warning makes likelier are drawn less often.

Schick, Udupa and Schütze, "Self-diagnosis and self-debiasing", TACL 2021, arXiv:2103.00453. Two or more texts
are fed side by side: the prompt, and the prompt behind each warning that names what is unwanted. The
difference of their next-token probabilities says which tokens the unwanted would bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from plumbline.core.answers import Answers, Texts, answer_type
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Batch, Prompt, Segment
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.corrected_weights import CorrectedWeights
from plumbline.models.hf_adapter import HfAdapter
from plumbline.models.hf_decode import draw_texts, end_tokens
from plumbline.models.hf_prompt import Prompter
from plumbline.models.hf_scoring import can_share
from plumbline.models.hf_write import Steps, WriteTask

if TYPE_CHECKING:
    import torch


def reweighted(plain: torch.Tensor, warned: torch.Tensor, strength: float) -> torch.Tensor:
    """p(w) alpha(delta) / sum, delta = p(w) - max over warnings of p(w | warning).

    alpha is 1 where delta is at least 0, else exp(strength * delta): equations 2 and 3 of the paper, whose
    decay constant is 50.

    Args:
        plain: Next-token probabilities after the prompt; (..., vocabulary).
        warned: The same after each warning and the prompt; (warnings, ..., vocabulary).
        strength: Not negative; 0 changes nothing.
    """
    delta = plain - warned.max(0).values
    weighted = plain * (strength * delta.clamp(max=0.0)).exp()
    return weighted / weighted.sum(-1, keepdim=True)


class SelfDebias(CorrectedQuestions):
    """A causal model whose generated texts are steered away from what warnings name.

    Args:
        base: An adapter of a causal transformers model, or one with corrected weights.
        method: Id and version of the correction.
        params: `warnings` (texts put in front of the prompt) and `strength`.

    Raises:
        AbilityError: Not such a model.
        BadInput: No warning, or a negative strength.
    """

    kind: ClassVar[str] = "self_debias"
    corrects: ClassVar[frozenset[str]] = frozenset({"generate"})

    def __init__(self, base: Adapter, method: str, params: Mapping[str, Any]) -> None:
        super().__init__(base, method, params)
        adapter = base.after if isinstance(base, CorrectedWeights) else base
        if not isinstance(adapter, HfAdapter) or adapter.hf.kind != "causal":
            raise AbilityError(
                f"{base.name}: next-token distributions can be changed in causal transformers models only "
                "(hf:PATH, demo), and in such with corrected weights"
            )
        self._warnings = tuple(str(w) for w in params["warnings"])
        self._strength = float(params["strength"])
        if not self._warnings or not all(self._warnings) or self._strength < 0:
            raise BadInput(
                f"self-debiasing wants warnings and a strength of at least 0; got {self._warnings} and "
                f"{self._strength:g}"
            )
        self._hf = adapter.hf

    def questions(self, batch: Batch) -> int:  # noqa: ARG002 - one number for all
        """The prompt, and once more behind each warning."""
        return 1 + len(self._warnings)

    def corrected(self, batch: Batch) -> Answers:
        """Texts drawn from the reweighted distributions."""
        import torch

        prompter, share = Prompter.of(self._hf.tokenizer, self._hf.options), can_share(self._hf)
        plain = WriteTask(self._hf, batch, prompter=prompter, share=share)
        behind = [
            WriteTask(self._hf, _warned(batch, warning), prompter=prompter, share=share)
            for warning in self._warnings
        ]
        tasks = [plain, *behind]
        status = [
            next(filter(None, row), "") for row in zip(*(t.status for t in tasks), strict=True)
        ]
        rows = [i for i, reason in enumerate(status) if not reason]
        made: list[list[Any]] = [[reason, "", ""] for reason in status]
        with torch.inference_mode():
            for part in _parts(rows, tasks, self._hf.bound, share=share):
                texts = self._write(tasks, part, share=share)
                for k, row in enumerate(part):
                    made[row] = texts.pack(k)
        found: Answers = answer_type("generate", batch.settings).unpack(made)
        return found

    def _write(self, tasks: Sequence[WriteTask], rows: Sequence[int], *, share: bool) -> Texts:
        begun = [task.begun(rows) for task in tasks]
        steps = _Together(tuple(s for _, s in begun), self._strength)
        return draw_texts(
            steps.combined([logits for logits, _ in begun]),
            steps,
            keys=tasks[0].batch.take(rows).keys(),
            decoding=tasks[0].decoding,
            tokenizer=self._hf.tokenizer,
            ends=end_tokens(self._hf.tokenizer, self._hf.module),
            drop=share,
        )


@dataclass(frozen=True, slots=True)
class _Together:
    """Feeds each token to the prompt's text and to those behind the warnings."""

    steps: tuple[Steps, ...]
    strength: float

    def combined(self, logits: Sequence[torch.Tensor]) -> torch.Tensor:
        """Log-probabilities after reweighting; a token without any probability stays without."""
        import torch

        chances = torch.stack([x.double().softmax(-1) for x in logits])
        changed = reweighted(chances[0], chances[1:], self.strength)
        return changed.clamp(min=torch.finfo(changed.dtype).tiny).log()

    def __call__(self, tokens: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
        return self.combined([step(tokens, rows) for step in self.steps])


def _warned(batch: Batch, warning: str) -> Batch:
    prompts = [with_warning(p, warning) for p in batch.columns["prompt"]]
    return batch.with_columns({**batch.columns, "prompt": prompts})


def with_warning(prompt: Prompt, warning: str) -> Prompt:
    """The prompt with a warning in front of its first segment that is no system message."""
    at = next((i for i, part in enumerate(prompt) if part.role != "system"), len(prompt))
    role = prompt[at].role if at < len(prompt) else "user"
    return (*prompt[:at], Segment(f"{warning}\n", role), *prompt[at:])


def _parts(
    rows: Sequence[int], tasks: Sequence[WriteTask], bound: int, *, share: bool
) -> list[list[int]]:
    """Rows in parts whose texts fit the bound; without shared caches, rows of equal lengths only."""
    more = tasks[0].decoding.max_tokens
    parts: dict[Any, list[list[int]]] = {}
    for row in rows:
        lengths = tuple(len(task.ids[row]) for task in tasks)
        size = sum(lengths) + more * len(tasks)
        kin = parts.setdefault(() if share else lengths, [[]])
        if kin[-1] and (len(kin[-1]) + 1) * size > bound:
            kin.append([])
        kin[-1].append(row)
    return [part for kin in parts.values() for part in kin]
