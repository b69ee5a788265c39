"""Masked models read without a mask: each token's log-probability in the whole text.

Kaneko & Bollegala 2022 (arXiv:2104.07496): All Unmasked Likelihood, and its form weighted by
attention. One pass a text, where pseudo-log-likelihoods take one a token.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from plumbline.core.answers import Floats, LogProbs
from plumbline.core.questions import Batch
from plumbline.models.abilities import Cost, Rows
from plumbline.models.choose_derived import NONE
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.torch_batches import Unit, blank, chunks, pack, padded
from plumbline.models.vocabulary_head import picked_log_probs

if TYPE_CHECKING:
    import torch

_SHARE: Final = 4
"""Attention maps of all layers are held at once, so a pass with them reads a quarter as much."""


@final
class UnmaskedTask:
    """Log P(token | whole text) of every token, special ones left out.

    In the mode `attended` each is multiplied by the attention that its token receives: the mean
    over layers, heads and attending positions. Over all tokens of a text, special ones included,
    these weights add up to 1.
    """

    def __init__(self, hf: HfModel, batch: Batch) -> None:
        self.hf, self.batch = hf, batch
        self.attended = batch.settings["mode"] == "attended"
        texts = list(batch.columns["text"])
        coded = hf.tokenizer(texts, return_special_tokens_mask=True) if texts else {}
        self.ids: list[list[int]] = coded["input_ids"] if texts else []
        special = coded["special_tokens_mask"] if texts else []
        self.places = [[p for p, s in enumerate(row) if not s] for row in special]
        self.status = [
            hf.too_long(len(ids)) if places else "empty text: nothing to score"
            for ids, places in zip(self.ids, self.places, strict=True)
        ]

    def parts(self, bound: int) -> list[Rows]:
        """A unit a text."""
        rows = zip(self.ids, self.status, strict=True)
        return pack(
            [
                blank(i) if status else Unit((i,), len(ids), key=(ids,))
                for i, (ids, status) in enumerate(rows)
            ],
            bound,
        )

    def cost(self) -> Cost:
        """Tokens read."""
        return Cost(tokens_in=sum(map(len, self.ids)))

    def run(self, rows: Sequence[int]) -> LogProbs:
        """Answers of these rows."""
        ready = [i for i in rows if not self.status[i]]
        bound = self.hf.bound // _SHARE if self.attended else self.hf.bound
        found: dict[int, Floats] = {}
        with _attention_shown(self.hf) if self.attended else contextlib.nullcontext():
            for chunk in chunks([len(self.ids[i]) for i in ready], bound):
                some = [ready[c] for c in chunk]
                found.update(zip(some, self._pass(some), strict=True))
        return LogProbs.of([self._answer(i, found.get(i, NONE)) for i in rows])

    def _answer(self, row: int, values: Floats) -> tuple[Floats, list[str]] | str:
        if self.status[row]:
            return self.status[row]
        pieces = self.hf.tokenizer.convert_ids_to_tokens(
            [self.ids[row][p] for p in self.places[row]]
        )
        return finite(values, self.batch.columns["text"][row]), pieces

    def _pass(self, rows: Sequence[int]) -> list[Floats]:
        import torch

        ids, mask = padded([self.ids[i] for i in rows], self.hf.pad, self.hf.device)
        flat = [k * ids.shape[1] + p for k, i in enumerate(rows) for p in self.places[i]]
        index = torch.tensor(flat, device=self.hf.device)
        more: dict[str, Any] = {"output_attentions": True} if self.attended else {}
        logits, out = self.hf.logits_at(index, input_ids=ids, attention_mask=mask, **more)
        targets = ids.reshape(-1)[index]
        values = picked_log_probs(logits, torch.arange(len(flat), device=index.device), targets)
        values = values.double()
        if self.attended:
            values = values * received(out.attentions, mask).reshape(-1)[index]
        ends = np.cumsum([len(self.places[i]) for i in rows])
        return np.split(values.cpu().numpy(), ends[:-1])


def received(attentions: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """Attention that each token receives; shape (texts, tokens), each text's sum 1.

    Args:
        attentions: One a layer, of shape (texts, heads, attending tokens, attended tokens).
        mask: 1 for a token, 0 for padding; shape (texts, tokens).
    """
    maps = attentions[0].double().mean(1)
    for layer in attentions[1:]:
        maps = maps + layer.double().mean(1)
    maps = maps / len(attentions)
    here = mask.to(maps.dtype)
    return (maps * here[:, :, None]).sum(1) / here.sum(1, keepdim=True)


@contextlib.contextmanager
def _attention_shown(hf: HfModel) -> Iterator[None]:
    """Attention computed step by step inside, so that its weights can be read."""
    module = hf.module
    before = module.config._attn_implementation  # noqa: SLF001 - there is no public reader
    module.set_attn_implementation("eager")
    try:
        yield
    finally:
        module.set_attn_implementation(before)
