"""A run as Markdown, for a pull request or a notebook's text cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from plumbline.report import format as show
from plumbline.report import overview
from plumbline.report.absent import sentences
from plumbline.report.rows import (
    ROLES,
    Row,
    counts,
    of_run,
    what_matters,
)

if TYPE_CHECKING:
    from plumbline.audit.store import Run

# Everything that Markdown or the HTML inside it could take for markup.
_MARKS = re.compile(r"([\\`*_\[\]#!|<>~&$])")


def render(run: Run) -> str:
    """The first screen, the table and what could not be measured; no items are quoted."""
    shown = of_run(run)
    facts = [f"{name}: {value}" for name, value in overview.model_facts(run.header)]
    lines = [
        f"# {escape(overview.title(run.header))}",
        "",
        escape(overview.asked(run.header)),
        "",
        escape("; ".join(facts)),
        "",
        *(f"1. {escape(r.sentence)}" for r in what_matters(shown)),
        "",
        escape(f"Primary findings: {counts(shown)}."),
        "",
        escape(overview.index_text(run.header)),
        "",
        *_table([r for r in shown if r.status == "estimate"]),
    ]
    if absent := sentences(shown):
        lines += ["", "## Not measured", "", *(f"- {escape(said)}" for said in absent)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return _MARKS.sub(r"\\\1", show.clean(text))


def _table(shown: Sequence[Row]) -> list[str]:
    head = (
        "verdict",
        "method",
        "of what, toward what",
        "value",
        "interval",
        "unit",
        "n",
        "p",
        "certified",
    )
    lines = [_line(head), _line("---" for _ in head)]
    for row in shown:
        verdict = row.verdict or ROLES.get(row.role, "not judged")
        about = row.short or "all items"
        cells = (
            f"**{escape(verdict)}**" if row.verdict == "leans" else escape(verdict),
            escape(row.metric),
            f"&rarr; {escape(about)}" if row.depth else escape(about),
            *map(escape, (row.value, row.interval, row.finding["unit"], row.n, row.p, row.mark)),
        )
        lines.append(_line(cells))
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
