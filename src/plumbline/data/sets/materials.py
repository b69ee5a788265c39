"""Properties of materials by composition: measured band gaps, computed moduli and temperatures.

Wang et al. 2021 (CrabNet), doi:10.1038/s41524-021-00545-1; the tables are those of Matbench, the
Materials Project and AFLOW. Formation energies are not among the files of the snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.sets import registry
from plumbline.data.tables import numbers, read_table
from plumbline.data.templates.numeric_facts import Fact

SET: Final = "materials-crabnet"


@dataclass(frozen=True, slots=True)
class Property:
    """One table: its file, what it is called in a question, and the unit."""

    file: str
    words: str
    unit: str


PROPERTIES: Final = {
    "band gap": Property("matbench/expt_gap.csv", "the measured band gap of {thing}", "eV"),
    "bulk modulus": Property(
        "mp_bulk_modulus/test.csv", "the calculated bulk modulus of {thing}", "GPa"
    ),
    "Debye temperature": Property(
        "aflow__ael_debye_temperature/test.csv", "the calculated Debye temperature of {thing}", "K"
    ),
    "thermal conductivity": Property(
        "aflow__agl_thermal_conductivity_300K/test.csv",
        "the calculated lattice thermal conductivity of {thing} at 300 K",
        "W/(m K)",
    ),
}


def load(name: str, *, places: registry.Places | None = None) -> list[Fact]:
    """One property of all materials of its table, in file order.

    Args:
        name: One of `PROPERTIES`.
        places: Where to look; see `registry.get`.

    Raises:
        BadInput: No such property; and the errors of `registry.get`.
    """
    if name not in PROPERTIES:
        raise BadInput(f"no property {name!r}; known: {', '.join(PROPERTIES)}")
    one = PROPERTIES[name]
    table = read_table(registry.get(SET, one.file, places=places), columns=("formula", "target"))
    values = numbers(table["target"], f"{one.file}: target")
    return [
        Fact(
            f"{name} | {formula}",
            name,
            one.words.replace("{thing}", formula),
            one.unit,
            value,
            one.file,
        )
        for formula, value in zip(table["formula"], values, strict=True)
    ]


def simple(found: list[Fact]) -> list[Fact]:
    """Those whose formula has whole numbers only and no brackets: what a question can name."""
    return [f for f in found if not set(".()[]") & set(f.id.partition(" | ")[2])]
