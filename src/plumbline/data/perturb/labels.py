"""Labels of a prompt's places in another order, with the contents where they were.

A label stands in the fixed segment right before its place ("A. ", "Answer 1: "), and nowhere else is
it changed: a label that the instruction names ("say A or B") still names the option so called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from plumbline.core.errors import BadInput
from plumbline.core.exchange import labels, places
from plumbline.core.questions import Prompt


def relabelled(prompt: Prompt, name: str, order: Sequence[int]) -> Prompt:
    """The prompt with the labels of an exchange set in another order.

    Args:
        prompt: The prompt.
        name: The exchange set.
        order: `order[j]` is the label (by its place in the given prompt) that stands at place j.

    Raises:
        BadInput: It is not an order of the places, or the text before a place does not hold its label.
    """
    where, old = places(prompt, name), labels(prompt, name)
    given = [int(i) for i in order]
    if sorted(given) != list(range(len(where))):
        raise BadInput(f"{given} is not an order of the {len(where)} places of {name!r}")
    parts = list(prompt)
    for place, source in zip(range(len(where)), given, strict=True):
        at = where[place]
        parts[at] = replace(parts[at], option=old[source])
        lead = parts[at - 1] if at and prompt[at - 1].exchange != name else None
        found = list(_whole(old[place]).finditer(lead.text)) if lead and old[place] else []
        if lead is None or not found:
            raise BadInput(
                f"place {place + 1} of {name!r} has no label that can be changed: wanted "
                f"{old[place]!r} in the fixed text right before it"
            )
        start, end = found[-1].span()
        text = lead.text[:start] + old[source] + lead.text[end:]
        parts[at - 1] = replace(lead, text=text)
    return tuple(parts)


def _whole(label: str) -> re.Pattern[str]:
    """The label as a word of its own."""
    return re.compile(rf"(?<!\w){re.escape(label)}(?!\w)")
