"""Sentence and text encoders: one vector a text.

A sentence-transformers folder says in `modules.json` how token vectors are pooled and whether
they are normalised, and that is what is done. A bare encoder is mean-pooled over its tokens
and not normalised. Both are stated in `about()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from plumbline.core.answers import Vectors
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch
from plumbline.models.abilities import Cost, Rows
from plumbline.models.hf_adapter import HfAdapter
from plumbline.models.hf_folder import read_json
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.torch_batches import Unit, blank, chunks, pack, padded

if TYPE_CHECKING:
    import torch

POOLINGS: Final = ("mean", "cls", "max", "lasttoken")
_FLAGS: Final = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}


@dataclass(frozen=True, slots=True)
class Pooling:
    """How a text's token vectors become one vector.

    Attributes:
        mode: One of `POOLINGS`.
        normalised: Whether the vector is scaled to length 1.
        lower: Whether texts are lower-cased first.
        longest: Most tokens of a text, where the folder says so.
        source: Where this was read.
    """

    mode: str = "mean"
    normalised: bool = False
    lower: bool = False
    longest: int | None = None
    source: str = "default for a bare encoder"


def read_pooling(folder: Path) -> Pooling:
    """What the folder's `modules.json` asks for; `BadInput` where it asks for more than pooling."""
    if not (folder / "modules.json").is_file():
        return Pooling()
    modules = {m["type"].rsplit(".", 1)[-1]: m["path"] for m in read_json(folder / "modules.json")}
    strange = sorted(set(modules) - {"Transformer", "Pooling", "Normalize"})
    if strange:
        raise BadInput(f"{folder}: layers {', '.join(strange)} of modules.json are not supported")
    mode = "mean"
    if "Pooling" in modules:
        mode = _mode(read_json(folder / modules["Pooling"] / "config.json"))
    if mode not in POOLINGS:
        raise BadInput(f"{folder}: pooling {mode!r} is not supported ({', '.join(POOLINGS)})")
    own = folder / modules.get("Transformer", "") / "sentence_bert_config.json"
    texts = read_json(own) if own.is_file() else {}
    return Pooling(
        mode=mode,
        normalised="Normalize" in modules,
        lower=bool(texts.get("do_lower_case")),
        longest=texts.get("max_seq_length"),
        source="modules.json",
    )


def _mode(config: dict[str, Any]) -> str:
    if isinstance(config.get("pooling_mode"), str):
        return str(config["pooling_mode"])
    chosen = [mode for flag, mode in _FLAGS.items() if config.get(flag)]
    return "+".join(chosen) or "mean"


def open_encoder(hf: HfModel) -> HfAdapter:
    """The adapter of a loaded encoder."""
    if getattr(hf.module.config, "is_encoder_decoder", False):
        raise BadInput(f"{hf.name} is an encoder with a decoder; open it as kind seq2seq")
    pooling = read_pooling(hf.folder)
    if pooling.longest is not None:
        hf.context = min(pooling.longest, hf.context or pooling.longest)
    facts = {
        "pooling": pooling.mode,
        "normalised": pooling.normalised,
        "pooling_from": pooling.source,
        "width": hf.module.config.get_text_config().hidden_size,
        "words_in_text": True,
    }
    return HfAdapter(hf, {"embed": partial(EmbedTask, pooling=pooling)}, lambda: dict(facts))


@final
class EmbedTask:
    """One vector a text; single words are texts like any other.

    Where spans are asked, the mean of the vectors of a span's tokens, neither pooled otherwise
    nor normalised.
    """

    def __init__(self, hf: HfModel, batch: Batch, *, pooling: Pooling) -> None:
        self.hf, self.batch, self.pooling = hf, batch, pooling
        texts = [t.lower() if pooling.lower else t for t in batch.columns["text"]]
        coded = hf.tokenizer(texts, return_offsets_mapping=True) if texts else {}
        self.ids: list[list[int]] = coded["input_ids"] if texts else []
        self.status = [hf.too_long(len(i)) if i else "empty text" for i in self.ids]
        self.places: list[list[int]] = []
        if batch.settings.get("spans"):
            spans = zip(coded.get("offset_mapping", []), batch.columns["span"], strict=True)
            self.places = [inside(offsets, span) for offsets, span in spans]
            for i, places in enumerate(self.places):
                self.status[i] = self.status[i] or ("" if places else "the span has no tokens")

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

    def run(self, rows: Sequence[int]) -> Vectors:
        """Answers of these rows; shape (rows, width)."""
        width = self.hf.module.config.get_text_config().hidden_size
        values = np.full((len(rows), width), np.nan)
        ready = [k for k, i in enumerate(rows) if not self.status[i]]
        for chunk in chunks([len(self.ids[rows[k]]) for k in ready], self.hf.at_once):
            places = [ready[c] for c in chunk]
            values[places] = self._vectors([rows[k] for k in places])
        for k in ready:
            finite(values[k], self.batch.columns["text"][rows[k]])
        return Vectors(values, [self.status[i] for i in rows])

    def _vectors(self, rows: Sequence[int]) -> Any:
        import torch

        ids, mask = padded([self.ids[i] for i in rows], self.hf.pad, self.hf.device)
        hidden = self.hf.module(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        if self.places:
            here = torch.zeros_like(mask)
            for row, i in enumerate(rows):
                here[row, self.places[i]] = 1
            return pool(hidden, here, "mean").double().cpu().numpy()
        pooled = pool(hidden, mask, self.pooling.mode)
        if self.pooling.normalised:
            pooled = torch.nn.functional.normalize(pooled, dim=-1)
        return pooled.double().cpu().numpy()


def pool(hidden: torch.Tensor, mask: torch.Tensor, mode: str) -> torch.Tensor:
    """One vector a text from token vectors.

    Args:
        hidden: Token vectors; shape (texts, tokens, width).
        mask: 1 for a token, 0 for padding on the right; shape (texts, tokens).
        mode: One of `POOLINGS`.
    """
    import torch

    if mode == "cls":
        return hidden[:, 0]
    if mode == "lasttoken":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    here = mask[..., None].to(hidden.dtype)
    if mode == "max":
        return hidden.masked_fill(here == 0, -torch.inf).amax(1)
    return (hidden * here).sum(1) / here.sum(1)


def inside(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> list[int]:
    """Places of the tokens that hold some of a span's characters."""
    return [p for p, (start, end) in enumerate(offsets) if end > span[0] and start < span[1]]
