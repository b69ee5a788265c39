"""CSV tables that a spreadsheet opens without carrying anything out.

A cell of text that begins with = + - @ (wide forms too), a tab, a line break or an apostrophe gets
one apostrophe before it, so that it is shown and not computed, and so that taking one apostrophe
away gives the text back. Cells of numbers are numbers and are left as they are. A number that does
not exist is a word, because a spreadsheet counts an empty cell as 0.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.audit.label_files import FORMULAS
from plumbline.report import format as show
from plumbline.report.exports.flat import Table, findings, items
from plumbline.report.files import write_text

if TYPE_CHECKING:
    from plumbline.audit.store import Run

STARTS = (*FORMULAS, "'")
ABSENT = ("undefined", "not applicable", "none")  # what a missing number is called


def write(run: Run, folder: Path, *, redact_items: bool = False) -> list[Path]:
    """`findings.csv`, and `items-METHOD.csv` for each method, in a folder; no items where they are redacted."""
    made = [write_text(folder / "findings.csv", text(findings(run)))]
    if run.folder is not None and not redact_items:
        made += [write_text(folder / f"{table.name}.csv", text(table)) for table in items(run)]
    return made


def text(table: Table) -> str:
    """A table as CSV: UTF-8, comma, a heading, numbers with all their digits."""
    sink = io.StringIO(newline="")
    out = csv.writer(sink, lineterminator="\n")
    out.writerow([harmless(name) for name in table.names])
    for row in table.rows():
        missing = _missing(table, row)
        out.writerow(
            [_number(row[n], missing) if n in table.numbers else harmless(str(row[n])) for n in table.names]
        )  # fmt: skip
    return sink.getvalue()


def harmless(words: str) -> str:
    """A cell of text that no spreadsheet takes for a formula; `[1:]` undoes the apostrophe."""
    plain = show.clean(words, lines=True)
    return f"'{plain}" if plain.startswith(STARTS) else plain


def _missing(table: Table, row: dict[str, float | str | None]) -> str:
    """What a number that this row does not have is called."""
    if table.gap == "why":
        return "undefined" if row["why"] else "none"
    return {"undefined": "undefined", "not_applicable": "not applicable"}.get(
        str(row["status"]), "none"
    )


def _number(value: float | str | None, missing: str) -> str:
    if value is None:
        return missing
    number = float(value)
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return repr(number)
