"""The header of a GGUF file: what the model is, and whether the file is whole.

Layout after the specification of GGUF versions 2 and 3 (the ggml project's docs/gguf.md): magic,
version, counts, key-value pairs, tensor infos; the tensors' data follow at the next multiple of
the alignment. All numbers are little-endian.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from plumbline.core.errors import BadInput

MAGIC: Final = b"GGUF"
_NUMBERS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_LONGEST: Final = 1 << 30
"""No count or string in a real header is larger; a larger one means a damaged file."""
_DEEPEST: Final = 4
"""Arrays in arrays; a deeper one means a damaged file, or one made to overflow the reader."""


class _Short(Exception):
    """The file ends inside its header, or says something impossible."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Key-value pairs (long arrays as their length) and where the last tensor begins."""

    facts: Mapping[str, Any]
    tensors: int
    last_tensor: int

    @property
    def architecture(self) -> str:
        """`llama`, `qwen2`, ..."""
        return str(self.facts.get("general.architecture", ""))

    def of_model(self, name: str) -> Any:
        """A value that is kept under the architecture's name (`context_length`); else None."""
        return self.facts.get(f"{self.architecture}.{name}")


def read_gguf_header(path: Path) -> GgufHeader:
    """Read and check a file's header.

    Raises:
        BadInput: Not there, empty, not GGUF, or shorter than its header says.
    """
    if not path.is_file():
        raise BadInput(f"no file at {path}; gguf: wants the path of a .gguf file")
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(4)
        if magic != MAGIC:
            raise BadInput(
                f"{path} is not a GGUF file: it begins with {magic!r} instead of {MAGIC!r} "
                f"({size} bytes). hf:PATH opens safetensors folders."
            )
        try:
            header = _read(file, size)
        except (struct.error, _Short) as short:
            raise BadInput(
                f"{path} ends or breaks inside its header at byte {file.tell()} of {size} "
                f"({short}); was the download cut short?"
            ) from None
    if header.last_tensor >= size:
        raise BadInput(
            f"{path} is truncated: its last tensor begins at byte {header.last_tensor}, "
            f"the file has {size}. Get it again."
        )
    return header


def _read(file: BinaryIO, size: int) -> GgufHeader:
    version, tensors, pairs = struct.unpack("<IQQ", file.read(20))
    # A fact takes 13 bytes at least, a tensor 24.
    if version not in (2, 3) or 24 * tensors + 13 * pairs > size:
        raise _Short(f"version {version}, {tensors} tensors, {pairs} facts")
    facts = {}
    for _ in range(pairs):
        name = _string(file).decode("utf-8", "replace")
        facts[name] = _value(file, _number(file, 4))
    last = max((_tensor_offset(file) for _ in range(tensors)), default=0)
    align = facts.get("general.alignment", 32)
    if isinstance(align, bool) or not isinstance(align, int) or align < 1:
        raise _Short(f"the alignment {align!r}")
    start = -(-file.tell() // align) * align
    return GgufHeader(facts, tensors, start + last)


def _number(file: BinaryIO, kind: int) -> Any:
    form = _NUMBERS[kind]
    (value,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return value


def _string(file: BinaryIO) -> bytes:
    length = _number(file, 10)
    if length > _LONGEST:
        raise _Short(f"a string of {length} bytes")
    # In steps: room for a length that is only a claim is not made.
    text = b""
    while len(text) < length:
        more = file.read(min(length - len(text), 1 << 20))
        if not more:
            raise _Short("a string is cut off")
        text += more
    return text


def _value(file: BinaryIO, kind: int, depth: int = 0) -> Any:
    if kind == _STRING:
        return _string(file).decode("utf-8", "replace")
    if kind != _ARRAY:
        if kind not in _NUMBERS:
            raise _Short(f"unknown kind of value {kind}")
        return _number(file, kind)
    inner, length = _number(file, 4), _number(file, 10)
    if length > _LONGEST or depth == _DEEPEST:
        raise _Short(f"an array of {length} values, {depth} deep")
    if inner in _NUMBERS:
        file.seek(length * struct.calcsize(_NUMBERS[inner]), 1)
    else:
        for _ in range(length):
            _value(file, inner, depth + 1)
    return {"length": length}


def _tensor_offset(file: BinaryIO) -> int:
    _string(file)
    file.seek(8 * int(_number(file, 4)), 1)
    _number(file, 4)
    return int(_number(file, 10))


def other_parts(path: Path) -> list[Path]:
    """The other files of a model that was split, `NAME-00001-of-00003.gguf`; llama.cpp loads them too."""
    found = re.fullmatch(r"(.+)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if found is None:
        return []
    name, _, count = found.groups()
    parts = [path.with_name(f"{name}-{k:05}-of-{count}.gguf") for k in range(1, int(count) + 1)]
    if lost := [part.name for part in parts if not part.is_file()]:
        raise BadInput(
            f"{path} is one of {int(count)} parts, of which {', '.join(lost[:3])} is missing"
        )
    return [part for part in parts if part != path]
