"""A loaded transformers model: weights, tokenizer, precision, and passes that stay small.

The vocabulary head is the dearest layer of a small model. `logits_at` runs it only where logits
are wanted, by picking positions in front of it, so that whatever the model does behind its head
(scaling, soft-capping, a bias) is still done by the model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plumbline.core.answers import Floats
from plumbline.core.errors import BadAnswer, BadInput, SubjectError
from plumbline.models import hf_folder, torch_runtime
from plumbline.models.abilities import ModelOptions
from plumbline.models.fingerprints import of_facts
from plumbline.models.vocabulary_head import widened

if TYPE_CHECKING:
    import torch

AUTO: Final = {
    "causal": "AutoModelForCausalLM",
    "masked": "AutoModelForMaskedLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "classifier": "AutoModelForSequenceClassification",
    "encoder": "AutoModel",
}
_LENGTHS: Final = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
_CONVENTIONS: Final = 4
"""Part of every fingerprint: raised when the same question would get another number."""
_WIDENED: Final = 2 * 10**9
"""Most parameters for which a float32 copy is made for one pass (8 GB)."""
_WIDE_HEAD: Final = 2**28
"""Weights of the largest head of which a float32 copy is kept (1 GiB)."""
_STATES: Final = 3 * 2**18
"""Hidden numbers of one pass of an encoder on a processor: with four times as many a layer's activations leave its
caches, and the same texts take 1.24 times as long (12 layers of 768)."""
_FEWEST: Final = 128
_LOGITS: Final = 2**28
"""Most logits held at once (1 GiB in float32), whatever the bound of tokens."""


@dataclass(slots=True)
class HfModel:
    """Weights and tokenizer of one model, ready for passes.

    Attributes:
        model: The live module, in evaluation mode; None after `close`.
        context: Most tokens of a sequence, or None where positions are unbounded.
        counters: What happened while answering ("straddled", ...), for `about()`.
    """

    name: str
    kind: str
    folder: Path
    options: ModelOptions
    tokenizer: Any
    model: Any
    device: torch.device
    dtype: torch.dtype
    fingerprint: str
    context: int | None
    counters: dict[str, int] = field(default_factory=dict)
    alone: dict[int, Floats] = field(default_factory=dict)
    wide: tuple[torch.Tensor, torch.Tensor | None] | None = None

    @property
    def bound(self) -> int:
        """Padded tokens in one pass."""
        vocabulary = getattr(self.module.config.get_text_config(), "vocab_size", None) or 1
        return max(1, min(self.options.batch_tokens, _LOGITS // vocabulary))

    @property
    def width(self) -> int:
        """Numbers in the hidden state of a token."""
        config = self.module.config.get_text_config()
        found = getattr(config, "hidden_size", None)
        return int(found or self.module.get_input_embeddings().weight.shape[-1])

    @property
    def at_once(self) -> int:
        """Padded tokens of one pass of an encoder, at most `bound`."""
        if self.device.type != "cpu":
            return self.bound
        return min(self.bound, max(_FEWEST, _STATES // self.width))

    @property
    def module(self) -> Any:
        """The live module; `SubjectError` once closed."""
        if self.model is None:
            raise SubjectError(f"{self.name} was closed; open it again")
        return self.model

    @property
    def pad(self) -> int:
        """Any valid id: padded positions are masked."""
        return int(self.tokenizer.pad_token_id or 0)

    def count(self, what: str, times: int) -> None:
        """Add to a counter of `about()`."""
        if times:
            self.counters[what] = self.counters.get(what, 0) + times

    def too_long(self, tokens: int, writing: int = 0) -> str:
        """The status of a sequence that does not fit, or "" (`writing`: tokens to be written)."""
        if self.context is None or tokens + writing <= self.context:
            return ""
        more = f" and {writing} to write" if writing else ""
        return f"truncated: {tokens} tokens{more}, context {self.context}"

    def facts(self) -> dict[str, Any]:
        """JSON-able facts that every kind shares."""
        return {
            "form": "hf",
            "kind": self.kind,
            "architecture": type(self.model).__name__ if self.model is not None else None,
            "context": self.context,
            "batch_tokens": self.options.batch_tokens,
            **torch_runtime.facts(self.device, self.dtype),
            **{f"count_{name}": n for name, n in sorted(self.counters.items())},
        }

    def close(self) -> None:
        """Let go of the weights."""
        import torch

        self.model = self.wide = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def widens_first(self) -> bool:
        """Whether log-probabilities after BOS alone are computed in float32; see `after_alone`."""
        size = sum(p.numel() for p in self.module.parameters())
        return self.dtype.itemsize < 4 and size <= _WIDENED

    def after_alone(self, token: int) -> Floats:
        """Log-probabilities after this token alone, from one pass in float32; (vocabulary,).

        The first position of a decoder carries very large activations (the attention sink), and
        in bfloat16 what it predicts is off by 1 to 3 nats, differently for different words
        (SmolLM2: "Paris" -18.4 instead of -15.7); later positions are off by some 0.05. It is the
        same for every question, so it is computed once, with the same weights widened.
        """
        import torch

        if token not in self.alone:
            wide = {name: p.float() for name, p in self.module.named_parameters()}
            ids = torch.tensor([[token]], device=self.device)
            out = torch.func.functional_call(self.module, wide, (), {"input_ids": ids})
            self.alone[token] = out.logits[0, -1].double().log_softmax(-1).cpu().numpy()
        return self.alone[token]

    def wide_head(self, head: Any) -> tuple[torch.Tensor, torch.Tensor | None] | None:
        """Weight and bias of the vocabulary head in float32, or None where it stays.

        In bfloat16 a logit near 15 is known to 0.06 nats only: two options tied exactly in a third
        of all questions. Hidden states stay as they are; the last product is made in float32.
        """
        import torch

        plain = type(head) is torch.nn.Linear and head.weight.numel() <= _WIDE_HEAD
        if self.dtype.itemsize >= 4 or not plain:
            return None
        if self.wide is None:
            bias = None if head.bias is None else head.bias.float()
            self.wide = (head.weight.float(), bias)
        return self.wide

    def logits_at(self, index: torch.Tensor, **inputs: Any) -> tuple[torch.Tensor, Any]:
        """One pass with logits only at some positions.

        Args:
            index: Positions in the flattened (rows x tokens) output; shape (m,).
            **inputs: What the model's forward takes.

        Returns:
            Logits (m, vocabulary), in float32 where `wide_head` applies, and the model's output.
        """
        module = self.module
        head = module.get_output_embeddings()
        picked: list[bool] = []

        def pick(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
            picked.append(True)
            return (_flat(args[0])[index].unsqueeze(0), *args[1:])

        with contextlib.ExitStack() as stack:
            if head is not None:
                stack.callback(head.register_forward_pre_hook(pick).remove)
                if (wide := self.wide_head(head)) is not None:
                    stack.enter_context(widened(head, *wide))
            out = module(**inputs)
        logits = _flat(out.logits)
        return (logits if picked else logits[index]), out


def _flat(values: Any) -> Any:
    return values.reshape(-1, values.shape[-1])


def finite(values: Any, what: str) -> Floats:
    """The values as float64; `BadAnswer` naming the question where one is NaN or infinite."""
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise BadAnswer(
            f"the model gave NaN or infinity for {what[:120]!r}. Try dtype=float32; if it stays, "
            "the weights are damaged"
        )
    return array


def load(folder: Path, kind: str, name: str, options: ModelOptions) -> HfModel:
    """Read tokenizer and weights.

    Raises:
        BadInput: Damaged or incomplete weights, no fast tokenizer, code of its own.
    """
    from transformers import AutoTokenizer

    device = torch_runtime.pick_device(options.device)
    dtype = torch_runtime.pick_dtype(options.dtype, device)
    with quiet(), _clear_errors(folder):
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        module = _weights(folder, kind, dtype)
    if not tokenizer.is_fast:
        raise BadInput(f"{folder} has no fast tokenizer; save one as tokenizer.json beside it")
    module = module.eval().to(device)
    return HfModel(
        name=name,
        kind=kind,
        folder=folder,
        options=options,
        tokenizer=tokenizer,
        model=module,
        device=device,
        dtype=dtype,
        fingerprint=_fingerprint(folder, kind, options, (device, dtype)),
        context=_context(module, tokenizer, options),
    )


def _weights(folder: Path, kind: str, dtype: Any) -> Any:
    import transformers

    module, info = getattr(transformers, AUTO[kind]).from_pretrained(
        str(folder),
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    # A head that is not in the file would be drawn at random, and answer plausibly.
    missing = [k for k in info["missing_keys"] if not (kind == "encoder" and "pooler" in k)]
    if missing or info["mismatched_keys"]:
        raise BadInput(
            f"{folder} lacks weights that a {kind} model needs ({', '.join(sorted(missing)[:3])}); "
            "they would be random. It may be another kind of model"
        )
    return module


@contextlib.contextmanager
def _clear_errors(folder: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, SafetensorError, RuntimeError) as error:
        raise BadInput(
            f"{folder} could not be loaded ({type(error).__name__}: {str(error)[:300]}). "
            "Is the download complete, and does this transformers version know the model?"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no chatter of transformers inside; errors still raise."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def _context(module: Any, tokenizer: Any, options: ModelOptions) -> int | None:
    config = module.config.get_text_config()
    limits = [getattr(config, name) for name in _LENGTHS if getattr(config, name, None)][:1]
    embeddings = getattr(getattr(module, "base_model", module), "embeddings", None)
    positions = getattr(embeddings, "position_embeddings", None)
    padding = getattr(positions, "padding_idx", None)
    if limits and padding is not None:
        # RoBERTa's kind counts positions from behind the padding id.
        limits[0] -= padding + 1
    if tokenizer.model_max_length < 10**9:
        limits.append(tokenizer.model_max_length)
    if options.max_context is not None:
        limits.append(options.max_context)
    return min(limits, default=None)


def _fingerprint(folder: Path, kind: str, options: ModelOptions, runs: tuple[Any, Any]) -> str:
    import torch
    import transformers

    device, dtype = runs
    return of_facts(
        conventions=_CONVENTIONS,
        files=hf_folder.digest(folder),
        kind=kind,
        system=options.system,
        chat_template=options.chat_template,
        bos=options.bos,
        max_context=options.max_context,
        batch_tokens=options.batch_tokens,
        extra=dict(options.extra),
        dtype=str(dtype),
        device=device.type,
        torch=torch.__version__,
        transformers=transformers.__version__,
    )
