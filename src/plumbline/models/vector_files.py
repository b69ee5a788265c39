"""Files of word vectors: word2vec (text, binary), GloVe text, npz, safetensors.

Every reader returns words and a float32 matrix of shape (words, dimensions), and refuses a file
that is damaged with the line or byte where it breaks. Nothing is unpickled.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, MissingExtra
from plumbline.core.json_text import parse
from plumbline.core.packed import check_zip
from plumbline.models.safetensors_header import read_safetensors_header

WORDS: Final = ("words", "vocab", "tokens", "index")
VECTORS: Final = ("vectors", "embeddings", "matrix")
_LONGEST: Final = 4096
"""Bytes of the longest word in a binary file; more means that the file is damaged."""
_UNREADABLE: Final = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, SyntaxError, tokenize.TokenError, RecursionError,
    NotImplementedError, OSError, EOFError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise at damaged files: an array's header is Python text, which NumPy parses twice."""


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Words and their vectors, shape (words, dimensions), as they stand in the file."""

    words: list[str]
    matrix: NDArray[np.float32]
    form: str


def read_vectors(path: Path, limit: int = 0) -> WordVectors:
    """Read a file of word vectors; the form is found from its first bytes.

    Args:
        path: The file.
        limit: Read only the first so many words; 0 for all.

    Raises:
        BadInput: Not there, empty, damaged, not UTF-8, or with NaN, infinite or zero vectors.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise BadInput(f"{path} is not there or empty; vectors: wants a file of word vectors")
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"PK"):
        found = _npz(path)
    elif path.suffix == ".safetensors":
        found = _safetensors(path)
    elif start.startswith(b"\x1f\x8b"):
        raise BadInput(f"{path} is compressed with gzip: unpack it first (gunzip)")
    else:
        found = _lines_or_binary(path, limit)
    if limit:
        found = WordVectors(found.words[:limit], found.matrix[:limit], found.form)
    return _checked(path, found)


def _lines_or_binary(path: Path, limit: int) -> WordVectors:
    with path.open("rb") as file:
        header = file.readline(1 << 20).split()
        counted = len(header) == 2 and all(piece.isdigit() for piece in header)
        if not counted:
            file.seek(0)
            return _text(path, file, 0, limit)
        count, width = int(header[0]), int(header[1])
        if count < 1 or width < 1:
            raise BadInput(f"{path}, line 1: the header promises {count} words of {width} values")
        here = file.tell()
        if not _is_text(file.readline(1 << 20), width):
            file.seek(here)
            return _binary(path, file, (count, width), limit)
        file.seek(here)
        found = _text(path, file, width, limit)
    if not limit and len(found.words) != count:
        raise BadInput(
            f"{path}: the header promises {count} words, the file ends after {len(found.words)} "
            f"(line {len(found.words) + 1}); was it cut short?"
        )
    return WordVectors(found.words, found.matrix, "word2vec text")


def _is_text(line: bytes, width: int) -> bool:
    """Whether a line is a word and `width` numbers; binary data almost surely is not."""
    pieces = line.split()
    return len(pieces) > width and all(_number(piece) for piece in pieces[-width:])


def _number(piece: bytes) -> bool:
    try:
        float(piece)
    except ValueError:
        return False
    return True


def _text(path: Path, file: BinaryIO, width: int, limit: int) -> WordVectors:
    """`word value value ...`; words may hold spaces, as some of GloVe's do."""
    words: list[str] = []
    values = array("f")
    first = 2 if width else 1
    for number, line in islice(enumerate(file, first), limit or None):
        width = width or _width(path, line)
        word, *numbers = line.rstrip().rsplit(b" ", width)
        try:
            if len(numbers) != width or (b" " in word and _number(word.rpartition(b" ")[2])):
                raise BadInput(
                    f"{path}, line {number}: wants a word and {width} values; got "
                    f"{len(line.split()) - 1} values"
                )
            values.extend(map(float, numbers))
            words.append(word.decode("utf-8"))
        except UnicodeDecodeError as wrong:
            raise BadInput(
                f"{path}, line {number}: not UTF-8 ({wrong.reason} at byte {wrong.start})"
            ) from None
        except (ValueError, OverflowError) as wrong:
            raise BadInput(f"{path}, line {number}: a value is not a number ({wrong})") from None
    if not words:
        raise BadInput(f"{path} holds no word vectors")
    matrix = np.frombuffer(values, np.float32).reshape(len(words), width)
    return WordVectors(words, matrix, "GloVe text")


def _width(path: Path, line: bytes) -> int:
    width = len(line.split()) - 1
    if width < 1 or not _is_text(line, width):
        raise BadInput(
            f"{path}, line 1: neither a word2vec header (two counts) nor a word with its values; "
            f"it begins {line[:40]!r}. vectors: reads word2vec, GloVe, npz and safetensors"
        )
    return width


def _binary(path: Path, file: BufferedReader, shape: tuple[int, int], limit: int) -> WordVectors:
    """word2vec binary: word, a space, `width` little-endian float32 values, maybe a newline."""
    count, width = shape
    count = min(count, limit) if limit else count
    if count * width * 4 > path.stat().st_size:
        raise BadInput(
            f"{path}: the header promises {count} x {width} values, more than the file's "
            f"{path.stat().st_size} bytes can hold; was it cut short?"
        )
    matrix = np.empty((count, width), np.float32)
    words = []
    for i in range(count):
        word = _word(path, file).lstrip(b"\n")
        data = file.read(4 * width)
        if len(data) < 4 * width:
            raise BadInput(
                f"{path}: ends at byte {file.tell()} inside the vector of word {i + 1} of {count}"
            )
        matrix[i] = np.frombuffer(data, "<f4")
        try:
            words.append(word.decode("utf-8"))
        except UnicodeDecodeError:
            raise BadInput(
                f"{path}: word {i + 1} before byte {file.tell()} is not UTF-8: {word[:40]!r}"
            ) from None
    return WordVectors(words, matrix, "word2vec binary")


def _word(path: Path, file: BufferedReader) -> bytes:
    """The bytes up to the next space, which is consumed."""
    word = b""
    while len(word) < _LONGEST:
        ahead = file.peek()
        if not ahead:
            break
        end = ahead.find(b" ")
        if end >= 0:
            return word + file.read(end + 1)[:-1]
        word += file.read(len(ahead))
    raise BadInput(
        f"{path}: ends or breaks inside a word at byte {file.tell() - len(word)}; was it cut short?"
    )


def _npz(path: Path) -> WordVectors:
    _check_members(path, check_zip(path, str(path)))
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            names = list(held.files)
            words = next((held[n] for n in WORDS if n in names), None)
            matrix = next((held[n] for n in VECTORS if n in names), None)
    except _UNREADABLE as wrong:
        raise BadInput(
            f"{path} is not a readable npz file ({wrong}); plain arrays are wanted, since "
            "nothing is unpickled"
        ) from None
    if words is None or matrix is None:
        raise BadInput(
            f"{path} holds the arrays {', '.join(names) or 'none'}; wanted are 'words' "
            f"(or {', '.join(WORDS[1:])}) and 'vectors' (or {', '.join(VECTORS[1:])})"
        )
    if words.dtype.kind not in "US" or words.ndim != 1:
        raise BadInput(f"{path}: 'words' must be one column of text; got {words.dtype}")
    if words.dtype.kind == "S":
        words = np.char.decode(words, "utf-8")
    return WordVectors(words.tolist(), matrix, "npz")


def _check_members(path: Path, names: list[str]) -> None:
    """The arrays of an npz file have the size that their headers say: NumPy makes room for it first."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in (n for n in names if n.endswith(".npy")):
                with archive.open(name) as member:
                    version = np.lib.format.read_magic(member)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, kind = read(member)
                    has = archive.getinfo(name).file_size - member.tell()
                if not kind.hasobject and math.prod(shape) * kind.itemsize != has:
                    raise BadInput(
                        f"{path}: {name} promises {shape} values of {kind} and holds {has} bytes; was it cut short?"
                    )
    except (*_UNREADABLE, MemoryError) as wrong:  # of the header's parser: no array is made yet
        raise BadInput(f"{path} is not a readable npz file ({str(wrong)[:200]})") from None


def _safetensors(path: Path) -> WordVectors:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingExtra("safetensors", "hf", f"vectors:{path}") from None
    read_safetensors_header(path)
    try:
        with safe_open(path, framework="numpy") as held:
            names, facts = list(held.keys()), held.metadata() or {}
            matrix = held.get_tensor(_the_tensor(path, names))
    except SafetensorError as wrong:
        raise BadInput(f"{path} is not a whole safetensors file: {wrong}") from None
    return WordVectors(_words_beside(path, facts), matrix, "safetensors")


def _the_tensor(path: Path, names: list[str]) -> str:
    named = [name for name in names if name in VECTORS]
    if len(names) != 1 and len(named) != 1:
        raise BadInput(
            f"{path} holds the tensors {', '.join(names) or 'none'}; wanted is one, or one called "
            f"{' or '.join(VECTORS)}"
        )
    return named[0] if named else names[0]


def _words_beside(path: Path, facts: dict[str, str]) -> list[str]:
    """Words of a tensor: a JSON list in the metadata, or a text file of the same name."""
    if "words" in facts:
        try:
            words = parse(facts["words"])
        except ValueError:
            raise BadInput(f"{path}: the metadata 'words' is not a JSON list") from None
        return [str(word) for word in words]
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        raise BadInput(
            f"{path} has no words: put a JSON list under 'words' in its metadata, or one word a "
            f"line in {beside.name} beside it"
        )
    try:
        return beside.read_text("utf-8").splitlines()
    except UnicodeDecodeError as wrong:
        raise BadInput(f"{beside} is not UTF-8 (byte {wrong.start})") from None


def _checked(path: Path, found: WordVectors) -> WordVectors:
    words, matrix = found.words, found.matrix
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or len(words) != len(matrix):
        raise BadInput(
            f"{path}: wants one vector of floats a word; got {len(words)} words and an array of "
            f"shape {matrix.shape} and type {matrix.dtype}"
        )
    for row in _bad_rows(matrix):
        what = "zero" if not np.any(matrix[row]) else "not finite (NaN or infinite)"
        raise BadInput(
            f"{path}: the vector of {words[row]!r} (word {row + 1}) is {what}; it has no direction. "
            "Take the word out of the file."
        )
    return WordVectors(words, np.ascontiguousarray(matrix, np.float32), found.form)


def _bad_rows(matrix: NDArray[np.float32], step: int = 65536) -> Iterator[int]:
    """Rows without a direction, looked for in slices so that large files need little memory."""
    for start in range(0, len(matrix), step):
        part = matrix[start : start + step]
        with np.errstate(over="ignore", invalid="ignore"):
            size = np.abs(part).max(axis=1)
        for row in np.flatnonzero(~np.isfinite(size) | (size == 0)):
            yield start + int(row)
