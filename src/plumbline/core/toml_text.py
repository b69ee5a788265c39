"""TOML from elsewhere: whatever is wrong with it is a `ValueError`, as callers expect."""

from __future__ import annotations

import tomllib
from typing import Any


def parse(text: str) -> dict[str, Any]:
    """Tables of a document.

    Raises:
        ValueError: It is not TOML, a number in it has thousands of digits, or it is nested too
            deeply to be read.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
