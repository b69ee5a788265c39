"""Digests that name a subject: of plain facts, and of a file's bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plumbline.core.errors import BadInput


def of_facts(**facts: Any) -> str:
    """Hex digest of JSON-able facts; the order of keys does not matter."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def of_files(first: Path, more: Sequence[Path]) -> str:
    """Hex digest of a file and of those that hold parts of it; without any, that of the file."""
    digest = of_file(first)
    return of_facts(first=digest, more=[of_file(path) for path in more]) if more else digest


def of_file(path: Path) -> str:
    """Hex digest of a file's bytes; `BadInput` where it is not there or is empty."""
    if not path.is_file():
        raise BadInput(f"no file at {path}; give the path of an existing file")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty (0 bytes); was a download cut short?")
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
