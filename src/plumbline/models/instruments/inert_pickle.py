"""Read the data of a pickle without running anything that it holds.

Some packages ship lexicons and weights as pickles only. Here every class that a pickle names
becomes an inert stand-in that keeps what it was given; nothing but plain containers, numbers and
text is ever built, and any name that the caller has not listed is refused.
"""

from __future__ import annotations

import math
import pickle  # noqa: TID251 - to build the reader that builds nothing; see above
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import numpy as np

from plumbline.core.errors import BadInput

_CONTAINERS: Final = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "int"): int,
}
_ARRAY: Final = "NumpyArrayWrapper"
_NUMPY: Final = (_ARRAY, "dtype", "ndarray", "scalar", "float64")
_LARGEST: Final = 1 << 28


class _Bounded:
    """A file that is never asked for more bytes than it has: a length in a pickle is only a claim."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size = file, size

    def read(self, count: int) -> bytes:
        if count > self._size - self._file.tell():
            raise EOFError(
                f"{count} bytes are promised at byte {self._file.tell()} of {self._size}"
            )
        return self._file.read(count)

    def readline(self) -> bytes:
        return self._file.readline()

    def readinto(self, buffer: Any) -> int:
        filled = self.read(len(buffer))
        buffer[:] = filled
        return len(filled)


class Inert:
    """Stands in for an instance of any class: its arguments, and its state as attributes."""

    kind: ClassVar[str] = ""

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state
        if isinstance(state, dict):
            self.__dict__.update(state)


_Pure: Any = pickle._Unpickler  # noqa: SLF001
"""The reader written in Python: the only one that can be stopped at an array."""


class _Reader(_Pure):  # type: ignore[misc]
    """For joblib's files, where an array's bytes follow the object that describes it."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Pure.dispatch)

    def __init__(self, file: _Bounded, names: Collection[str]) -> None:
        super().__init__(file)
        self._file, self._names = file, names

    def find_class(self, module: str, name: str) -> Any:
        return _stand_in(module, name, self._names)

    def load_build(self) -> None:
        super().load_build()
        if getattr(self.stack[-1], "kind", "") == _ARRAY:
            self.stack[-1] = _array(self._file, self.stack[-1])

    dispatch[pickle.BUILD[0]] = load_build
    # It would take as much memory as the file says before a byte of it is read.
    del dispatch[pickle.BYTEARRAY8[0]]


def read_inert(path: Path, names: Collection[str]) -> Any:
    """What a file written by joblib holds, with stand-ins (`Inert`) for the named classes.

    Args:
        path: The file.
        names: Class names that may occur, without their modules.

    Raises:
        BadInput: Another name occurs, or the file is damaged.
    """
    with path.open("rb") as file:
        try:
            return _Reader(_Bounded(file, path.stat().st_size), {*names, *_NUMPY}).load()
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError,
                AttributeError, OverflowError, RecursionError, struct.error) as wrong:  # fmt: skip
            raise BadInput(f"{path} does not hold the data that was expected: {wrong}") from None


def number(value: Any) -> float:
    """A float, also one that was pickled as a NumPy scalar."""
    if isinstance(value, Inert) and value.kind == "scalar":
        kind, data = value.args
        return float(np.frombuffer(data, _dtype(kind))[0])
    return float(value)


def _stand_in(module: str, name: str, names: Collection[str]) -> Any:
    if (module, name) in _CONTAINERS:
        return _CONTAINERS[module, name]
    if name not in names:
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not expected there")
    return type(name, (Inert,), {"kind": name})


def _dtype(kind: Inert) -> np.dtype[Any]:
    made: np.dtype[Any] = np.dtype(kind.args[0])
    if made.kind not in "iuf":
        raise pickle.UnpicklingError(f"an array of {made} instead of numbers")
    return made


def _array(file: _Bounded, about: Any) -> Any:
    """The array that joblib wrote behind its description: padding, then the bytes."""
    if about.numpy_array_alignment_bytes is not None:
        file.read(file.read(1)[0])
    kind = _dtype(about.dtype)
    size = math.prod(about.shape) * kind.itemsize
    data = file.read(size) if 0 <= size <= _LARGEST else b""
    if len(data) != size:
        raise pickle.UnpicklingError(f"an array of {size} bytes is cut off")
    return np.frombuffer(data, kind).reshape(about.shape, order=about.order)
