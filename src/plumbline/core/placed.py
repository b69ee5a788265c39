"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from plumbline.core.errors import StoreError

ANSWERS_KEPT = "; answers already given are in the cache and are not asked again."


@contextmanager
def placed(
    path: Path, *, also: tuple[type[Exception], ...] = (), said: Callable[[Exception], str] = str,
    option: str = "--out", more: str = "",
) -> Iterator[Path]:  # fmt: skip
    """A temporary name beside `path`, whose file takes its place when the block has ended well.

    Args:
        path: The file to be.
        also: Errors of the writer that mean what an `OSError` means.
        said: What an error says of itself.
        option: The option that names another place.
        more: How the message goes on.

    Raises:
        StoreError: The folder is not writable or the disk is full.
    """
    part = path.with_name(f"{path.name}.part")
    wrong: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield part
        part.replace(path)
    except wrong as error:
        with suppress(OSError):  # what stopped the writing may stop the cleaning too
            part.unlink()
        raise StoreError(
            f"could not write {path}: {said(error)}. Free space or choose another place with {option}{more}"
        ) from error
