"""JSON from elsewhere, and of what came from elsewhere.

Whatever is wrong with a text is a `ValueError`, as callers expect; and whatever a model said can be
written: half of a surrogate pair, which servers cut off or make up, has no UTF-8.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

# What UTF-8 cannot hold, and what can drive a terminal or turn the text around it: JSON itself
# escapes only what lies below a space.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def parse(text: str | bytes) -> Any:
    """What a text holds.

    Raises:
        ValueError: It is not JSON, not UTF-8, or nested too deeply to be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        # Not a ValueError of its own accord: a few kilobytes of "[" would end the program.
        raise ValueError("it is nested too deeply") from None


def written(value: Any, **how: Any) -> str:
    """A value as JSON that UTF-8 can hold and a terminal can show; `parse` gives it back as it was.

    Args:
        value: What JSON can hold.
        how: Arguments of `json.dumps`.
    """
    text = json.dumps(value, ensure_ascii=False, **how)
    return _UNSAFE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def encodable(text: str) -> bool:
    """Whether UTF-8 can hold a text."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
