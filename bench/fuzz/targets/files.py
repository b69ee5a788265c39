"""How a target gives its bytes to a parser that reads files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def from_file(
    name: str, opener: Callable[[], Callable[[Path], object]]
) -> Callable[[Path], Callable[[bytes], object]]:
    """A target's `make`: each input is written to a file of that name, which is parsed.

    Args:
        name: The file's name; parsers look at its ending.
        opener: Imports the parser and returns it, so that the import can be instrumented.
    """

    def make(folder: Path) -> Callable[[bytes], object]:
        parse, path = opener(), folder / name

        def one(data: bytes) -> object:
            path.write_bytes(data)
            return parse(path)

        return one

    return make
