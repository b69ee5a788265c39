"""Texts written by a causal model: prompts read once, then drawn token by token."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plumbline.core.answers import Texts
from plumbline.core.questions import Batch, Decoding
from plumbline.models.abilities import Cost, Rows
from plumbline.models.hf_decode import draw_texts, end_tokens
from plumbline.models.hf_model import HfModel
from plumbline.models.hf_prompt import Prompter
from plumbline.models.torch_batches import Unit, distinct, pack, padded

if TYPE_CHECKING:
    import torch

_HELD = 4
"""Keys and values held while texts grow, in multiples of the bound of tokens."""


class WriteTask:
    """Texts after prompts. Draws of one prompt share the pass over it."""

    def __init__(self, hf: HfModel, batch: Batch, *, prompter: Prompter, share: bool) -> None:
        self.hf, self.batch, self.share = hf, batch, share
        self.decoding: Decoding = batch.settings["decoding"]
        self.ids = prompter.prompts(batch.columns["prompt"])
        self.status = [
            hf.too_long(len(i), self.decoding.max_tokens) if i else "empty prompt (no BOS)"
            for i in self.ids
        ]

    def parts(self, bound: int) -> list[Rows]:
        """A unit a row: its prompt is read in one pass, then its keys and values are held while it grows.

        Writing is one token a row and step, so few rows would leave the processor waiting for the weights
        (SmolLM2 on one core: 127 tokens a second with 11 rows, 206 with 43).
        """
        more = self.decoding.max_tokens
        return pack(
            [
                Unit((i,), max(len(ids), -(-(len(ids) + more) // _HELD)), 1, key=(ids,))
                if not status
                else Unit((i,), 0, 0)
                for i, (ids, status) in enumerate(zip(self.ids, self.status, strict=True))
            ],
            bound,
        )

    def cost(self) -> Cost:
        """Tokens of the prompts, and at most so many written."""
        rows = self.status.count("")
        read = sum(len(i) for i, status in zip(self.ids, self.status, strict=True) if not status)
        return Cost(tokens_in=read, tokens_out=rows * self.decoding.max_tokens)

    def run(self, rows: Sequence[int]) -> Texts:
        """Answers of these rows."""
        open_rows = [i for i in rows if not self.status[i]]
        parts = [open_rows] if self.share else self._by_length(open_rows)
        made: dict[int, list[Any]] = {i: [self.status[i], "", ""] for i in rows}
        for part in parts:
            if part:
                texts = self._write(part)
                made.update({i: texts.pack(k) for k, i in enumerate(part)})
        return Texts.unpack([made[i] for i in rows])

    def _by_length(self, rows: Sequence[int]) -> list[list[int]]:
        """Without padding-proof positions only prompts of one length go together."""
        lengths: dict[int, list[int]] = {}
        for i in rows:
            lengths.setdefault(len(self.ids[i]), []).append(i)
        return [lengths[n] for n in sorted(lengths)]

    def begun(self, rows: Sequence[int]) -> tuple[torch.Tensor, Steps]:
        """Logits of each row's first token, and what feeds the tokens that follow."""
        import torch

        firsts, which = distinct([self.ids[i] for i in rows])
        prompts = [self.ids[rows[k]] for k in firsts]
        if not self.share:
            prompts, which = [self.ids[i] for i in rows], list(range(len(rows)))
        ids, mask = padded(prompts, self.hf.pad, self.hf.device)
        lengths = mask.sum(1)
        last = torch.arange(len(prompts), device=self.hf.device) * ids.shape[1] + lengths - 1
        logits, out = self.hf.logits_at(last, input_ids=ids, attention_mask=mask, use_cache=True)
        order = torch.tensor(which, device=self.hf.device)
        cache = getattr(out, "past_key_values", None)
        steps = Steps(
            self.hf, selected(cache, order) if self.share else cache, ids[order], mask[order]
        )
        return logits[order], steps

    def _write(self, rows: Sequence[int]) -> Texts:
        first, steps = self.begun(rows)
        return draw_texts(
            first,
            steps,
            keys=self.batch.take(rows).keys(),
            decoding=self.decoding,
            tokenizer=self.hf.tokenizer,
            ends=end_tokens(self.hf.tokenizer, self.hf.module),
            drop=self.share,
        )


def selected(cache: Any, rows: torch.Tensor) -> Any:
    """The cache of some of its rows (repeats allowed); the given cache is left as it is."""
    taken = copy.copy(cache)
    taken.layers = [copy.copy(layer) for layer in cache.layers]
    taken.batch_select_indices(rows)
    return taken


class Steps:
    """Feeds drawn tokens to the model and keeps its cache.

    A model that gives no cache of keys and values (a recurrent one, say) reads its rows again
    for every token: slow, but what it was trained to do.
    """

    def __init__(self, hf: HfModel, cache: Any, ids: torch.Tensor, mask: torch.Tensor) -> None:
        self.hf, self.cache, self.ids, self.mask = hf, cache, ids, mask
        self.placed = "position_ids" in inspect.signature(hf.module.forward).parameters

    def __call__(self, tokens: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
        import torch

        if rows is not None:
            self.cache.batch_select_indices(rows)
            self.mask = self.mask[rows]
        new = tokens[:, None]
        positions = self.mask.sum(1, keepdim=True)
        self.mask = torch.cat([self.mask, torch.ones_like(new)], 1)
        if self.cache is None:
            self.ids = torch.cat([self.ids, new], 1)
            out = self.hf.module(input_ids=self.ids, attention_mask=self.mask)
        else:
            where = {"position_ids": positions} if self.placed else {}
            out = self.hf.module(
                input_ids=new,
                attention_mask=self.mask,
                past_key_values=self.cache,
                use_cache=True,
                **where,
            )
            self.cache = out.past_key_values
        logits: torch.Tensor = out.logits[:, -1]
        return logits
