"""Text files that appear whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from plumbline.core.errors import StoreError


def write_text(path: Path, text: str, *, option: str = "--out") -> Path:
    """Write to a temporary name and move it into place.

    Args:
        path: The file; its folder is made.
        text: What it should hold.
        option: The option that names another place.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Lone surrogates of broken input become "?"; everything else is UTF-8.
        part.write_bytes(text.encode("utf-8", "replace"))
        part.replace(path)
    except OSError as error:
        with suppress(OSError):  # what stopped the writing may stop the cleaning too
            part.unlink()
        raise StoreError(
            f"could not write {path}: {error}. Free space or choose another place with {option}"
        ) from error
    return path
