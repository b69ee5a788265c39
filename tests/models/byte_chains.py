"""Token models that are known exactly: a Markov chain over letters, pushed through a tokenizer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from plumbline.models.byte_cover import LongestMatch

LENGTH = 16


class Chain:
    """An order-1 chain over A and B.

    Args:
        after_a, after_b: P(A | A) and P(A | B).
        start: P(A) at the start.
    """

    def __init__(self, after_a: float = 0.6, after_b: float = 0.3, start: float = 0.5) -> None:
        self.after, self.start = {65: after_a, 66: after_b}, start

    def prob(self, data: bytes) -> float:
        """P of a text's beginning."""
        made, before = 1.0, self.start
        for byte in data:
            made *= before if byte == 65 else 1 - before
            before = self.after[byte]
        return made


class PushForward:
    """The token model that a chain and a tokenizer define, from all texts of 16 letters.

    P(t1..tk) is the share of texts whose encoding begins with them. The last few letters of a text
    are tokenised as if it ended there, so only beginnings of up to about ten letters are exact.
    """

    def __init__(self, chain: Chain, coding: LongestMatch) -> None:
        self.coding = coding
        self.mass: dict[tuple[int, ...], float] = {}
        for letters in itertools.product(b"AB", repeat=LENGTH):
            data = bytes(letters)
            tokens, chance = coding.encode(data), chain.prob(data)
            for k in range(len(tokens) + 1):
                self.mass[tokens[:k]] = self.mass.get(tokens[:k], 0.0) + chance

    def __call__(self, sequences: Sequence[tuple[int, ...]]) -> np.ndarray:
        """log P(v | t1..tk); a sequence that never occurs has a uniform row."""
        count = len(self.coding.vocabulary.pieces)
        rows = np.full((len(sequences), count), -np.log(count))
        for i, tokens in enumerate(sequences):
            if self.mass.get(tokens, 0.0) > 0:
                nexts = [self.mass.get((*tokens, v), 0.0) for v in range(count)]
                with np.errstate(divide="ignore"):
                    rows[i] = np.log(np.array(nexts) / self.mass[tokens])
        return rows


class RandomModel:
    """Random rows by sequence, marks included: a token model that is no push-forward of anything."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def __call__(self, sequences: Sequence[tuple[int, ...]]) -> np.ndarray:
        """Log-softmax of normal numbers that depend on the sequence alone."""
        drawn = [
            np.random.default_rng([self.seed, len(t), *(v + 1 for v in t)]).normal(0, 2, self.count)
            for t in sequences
        ]
        rows = np.array(drawn)
        return rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)


def enumerated(coding: LongestMatch, rows, data: bytes) -> float:
    """P(data) by brute force over all token strings: valid, beginning with the data, last token needed."""
    pieces, total = coding.vocabulary.pieces, 0.0
    stack = [((), 0.0)]
    while stack:
        tokens, log = stack.pop()
        text = coding.vocabulary.text(tokens)
        if len(text) >= len(data):
            if text.startswith(data) and coding.encode(text) == tokens:
                total += np.exp(log)
            continue
        row = rows([tokens])[0]
        stack += [
            ((*tokens, v), log + row[v])
            for v, piece in enumerate(pieces)
            if piece and (text + piece)[: len(data)] == data[: len(text) + len(piece)]
        ]
    return total
