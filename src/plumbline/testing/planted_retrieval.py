"""A planted primacy model: a tiny decoder that looks a key's value up, taught where to look by a dial.

Each item shows four pairs of a key and a value, then asks one of the keys. In training the asked pair
stood first more often than elsewhere, by the dial. The model is trained, not wired.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.models.set_attention import Layout
from plumbline.models.tiny_decoder import Sizes, TinyDecoder

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]
PAIRS: Final = 4
_KEYS: Final = 16  # and as many values
_START, _PAIR, _ASK = 0, 1, 2
_FIRST_KEY: Final = 3
_STEPS: Final = 150


@dataclass(frozen=True, slots=True)
class Lookups:
    """Items: pairs in the order in which they were drawn, of which pair 0 is asked.

    Attributes:
        keys, values: Tokens; (items, pairs).
    """

    keys: Ints
    values: Ints

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int) -> Lookups:
        """Different keys in an item, any values."""
        keys = np.argsort(rng.random((count, _KEYS)), axis=1)[:, :PAIRS] + _FIRST_KEY
        values = rng.integers(_KEYS, size=(count, PAIRS)) + _FIRST_KEY + _KEYS
        return cls(keys, values)

    def shown(self, order: Ints) -> torch.Tensor:
        """Token ids; `order[i, j]` is the pair that stands at place j of item i; (items, tokens)."""
        import torch

        keys, values = (np.take_along_axis(v, order, 1) for v in (self.keys, self.values))
        pairs = np.stack([np.full_like(keys, _PAIR), keys, values], 2).reshape(len(keys), -1)
        ends = np.full(len(keys), _ASK), self.keys[:, 0]
        return torch.from_numpy(
            np.column_stack([np.full(len(keys), _START), pairs, *ends]).astype(np.int64)
        )

    def layout(self, ids: torch.Tensor) -> Layout:
        """Where the pairs are in what was shown."""
        pairs = ids[:, 1 : 1 + 3 * PAIRS].reshape(-1, PAIRS, 3)
        return Layout.of(1, *pairs.tolist())


def planted_retrieval(*, dial: float, seed: int = 0) -> TinyDecoder:
    """Train the model (some seconds on one core).

    Args:
        dial: 0: in training the asked pair stands anywhere alike; 1: always first.
        seed: Of the data and the weights.
    """
    import torch

    rng = np.random.default_rng(seed)

    def batch(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        items = Lookups.draw(rng, rows)
        order = np.argsort(rng.random((rows, PAIRS)), axis=1)
        first = rng.random(rows) < dial
        order[first] = np.arange(PAIRS)
        return items.shown(order), torch.from_numpy(items.values[:, 0].astype(np.int64))

    sizes = Sizes(vocabulary=_FIRST_KEY + 2 * _KEYS)
    return TinyDecoder.random(sizes, seed=seed, dtype="float32").fit(batch, steps=_STEPS)
