"""Two polls about groups of objects: which are likely to be near a wanted one, and which unlikely.

With positive polls alone the shares say nothing where a model is unsure of every group; the negative
poll still rules some out (Shah et al. 2023, arXiv:2310.10103). Wordings are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

POLLS: Final = ("likely", "unlikely")
_EXAMPLE: Final = (
    "Example. Wanted: ketchup. Groups:\n1. pillow, blanket\n2. frying pan, kettle\n3. rug, sofa\n"
    "Which groups are {poll} to be near it? Answer: {answer}\n\n"
)
_ASKED: Final = (
    "Wanted: {goal}. Groups:\n{groups}\nWhich groups are {poll} to be near it? Reply with their numbers, "
    "or none. Answer:"
)


def prompt(goal: str, groups: Sequence[str], poll: str) -> str:
    """The question of one poll, with a worked example before it."""
    example = _EXAMPLE.format(poll=poll, answer="2" if poll == POLLS[0] else "1, 3")
    lines = "\n".join(f"{k}. {text}" for k, text in enumerate(groups, 1))
    return example + _ASKED.format(goal=goal, groups=lines, poll=poll)


def read_groups(text: str, count: int) -> list[int] | None:
    """Groups named on the first line that names any, from 0; None where nothing can be read.

    Numbers beyond the groups are dropped; "none" names nothing.
    """
    line = next((part for part in text.splitlines() if part.strip()), "")
    named = [int(n) - 1 for n in re.findall(r"\d{1,3}", line)]
    if not named:
        return [] if re.search(r"\bnone\b", line, re.IGNORECASE) else None
    return [k for k in dict.fromkeys(named) if 0 <= k < count]
