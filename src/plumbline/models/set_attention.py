"""Attention over documents that form a set: what comes out does not depend on their order.

Wang et al., "Eliminating Position Bias of Language Models: A Mechanistic Approach" (PINE), ICLR 2025,
arXiv:2407.01100; facts checked against the authors' code. Tokens are laid out `[SYS | D_1 .. D_k | SUFFIX]`.
Order enters attention in two ways only, and both are taken out: documents see each other both ways, and a key's
position depends on how much the query attends to the key's document, not on where that stands.

Nothing here knows a model: queries and keys come in before rotary positions are put on, as (rows, heads, tokens, d).
The rotation is relative, R(a)'R(b) = R(b - a). So a document's keys are turned once, by their place inside the
document, and the query is turned by the distance from the document's start, which is its own for each head and query.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plumbline.core.errors import BadInput

if TYPE_CHECKING:
    import torch

WAYS: Final = ("pine", "nia", "pcw", "mask", "positions", "causal")
"""`pine`: both changes. `mask`, `positions`: one of them alone (ablations). `causal`: the model's own attention.
`nia`: documents do not see each other. `pcw`: the same, and all documents stand at the same positions."""
_RANKED: Final = ("pine", "positions")
_STEPS: Final = 0.6
"""Scores are compared in steps of eps ** .6 (4e-10 in float64, 7e-5 in float32) of a mean score, so that documents which
tie in exact numbers tie here too, whatever the order in which sums were rounded."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the documents of a sequence lie; all behind them is suffix.

    Attributes:
        system: Tokens in front of the documents.
        documents: Tokens of each document, in reading order.
        ties: For each row, its documents' ranks by a hash of their tokens: who goes first among equals.
    """

    system: int
    documents: tuple[int, ...]
    ties: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, system: int, *rows: Sequence[Sequence[int]]) -> Layout:
        """From the documents' token ids, for each row of a batch.

        Raises:
            BadInput: No document, an empty one, or rows whose documents have other lengths.
        """
        lengths = {tuple(map(len, documents)) for documents in rows}
        if system < 0 or len(lengths) != 1 or lengths == {()} or 0 in next(iter(lengths)):
            raise BadInput(
                "a layout wants at least one document, none of them empty, with equal lengths in all rows; got "
                f"lengths {sorted(lengths)} after {system} tokens"
            )
        return cls(system, lengths.pop(), tuple(_ties(documents) for documents in rows))

    @property
    def end(self) -> int:
        """Index of the first token behind the documents."""
        return self.system + sum(self.documents)

    def offsets(self) -> list[int]:
        """Index of each document's first token."""
        return [self.system + int(n) for n in np.cumsum((0, *self.documents[:-1]))]

    def owners(self, total: int) -> list[int]:
        """For each token its document; -1 in front of them, k behind."""
        inside = [j for j, length in enumerate(self.documents) for _ in range(length)]
        return [-1] * self.system + inside + [len(self.documents)] * (total - self.end)


def _ties(documents: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Ranks by content hash; only equal contents, which nothing can tell apart, go by place."""
    hashes = [hashlib.blake2b(repr(list(map(int, d))).encode()).digest() for d in documents]
    order = sorted(range(len(hashes)), key=lambda j: (hashes[j], j))
    return tuple(order.index(j) for j in range(len(hashes)))


def importance(
    query: torch.Tensor, key: torch.Tensor, own: torch.Tensor | None, scaling: float
) -> torch.Tensor:
    """How much each query attends to each document token where positions play no part.

    Args:
        query: Without rotary positions; (rows, heads, q, d).
        key: Of the documents' tokens, without rotary positions; (rows, heads, T, d).
        own: True where key and query belong to one document, which is left out; (q, T).
        scaling: Usually 1 / sqrt(d).

    Returns:
        Weights that sum to 1 over the T tokens; (rows, heads, q, T).
    """
    logits: torch.Tensor = query @ key.transpose(-1, -2) * scaling
    if own is not None:
        logits = logits.masked_fill(own, float("-inf"))
    return logits.softmax(-1)


def document_scores(weights: torch.Tensor, owner: torch.Tensor, count: int) -> torch.Tensor:
    """Mean importance of each document's tokens, in units of the mean over all tokens; (..., q, k).

    A sum would make long documents important (the paper's footnote).

    Args:
        weights: `importance`; (..., q, T).
        owner: Document of each of the T tokens; (T,).
        count: Number of documents.
    """
    import torch

    member = torch.nn.functional.one_hot(owner, count).to(weights)
    scores: torch.Tensor = weights @ (member / member.sum(0)) * len(owner)
    return scores


def ranks(scores: torch.Tensor, ties: torch.Tensor, eps: float) -> torch.Tensor:
    """Rank of each document, 0 for the highest score; ties by content hash; (..., k).

    Args:
        scores: `document_scores`; inf for a query's own document; (..., k).
        ties: Ranks among equals, in a shape that broadcasts to the scores'.
        eps: Rounding unit of the arithmetic in which the scores were made.
    """
    stepped = (scores / eps**_STEPS).round()
    one, other = stepped[..., None, :], stepped[..., :, None]
    tied = (other == one) & (ties[..., :, None] < ties[..., None, :])
    rank: torch.Tensor = ((other > one) | tied).sum(-2)
    return rank


def starts(rank: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Position of each document's first key: rank 0 ends just before the suffix, the next before it; (..., k)."""
    import torch

    lengths = torch.tensor(layout.documents, device=rank.device)
    nearer = rank[..., :, None] < rank[..., None, :]
    return layout.end - lengths - (nearer * lengths[:, None]).sum(-2)


def visible(layout: Layout, how: str, first: int, total: int, device: Any = None) -> torch.Tensor:
    """Which keys the queries from token `first` on may see; (total - first, total)."""
    import torch

    at = torch.arange(total, device=device)
    owner = torch.tensor(layout.owners(total), device=device)
    inside = (owner >= 0) & (owner < len(layout.documents))
    causal = at[None, :] <= at[first:, None]
    apart = inside[first:, None] & inside[None, :] & (owner[first:, None] != owner[None, :])
    if how in ("pine", "mask"):
        return causal | apart
    return causal & ~apart if how in ("nia", "pcw") else causal


@dataclass(frozen=True, slots=True)
class Turns:
    """Rotary turns by whole numbers of positions, in both directions, looked up.

    The two halves of a vector are the two coordinates of its planes (Llama's convention).
    """

    cos: torch.Tensor
    sin: torch.Tensor
    reach: int

    @classmethod
    def of(cls, frequencies: torch.Tensor, reach: int, dtype: torch.dtype) -> Turns:
        """Up to `reach` positions either way; angles are made in float64."""
        import torch

        steps = torch.arange(-reach, reach + 1, dtype=torch.float64, device=frequencies.device)
        angles = steps[:, None] * frequencies.double()
        return cls(angles.cos().to(dtype), angles.sin().to(dtype), reach)

    def turn(self, vectors: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
        """Vectors (..., d) turned by whole numbers of positions (...)."""
        import torch

        cos, sin = self.cos[by + self.reach], self.sin[by + self.reach]
        one, two = vectors.chunk(2, -1)
        return torch.cat([one * cos - two * sin, two * cos + one * sin], -1)


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout,
    *, frequencies: torch.Tensor, how: str = "pine", scaling: float | None = None,
) -> torch.Tensor:  # fmt: skip
    """Softmax attention over a set of documents.

    Args:
        query: Of the last q tokens, without rotary positions; (rows, heads, q, d).
        key: Of all n tokens so far, without rotary positions; (rows, groups, n, d), heads in equal groups.
        value: As `key`.
        layout: Where the documents are. The queries are all tokens, or tokens of the suffix alone.
        frequencies: Rotary angle of each plane at one position; (d / 2,).
        how: One of `WAYS`.
        scaling: 1 / sqrt(d) by default.

    Returns:
        (rows, heads, q, d), in the precision of `value`.

    Raises:
        BadInput: No such way, or queries that begin inside the documents.
    """
    import torch

    total, first = key.shape[2], key.shape[2] - query.shape[2]
    if how not in WAYS or total < layout.end or 0 < first < layout.end:
        raise BadInput(
            f"how is one of {', '.join(WAYS)}, and queries are all tokens or suffix tokens only; got {how!r} and "
            f"queries {first} to {total} with documents up to {layout.end}"
        )
    work = torch.promote_types(query.dtype, torch.float32)
    query, key = query.to(work), key.to(work)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    shared = query.shape[1] // key.shape[1]
    turns = Turns.of(frequencies, total, work)
    logits = _logits(query, key, layout, how=how, turns=turns, scale=scale)
    seen = visible(layout, how, first, total, query.device)
    weights = logits.masked_fill(~seen, float("-inf")).softmax(-1).to(value.dtype)
    return weights @ value.repeat_interleave(shared, 1)


def _logits(
    query: torch.Tensor, key: torch.Tensor, layout: Layout, *, how: str, turns: Turns, scale: float
) -> torch.Tensor:
    """Scaled products of turned queries and keys; (rows, heads, q, n). The loop is over documents."""
    import torch

    total, first = key.shape[2], key.shape[2] - query.shape[2]
    shared = query.shape[1] // key.shape[1]
    where, at = _query_positions(layout, how, total, query.device)
    begin = _document_starts(query, key, layout, how=how, scale=scale)
    local = torch.arange(total, device=query.device)
    still = turns.turn(query, where[first:])

    def against(turned: torch.Tensor, keys: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
        keys = turns.turn(keys, by).repeat_interleave(shared, 1)
        return turned @ keys.transpose(-1, -2) * scale

    parts = [against(still, key[:, :, : layout.system], local[: layout.system])]
    for j, (offset, length) in enumerate(zip(layout.offsets(), layout.documents, strict=True)):
        away = turns.turn(query, where[first:] - begin[..., j])
        parts.append(against(away, key[:, :, offset : offset + length], local[:length]))
    parts.append(against(still, key[:, :, layout.end :], at[layout.end :]))
    return torch.cat(parts, -1)


def _query_positions(
    layout: Layout, how: str, total: int, device: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions of all tokens as queries, and as keys outside the documents; both (total,)."""
    import torch

    at = torch.arange(total, device=device)
    if how == "pcw":
        # The suffix goes on behind the longest document.
        at[layout.end :] -= layout.end - layout.system - max(layout.documents)
    where = at.clone()
    for offset, length in zip(layout.offsets(), layout.documents, strict=True):
        if how in _RANKED or how == "pcw":
            begin = layout.system if how == "pcw" else layout.end - length
            where[offset : offset + length] = torch.arange(length, device=device) + begin
    return where, at


def _document_starts(
    query: torch.Tensor, key: torch.Tensor, layout: Layout, *, how: str, scale: float
) -> torch.Tensor:
    """Where each query finds each document's first key; (rows, heads, q, k) or what broadcasts to it."""
    import torch

    count, first = len(layout.documents), key.shape[2] - query.shape[2]
    if how not in _RANKED:
        fixed = [layout.system] * count if how == "pcw" else layout.offsets()
        return torch.tensor(fixed, device=query.device)
    shared = query.shape[1] // key.shape[1]
    keys = key[:, :, layout.system : layout.end].repeat_interleave(shared, 1)
    owner = torch.tensor(layout.owners(layout.end)[layout.system :], device=query.device)
    ties = torch.tensor(layout.ties, device=query.device)[:, None, None]
    eps = torch.finfo(query.dtype).eps
    behind = query[:, :, max(0, layout.end - first) :]
    own_rank = ranks(
        document_scores(importance(behind, keys, None, scale), owner, count), ties, eps
    )
    found = starts(own_rank, layout)
    if first:
        return found
    inside = _between_documents(query[:, :, layout.system : layout.end], keys, owner, scale)
    among = starts(ranks(inside, ties, eps), layout)[:, :, owner]
    # Tokens in front of the documents see none of them.
    front = torch.zeros_like(among[:, :, :1]).expand(-1, -1, layout.system, -1)
    return torch.cat([front, among, found], 2)


def _between_documents(
    query: torch.Tensor, key: torch.Tensor, owner: torch.Tensor, scale: float
) -> torch.Tensor:
    """Scores that documents give each other, inf for themselves; (rows, heads, k, k).

    The mean over the asking document's tokens; the published sum has the same order.
    """
    import torch

    count = int(owner.max()) + 1
    itself = torch.eye(count, dtype=torch.bool, device=owner.device)
    if count <= 2:  # the other one is simply second
        flat = query.new_zeros(*query.shape[:2], count, count)
        return flat.masked_fill(itself, float("inf"))
    own = owner[:, None] == owner[None, :]
    scores = document_scores(importance(query, key, own, scale), owner, count)
    asking = torch.nn.functional.one_hot(owner, count).to(scores)
    between = (asking / asking.sum(0)).T @ scores
    return between.masked_fill(itself, float("inf"))
