"""The one adapter class of all transformers models; what they can do comes as tasks.

A task is a batch that has been rendered and tokenised: it knows its units and its cost, and
answers any of its rows. `hf_causal`, `hf_masked`, ... say which task serves which ability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, final

from plumbline.core.answers import Answers
from plumbline.core.errors import AbilityError
from plumbline.core.questions import Batch, Prompt
from plumbline.models.abilities import Cost, Opened, Rows
from plumbline.models.hf_model import HfModel
from plumbline.models.hf_prompt import Encoded, Prompter


class Task(Protocol):
    """A batch made ready for one model."""

    def parts(self, bound: int) -> list[Rows]:
        """Rows that are computed together, at most `bound` padded tokens unless one row is larger.

        Every row is in one part. A part that is split again stays whole.
        """
        ...

    def cost(self) -> Cost:
        """Tokens read and written for all rows."""
        ...

    def run(self, rows: Sequence[int]) -> Answers:
        """Answers of these rows, in this order."""
        ...


MakeTask = Callable[[HfModel, Batch], Task]


@final
@dataclass(slots=True)
class HfAdapter:
    """A transformers model as a subject or an instrument; see `Adapter` for the contract."""

    hf: HfModel
    tasks: Mapping[str, MakeTask]
    more: Callable[[], dict[str, Any]]
    name: str = ""
    remote: bool = False
    abilities: frozenset[str] = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.name or self.hf.name
        self.abilities = frozenset(self.tasks) | {"open"}
        self.fingerprint = self.hf.fingerprint

    def about(self) -> dict[str, Any]:
        """Form, kind, precision, device, threads, conventions, and what was counted so far."""
        return {**self.hf.facts(), **self.more()}

    def partition(self, batch: Batch) -> list[Rows]:
        """Parts of at most `batch_tokens` tokens; rows that begin alike stay together."""
        return self._task(batch).parts(self.hf.bound) if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Answers part by part; a batch that is one part already stays one."""
        import torch

        task = self._task(batch)
        for rows in task.parts(self.hf.bound) if len(batch) else []:
            with torch.inference_mode():
                answers = task.run(rows.tolist())
            yield rows, answers

    def cost(self, batch: Batch) -> Cost:
        """Tokens of the questions, one by one, and at most so many written; no money."""
        return self._task(batch).cost() if len(batch) else Cost()

    def opened(self) -> Opened:
        """The live torch module with its tokenizer (ability `open`)."""
        hf = self.hf
        return Opened(
            module=hf.module, tokenizer=hf.tokenizer, kind=hf.kind, device=hf.device, dtype=hf.dtype,
            encode=self._encode, batch_tokens=hf.bound,
        )  # fmt: skip

    def _encode(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Encoded]:
        coded = Prompter.of(self.hf.tokenizer, self.hf.options).together(prompts, continuations)
        return [replace(e, status=e.status or self.hf.too_long(len(e.ids))) for e in coded]

    def close(self) -> None:
        """Let go of the weights; a second call does nothing."""
        self.hf.close()

    def _task(self, batch: Batch) -> Task:
        if batch.ability not in self.tasks:
            raise AbilityError(
                f"{self.name} is a {self.hf.kind} model and cannot {batch.ability!r}; "
                f"it has: {', '.join(sorted(self.abilities))}"
            )
        return self.tasks[batch.ability](self.hf, batch)
