"""What a running method knows about its surroundings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plumbline.core.errors import AbilityError
from plumbline.core.seeds import Seeds

# How much of a public set a suite asks: a stratified subsample, nested in the next larger one.
SIZES: Mapping[str, int | None] = {"quick": 60, "standard": 200, "full": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Passed to every asking method as its first argument.

    Attributes:
        abilities: What the subject can do.
        seeds: Named random streams that belong to this method.
        seed: The plan's seed, for the sampling of generated text.
        suite: `quick`, `standard` or `full`.
        about: The subject's own facts (adapter's `about()`).
    """

    abilities: frozenset[str]
    seeds: Seeds
    suite: str = "quick"
    seed: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)

    def either(self, *names: str) -> str:
        """The first of these abilities that the subject has."""
        for name in names:
            if name in self.abilities:
                return name
        raise AbilityError(
            f"needs one of {', '.join(names)}; the model has {', '.join(sorted(self.abilities))}"
        )

    def size(self) -> int | None:
        """Items of a public set for this suite; None is all of them."""
        return SIZES[self.suite]

    def share_of_size(self, parts: int) -> int | None:
        """As `size`, divided by `parts`: for sets whose questions are long texts or are asked many times."""
        size = self.size()
        return None if size is None else max(1, size // parts)
