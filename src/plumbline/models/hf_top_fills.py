"""The likeliest whole words at a mask, picked where the model is.

A row of the whole vocabulary never leaves the model: k words and their log-probabilities do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np

from plumbline.core.answers import LogProbs
from plumbline.core.errors import BadInput
from plumbline.core.questions import MASK, Batch
from plumbline.models.abilities import Cost, Rows
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.torch_batches import Unit, blank, chunks, pack, padded

if TYPE_CHECKING:
    import torch


def sides(text: str) -> tuple[str, str]:
    """What stands before and after the one `[MASK]`; `BadInput` where there is not exactly one."""
    parts = text.split(MASK)
    if len(parts) != 2:
        raise BadInput(f"a text to fill needs exactly one {MASK}; got {len(parts) - 1} in {text!r}")
    return parts[0], parts[1]


@final
class TopTask:
    """The k likeliest whole words at the one mask of each text, likeliest first."""

    def __init__(self, hf: HfModel, batch: Batch) -> None:
        self.hf, self.batch = hf, batch
        self.k = int(batch.settings["k"])
        token = str(hf.tokenizer.mask_token)
        texts = [token.join(sides(t)) for t in batch.columns["text"]]
        self.ids: list[list[int]] = hf.tokenizer(texts)["input_ids"] if texts else []
        self.status = [self._status(ids) for ids in self.ids]
        self.words: list[str] = []
        self.open: Any = None

    def _status(self, ids: Sequence[int]) -> str:
        times = ids.count(self.hf.tokenizer.mask_token_id)
        return self.hf.too_long(len(ids)) if times == 1 else f"{times} masks after tokenising"

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
        found: dict[int, tuple[Any, list[str]]] = {}
        for chunk in chunks([len(self.ids[i]) for i in ready], self.hf.at_once):
            some = [ready[c] for c in chunk]
            values, tokens = self._pass(some)
            for i, row, names in zip(some, values, tokens, strict=True):
                text = self.batch.columns["text"][i]
                found[i] = finite(row, text), [self.words[t] for t in names]
        return LogProbs.of([self.status[i] or found[i] for i in rows])

    def _pass(self, rows: Sequence[int]) -> tuple[Any, Any]:
        """Log-probabilities and token ids of the best words; both (rows, k)."""
        import torch

        ids, mask = padded([self.ids[i] for i in rows], self.hf.pad, self.hf.device)
        index = (ids == self.hf.tokenizer.mask_token_id).reshape(-1).nonzero()[:, 0]
        logits, _ = self.hf.logits_at(index, input_ids=ids, attention_mask=mask)
        chances = logits.float().log_softmax(-1)
        closed = chances.masked_fill(~self._open(chances.shape[-1]), -torch.inf)
        best = closed.topk(min(self.k, int(self.open.sum())), dim=-1)
        return best.values.double().cpu().numpy(), best.indices.cpu().numpy()

    def _open(self, width: int) -> torch.Tensor:
        """True for the tokens that are whole words; shape (vocabulary of the head,)."""
        if self.open is None:
            import torch

            self.words = whole_words(self.hf.tokenizer, width)
            here = np.array([bool(word) for word in self.words])
            self.open = torch.from_numpy(here).to(self.hf.device)
        return self.open  # type: ignore[no-any-return]


def whole_words(tokenizer: Any, width: int) -> list[str]:
    """The word that each token is by itself, or "" for a piece, a mark, a number, a special token.

    A tokenizer that marks the pieces inside a word (`##ing`) or the beginning of one (a space
    sign in front) is read by that mark; one that marks neither has no pieces.
    """
    names = tokenizer.convert_ids_to_tokens(list(range(min(width, len(tokenizer)))))
    names = ["" if name is None else str(name) for name in names]
    special = set(tokenizer.all_special_tokens)
    marks = ("\u0120", "\u2581")
    # A mark that stands in front of few tokens is a letter like others.
    starts = next((m for m in marks if 10 * sum(n.startswith(m) for n in names) > len(names)), "")
    found = []
    for name in names:
        word = name.removeprefix(starts)
        whole = name.startswith(starts) and word.isalpha() and name not in special
        found.append(word if whole else "")
    return found + [""] * (width - len(found))
