"""A comparison of two runs as plain text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show
from plumbline.report.rows import Row, rows, titles_of
from plumbline.report.terminal import WIDTH

if TYPE_CHECKING:
    from rich.table import Table

    from plumbline.audit.compare import Comparison

CHANGED = "One MODEL with two fingerprints: its files, its options or its library changed between the runs."


def plain_text(found: Comparison, *, before: str = "A", after: str = "B") -> str:
    """Heads of both runs, paired differences, indices over shared components, what has no pair."""
    from rich.console import Console

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, force_terminal=False)
    shown = difference_rows(found)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    for name, header in ((before, found.a), (after, found.b)):
        say(f"{name}: {model_text(header)}")
    if note := same_name(found):
        say(note)
    if paired := [r for r in shown if r.status == "estimate"]:
        console.print(_table(paired, f"{after} - {before}"))
    for row in shown:
        if row.status != "estimate":
            say(f"  {row.metric} ({row.about}): {row.reason}")
    for name, side in ((before, "a"), (after, "b")):
        say(f"{name}: {index_text(found.index[side])}")
    for one in found.unmatched:
        side = before if one["only_in"] == "a" else after
        say(f"  only in {side}: {show.clean(one['metric'])} {show.clean('; '.join(one['labels']))}")
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def same_name(found: Comparison) -> str:
    """That one MODEL was another subject in the two runs; "" where it was not."""
    a, b = found.a["subject"], found.b["subject"]
    # Before and after a correction the plan names one MODEL, which is meant to be another.
    corrected = a["about"].get("corrected_by") != b["about"].get("corrected_by")
    other = a["model"] == b["model"] and a["fingerprint"] != b["fingerprint"]
    return CHANGED if other and not corrected else ""


def difference_rows(found: Comparison, *, alpha: float = 0.05) -> list[Row]:
    """Rows of the differences; that they compare is said once, not in every row."""
    titles = titles_of(sorted({f["metric"] for f in found.findings}))
    plain = [
        {**f, "labels": {k: v for k, v in f["labels"].items() if k != "compare"}}
        for f in found.findings
    ]
    return rows(plain, titles, alpha=alpha)


def model_text(header: Mapping[str, Any]) -> str:
    """Model, name and fingerprint of a run."""
    subject = header["subject"]
    return f"{show.clip(subject['model'], 80)} ({show.clip(subject['name'], 60)}, {show.clip(subject['fingerprint'][:12], 12)})"


def index_text(index: Mapping[str, Any]) -> str:
    """The composite index over shared findings, or why there is none."""
    if index.get("value") is None:
        return f"no composite index: {show.clean(index.get('reason', 'no reason was recorded'))}"
    interval = show.interval(index["low"], index["high"])
    places = show.decimals(index["low"], index["high"])
    value = show.number(index["value"], places=places)
    return f"composite index over shared findings {value} ({interval})"


def _table(shown: Sequence[Row], difference: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    made.add_column("method", width=24, overflow="fold")
    made.add_column("of what, toward what", ratio=1)
    made.add_column(difference, justify="right", width=16)
    made.add_column("interval", width=20)
    made.add_column("p", justify="right", width=6)
    made.add_column("n", width=11)
    for row in shown:
        about = "  " * row.depth + (row.short or "all items")
        value = show.with_unit(row.value, row.finding["unit"])
        cells = (row.metric, about, value, row.interval, row.p, row.n)
        made.add_row(*map(Text, cells))
    return made
