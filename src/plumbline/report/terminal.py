"""The run as text: for a terminal with colours, for a pipe without."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plumbline.report import format as show
from plumbline.report import overview
from plumbline.report.absent import by_reason, inapplicable, unmeasured
from plumbline.report.rows import (
    ROLES,
    Row,
    counts,
    of_run,
    what_matters,
)

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType
    from rich.table import Table
    from rich.text import Text

    from plumbline.audit.store import Run

WIDTH = 120  # columns of a table that goes into a pipe or a file
NARROW = 100
GROUPS = 5  # single groups shown a metric; the report has all of them
STYLES = {"leans": "bold yellow", "within the margin": "green", "insufficient evidence": "dim"}


def plain_table(run: Run) -> str:
    """The whole summary as plain text without control sequences."""
    from rich.console import Console

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, force_terminal=False)
    print_run(run, console)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def print_run(run: Run, console: Console) -> None:
    """Print head, what matters, table, and what could not be measured."""
    shown = of_run(run)
    _head(run, console)
    _first(run, shown, console)
    measured, hidden = _shortened([r for r in shown if r.status == "estimate"])
    if measured:
        console.print(table(measured, console.width))
        console.print(_text(_legend(run)))
    if hidden:
        console.print(_text(f"{hidden} more findings for single groups are in the report."))
    console.print()
    _absent(shown, console)


def table(shown: Sequence[Row], width: int = WIDTH) -> Group:
    """Findings, a heading a metric; no markup in any cell is interpreted.

    Narrow terminals lose the columns `n` and `certified`, which the report has.
    """
    from rich.console import Group

    parts: list[RenderableType] = [
        _columns(width, head=True),
        _text("\N{BOX DRAWINGS LIGHT HORIZONTAL}" * width),
    ]
    for metric, group in _by_metric(shown):
        unit = group[0].finding["unit"]
        rows_of = _columns(width)
        for row in group:
            rows_of.add_row(*_cells(row, unit, narrow=width < NARROW))
        parts += [_text(f"{group[0].title}: {metric}, in {unit}", "bold"), rows_of]
    return Group(*parts)


def _columns(width: int, *, head: bool = False) -> Table:
    """A table without rows; all have the same widths, so that they stand as one."""
    from rich.table import Table

    narrow = width < NARROW
    made = Table(box=None, show_header=head, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    made.add_column("verdict", width=13 if narrow else 21)
    made.add_column("of what, toward what", ratio=1)
    made.add_column("value", justify="right", width=9)
    made.add_column("interval", width=18)
    if not narrow:
        made.add_column("n", width=11)
    made.add_column("p", justify="right", width=6)
    if not narrow:
        made.add_column("certified", width=9)
    return made


def _cells(row: Row, unit: str, *, narrow: bool) -> list[Text]:
    verdict = _text(
        row.verdict or ROLES.get(row.role, "not judged"), STYLES.get(row.verdict, "dim")
    )
    other = "" if row.finding["unit"] == unit else f" [{row.finding['unit']}]"
    about = _text(f"{'  ' * row.depth}{row.short or 'all items'}{other}")
    value, interval, n, p, mark = map(_text, (row.value, row.interval, row.n, row.p, row.mark))
    if narrow:
        return [verdict, about, value, interval, p]
    return [verdict, about, value, interval, n, p, mark]


def _by_metric(shown: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    parts: dict[str, list[Row]] = {}
    for row in shown:
        parts.setdefault(row.metric, []).append(row)
    return list(parts.items())


def _shortened(measured: Sequence[Row]) -> tuple[list[Row], int]:
    """At most `GROUPS` single-group rows a metric: tested ones first, then the farthest out."""
    kept: list[Row] = []
    hidden = 0
    for _, part in _by_metric(measured):
        groups = [r for r in part if r.role == "group"]
        far = sorted(
            groups,
            key=lambda r: (
                r.finding["p"] is None,
                -abs(r.finding["value"] - (r.finding["null"] or 0)),
            ),
        )
        best = {id(r) for r in far[:GROUPS]}
        kept += [r for r in part if r.role != "group" or id(r) in best]
        hidden += len(groups) - len(best)
    return kept, hidden


def _head(run: Run, console: Console) -> None:
    console.print(_text(overview.title(run.header), "bold"))
    console.print(_text(overview.asked(run.header)))
    facts = "; ".join(f"{name}: {value}" for name, value in overview.model_facts(run.header))
    console.print(_text(facts))
    console.print()


def _legend(run: Run) -> str:
    level = show.level(run.header["plan"]["level"])
    return (
        f"Intervals at {level}, wider for single groups that were selected. n: items in independent units. "
        "p: corrected for all tests where the finding is primary. certified: error rates were measured."
    )


def _first(run: Run, shown: Sequence[Row], console: Console) -> None:
    for i, row in enumerate(what_matters(shown), start=1):
        console.print(_text(f"{i}. {row.sentence}"))
    console.print(_text(f"Primary findings: {counts(shown)}."))
    console.print(_text(overview.index_text(run.header)))
    console.print()


def _absent(shown: Sequence[Row], console: Console) -> None:
    """What has no number, one line a reason; then the methods that this model cannot answer, by their need."""
    undefined, other = by_reason(unmeasured(shown)), inapplicable(shown)
    if undefined or other:
        console.print(_text("Not measured", "bold"))
    for title, reason, abouts in undefined:
        what = (
            f" ({len(abouts)} findings)" if len(abouts) > 1 else f" ({abouts[0]})" if abouts else ""
        )
        console.print(_text(f"  {title}{what}: {reason}"))
    for need, members in other:
        console.print(
            _text(f"  not for this model ({need}): {', '.join(r.metric for r in members)}")
        )


def _text(words: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(words, style=style)
