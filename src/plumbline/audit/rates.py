"""How fast each model answered so far: questions a second, kept beside the answer cache.

A plan's time is estimated from what this very model did on this machine; where it was never
asked, the time is unknown and the plan says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from plumbline.audit.runner import Tally
from plumbline.core.json_text import parse

FEWEST = 20  # questions from which a rate is worth keeping
NAME = "rates.json"


def read(cache: Path) -> dict[str, float]:
    """Questions a second by `fingerprint ability`; empty where nothing is known."""
    try:
        loaded: dict[str, float] = parse(cache.with_name(NAME).read_bytes())
    except (OSError, ValueError):
        return {}  # an aid for estimates only: nothing is lost with it
    return loaded


def keep(cache: Path, fingerprint: str, tally: Mapping[str, Tally]) -> None:
    """Remember the rates of one run."""
    rates = read(cache)
    for name, t in tally.items():
        to, _, ability = name.partition(":")
        if to == "subject" and t.asked >= FEWEST and t.seconds > 0:
            rates[f"{fingerprint} {ability}"] = t.asked / t.seconds
    part = cache.with_name(f"{NAME}.part")
    try:
        part.write_text(json.dumps(rates), "utf-8")
        part.replace(cache.with_name(NAME))
    except OSError:
        part.unlink(missing_ok=True)


def seconds(
    rates: Mapping[str, float], fingerprint: str, wanted: Mapping[str, int]
) -> float | None:
    """Time for so many questions of each ability; None where a rate is unknown."""
    total = 0.0
    for ability, questions in wanted.items():
        if not questions:
            continue
        rate = rates.get(f"{fingerprint} {ability}")
        if rate is None:
            return None
        total += questions / rate
    return total
