"""Text files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.placed import placed


def write_text(path: Path, text: str, *, option: str = "--out") -> Path:
    """Write to a temporary name and move it into place.

    Args:
        path: The file; its folder is made.
        text: What it should hold.
        option: The option that names another place.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    with placed(path, option=option) as part:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Lone surrogates of broken input become "?"; everything else is UTF-8.
        part.write_bytes(text.encode("utf-8", "replace"))
    return path
