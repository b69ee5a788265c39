"""Log-probabilities of token sequences, shared beginnings computed once.

Sequences are laid into rows as prefix trees (`token_trees`), and each row is read in one pass in
which a token sees its own sequence only. Models that cannot be told so read one sequence a row.
Both ways give the same numbers up to float32 rounding (a test holds them to 1e-5).
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from plumbline.core.answers import Floats
from plumbline.models import token_trees
from plumbline.models.abilities import Rows
from plumbline.models.hf_model import HfModel
from plumbline.models.token_trees import Row
from plumbline.models.torch_batches import Unit, chunks, pack, padded
from plumbline.models.vocabulary_head import picked_log_probs

if TYPE_CHECKING:
    import torch

_AT_ONCE: Final = 512
"""Padded tokens in one pass on a processor: with 4,096 the activations and logits leave its caches, and
the same sentences take 1.8 times as long (SmolLM2 in float32; 1.4 times in bfloat16)."""
_SPANS: Final = {4: 5.0, 2: 1.3}
"""Length of a row at which attention costs as much as the products with weights, over the width of the model, by
bytes of a number. Counted it is 6 (12 w^2 weights a layer against 2 w products a pair of tokens); measured with SmolLM2 on a
processor, whose bfloat16 products with weights are four times as fast, and attention is not."""
_PASSES: Final = 4
"""Passes on a processor whose questions go together: beginnings are shared inside a part only, and a part is
what an audit that is stopped has to do again."""
_LOCAL: Final = ("sliding_window", "window_size", "attention_window", "attention_chunk_size")
"""Settings of models that look back a number of tokens of the row, whatever the sequence."""
_NEAR: Final = 0.1
"""Largest error of a tree, as a share of the error of reading its row as one text."""


def reading(hf: HfModel) -> int:
    """Padded tokens in one pass that scores and does not write."""
    return min(hf.bound, _AT_ONCE) if hf.device.type == "cpu" else hf.bound


@dataclass(frozen=True, slots=True)
class Scored:
    """A sequence whose tokens from `start` (at least 1) on are to be scored."""

    ids: tuple[int, ...]
    start: int

    @property
    def read(self) -> tuple[int, ...]:
        """What the model has to read: all but the last token."""
        return self.ids[:-1]


def stem_of(members: Sequence[Scored]) -> int:
    """Number of tokens in front of everything that is scored and that all have in common."""
    sequences = [m.ids for m in members]
    limit = min(min(len(m.ids) - 1, m.start) for m in members)
    return min(limit, token_trees.shared(min(sequences), max(sequences)))


def can_share(hf: HfModel) -> bool:
    """Whether keys and values may be handed on: explicit positions and a plain cache of them.

    Sliding windows, recurrent states and the like keep the plain way: padding between a text's tokens,
    and other texts' tokens, would count as tokens of it.
    """
    import torch
    from transformers.cache_utils import DynamicLayer

    config = hf.module.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if kinds or any(getattr(config, name, None) for name in _LOCAL):
        return False
    if "position_ids" not in inspect.signature(hf.module.forward).parameters:
        return False
    ids = torch.tensor([[hf.pad, hf.pad]], device=hf.device)
    with torch.inference_mode():
        out = hf.module(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True)
    layers = getattr(getattr(out, "past_key_values", None), "layers", None)
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers or ())


def reads_trees(hf: HfModel) -> bool:
    """Whether a model that can share reads a row of branches as it reads each sequence: tried, not assumed.

    It must take a mask for every pair of tokens. A few tokens are read as a tree, one by one, and
    as if they were one text; the first two must agree.
    """
    import torch

    config = hf.module.config.get_text_config()
    size = max(2, int(config.vocab_size))
    some = [tuple(i % size for i in ids) for ids in ((5, 6, 7, 8), (5, 6, 9, 10, 11), (5, 12))]
    (row,) = token_trees.laid(some, sum(map(len, some)))
    ids = torch.tensor([row.ids], device=hf.device)
    with torch.inference_mode():
        alone = {
            s: hf.module(input_ids=torch.tensor([s], device=hf.device)).logits[0] for s in row.paths
        }
        as_text = hf.module(input_ids=ids).logits[0]
        try:
            tree = hf.module(input_ids=ids, **_branches([row], ids.shape[1], hf)).logits[0]
        except (RuntimeError, ValueError, TypeError, IndexError):
            return False  # it has a way of its own with masks; `about` says shares_prefixes=False

    def error(found: torch.Tensor) -> float:
        gaps = [(found[path] - alone[s]).abs().mean() for s, path in row.paths.items()]
        return float(max(gaps))

    return error(tree) <= _NEAR * error(as_text)


def _span(hf: HfModel) -> float:
    return _SPANS.get(hf.dtype.itemsize, _SPANS[2]) * hf.width


def parts(
    hf: HfModel, questions: Sequence[Sequence[Scored]], bound: int, *, trees: bool
) -> list[Rows]:
    """Which questions go together; none of a question's sequences means nothing to compute."""
    read = [sorted({s.read for s in some}) for some in questions]
    if trees:
        return token_trees.parts(enumerate(read), min(bound, _PASSES * reading(hf)))
    units = (
        Unit((i,), max(map(len, some), default=0), len(some), key=tuple(some))
        for i, some in enumerate(read)
    )
    return pack(units, min(bound, reading(hf)))


def score(hf: HfModel, sequences: Sequence[Scored], *, trees: bool) -> list[Floats]:
    """Token log-probabilities (nats) of each sequence from its `start` on, in the order given.

    Equal sequences are read once: a token's place in a pass moves float32 sums, and the same
    question asked twice must not get two answers.
    """
    wanted: dict[tuple[int, ...], list[Scored]] = {}
    for one in dict.fromkeys(sequences):
        wanted.setdefault(one.read, []).append(one)
    bound = reading(hf)
    if trees:
        rows = token_trees.laid(wanted, hf.bound, _span(hf))
    else:
        rows = [row for ids in sorted(wanted) for row in token_trees.laid([ids], len(ids))]
    found: dict[Scored, Floats] = {}
    for part in chunks([len(row.ids) for row in rows], bound):
        found |= _read(hf, [rows[i] for i in part], wanted)
    return [found[one] for one in sequences]


def _read(
    hf: HfModel, rows: Sequence[Row], wanted: dict[tuple[int, ...], list[Scored]]
) -> dict[Scored, Floats]:
    """One pass over rows, and what it says about the sequences in them."""
    import torch

    ids, mask = padded([row.ids for row in rows], hf.pad, hf.device)
    width = ids.shape[1]
    inputs = (
        _branches(rows, width, hf) if any(r.branches for r in rows) else {"attention_mask": mask}
    )
    scored = [
        (k * width + path, one)
        for k, row in enumerate(rows)
        for s, path in row.paths.items()
        for one in wanted[s]
    ]
    # The token before predicts the token.
    at = np.concatenate([path[one.start - 1 :] for path, one in scored])
    targets = np.concatenate([one.ids[one.start :] for _, one in scored])
    places, which = np.unique(at, return_inverse=True)
    logits, _ = hf.logits_at(
        torch.from_numpy(places).to(hf.device), input_ids=ids, use_cache=False, **inputs
    )
    pairs = torch.from_numpy(np.stack([which, targets])).to(hf.device)
    values = picked_log_probs(logits, pairs[0], pairs[1]).cpu().numpy().astype(np.float64)
    ends = np.cumsum([len(one.ids) - one.start for _, one in scored])
    return dict(zip((one for _, one in scored), np.split(values, ends[:-1]), strict=True))


def _branches(rows: Sequence[Row], width: int, hf: HfModel) -> dict[str, torch.Tensor]:
    """Positions, and a mask (rows, 1, width, width) that is added to attention's scores."""
    import torch

    places = np.zeros((len(rows), width), np.int64)
    # Padding sees itself: a softmax over nothing would be NaN.
    seen = np.broadcast_to(np.eye(width, dtype=np.bool_), (len(rows), width, width)).copy()
    for k, row in enumerate(rows):
        places[k, : len(row.ids)] = row.places
        seen[k, : len(row.ids), : len(row.ids)] = row.seen()
    allowed = torch.from_numpy(seen).to(hf.device)[:, None]
    mask = torch.zeros(allowed.shape, dtype=hf.dtype, device=hf.device)
    mask.masked_fill_(~allowed, torch.finfo(hf.dtype).min)
    return {"position_ids": torch.from_numpy(places).to(hf.device), "attention_mask": mask}
