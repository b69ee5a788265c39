"""What the runner needs of a model: the one protocol that every adapter keeps.

An adapter turns batches of questions (`plumbline.core.questions`) into answers
(`plumbline.core.answers`). It never sees the cache, the plan or the methods. An adapter with the
ability `open` is an `OpenAdapter`: it hands out the live model to methods that look inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from plumbline.core.answers import Answers
from plumbline.core.errors import AbilityError
from plumbline.core.questions import Batch, Prompt

if TYPE_CHECKING:
    from plumbline.models.hf_prompt import Encoded

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a batch would take: tokens in and out, and money where a price is known.

    A local causal model reads fewer, since what texts begin with alike is read once.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What is part of the subject besides its weights; every field enters the fingerprint.

    Args:
        system: System prompt put before chat-style prompts.
        chat_template: `auto` (the model's own for prompts with chat roles), `none`, or a template.
        bos: `auto` (the tokenizer's BOS where it has one), `none`, or the token to use.
        dtype: `auto`, `float32`, `bfloat16` or `float16`.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        batch_tokens: Upper bound of padded tokens in one forward pass.
        max_context: Longest context; a longer prompt is Undefined, never cut. None: the model's own.
        extra: Form-specific settings (rate limits, timeouts, label columns, ...).
    """

    system: str = ""
    chat_template: str = "auto"
    bos: str = "auto"
    dtype: str = "auto"
    device: str = "auto"
    batch_tokens: int = 4096
    max_context: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Adapter(Protocol):
    """A model that answers questions.

    Attributes:
        name: What to call it in a report.
        abilities: The abilities it has, derived ones included.
        fingerprint: Hex digest of everything that changes its answers: weights, tokenizer,
            templates, system prompt, precision, device kind, library versions that matter.
        remote: True where questions travel over a network and answers cannot be re-made.
    """

    @property
    def name(self) -> str: ...
    @property
    def abilities(self) -> frozenset[str]: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def remote(self) -> bool: ...

    def about(self) -> dict[str, Any]:
        """JSON-able facts for the run's record: form, precision, device, BOS, template, context."""
        ...

    def partition(self, batch: Batch) -> list[Rows]:
        """Split rows into local batches: same batch, same split. Every row in exactly one part.

        Local models sort by length and fill `batch_tokens`; the runner consults the cache after
        this call, so that batches are formed identically when a run is resumed.
        """
        ...

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Answer one part. Yields (rows of this batch, their answers), each row exactly once.

        Each yielded piece is committed atomically. Raises `AbilityError` for an ability it does
        not have, `Unreachable` when it cannot go on, `BadAnswer` for NaN or infinity.
        """
        ...

    def cost(self, batch: Batch) -> Cost:
        """Tokens (and money) the batch would take, without asking it."""
        ...

    def close(self) -> None:
        """Release what it holds; idempotent."""
        ...


@runtime_checkable
class StreamingAdapter(Adapter, Protocol):
    """A model that is held elsewhere, by several workers, and answers many parts at once."""

    def stream(
        self, batch: Batch, parts: Sequence[Rows]
    ) -> Iterator[tuple[int, Sequence[tuple[Rows, Answers]]]]:
        """Yields (number of a part, what `answer(batch.take(part))` yields), each part once.

        Parts come in any order. What has been yielded is committed before more is asked for, so that
        what is under way stays bounded.
        """
        ...

    def engine(self) -> dict[str, Any]:
        """JSON-able facts for the run's record: where the questions were answered."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """The live model, for methods that need `open`.

    Attributes:
        module: The torch module, in evaluation mode, on `device`; hooks and gradients work. It is
            the adapter's own: what is changed in it changes the adapter's answers, so methods
            only read, and leave no hook behind.
        tokenizer: Its tokenizer.
        kind: `causal`, `masked`, `seq2seq`, `classifier` or `encoder`.
        encode: (prompts, continuations) to tokens, exactly as the adapter itself renders them
            (BOS, chat template, system prompt); what is too long has its `status`.
        batch_tokens: Most padded tokens of one pass.
    """

    module: Any
    tokenizer: Any
    kind: str
    device: Any
    dtype: Any
    encode: Callable[[Sequence[Prompt], Sequence[str]], Sequence[Encoded]]
    batch_tokens: int


@runtime_checkable
class OpenAdapter(Adapter, Protocol):
    """A model that can be opened: what the ability `open` promises."""

    def opened(self) -> Opened:
        """The live model; the same one on every call, until `close`."""
        ...


def open_live(adapter: Adapter) -> Opened:
    """The live model of an adapter.

    Raises:
        AbilityError: The model cannot be opened: it is recorded, remote, or not a torch module.
    """
    if "open" not in adapter.abilities or not isinstance(adapter, OpenAdapter):
        raise AbilityError(
            f"{adapter.name} cannot be opened: looking inside needs weights in torch, as hf:PATH "
            f"and demo have; it offers {', '.join(sorted(adapter.abilities))}"
        )
    return adapter.opened()
