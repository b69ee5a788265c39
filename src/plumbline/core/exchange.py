"""Exchange sets of a prompt: which segments may trade places, and the prompt with them traded.

Segments of one exchange set hold bare contents; what labels a place ("A. ", "Answer 1: ") stands in
the fixed segments around them, and `Segment.option` says which label it is. So trading places moves
contents under fixed labels. A content that carries a name of its own takes it along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plumbline.core.errors import BadInput
from plumbline.core.questions import Prompt


def exchange_sets(prompt: Prompt) -> tuple[str, ...]:
    """Names of the exchange sets with two or more places, in the order of their first places."""
    names = [part.exchange for part in prompt if part.exchange]
    return tuple(name for name in dict.fromkeys(names) if names.count(name) > 1)


def places(prompt: Prompt, name: str) -> tuple[int, ...]:
    """Indices of the set's segments in the prompt, in reading order.

    Raises:
        BadInput: No segment of the prompt belongs to the set.
    """
    found = tuple(i for i, part in enumerate(prompt) if part.exchange == name)
    if not found:
        known = ", ".join(exchange_sets(prompt)) or "none"
        raise BadInput(f"the prompt has no exchange set {name!r}; it has {known}")
    return found


def contents(prompt: Prompt, name: str) -> tuple[str, ...]:
    """Texts of the set's places, in reading order."""
    return tuple(prompt[i].text for i in places(prompt, name))


def labels(prompt: Prompt, name: str) -> tuple[str, ...]:
    """Labels of the set's places, in reading order; "" where a place has none."""
    return tuple(prompt[i].option for i in places(prompt, name))


def reordered(prompt: Prompt, name: str, order: Sequence[int]) -> Prompt:
    """The prompt with the set's contents in another order, labels where they were.

    Args:
        prompt: The prompt.
        name: The exchange set.
        order: `order[j]` is the content (by its place in the given prompt) that stands at place j.

    Raises:
        BadInput: It is not an order of the set's places.
    """
    return filled(prompt, name, [contents(prompt, name)[i] for i in _checked(prompt, name, order)])


def filled(prompt: Prompt, name: str, texts: Sequence[str]) -> Prompt:
    """The prompt with these texts at the set's places.

    Raises:
        BadInput: There are more or fewer texts than places.
    """
    where = places(prompt, name)
    if len(texts) != len(where):
        raise BadInput(f"{len(texts)} texts for the {len(where)} places of {name!r}")
    new = dict(zip(where, texts, strict=True))
    return tuple(replace(part, text=new.get(i, part.text)) for i, part in enumerate(prompt))


def _checked(prompt: Prompt, name: str, order: Sequence[int]) -> tuple[int, ...]:
    given = tuple(int(i) for i in order)
    count = len(places(prompt, name))
    if sorted(given) != list(range(count)):
        raise BadInput(f"{list(given)} is not an order of the {count} places of {name!r}")
    return given
