"""Bibliographic facts of the papers that methods and data sets name: authors, title, year, venue.

One table a paper in `papers.toml`, under the key that cards use (`arxiv:...`, `doi:...`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from plumbline.core.errors import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper.

    Attributes:
        key: As cards name it.
        title, year: Of the version that is cited.
        authors: `Family, Given`, or a body's name, in the paper's order.
        venue: Where it was published; "" for a preprint.
        kind: `inproceedings`, `article` or `misc` (a preprint).
        doi: Of the published version, or "".
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str = ""
    kind: str = "misc"
    doi: str = ""

    @property
    def arxiv(self) -> str:
        """Number of the preprint, or ""."""
        return self.key.removeprefix("arxiv:") if self.key.startswith("arxiv:") else ""


@cache
def papers() -> Mapping[str, Paper]:
    """All papers by key."""
    text = files("plumbline.data").joinpath("papers.toml").read_text("utf-8")
    return {
        key: Paper(key=key, **{**fields, "authors": tuple(fields["authors"])})
        for key, fields in tomllib.loads(text).items()
    }


def paper(key: str) -> Paper:
    """The paper of that key; `UnknownName` names the nearest ones."""
    if key not in papers():
        raise UnknownName("paper", key, papers())
    return papers()[key]
