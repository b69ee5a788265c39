"""Probabilities of bytes from a model of tokens: cover encodings.

Phan et al. 2025, "Exact byte-level probabilities from tokenized language models", arXiv:2410.09303. A
token sequence is *valid* if it is the encoding of what it decodes to. A *cover encoding* of bytes x is a valid
sequence that decodes to x or to something longer, and whose last token is needed: it begins inside x. The
encoding of any text that starts with x starts with exactly one cover encoding of x, so

    P(x) = sum of P(t) over the cover encodings t of x,    P(b | x) = P(x b) / P(x).

Everything here is conditioned on a *lead*: tokens that stand before x (BOS, a chat turn's opening) and are
certain. Nothing here knows torch; a model is a function from token sequences to rows of log-probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Tokens = tuple[int, ...]
TokenRows = Callable[[Sequence[Tokens]], Floats]
"""Natural log-probabilities of the next token after each sequence; shape (sequences, vocabulary)."""
END: Final = 256
"""Column of the tokens that have no bytes: the text ends here."""
COLUMNS: Final = 257


class Coding(Protocol):
    """How a tokenizer turns bytes into tokens."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def encode(self, data: bytes) -> Tokens:
        """The tokens of these bytes."""
        ...

    def settled(self, data: bytes) -> int:
        """Bytes at the front that are tokenised alike whatever follows, as a whole; less than len(data)."""
        ...

    def follows(self, data: bytes, candidates: Ints) -> NDArray[np.bool_]:
        """Whether the encoding of `data` with each of these tokens behind it is a valid sequence."""
        ...


@dataclass(frozen=True)
class Vocabulary:
    """The bytes of every token.

    Attributes:
        pieces: Bytes of each token; b"" for marks that stand for no text.
        padded: The same as numbers, -1 behind the end; shape (tokens, longest).
        length: Bytes of each token.
    """

    pieces: tuple[bytes, ...]
    padded: NDArray[np.int16]
    length: Ints

    @classmethod
    def of(cls, pieces: Sequence[bytes]) -> Self:
        """From the tokens' bytes in the order of their ids."""
        length = np.array([len(p) for p in pieces], np.int64)
        padded = np.full((len(pieces), int(length.max(initial=1)) + 1), -1, np.int16)
        for i, piece in enumerate(pieces):
            padded[i, : len(piece)] = np.frombuffer(piece, np.uint8)
        return cls(tuple(pieces), padded, length)

    @property
    def longest(self) -> int:
        """Bytes of the longest token."""
        return int(self.length.max())

    def starting(self, data: bytes) -> Ints:
        """Ids of the tokens whose bytes begin with these."""
        if len(data) > self.longest:
            return np.zeros(0, np.int64)
        wanted = np.frombuffer(data, np.uint8).astype(np.int16)
        return np.flatnonzero((self.padded[:, : len(data)] == wanted).all(axis=1))

    def text(self, tokens: Sequence[int]) -> bytes:
        """The bytes of a token sequence."""
        return b"".join(self.pieces[t] for t in tokens)

    def by_first_byte(self, chances: Floats) -> Floats:
        """Probabilities of tokens summed by their first byte, marks under `END`; shape (257,)."""
        first = np.where(self.length > 0, self.padded[:, 0], END)
        return np.asarray(np.bincount(first, weights=chances, minlength=COLUMNS), np.float64)


class LongestMatch:
    """Tokenising by taking the longest token that fits, again and again (maximum prefix matching).

    Args:
        pieces: Bytes of each token; every byte that occurs must be a token, or texts are refused.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.vocabulary = Vocabulary.of(pieces)
        self._ids = {piece: i for i, piece in enumerate(pieces) if piece}
        self._longest = self.vocabulary.longest

    def encode(self, data: bytes) -> Tokens:
        """The tokens of these bytes.

        Raises:
            BadInput: No token begins at some byte.
        """
        found, at = [], 0
        while at < len(data):
            sizes = range(min(self._longest, len(data) - at), 0, -1)
            piece = next((data[at : at + s] for s in sizes if data[at : at + s] in self._ids), None)
            if piece is None:
                raise BadInput(f"the vocabulary has no token for what follows {data[:at]!r}")
            found.append(self._ids[piece])
            at += len(piece)
        return tuple(found)

    def settled(self, data: bytes) -> int:  # noqa: ARG002 - the protocol's signature
        """No byte is: a longer token may always come to fit."""
        return 0

    def follows(self, data: bytes, candidates: Ints) -> NDArray[np.bool_]:
        """By encoding every candidate's text again."""
        return followed(self, data, candidates)


def followed(coding: Coding, data: bytes, candidates: Ints) -> NDArray[np.bool_]:
    """`Coding.follows` in plain words, one candidate after another."""
    before, pieces = coding.encode(data), coding.vocabulary.pieces
    wanted = ((data + pieces[v], (*before, v)) for v in candidates.tolist())
    found = (bool(pieces[t[-1]]) and coding.encode(text) == t for text, t in wanted)
    return np.fromiter(found, bool, len(candidates))


@dataclass(frozen=True)
class Cover:
    """The cover encodings of some bytes, with their log-probabilities.

    Attributes:
        lead: Tokens before the bytes.
        data: The bytes x.
        exact: log P of the encoding of x itself.
        last: Last token of every other member: it overshoots x.
        into: How many bytes of that token lie in x.
        logs: log P of every other member.
    """

    lead: Tokens
    data: bytes
    exact: float
    last: Ints
    into: Ints
    logs: Floats

    @property
    def total(self) -> float:
        """log P(x), given the lead."""
        return float(np.logaddexp.reduce(np.append(self.logs, self.exact)))


@dataclass
class ByteProcess:
    """The process over bytes that a token model and its tokenizer define.

    Args:
        coding: The tokenizer.
        rows: The model.
        kept: Rows that were asked before, by sequence (they are many and wide: `forget` them).
    """

    coding: Coding
    rows: TokenRows
    kept: dict[Tokens, Floats] = field(default_factory=dict)

    def ask(self, sequences: Sequence[Tokens]) -> list[Floats]:
        """Rows after these sequences; what is not known yet is asked in one call."""
        new = [s for s in dict.fromkeys(sequences) if s not in self.kept]
        if new:
            self.kept.update(zip(new, self.rows(new), strict=True))
        return [self.kept[s] for s in sequences]

    def forget(self) -> None:
        """Let go of the rows."""
        self.kept.clear()

    def chain(self, before: Tokens, tokens: Tokens) -> float:
        """log P(tokens | before), teacher-forced."""
        prefixes = [before + tokens[:k] for k in range(len(tokens))]
        found = self.ask(prefixes)
        return float(sum(row[t] for row, t in zip(found, tokens, strict=True)))

    def cover(self, lead: Tokens, data: bytes) -> Cover:
        """All cover encodings of these bytes after the lead.

        The last token of a member begins at some byte i of x; what is before it is the encoding of x up
        to i. No member begins before the part that is settled, or further back than the longest token.
        """
        none = np.zeros(0, np.int64)
        if not data:
            return Cover(lead, data, 0.0, none, none, np.zeros(0))
        places, lefts = self._lefts(data)
        self.ask(self.needed(lead, data))
        exact, last, into, logs = -np.inf, [none], [none], [np.zeros(0)]
        for i, left in zip(places, lefts, strict=True):
            found = self.coding.vocabulary.starting(data[i:])
            found = found[self.coding.follows(data[:i], found)]
            got = self.chain(lead, left) + self.ask([lead + left])[0][found]
            over = self.coding.vocabulary.length[found] > len(data) - i
            exact = float(np.logaddexp.reduce(np.append(got[~over], exact)))
            last.append(found[over])
            into.append(np.full(int(over.sum()), len(data) - i))
            logs.append(got[over])
        return Cover(lead, data, exact, *map(np.concatenate, (last, into, logs)))  # type: ignore[arg-type]

    def needed(self, lead: Tokens, data: bytes) -> list[Tokens]:
        """The sequences whose rows `cover` asks for: those of several texts fit one call of `ask`."""
        return [lead + t[:k] for t in self._lefts(data)[1] for k in range(len(t) + 1)]

    def _lefts(self, data: bytes) -> tuple[list[int], list[Tokens]]:
        """Where a last token can begin, and the encoding of what is before."""
        if not data:
            return [], []
        begins, longest = self.coding.settled(data), self.coding.vocabulary.longest
        front = self.coding.encode(data[:begins])
        places = [i for i in range(begins, len(data)) if len(data) - i <= longest]
        return places, [front + self.coding.encode(data[begins:i]) for i in places]

    def log_prob(self, lead: Tokens, data: bytes) -> float:
        """log P(data | lead)."""
        return self.cover(lead, data).total

    def after(self, cover: Cover) -> tuple[Floats, float]:
        """Probabilities of what follows, and how much the model puts on invalid sequences.

        Returns:
            P(b | x) for the 256 bytes and the end, shape (257,), summing to 1 less the second number.
        """
        vocabulary, total = self.coding.vocabulary, cover.total
        share = np.exp(cover.logs - total)
        nexts = vocabulary.padded[cover.last, cover.into]
        found = np.asarray(np.bincount(nexts, weights=share, minlength=COLUMNS), np.float64)
        if cover.exact == -np.inf:
            return found, 0.0
        chances, allowed = self._tokens_after(cover)
        chances = chances * np.exp(cover.exact - total)
        kept = np.where(allowed, chances, 0.0)
        return found + vocabulary.by_first_byte(kept), float(chances.sum() - kept.sum())

    def _tokens_after(self, cover: Cover) -> tuple[Floats, NDArray[np.bool_]]:
        """P of each token after the encoding of x, and whether it may follow (marks may)."""
        row = self.ask([cover.lead + self.coding.encode(cover.data)])[0]
        ids = np.arange(row.size)
        allowed = self.coding.vocabulary.length == 0
        allowed[~allowed] = self.coding.follows(cover.data, ids[~allowed])
        return np.exp(row), allowed

    def push(self, cover: Cover, byte: int) -> Cover:
        """The cover of x with one byte more, from that of x."""
        vocabulary = self.coding.vocabulary
        kept = vocabulary.padded[cover.last, cover.into] == byte
        last, into, logs = cover.last[kept], cover.into[kept] + 1, cover.logs[kept]
        if cover.exact > -np.inf:
            new = vocabulary.starting(bytes([byte]))
            new = new[self.coding.follows(cover.data, new)]
            row = self.ask([cover.lead + self.coding.encode(cover.data)])[0]
            last = np.concatenate([last, new])
            into = np.concatenate([into, np.ones(new.size, np.int64)])
            logs = np.concatenate([logs, cover.exact + row[new]])
        whole = vocabulary.length[last] == into
        exact = float(np.logaddexp.reduce(np.append(logs[whole], -np.inf)))
        data = cover.data + bytes([byte])
        return Cover(cover.lead, data, exact, last[~whole], into[~whole], logs[~whole])

    def token_conditioned(self, lead: Tokens, data: bytes) -> Floats:
        """What is usually read off: the next token after the encoding of x, by its first byte; (257,)."""
        row = self.ask([lead + self.coding.encode(data)])[0]
        return self.coding.vocabulary.by_first_byte(np.exp(row))


def tempered(chances: Floats, temperature: float) -> Floats:
    """Probabilities to the power 1 / temperature, summing to 1; at 0 all on the likeliest.

    A temperature of bytes is not one of tokens: a word of many bytes is drawn many times.
    """
    if temperature == 0:
        return np.asarray(np.eye(chances.size)[int(chances.argmax())])
    with np.errstate(divide="ignore"):
        logs = np.log(chances) / temperature
    powers = np.exp(logs - logs.max())
    return np.asarray(powers / powers.sum())


def total_variation(one: Floats, other: Floats) -> float:
    """Half the sum of absolute differences of two distributions."""
    return float(np.abs(one - other).sum() / 2)
