"""Numbers, units and other people's text as a reader should see them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

# How a unit is said after a number. Units that are not here are said as they are written.
UNITS: Mapping[str, str] = MappingProxyType(
    {
        "cohen_d": "standard deviations",
        "percent": "%",
        "rate": "(share)",
        "probability": "(probability)",
        "sentiment": "(sentiment)",
        "score": "(score)",
        "bbq_score": "(BBQ score)",
        "ratio": "(ratio)",
        "correlation": "(correlation)",
        "cosine": "(cosine)",
    }
)
FINEST = 6  # decimals beyond which numbers near 0 are written with three significant digits
_ARXIV = re.compile(r"arxiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", re.ASCII)
_DOI = re.compile(r"doi:(10\.\d{4,9}/[\w.()/:;-]+)", re.ASCII)
# Control characters but line break and tab, signs that turn the direction of the text around them,
# halves of surrogate pairs, and what Unicode says will never be a sign: XML forbids U+FFFF, and the
# library that draws figures ends the whole process at one.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)


def decimals(low: float | None, high: float | None) -> int | None:
    """Decimals that show two digits of an interval's half-width.

    None without an interval, and for one so narrow and near 0 that a row of zeros would stand for it.
    """
    if low is None or high is None or not math.isfinite(high - low):
        return None
    if high - low <= 1e-13 * max(abs(low), abs(high)):
        return None  # one number twice, but for rounding
    places = max(0, 1 - math.floor(math.log10((high - low) / 2)))
    if places > FINEST and max(abs(low), abs(high)) < 10.0**-FINEST:
        return None
    return min(8, places)


def number(value: float | None, *, places: int | None = None, signed: bool = False) -> str:
    """A number to so many decimals, else to three significant digits; "" for None."""
    if value is None:
        return ""
    if math.isinf(value):
        return "-inf" if value < 0 else "inf"
    if places is None:
        size = abs(value)
        if value != 0 and (size < 1e-4 or size >= 1e6):
            return f"{value:+.2e}" if signed else f"{value:.2e}"
        places = 2 if size == 0 else max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:+.{places}f}" if signed else f"{value:.{places}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def constant(value: float | None) -> str:
    """A number that somebody stated (a margin, a null) as it was stated: `0.05`, `50`."""
    return "" if value is None else f"{value:.6g}"


def interval(low: float | None, high: float | None) -> str:
    """`low to high`; "" where there is none."""
    if low is None or high is None:
        return ""
    places = decimals(low, high)
    return f"{number(low, places=places)} to {number(high, places=places)}"


def p_value(p: float | None) -> str:
    """`.034`, `< .001`; "" for None."""
    if p is None:
        return ""
    if p < 0.001:
        return "< .001"
    return f"{p:.3f}".removeprefix("0")


def unit(name: str) -> str:
    """How a unit is said after its number."""
    return UNITS.get(name, name)


def level(value: float | None) -> str:
    """`95%`; a level adjusted for selection keeps its decimals."""
    return "" if value is None else f"{100 * value:.4g}%"


def with_unit(text: str, name: str) -> str:
    """A number's text and its unit."""
    return f"{text} {unit(name)}".strip()


def clean(text: object, *, lines: bool = False) -> str:
    """Text without control characters and what is no character, so that it can neither drive a terminal nor turn a line.

    Args:
        text: Anything; other people's text most of all.
        lines: Keep line breaks and tabs (otherwise they become spaces).
    """
    plain = str(text)
    if not lines:
        plain = plain.replace("\n", " ").replace("\t", " ")
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", plain)


def clip(text: object, most: int, *, lines: bool = False) -> str:
    """Clean text of at most so many characters; says where it was cut."""
    given = str(text)
    # Cut first: `clean` keeps the number of signs, and what is cut may be megabytes.
    if len(given) <= most:
        return clean(given, lines=lines)
    return f"{clean(given[: most - 1], lines=lines)}\N{HORIZONTAL ELLIPSIS}"


def paper_link(paper: str) -> str:
    """Address of `arxiv:...` or `doi:...`; "" for anything else, so that no other link is made."""
    if got := _ARXIV.fullmatch(paper):
        return f"https://arxiv.org/abs/{got[1]}"
    if got := _DOI.fullmatch(paper):
        return f"https://doi.org/{got[1]}"
    return ""
