"""Log-probabilities of token sequences, shared beginnings computed once.

Sequences of one group (the continuations of a context) share a *trunk*: the trunk is passed
once, its keys and values are handed to each *leaf*, and the leaves are passed together. A
sequence alone in its group is a trunk without leaves. Both ways give the same numbers up to
float32 rounding (a test holds them to 1e-5).
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.core.answers import Floats
from plumbline.models.hf_model import HfModel, picked_log_probs
from plumbline.models.torch_batches import Unit, chunks, distinct, padded

if TYPE_CHECKING:
    import torch

_WORTH = 8
"""Tokens that sharing must save: below, a second pass costs more than it spares."""
_ROOM = 4
"""Keys and values held for leaves, in multiples of the bound of tokens."""


_AT_ONCE = 512
"""Padded tokens in one pass on a processor: with 4,096 the activations and logits leave its caches, and
the same sentences take 1.8 times as long (SmolLM2 in float32; 1.4 times in bfloat16)."""


def reading(hf: HfModel) -> int:
    """Padded tokens in one pass that scores and does not write."""
    return min(hf.bound, _AT_ONCE) if hf.device.type == "cpu" else hf.bound


@dataclass(frozen=True, slots=True)
class Scored:
    """A sequence whose tokens from `start` (at least 1) on are to be scored."""

    ids: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A trunk with the sequences that grow from it.

    Attributes:
        trunk: Tokens of the first pass.
        members: Distinct sequences of the group.
        which: For each given sequence, its member.
        alone: Whether the one member is scored in the first pass, without leaves.
    """

    trunk: tuple[int, ...]
    members: tuple[Scored, ...]
    which: tuple[int, ...]
    alone: bool

    def unit(self, rows: Sequence[int]) -> Unit:
        """The tree's size, for packing."""
        tails = [] if self.alone else [len(m.ids) - 1 - len(self.trunk) for m in self.members]
        tails = [t for t in tails if t]
        key = (self.trunk, *(m.ids for m in self.members))
        return Unit(tuple(rows), len(self.trunk), 1, max(tails, default=0), len(tails), key)


def grow(group: Sequence[Scored], *, share: bool) -> list[Tree]:
    """Trees of one group; one a distinct sequence where sharing does not pay or is off."""
    firsts, which = distinct(group)
    members = [group[i] for i in firsts]
    stem = stem_of(members)
    # Without leaves nothing is handed on: one pass over the trunk scores every member.
    leafless = all(len(m.ids) == stem + 1 for m in members)
    worth = share and stem * (len(members) - 1) >= _WORTH
    if len(members) > 1 and (leafless or worth):
        return [Tree(members[0].ids[:stem], tuple(members), tuple(which), alone=False)]
    return [
        Tree(m.ids[:-1], (m,), (0,) * which.count(k), alone=True) for k, m in enumerate(members)
    ]


def stem_of(members: Sequence[Scored]) -> int:
    """Number of tokens in front of everything that is scored and that all have in common."""
    sequences = [m.ids for m in members]
    low, high = min(sequences), max(sequences)
    limit = min(min(len(m.ids) - 1, m.start) for m in members)
    return next((i for i in range(limit) if low[i] != high[i]), limit)


def can_share(hf: HfModel) -> bool:
    """Whether trunks may be handed on: explicit positions and a plain cache of keys and values.

    Sliding windows, recurrent states and the like keep the plain way.
    """
    import torch
    from transformers.cache_utils import DynamicLayer

    if "position_ids" not in inspect.signature(hf.module.forward).parameters:
        return False
    ids = torch.tensor([[hf.pad, hf.pad]], device=hf.device)
    with torch.inference_mode():
        out = hf.module(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True)
    layers = getattr(getattr(out, "past_key_values", None), "layers", None)
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers or ())


def selected(cache: Any, rows: torch.Tensor) -> Any:
    """The cache of some of its rows (repeats allowed); the given cache is left as it is."""
    taken = copy.copy(cache)
    taken.layers = [copy.copy(layer) for layer in cache.layers]
    taken.batch_select_indices(rows)
    return taken


class Forest:
    """Scores the trees of one part.

    Args:
        hf: The model.
        trees: The trees.
    """

    def __init__(self, hf: HfModel, trees: Sequence[Tree]) -> None:
        self.hf, self.trees = hf, trees
        self.values = [[np.full(len(m.ids) - m.start, np.nan) for m in t.members] for t in trees]

    def scores(self) -> list[list[Floats]]:
        """For each tree, each given sequence's token log-probabilities (nats)."""
        for part in chunks([len(t.trunk) for t in self.trees], reading(self.hf)):
            self._trunks(part)
        return [
            [values[k] for k in tree.which]
            for tree, values in zip(self.trees, self.values, strict=True)
        ]

    def _trunks(self, part: Sequence[int]) -> None:
        trees = [self.trees[i] for i in part]
        ids, mask = padded([t.trunk for t in trees], self.hf.pad, self.hf.device)
        wanted = [
            (row, s - 1, part[row], k, s)
            for row, t in enumerate(trees)
            for k, m in enumerate(t.members)
            for s in range(m.start, min(len(m.ids), len(t.trunk) + 1))
        ]
        inputs = {"input_ids": ids, "attention_mask": mask}
        leaves = [
            (row, k)
            for row, t in enumerate(trees)
            for k, m in enumerate(t.members)
            if not t.alone and len(m.ids) - 1 > len(t.trunk)
        ]
        cache = self._pass(wanted, ids.shape[1], inputs | {"use_cache": bool(leaves)})
        room = _ROOM * self.hf.bound
        sizes = [
            len(trees[r].members[k].ids) + ids.shape[1] - len(trees[r].trunk) for r, k in leaves
        ]
        for chunk in chunks(sizes, room):
            self._leaves([(leaves[i], part[leaves[i][0]]) for i in chunk], cache, mask)

    def _leaves(self, leaves: Sequence[tuple[tuple[int, int], int]], cache: Any, mask: Any) -> None:
        import torch

        members = [self.trees[tree].members[k] for (_, k), tree in leaves]
        stems = [len(self.trees[tree].trunk) for _, tree in leaves]
        tails = [m.ids[stem:-1] for m, stem in zip(members, stems, strict=True)]
        ids, own = padded(tails, self.hf.pad, self.hf.device)
        rows = torch.tensor([row for (row, _), _ in leaves], device=self.hf.device)
        starts = torch.tensor(stems, device=self.hf.device)
        wanted = [
            (i, s - 1 - stems[i], tree, k, s)
            for i, ((_, k), tree) in enumerate(leaves)
            for s in range(max(members[i].start, stems[i] + 1), len(members[i].ids))
        ]
        inputs = {
            "input_ids": ids,
            "attention_mask": torch.cat([mask[rows], own], 1),
            "position_ids": starts[:, None] + torch.arange(ids.shape[1], device=self.hf.device),
            "past_key_values": selected(cache, rows),
        }
        self._pass(wanted, ids.shape[1], inputs)

    def _pass(
        self, wanted: Sequence[tuple[int, int, int, int, int]], width: int, inputs: dict[str, Any]
    ) -> Any:
        """One pass; (row, position) predicts token s of member k of a tree. Returns the cache."""
        import torch

        device = self.hf.device
        flat = [row * width + at for row, at, *_ in wanted]
        firsts, which = distinct(flat)
        picks = [self.trees[tree].members[k].ids[s] for *_, tree, k, s in wanted]
        index = torch.tensor([flat[i] for i in firsts], dtype=torch.long, device=device)
        logits, out = self.hf.logits_at(index, **inputs)
        if not wanted:
            return getattr(out, "past_key_values", None)
        pairs = torch.tensor([which, picks], device=device)
        values = picked_log_probs(logits, pairs[0], pairs[1]).cpu().numpy()
        for value, (*_, tree, k, s) in zip(values, wanted, strict=True):
            self.values[tree][k][s - self.trees[tree].members[k].start] = value
        return getattr(out, "past_key_values", None)


def score(hf: HfModel, groups: Sequence[Sequence[Scored]], *, share: bool) -> list[list[Floats]]:
    """Token log-probabilities of grouped sequences, in the order given.

    Equal groups are passed once: a row's place in a batch moves float32 sums, and the same
    question asked twice must not get two answers.
    """
    firsts, which = distinct([tuple(group) for group in groups])
    trees = [grow(groups[i], share=share) for i in firsts]
    found = iter(Forest(hf, [t for some in trees for t in some]).scores())
    result = []
    for group, some in zip((groups[i] for i in firsts), trees, strict=True):
        if len(some) == 1:
            result.append(next(found))
            continue
        by_member = {tree.members[0]: next(found)[0] for tree in some}
        result.append([by_member[s] for s in group])
    return [result[k] for k in which]


def plan(group: Sequence[Scored], rows: Sequence[int], *, share: bool) -> list[Unit]:
    """Units of a group whose sequences belong to these rows of the batch."""
    trees = grow(group, share=share)
    if len(trees) == 1:
        return [trees[0].unit(rows)]
    by_member: dict[Scored, list[int]] = {}
    for row, scored in zip(rows, group, strict=True):
        by_member.setdefault(scored, []).append(row)
    return [tree.unit(by_member[tree.members[0]]) for tree in trees]


def plan_row(group: Sequence[Scored], row: int, *, share: bool) -> Unit:
    """One unit for a question that needs the whole group."""
    units = [tree.unit(()) for tree in grow(group, share=share)]
    return Unit(
        (row,),
        max(u.wide for u in units),
        len(units),
        max(u.leaf for u in units),
        sum(u.leaves for u in units),
        tuple(u.key for u in units),
    )
