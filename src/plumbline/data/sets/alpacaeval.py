"""AlpacaEval's leaderboards: win rates, length-controlled win rates, mean lengths, other benchmarks.

Dubois et al. 2024, "Length-controlled AlpacaEval", arXiv:2404.04475.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.sets import registry
from plumbline.data.tables import numbers, read_table, read_text

SET: Final = "alpacaeval-leaderboards"
MAIN: Final = "data_AlpacaEval_2/weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
BENCHMARKS: Final = "benchmarks.csv"
ARENA: Final = "Arena Elo\n[Feb 2, 2024]"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a leaderboard.

    Attributes:
        name: As written there.
        win_rate: Percent of instructions on which the judge prefers it to the baseline.
        length_controlled: The same with lengths made equal, or None where the board has none.
        mean_length: Mean characters of its outputs.
        kind: `minimal`, `verified` or `community`: who put it there.
    """

    name: str
    win_rate: float
    length_controlled: float | None
    mean_length: float
    kind: str


def leaderboard(file: str = MAIN, *, places: registry.Places | None = None) -> list[Entry]:
    """The models of one leaderboard; by default AlpacaEval 2 (211 models); see `registry.get`."""
    path = registry.get(SET, file, places=places)
    table = read_table(path, columns=("name", "win_rate", "avg_length", "filter"))
    rates, lengths = (numbers(table[c], f"{path}: {c}") for c in ("win_rate", "avg_length"))
    controlled: list[float] | list[None] = [None] * len(rates)
    if "length_controlled_winrate" in table:
        controlled = numbers(
            table["length_controlled_winrate"], f"{path}: length_controlled_winrate"
        )
    return [
        Entry(*row) for row in zip(table["name"], rates, controlled, lengths, table["filter"], strict=True)
    ]  # fmt: skip


def benchmarks(
    *columns: str, places: registry.Places | None = None
) -> dict[str, tuple[float, ...]]:
    """Models of the table of benchmarks that have a number in all of these columns.

    Args:
        columns: Names of columns, as in the file (line breaks included).
        places: Where files may be.

    Raises:
        BadInput: No such column; and the errors of `registry.get`.
    """
    path = registry.get(SET, BENCHMARKS, places=places)
    # Some of its rows end early, so that it is no whole table: what is not there is not there.
    rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
    absent = [c for c in columns if c not in rows[0]]
    if absent:
        raise BadInput(
            f"{path} has no column {absent[0]!r}; it has {', '.join(map(repr, rows[0]))}"
        )
    found = {}
    for row in rows:
        cells = [row[c] for c in columns]
        if all(cells):
            found[str(row["Model"])] = tuple(float(c) for c in cells)
    return found
