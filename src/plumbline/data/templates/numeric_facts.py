"""Questions with one number as the answer: shipped facts, or an own TOML file of the same form."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.toml_rows import Fields, each_once, read_toml

SHIPPED: Final = "numeric_facts"
_ASK: Final = "What is {what} in {unit}? Answer with one number and nothing else."
_TABLE: Final = "A reference table says: {what} is {value:.6g} {unit}.\n\n"


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that can be looked up.

    Attributes:
        id: Unique.
        quantity: What is measured; facts of one quantity share a unit.
        what: The quantity of this thing, in words.
        unit: In which it is asked.
        truth: The number, in that unit.
        source: Where it stands.
    """

    id: str
    quantity: str
    what: str
    unit: str
    truth: float
    source: str

    @property
    def question(self) -> str:
        """The bare question."""
        return _ASK.format(what=self.what, unit=self.unit)

    @property
    def grounded(self) -> str:
        """The question behind the row of the table that answers it."""
        return _TABLE.format(what=self.what, value=self.truth, unit=self.unit) + self.question


def load(path: str | Path | None = None) -> tuple[Fact, ...]:
    """Shipped facts, or those of an own file.

    Raises:
        BadInput: Not such a file, or a fact stands twice.
    """
    shipped = files(__package__).joinpath(f"{SHIPPED}.toml")
    what = "the shipped facts" if path is None else str(path)
    top = Fields(read_toml(shipped if path is None else Path(path)), what)
    top.mark("id", "title", "note")
    found = [fact for row in top.rows("quantities") for fact in _facts(row)]
    top.no_others()
    each_once((fact.id for fact in found), f"{what}: id")
    return tuple(found)


def _facts(row: Fields) -> list[Fact]:
    name, words, unit = row.text("id"), row.text("quantity"), row.text("unit")
    source, values = row.text("source"), row.table("values")
    row.no_others()
    if "{thing}" not in words:
        raise BadInput(f"{row.what}: quantity is {words!r}; wanted a text with {{thing}}")
    found = [
        Fact(f"{name} | {t}", name, words.replace("{thing}", t), unit, values.number(t), source)
        for t in values.data
    ]
    if not found:
        raise BadInput(f"{row.what}: no values; wanted a table of names and numbers")
    return found
