"""The header of a safetensors file, checked before any library reads the file.

Layout: eight bytes with the header's length (little-endian), the header as JSON, then the tensors'
bytes. Each entry has a type, a shape and the place of its bytes after the header; the places of all
tensors follow each other without a gap and end where the file ends.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from plumbline.core.errors import BadInput
from plumbline.core.json_text import parse

LONGEST: Final = 100_000_000
"""Bytes of the longest header that the format allows."""
BITS: Final[Mapping[str, int]] = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "U16": 16, "I16": 16, "F16": 16,
    "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64, "F4": 4,
    "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
"""Bits of one value by type."""
_METADATA: Final = "__metadata__"


class _Wrong(Exception):
    """What is wrong with a header."""


def read_safetensors_header(path: Path) -> dict[str, Any]:
    """Tensor name -> `dtype`, `shape` and `data_offsets`; `__metadata__` is left out.

    Raises:
        BadInput: Not there, cut off, or a header whose length, types, shapes or places cannot be.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = _head(file.read(8), size)
            found = _checked(file.read(head), size - 8 - head)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None
    except _Wrong as wrong:
        raise BadInput(
            f"{path} is not a whole safetensors file: {wrong}. Was it cut short, or changed? Get it again"
        ) from None
    return found


def check_folder(folder: Path) -> None:
    """Check the headers of every `*.safetensors` of a folder; see `read_safetensors_header`."""
    for path in sorted(folder.glob("*.safetensors")):
        read_safetensors_header(path)


def _head(start: bytes, size: int) -> int:
    if len(start) < 8:
        raise _Wrong(f"it has {size} bytes")
    (length,) = struct.unpack("<Q", start)
    if length > min(LONGEST, size - 8):
        raise _Wrong(f"it promises a header of {length} bytes and has {size - 8} after that")
    return int(length)


def _checked(text: bytes, data: int) -> dict[str, Any]:
    try:
        entries = parse(text)
    except ValueError as wrong:
        raise _Wrong(f"its header is not JSON ({str(wrong)[:80]})") from None
    if not isinstance(entries, dict):
        raise _Wrong("its header is no JSON object")
    facts = entries.pop(_METADATA, {})
    if not isinstance(facts, dict) or not all(isinstance(v, str) for v in facts.values()):
        raise _Wrong("its metadata are not texts by name")
    places = sorted(_place(name, entry) for name, entry in entries.items())
    end = 0
    for begin, after, name in places:
        if begin != end:
            raise _Wrong(
                f"{name[:80]!r} begins at byte {begin}, the tensor before it ends at {end}"
            )
        end = after
    if end != data:
        raise _Wrong(f"its tensors end at byte {end}, its data at {data}")
    return entries


def _place(name: str, entry: Any) -> tuple[int, int, str]:
    """(first byte, byte after the last, name) of a tensor whose shape fills its place."""
    if not isinstance(entry, dict):
        raise _Wrong(f"{name[:80]!r} is no table")
    kind, shape, place = (entry.get(k) for k in ("dtype", "shape", "data_offsets"))
    if not isinstance(kind, str) or kind not in BITS:
        raise _Wrong(f"{name[:80]!r} has the unknown type {str(kind)[:40]!r}")
    if not _counts(shape) or not _counts(place) or len(place) != 2:
        raise _Wrong(f"{name[:80]!r} has no shape or no place")
    begin, after = place
    if (after - begin) * 8 != math.prod(shape) * BITS[kind]:
        raise _Wrong(f"the place of {name[:80]!r} does not fit its type and shape")
    return begin, after, name


def _counts(given: Any) -> TypeGuard[list[int]]:
    """Whether this is a list of whole numbers that a file can hold."""
    return isinstance(given, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1 << 62 for n in given
    )
