"""Passes of a transformers model in which an exchange set's documents are attended to as a set.

The model runs as it is, told that every token stands at position 0: rotary positions then turn nothing, so its
attention is handed plain queries and keys, and its cache keeps plain keys, in prefill and in decoding alike. The attention
itself is `plumbline.models.set_attention.attend`, which puts positions on. Everything else is the model's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from plumbline.core.answers import Floats
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Prompt
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_weights import CorrectedWeights
from plumbline.models.hf_adapter import HfAdapter
from plumbline.models.hf_model import HfModel
from plumbline.models.set_attention import Layout, attend
from plumbline.models.set_prompt import OnePrompt, SetPrompter

if TYPE_CHECKING:
    import torch

KNOWN: Final = ("LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "MistralForCausalLM")
"""Architectures whose rotary positions come last before attention, in two halves, on the whole head."""
_ROTARY: Final = ("default", "linear", "llama3", "yarn")  # angles do not depend on the length
_NAME: Final = "plumbline_set"


def inner(base: Adapter) -> HfModel:
    """The loaded transformers model in an adapter.

    Raises:
        AbilityError: There is none, or attention over sets is not known for its architecture.
    """
    adapter = base.after if isinstance(base, CorrectedWeights) else base
    if not isinstance(adapter, HfAdapter):
        raise AbilityError(
            f"{base.name}: attention can be replaced in transformers models only (hf:PATH, demo), and in such with "
            "corrected weights"
        )
    reason = _unfit(adapter.hf)
    if reason:
        raise AbilityError(
            f"{base.name} ({type(adapter.hf.module).__name__}): {reason}. Position-invariant attention is made for "
            f"{', '.join(KNOWN)} with full attention in every layer"
        )
    return adapter.hf


def _unfit(hf: HfModel) -> str:
    config = hf.module.config
    if type(hf.module).__name__ not in KNOWN:
        return "this architecture is not known to compute attention as Llama does"
    windowed = "sliding_attention" in (getattr(config, "layer_types", None) or ())
    if windowed or (type(hf.module).__name__.startswith("Mistral") and config.sliding_window):
        return "some of its layers see a sliding window only"
    rotary = hf.module.model.rotary_emb
    kind = str(getattr(rotary, "rope_type", "default"))
    width = int(getattr(hf.module.model.layers[0].self_attn, "head_dim", 0))
    if kind not in _ROTARY or 2 * len(rotary.inv_freq) != width:
        return f"its rotary positions ({kind}) depend on the length or leave part of a head out"
    return ""


class SetModule:
    """A causal model that is called as it always is, and attends as `layout` and `how` say.

    Args:
        module: The live model; it is left as it is outside of `attending`.
        how: See `set_attention.WAYS`.
    """

    def __init__(self, module: Any, how: str) -> None:
        self._module, self._how = module, how
        self._layout: Layout | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __call__(self, **inputs: Any) -> Any:
        """A pass. Padding, where there is any, stands on the right and is never looked at."""
        import torch

        ids, mask = inputs["input_ids"], inputs.get("attention_mask")
        if mask is not None and bool((mask.diff(dim=1) > 0).any()):
            raise BadInput("attention over a set takes padding on the right only")
        told = {"position_ids": torch.zeros_like(ids), "attention_mask": None}
        return self._module(**{**inputs, **told})

    @contextlib.contextmanager
    def attending(self, layout: Layout) -> Iterator[None]:
        """Calls inside attend to these documents; afterwards the model is as it was."""
        from transformers import AttentionInterface

        module = self._module
        before = module.config._attn_implementation  # noqa: SLF001 - its public setter has no getter
        # Without a mask function of this name transformers makes no mask.
        AttentionInterface.register(_NAME, self._attend)
        self._layout = layout
        try:
            module.set_attn_implementation(_NAME)
            yield
        finally:
            module.set_attn_implementation(before)
            self._layout = None

    def _attend(
        self, _layer: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _mask: Any, **named: Any
    ) -> tuple[torch.Tensor, None]:  # fmt: skip
        """As transformers calls it."""
        if self._layout is None:
            raise AbilityError("attention over a set was called outside of a pass with a layout")
        read = attend(
            query, key, value, self._layout, how=self._how, scaling=named.get("scaling"),
            frequencies=self._module.model.rotary_emb.inv_freq,
        )  # fmt: skip
        return read.transpose(1, 2).contiguous(), None


def as_set(hf: HfModel, how: str) -> tuple[HfModel, SetModule]:
    """The model with a `SetModule` in place of its module; weights and tokenizer are shared."""
    module = SetModule(hf.module, how)
    return replace(hf, model=module, counters={}), module


class SetReader:
    """Next-token logits of a model that reads a prompt's exchange set in any of the `WAYS`.

    Attributes:
        dtype: Precision of the model.
    """

    def __init__(self, hf: HfModel) -> None:
        self._hf, self._prompter = hf, SetPrompter.of(hf.tokenizer, hf.options)
        self.dtype = str(hf.dtype).removeprefix("torch.")

    @classmethod
    def of(cls, model: Adapter) -> SetReader:
        """For an adapter's model; see `inner`."""
        return cls(inner(model))

    def last_logits(self, prompt: Prompt, name: str, how: str) -> Floats:
        """Logits behind the prompt, with this exchange set attended to in this way; (vocabulary,).

        Raises:
            BadInput: The prompt cannot be laid out, or does not fit.
        """
        import torch

        laid = self._prompter.laid_out(prompt, name)
        (ids,) = OnePrompt.at(self._prompter, laid).prompts([prompt])
        status = laid.status or self._hf.too_long(len(ids))
        if status or laid.layout is None:
            raise BadInput(f"a prompt cannot be read as a set: {status}")
        hf, module = as_set(self._hf, how)
        index = torch.tensor([len(ids) - 1], device=hf.device)
        tokens = torch.tensor([ids], device=hf.device)
        with torch.inference_mode(), module.attending(laid.layout):
            logits, _ = hf.logits_at(index, input_ids=tokens)
        found: Floats = logits[0].double().cpu().numpy()
        return found
