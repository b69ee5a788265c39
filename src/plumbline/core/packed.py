"""Compressed files from elsewhere, checked before they fill the memory.

Nothing is ever unpacked onto the disk: members are read one at a time, by names that the program
knows. What is checked is that a small file does not become a huge one, and that an archive's own
words about its members can be true.
"""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import IO, Final

from plumbline.core.errors import BadInput

FREE: Final = 256 << 20
"""Bytes up to which anything may grow."""
RATIO: Final = 100
"""How many times its compressed size a larger file may grow; text seldom passes 20."""
MOST: Final = 4 << 30
"""Bytes beyond which nothing may grow."""
MEMBERS: Final = 10_000
_GZIP: Final = 16 + zlib.MAX_WBITS
_STEP: Final = 1 << 20
_ENCRYPTED: Final = 1


def gunzip(raw: bytes, name: str) -> bytes:
    """Decompressed gzip content, one member or several.

    Args:
        raw: The file's bytes.
        name: What to call it in a message.

    Raises:
        BadInput: Not whole gzip, or content that grows beyond all measure.
    """
    limit = allowed(len(raw))
    made = bytearray()
    left = raw
    while left:
        reader = zlib.decompressobj(_GZIP)
        try:
            while not reader.eof and left:
                made += reader.decompress(left, _STEP)
                left = reader.unconsumed_tail
                if len(made) > limit:
                    raise BadInput(_grows(name, len(raw), limit))
        except zlib.error as wrong:
            raise BadInput(_broken(name, str(wrong))) from None
        if not reader.eof:
            raise BadInput(_broken(name, "it ends before its end mark"))
        # Zeros may pad a gzip file's end.
        left = reader.unused_data.lstrip(b"\0")
    return bytes(made)


def check_zip(file: Path | IO[bytes], name: str) -> list[str]:
    """Names of a zip archive's members, once all that it says about them can be.

    Args:
        file: The archive, or an open file.
        name: What to call it in a message.

    Raises:
        BadInput: Not a zip archive; too many members; a name that leads elsewhere or stands twice;
            members that grow beyond all measure.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as wrong:
        raise BadInput(f"{name} is not a whole zip archive: {wrong}") from None
    names = [member.filename for member in members]
    if len(names) > MEMBERS:
        raise BadInput(f"{name} has {len(names)} members; at most {MEMBERS} are read")
    times = Counter(names)
    for one in names:
        if _leads_elsewhere(one) or times[one] > 1:
            raise BadInput(
                f"{name} has the member {one[:80]!r}: a name that leads out of the archive, or stands "
                "in it twice. Nothing of it is read"
            )
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise BadInput(f"{name} is encrypted: unpack it with its password, and give what was in it")
    small = sum(member.compress_size for member in members)
    grown = sum(member.file_size for member in members)
    if grown > allowed(small):
        raise BadInput(_grows(name, small, grown))
    return names


def allowed(size: int) -> int:
    """Bytes that may come out of so many."""
    return min(MOST, max(FREE, RATIO * size))


def _leads_elsewhere(member: str) -> bool:
    parts = member.replace("\\", "/").split("/")
    return "\\" in member or ".." in parts or member.startswith("/") or ":" in parts[0]


def _grows(name: str, size: int, grown: int) -> str:
    return (
        f"{name} would grow from {size:,} to more than {min(grown, allowed(size)):,} bytes: it was made to fill "
        "the memory, or it is not what it seems. If you trust it, unpack it yourself and give the plain file"
    )


def _broken(name: str, why: str) -> str:
    return f"{name} is not a whole gzip file ({why}). It may be cut off: copy it again"
