"""What a run could not measure, and why: what has one reason stands together."""

from __future__ import annotations

from collections.abc import Sequence

from plumbline.report.rows import Row


def unmeasured(shown: Sequence[Row]) -> list[Row]:
    """What could not be measured, with the reason of each."""
    return [r for r in shown if r.status != "estimate" and r.role != "secondary"]


def by_reason(shown: Sequence[Row]) -> list[tuple[str, str, list[str]]]:
    """(title, reason, what it is about) of Undefined findings; those of one reason stand together."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in shown:
        if row.status == "undefined":
            found.setdefault((row.title, row.reason), []).append(row.about)
    return [(title, reason, [a for a in abouts if a]) for (title, reason), abouts in found.items()]


def inapplicable(shown: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Methods that this model cannot answer, by what they need; the largest group first."""
    needs: dict[str, list[Row]] = {}
    for row in shown:
        if row.status == "not_applicable":
            need = row.reason.removeprefix(f"{row.metric} ").partition(";")[0]
            needs.setdefault(need, []).append(row)
    return sorted(needs.items(), key=lambda pair: -len(pair[1]))


def sentences(shown: Sequence[Row]) -> list[str]:
    """One sentence a reason for what has no number, and one a need that this model does not meet."""
    gone = unmeasured(shown)
    said = []
    for title, reason, abouts in by_reason(gone):
        what = f" ({'; '.join(abouts)})" if abouts else ""
        said.append(f"{title}{what}: no number: {reason}")
    for need, members in inapplicable(gone):
        said.append(f"{', '.join(r.title for r in members)}: does not apply: {need}")
    return said
