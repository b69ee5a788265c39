"""The 850 words of Basic English (Ogden 1930): general words that belong to no domain."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from plumbline.data.toml_rows import Fields, each_once, read_toml

CLASSES: Final = ("operations", "general_things", "picturable_things", "qualities", "opposites")


@cache
def classes() -> Mapping[str, tuple[str, ...]]:
    """Words by Ogden's classes; see `CLASSES`."""
    top = Fields(read_toml(files(__package__).joinpath("basic_english.toml")), "Basic English")
    found = {name: top.texts(name) for name in CLASSES}
    top.no_others()
    return found


@cache
def basic_english() -> tuple[str, ...]:
    """All 850 in lower case, class by class."""
    found = tuple(word for name in CLASSES for word in classes()[name])
    each_once(found, "Basic English: the word")
    return found
