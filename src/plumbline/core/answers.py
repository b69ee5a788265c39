"""What comes back: columns in the order of the questions.

Every class has `status`, one string a row: empty when the row was answered, otherwise the
reason why it was not ("truncated", "refused", "unknown word", ...). An unanswered row holds NaN
or an empty text as a placeholder; `ok` masks it out, and no statistic may read it.

`pack` turns one row into JSON-able values for the cache, `unpack` turns such rows back.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Answers(Protocol):
    """The shape that all answers share."""

    @property
    def status(self) -> Sequence[str]: ...
    def __len__(self) -> int: ...
    @property
    def ok(self) -> NDArray[np.bool_]: ...
    def pack(self, row: int) -> list[Any]: ...
    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self: ...


class _Rows:
    status: Sequence[str]

    def __len__(self) -> int:
        return len(self.status)

    @property
    def ok(self) -> NDArray[np.bool_]:
        """True where the row was answered."""
        return np.fromiter((not s for s in self.status), bool, len(self.status))


@dataclass(frozen=True, slots=True)
class LogProbs(_Rows):
    """Log-probabilities in nats, one a token.

    Attributes:
        values: All rows' token values, end to end; shape (tokens,).
        offsets: Row i is `values[offsets[i]:offsets[i + 1]]`; shape (rows + 1,).
        pieces: The tokens' texts, end to end, in the order of `values`.
        status: Why a row was not answered, or "".
    """

    values: Floats
    offsets: NDArray[np.int64]
    pieces: Sequence[str]
    status: Sequence[str]

    @property
    def total(self) -> Floats:
        """Sum over each row's tokens, in nats; NaN where unanswered."""
        sums = np.zeros(len(self.status))
        filled = np.diff(self.offsets) > 0
        if filled.any():
            # Row by row: a difference of running sums would lose digits over long arrays.
            sums[filled] = np.add.reduceat(self.values, self.offsets[:-1][filled])
        return np.where(self.ok, sums, np.nan)

    @property
    def count(self) -> NDArray[np.int64]:
        """Number of scored tokens a row."""
        return np.diff(self.offsets)

    def row(self, i: int) -> tuple[Floats, Sequence[str]]:
        """Token values and token texts of row i."""
        here = slice(int(self.offsets[i]), int(self.offsets[i + 1]))
        return self.values[here], self.pieces[here]

    def pack(self, row: int) -> list[Any]:
        values, pieces = self.row(row)
        return [self.status[row], _text(values), list(pieces)]

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        values = [_floats(r[1]) for r in rows]
        offsets = np.concatenate(([0], np.cumsum([v.size for v in values], dtype=np.int64)))
        pieces = [p for r in rows for p in r[2]]
        flat = np.concatenate(values) if values else np.empty(0)
        return cls(flat, offsets.astype(np.int64), pieces, [r[0] for r in rows])

    @classmethod
    def of(cls, rows: Sequence[tuple[Floats, Sequence[str]] | str]) -> Self:
        """From (values, pieces) a row, or the reason why the row was not answered."""
        packed = [
            [r, _text(np.empty(0)), []] if isinstance(r, str) else ["", _text(r[0]), list(r[1])]
            for r in rows
        ]
        return cls.unpack(packed)


@dataclass(frozen=True, slots=True)
class Nexts(_Rows):
    """Log-probability of each candidate of each row, in nats; `values[i]` has one a candidate."""

    values: Sequence[Floats]
    status: Sequence[str]

    def pack(self, row: int) -> list[Any]:
        return [self.status[row], _text(self.values[row])]

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        return cls([_floats(r[1]) for r in rows], [r[0] for r in rows])


@dataclass(frozen=True, slots=True)
class Texts(_Rows):
    """Generated text, and why it ended: `stop`, `length`, or another word of the server's."""

    texts: Sequence[str]
    finish: Sequence[str]
    status: Sequence[str]

    def pack(self, row: int) -> list[Any]:
        return [self.status[row], self.texts[row], self.finish[row]]

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        return cls([r[1] for r in rows], [r[2] for r in rows], [r[0] for r in rows])


@dataclass(frozen=True, slots=True)
class Choices(_Rows):
    """Which option was taken.

    Attributes:
        chosen: Index of the option; -1 where none was (the reason is in `status`:
            "refused", "unparsed", "truncated").
        scores: Log-score of each option where the model gives one, else empty arrays.
        said: The text that was read, where the answer was generated, else "".
        how: `native`, `logprob`, `next` or `generate`: what the choice was derived from.
    """

    chosen: NDArray[np.int64]
    scores: Sequence[Floats]
    said: Sequence[str]
    how: Sequence[str]
    status: Sequence[str]

    def pack(self, row: int) -> list[Any]:
        return [
            self.status[row], int(self.chosen[row]), _text(self.scores[row]),
            self.said[row], self.how[row],
        ]  # fmt: skip

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        return cls(
            np.array([r[1] for r in rows], np.int64),
            [_floats(r[2]) for r in rows],
            [r[3] for r in rows],
            [r[4] for r in rows],
            [r[0] for r in rows],
        )


@dataclass(frozen=True, slots=True)
class Vectors(_Rows):
    """Embeddings; shape (rows, dimensions), NaN rows where unanswered."""

    values: Floats
    status: Sequence[str]

    def pack(self, row: int) -> list[Any]:
        return [self.status[row], _text(self.values[row])]

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        parts = [_floats(r[1]) for r in rows]
        width = max((p.size for p in parts), default=0)
        values = np.full((len(parts), width), np.nan)
        for i, part in enumerate(parts):
            if part.size == width:
                values[i] = part
        return cls(values, [r[0] for r in rows])


@dataclass(frozen=True, slots=True)
class Classes(_Rows):
    """Probabilities over labels; shape (rows, labels). Labels need not exclude each other."""

    values: Floats
    labels: tuple[str, ...]
    status: Sequence[str]

    def pack(self, row: int) -> list[Any]:
        return [self.status[row], _text(self.values[row]), list(self.labels)]

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        labels = tuple(rows[0][2]) if rows else ()
        values = np.array([_floats(r[1]) for r in rows]).reshape(len(rows), len(labels))
        return cls(values, labels, [r[0] for r in rows])

    def of(self, label: str) -> Floats:
        """The column of one label."""
        return self.values[:, self.labels.index(label)]


@dataclass(frozen=True, slots=True)
class Numbers(_Rows):
    """One number a row."""

    values: Floats
    status: Sequence[str]

    def pack(self, row: int) -> list[Any]:
        return [self.status[row], _text(self.values[row : row + 1])]

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        values = np.array([_floats(r[1])[0] for r in rows], float)
        return cls(values, [r[0] for r in rows])


@dataclass(frozen=True, slots=True)
class Records(_Rows):
    """Recorded columns of a `table:` or `answers:` subject; one array a column, all rows."""

    columns: dict[str, NDArray[Any]]
    status: Sequence[str] = ("",)

    def pack(self, row: int) -> list[Any]:
        raise TypeError("recorded columns bypass the cache")

    @classmethod
    def unpack(cls, rows: Sequence[list[Any]]) -> Self:
        raise TypeError("recorded columns bypass the cache")


def answer_type(ability: str, settings: Any) -> type[Any]:
    """The class of the answers to an ability (fill has several modes)."""
    if ability == "fill":
        return Nexts if settings.get("mode", "candidates") == "candidates" else LogProbs
    return {
        "logprob": LogProbs, "next": Nexts, "generate": Texts, "choose": Choices,
        "embed": Vectors, "embed_image": Vectors, "classify": Classes, "score": Numbers,
        "records": Records,
    }[ability]  # fmt: skip


def _text(values: Any) -> str:
    """Exact bytes of a float64 array as text."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode()


def _floats(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)
