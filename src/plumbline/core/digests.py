"""Digests of questions: a million of them are sixteen megabytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 16  # bytes of one digest


class Digests(Sequence[bytes]):
    """A sequence of digests, each `SIZE` bytes."""

    __slots__ = ("_bytes",)

    def __init__(self, every: bytes | Iterable[bytes]) -> None:
        self._bytes = every if isinstance(every, bytes) else b"".join(every)

    @property
    def array(self) -> NDArray[np.bytes_]:
        """The digests as fixed strings, which NumPy sorts and compares as Python does; shape (digests,).

        Never read an element of it: NumPy drops last bytes of 0.
        """
        import numpy as np  # here: the catalog reads cards without NumPy

        return np.frombuffer(self._bytes, dtype=f"S{SIZE}")

    def __len__(self) -> int:
        return len(self._bytes) // SIZE

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Digests: ...
    def __getitem__(self, at: int | slice) -> bytes | Digests:
        """One digest, or those of a slice."""
        if isinstance(at, slice):
            return Digests(self.array[at].tobytes())
        row = range(len(self))[at]
        return self._bytes[row * SIZE : (row + 1) * SIZE]

    def take(self, rows: NDArray[np.int64]) -> Digests:
        """The digests at these rows, in this order."""
        return Digests(self.array[rows].tobytes())

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if isinstance(other, Digests) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bytes)


def end_to_end(parts: Sequence[Digests]) -> Digests:
    """The digests of all parts, in order."""
    return (
        parts[0] if len(parts) == 1 else Digests(b"".join(part.array.tobytes() for part in parts))
    )
