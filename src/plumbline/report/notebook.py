"""Results that are no runs as a notebook's cell shows them: a few lines and one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from plumbline.report import format as show
from plumbline.report import overview
from plumbline.report.comparison import difference_rows
from plumbline.report.html import environment
from plumbline.report.rows import Row, rows, titles_of

if TYPE_CHECKING:
    from plumbline.audit.compare import Comparison
    from plumbline.audit.explain import Explained
    from plumbline.audit.leaderboard import Leaderboard
    from plumbline.audit.ranking import Ranking

MOST = 10  # cells of an array that are shown; its table has all of them
FINDINGS = ("verdict", "method", "of what, toward what", "value", "interval", "unit", "p", "n")


def comparison(found: Comparison) -> str:
    """Both models, the paired differences B - A, and what has no pair or no number."""
    shown = difference_rows(found)
    lines = [
        f"{name}: {overview.title(header)}" for name, header in (("A", found.a), ("B", found.b))
    ]
    notes = _absent(shown)
    notes += [
        f"only in {u['only_in'].upper()}: {u['metric']} {'; '.join(u['labels'])}"
        for u in found.unmatched
    ]
    head = ("method", "of what, toward what", "B - A", "interval", "unit", "p", "n")
    table = [
        (r.metric, r.short or "all items", r.value, r.interval, r.finding["unit"], r.p, r.n)
        for r in shown if r.status == "estimate"
    ]  # fmt: skip
    return _page(lines, head, table, notes)


def ranking(found: Ranking) -> str:
    """Models by their composite index."""
    lines = [
        (
            f"Composite index over {len(found.shared)} shared findings; smaller leans less. "
            f"Ranks hold together at {found.level:.0%}."
        )
    ]
    head = ("rank", "model", "index", "interval")
    table = [
        (_places(m["rank"], m["rank_low"], m["rank_high"]), m["model"], show.number(m["value"]),
         show.interval(m["low"], m["high"]))
        for m in found.models
    ]  # fmt: skip
    left = [f"left out: {x['metric']} {'; '.join(x['labels'])}: {x['why']}" for x in found.left_out]
    return _page(lines, head, table, left)


def leaderboard(found: Leaderboard) -> str:
    """Systems by win rate, with the band of the judge's bias."""
    lines = [
        (
            f"Win rates over {found.verdicts:,} verdicts on {found.questions:,} questions. "
            f"Ranks hold together at {found.level:.0%}."
        )
    ]
    head = ("rank", "system", "win rate", "interval", "band of the judge's bias")
    table = [
        (_places(s["rank"], s["rank_low"], s["rank_high"]), s["system"], show.number(s["value"]),
         show.interval(s["low"], s["high"]), show.interval(s["band_low"], s["band_high"]))
        for s in found.systems
    ]  # fmt: skip
    return _page(
        lines, head, table, [f"not counted: {w}: {why}" for w, why in found.left_out.items()]
    )


def explained(found: Explained) -> str:
    """Findings, or the cells of the answering array that lie farthest from 0."""
    header = found.run.header
    titles = titles_of([found.method])
    lines = [f"{titles[found.method]} ({found.method}) of {header['subject']['model']}"]
    lines += header["notes"].get(found.method, ())
    shown = rows(found.findings, titles)
    measured = [r for r in shown if r.status == "estimate"]
    if measured:
        table = [
            (r.verdict or "not judged", r.metric, r.short or "all items", r.value, r.interval,
             r.finding["unit"], r.p, r.n)
            for r in measured
        ]  # fmt: skip
        return _page(lines, FINDINGS, table, _absent(shown))
    array = found.array
    cells = [(labels, cell) for labels, cell in array.cells() if isinstance(cell, float)]
    far = sorted(cells, key=lambda c: -abs(c[1]))[:MOST]
    lines.append(f"in {array.unit}: {array.says}")
    values = [(*map(str, labels), show.number(cell, signed=True)) for labels, cell in far]
    more = [f"the {MOST} farthest from 0 of {len(array)} cells"] if len(array) > MOST else []
    return _page(lines, (*array.dims, "value"), values, [*_absent(shown), *more])


def _absent(shown: Sequence[Row]) -> list[str]:
    return [f"{r.metric} ({r.about}): {r.reason}" for r in shown if r.status != "estimate"]


def _places(rank: int, low: int, high: int) -> str:
    return str(rank) if low == high else f"{rank} ({low} to {high})"


def _page(
    lines: Sequence[str], head: Sequence[str], table: Sequence[Sequence[str]], notes: Sequence[str]
) -> str:
    return (
        environment()
        .get_template("cell.html.j2")
        .render(
            lines=[show.clip(line, 400) for line in lines],
            head=[show.clean(name) for name in head],
            table=[[show.clip(cell, 120) for cell in row] for row in table],
            notes=[show.clip(note, 400) for note in notes],
        )
    )
