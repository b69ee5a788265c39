"""The last step of a language model: from hidden states to log-probabilities of tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def widened(head: Any, weight: torch.Tensor, bias: torch.Tensor | None) -> Iterator[None]:
    """Inside, the head multiplies in float32, and not in its own precision before."""
    from torch.nn.functional import linear

    own = vars(head).get("forward")
    head.forward = lambda hidden: linear(hidden.float(), weight, bias)
    try:
        yield
    finally:
        del head.forward
        if own is not None:
            head.forward = own


def picked_log_probs(
    logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Log-softmax in float32 at chosen (row, target) pairs.

    Args:
        logits: Shape (m, vocabulary), any precision.
        rows: Row of each pair; shape (k,).
        targets: Token id of each pair; shape (k,).

    Returns:
        Natural log-probabilities, shape (k,), at most 0.
    """
    import torch

    # Blocks of rows keep the float32 copy in the processor's cache.
    sums = [torch.logsumexp(block.float(), 1) for block in torch.split(logits, 64)]
    own = logits[rows, targets].float()
    # A sum of exponentials is never below its own term, except by float32 rounding.
    return torch.clamp(own - torch.cat(sums)[rows], max=0.0)
