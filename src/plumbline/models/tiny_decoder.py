"""A small decoder with rotary positions, for tests and testbeds: Llama's parts, any precision, trained in seconds.

RMSNorm in front of attention and of a SwiGLU, rotary positions on queries and keys, no biases. Weights are
plain tensors in a dictionary. Everything but attention acts on each token alone, so `how` (see
`plumbline.models.set_attention`) is all there is to say about order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plumbline.core.errors import BadInput
from plumbline.models.set_attention import Layout, Turns, attend

if TYPE_CHECKING:
    import torch

_EPS: Final = 1e-6
_BATCH: Final = 128
_PER_LAYER: Final = ("query", "key", "value", "out", "gate", "up", "down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Shape of a decoder.

    Attributes:
        vocabulary: Number of tokens.
        hidden: Width of the stream; a multiple of twice the heads.
        heads: Attention heads of a layer.
        layers: Number of layers.
        inner: Width of the SwiGLU; 0 for twice the hidden width.
        base: Base of the rotary angles.
    """

    vocabulary: int
    hidden: int = 64
    heads: int = 4
    layers: int = 2
    inner: int = 0
    base: float = 10_000.0

    def __post_init__(self) -> None:
        if min(self.vocabulary, self.heads, self.layers) < 1 or self.hidden % (2 * self.heads):
            raise BadInput(
                f"a decoder wants at least one token, head and layer, and a hidden width that is a multiple of "
                f"twice the heads; got {self}"
            )


class TinyDecoder:
    """A causal decoder over token ids.

    Args:
        sizes: Its shape.
        weights: Tensors by name; `random` draws them.
    """

    def __init__(self, sizes: Sizes, weights: dict[str, torch.Tensor]) -> None:
        self.sizes, self.weights = sizes, weights

    @classmethod
    def random(
        cls, sizes: Sizes, *, seed: int, dtype: str = "float64", scale: float = 1.0
    ) -> TinyDecoder:
        """Weights drawn from N(0, scale² / width of their input); norms are 1.

        Args:
            sizes: Its shape.
            seed: Of the weights.
            dtype: `float32` or `float64`.
            scale: Above 1 attention is sharper than in a fresh model.
        """
        import torch

        source = torch.Generator().manual_seed(seed)
        d, inner = sizes.hidden, sizes.inner or 2 * sizes.hidden
        shapes = {"embed": (sizes.vocabulary, d), "norm": (d,), "head": (d, sizes.vocabulary)}
        for layer in range(sizes.layers):
            shapes |= {f"{layer}.before_attention": (d,), f"{layer}.before_mlp": (d,)}
            shapes |= {f"{layer}.{name}": (d, d) for name in _PER_LAYER[:4]}
            shapes |= {f"{layer}.{name}": (d, inner) for name in ("gate", "up")}
            shapes[f"{layer}.down"] = (inner, d)
        weights = {}
        for name, shape in shapes.items():
            width = 1 if name == "embed" else shape[0]
            drawn = torch.randn(shape, generator=source, dtype=torch.float64) * scale / width**0.5
            made = torch.ones(shape, dtype=torch.float64) if len(shape) == 1 else drawn
            weights[name] = made.to(getattr(torch, dtype))
        return cls(sizes, weights)

    def frequencies(self) -> torch.Tensor:
        """Rotary angle of each plane at one position; (width of a head / 2,)."""
        import torch

        width = self.sizes.hidden // self.sizes.heads
        exponents: torch.Tensor = -torch.arange(0, width, 2, dtype=torch.float64) / width
        return self.sizes.base**exponents

    def logits(
        self, ids: torch.Tensor, layout: Layout | None = None, how: str = "pine"
    ) -> torch.Tensor:
        """Logits after each token; (rows, tokens, vocabulary).

        Args:
            ids: Token ids; (rows, tokens).
            layout: Where the documents are, alike in all rows; None is the ordinary forward pass.
            how: What is done with them; see `set_attention.WAYS`.
        """
        weights = self.weights
        stream = weights["embed"][ids]
        for layer in range(self.sizes.layers):
            own = {n: weights[f"{layer}.{n}"] for n in _PER_LAYER}
            normed = _normed(stream, weights[f"{layer}.before_attention"])
            query, key, value = (self._heads(normed @ own[n]) for n in ("query", "key", "value"))
            if layout is None:
                read = self._ordinary(query, key, value)
            else:
                read = attend(query, key, value, layout, frequencies=self.frequencies(), how=how)
            stream = stream + read.transpose(1, 2).flatten(2) @ own["out"]
            normed = _normed(stream, weights[f"{layer}.before_mlp"])
            gate = normed @ own["gate"]
            stream = stream + (gate * gate.sigmoid() * (normed @ own["up"])) @ own["down"]
        return _normed(stream, weights["norm"]) @ weights["head"]

    def fit(
        self, draw: Callable[[int], tuple[torch.Tensor, torch.Tensor]], *, steps: int, rate: float = 3e-3
    ) -> TinyDecoder:  # fmt: skip
        """A decoder trained on, by AdamW, to say the target behind the last token; this one stays as it is.

        Args:
            draw: Makes a batch of that many rows: ids (rows, tokens) and targets (rows,).
            steps: Steps of 128 rows each; the rate falls to 0 along a cosine.
            rate: Largest learning rate, reached after a twentieth of the steps.
        """
        import torch

        weights = {n: w.detach().clone().requires_grad_() for n, w in self.weights.items()}
        learner = TinyDecoder(self.sizes, weights)
        optimiser = torch.optim.AdamW(weights.values(), lr=rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=rate, total_steps=steps, pct_start=0.05
        )
        # Matrices this small would only wait for each other on several threads.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for _ in range(steps):
                ids, targets = draw(_BATCH)
                loss = torch.nn.functional.cross_entropy(learner.logits(ids)[:, -1], targets)
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()
        finally:
            torch.set_num_threads(threads)
        return TinyDecoder(self.sizes, {n: w.detach() for n, w in weights.items()})

    def _heads(self, values: torch.Tensor) -> torch.Tensor:
        apart: torch.Tensor = values.reshape(*values.shape[:-1], self.sizes.heads, -1)
        return apart.transpose(1, 2)

    def _ordinary(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        """Causal attention with rotary positions, as everybody does it."""
        import torch

        at = torch.arange(query.shape[2])
        turns = Turns.of(self.frequencies(), query.shape[2], query.dtype)
        query, key = turns.turn(query, at), turns.turn(key, at)
        read: torch.Tensor = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=True
        )
        return read


def _normed(stream: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return stream * (stream.square().mean(-1, keepdim=True) + _EPS).rsqrt() * weight
