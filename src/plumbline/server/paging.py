"""Pages of rows, and the addresses of their neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from plumbline.core.errors import BadInput

R = TypeVar("R")
SIZE = 50
LARGEST = 10**9


@dataclass(frozen=True, kw_only=True)
class Page(Generic[R]):
    """Some rows of many.

    Attributes:
        rows: The rows of this page.
        number: Which page it is, from 1.
        total: Rows on all pages.
    """

    rows: Sequence[R]
    number: int
    total: int

    @classmethod
    def of(cls, rows: Sequence[R], number: int) -> Page[R]:
        """Cut one page out of all rows."""
        if number < 1:
            raise BadInput(f"pages are numbered from 1; got {number}")
        start = (number - 1) * SIZE
        return cls(rows=rows[start : start + SIZE], number=number, total=len(rows))

    @property
    def last(self) -> int:
        """Number of the last page."""
        return max(1, -(-self.total // SIZE))

    @property
    def first_row(self) -> int:
        """Number of its first row among all, from 1."""
        return (self.number - 1) * SIZE + 1 if self.rows else 0

    @property
    def last_row(self) -> int:
        """Number of its last row among all."""
        return (self.number - 1) * SIZE + len(self.rows) if self.rows else 0


def address(path: str, given: Mapping[str, Any], **changed: Any) -> str:
    """A path with the query of this request, some of it changed; empty values are left out."""
    query = {k: str(v) for k, v in {**given, **changed}.items() if v not in ("", None)}
    text = urlencode(query, errors="replace")
    return f"{path}?{text}" if text else path


def whole(text: str, what: str, default: int) -> int:
    """A number of an address.

    Raises:
        BadInput: It is not a whole number from 0 to `LARGEST`.
    """
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST):
        raise BadInput(f"{what} wants a whole number from 0 to {LARGEST}; got {text[:40]!r}")
    return int(text)
