"""A number with its unit, read from a generated answer; never guessed.

Units of length, mass, time, temperature, density, speed, energy, pressure and conductivity are
converted to the unit in which was asked; factors are those of the SI brochure (BIPM, 9th ed.) and
of the international yard and pound (1959).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import UnknownName
from plumbline.models.choice_reading import declines

ALIKE: Final = 0.02  # two numbers that differ by less than this are the same number said twice
KELVIN: Final = 273.15
NONE, SEVERAL, OTHER = "no number", "several numbers", "a unit of another quantity"

# Unit: (quantity, factor, offset): value in the quantity's first unit = factor * value + offset.
_UNITS: Final[dict[str, tuple[str, float, float]]] = {
    name: (quantity, factor, offset)
    for quantity, names in {
        "length": {"m": 1.0, "metres": 1.0, "meters": 1.0, "km": 1e3, "kilometers": 1e3, "kilometres": 1e3,
                   "cm": 1e-2, "centimeters": 1e-2, "mm": 1e-3, "millimeters": 1e-3, "miles": 1609.344, "mi": 1609.344,
                   "feet": 0.3048, "ft": 0.3048, "inches": 0.0254},
        "mass": {"kg": 1.0, "kilograms": 1.0, "g": 1e-3, "grams": 1e-3, "tonnes": 1e3, "pounds": 0.45359237, "lb": 0.45359237},
        "time": {"s": 1.0, "seconds": 1.0, "min": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0,
                 "days": 86400.0, "day": 86400.0, "earth days": 86400.0, "weeks": 604800.0, "years": 31557600.0, "year": 31557600.0,
                 "earth years": 31557600.0},
        "density": {"kg/m3": 1.0, "kg/m^3": 1.0, "kg/m³": 1.0, "g/cm3": 1e3, "g/cm^3": 1e3, "g/cm³": 1e3,
                    "g/ml": 1e3, "kg/l": 1e3},
        "speed": {"m/s": 1.0, "km/s": 1e3, "km/h": 1 / 3.6, "mph": 0.44704},
        "energy": {"ev": 1.0, "electronvolts": 1.0, "electron volts": 1.0},
        "pressure": {"gpa": 1.0, "gigapascals": 1.0, "mpa": 1e-3, "kbar": 0.1},
        "conductivity": {"w/(m k)": 1.0, "w/mk": 1.0, "w/m·k": 1.0, "w/m k": 1.0},
    }.items()
    for name, factor in names.items()
    for offset in (0.0,)
} | {
    **dict.fromkeys(("k", "kelvin", "kelvins"), ("temperature", 1.0, 0.0)),
    **dict.fromkeys(("°c", "degrees celsius", "celsius", "c", "degrees c", "degrees centigrade"), ("temperature", 1.0, KELVIN)),
    **dict.fromkeys(("°f", "degrees fahrenheit", "fahrenheit", "f", "degrees f"), ("temperature", 5 / 9, KELVIN - 160 / 9)),
}  # fmt: skip
_SCALES: Final = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_NUMBER: Final = re.compile(
    r"(?<![\w.,])(?P<sign>[-−–]|minus\s|negative\s)?\s?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?[x×*]\s?10\s?(?:\^|\*\*)?\s?(?P<power>[-−]?\d+)|e(?P<exponent>[-+]?\d+)\b)?"
    r"(?:\s(?P<scale>thousand|million|billion|trillion)\b)?"
    r"\s?(?P<unit>(?:" + "|".join(re.escape(u) for u in sorted(_UNITS, key=len, reverse=True)) + r")(?![\w/^]))?",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """A number in the unit in which was asked, or why there is none (`why` is not empty)."""

    value: float
    why: str = ""


def read_number(answer: str, unit: str) -> Reading:
    """The one number that an answer gives.

    The first line with a digit counts. A number without a unit is taken to be in the unit in which
    was asked; numbers with a unit of the asked quantity are converted and go before bare ones.
    Two numbers that differ by more than 2 % are no answer, except the same quantity in two units.

    Args:
        answer: What the model wrote.
        unit: The unit in which was asked: a known one, or any other text, which is not converted.
    """
    lines = [line for line in answer.splitlines() if any(c.isdigit() for c in line)]
    if not lines:
        return Reading(float("nan"), "refused" if declines(answer) else NONE)
    asked = _UNITS.get(unit.lower())
    with_unit, bare, strange = [], [], 0
    for match in _NUMBER.finditer(lines[0].replace("\u202f", "").replace("\u00a0", " ")):
        value, said = _value(match), match["unit"]
        if said is None:
            bare.append(value)
        elif asked is None or _UNITS[said.lower()][0] != asked[0]:
            strange += 1
        else:
            with_unit.append(converted(value, said, unit))
    found = with_unit or bare
    if not found:
        why = "refused" if declines(answer) else OTHER if strange else NONE
        return Reading(float("nan"), why)
    first = found[0]
    if any(abs(other - first) > ALIKE * max(abs(first), abs(other)) for other in found[1:]):
        return Reading(float("nan"), SEVERAL)
    return Reading(first)


def converted(value: float, unit: str, to: str) -> float:
    """A value in another unit of the same quantity.

    Raises:
        UnknownName: A unit that is not known, or of another quantity.
    """
    table = {name: row for name, row in _UNITS.items() if row[0] == _known(to)[0]}
    if unit.lower() not in table:
        raise UnknownName(f"unit of {_known(to)[0]}", unit, table)
    _, factor, offset = table[unit.lower()]
    _, wanted, shift = table[to.lower()]
    return (factor * value + offset - shift) / wanted


def zero_of(unit: str) -> float:
    """Where the quantity is zero, in this unit: -273.15 for °C, 0 for units of a ratio scale."""
    _, factor, offset = _UNITS.get(unit.lower(), ("", 1.0, 0.0))
    return -offset / factor


def _known(unit: str) -> tuple[str, float, float]:
    if unit.lower() not in _UNITS:
        raise UnknownName("unit", unit, _UNITS)
    return _UNITS[unit.lower()]


def _value(match: re.Match[str]) -> float:
    value = float(match["digits"].replace(",", ""))
    power = (match["power"] or match["exponent"] or "0").replace("−", "-")
    # A power of ten beyond a double's is read as infinite, and left out as such by the caller.
    value *= 10.0 ** min(int(power), 300) * _SCALES.get((match["scale"] or "").lower(), 1.0)
    return -value if match["sign"] else value
