"""Two runs side by side as one HTML file: two models, or one before and after a correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.report import figures, overview
from plumbline.report import format as show
from plumbline.report.absent import by_reason
from plumbline.report.comparison import difference_rows, index_text, same_name
from plumbline.report.files import write_text
from plumbline.report.html import drawn, environment
from plumbline.report.rows import Row
from plumbline.report.side_effects import lines as effect_lines
from plumbline.report.slopes import LEGEND, paired, slope_figures

if TYPE_CHECKING:
    from plumbline.audit.compare import Comparison
    from plumbline.audit.side_effects import SideEffect
    from plumbline.audit.store import Run


def render(
    found: Comparison, a: Run, b: Run, *, names: tuple[str, str] = ("A", "B"),
    effects: Sequence[SideEffect] = (),
) -> str:  # fmt: skip
    """The page.

    Args:
        found: Paired differences b - a.
        a: The first run.
        b: The second run.
        names: What the two are called: ("before", "after") for a correction.
        effects: What a correction may have broken, or nothing.
    """
    from plumbline.audit.side_effects import summary

    alpha = a.header["plan"]["alpha"]
    shown = difference_rows(found, alpha=alpha)
    slopes = paired(a.findings, b.findings, found.findings, alpha=alpha)
    plots = figures.available()
    return environment().get_template("comparison.html.j2").render(
        title=_title(found, names), names=names, same_name=same_name(found),
        sides=[(name, overview.model_facts(run.header), index_text(found.index[side]))
               for name, side, run in zip(names, "ab", (a, b), strict=True)],
        first=[_sentence(r, names) for r in _first(shown, alpha)],
        counts=_counts(shown, alpha, len(found.unmatched)),
        lines=[_line(r, a, b) for r in shown if r.status == "estimate"],
        absent=by_reason(shown),
        unmatched=[_alone(u, names) for u in found.unmatched],
        figures=drawn(slope_figures(slopes, before=names[0], after=names[1])) if plots else [],
        figures_note=LEGEND if plots else figures.WITHOUT,
        effects=effect_lines(effects), effects_said=show.clean(summary(effects)) if effects else "",
    )  # fmt: skip


def write(
    path: Path, found: Comparison, a: Run, b: Run, *, names: tuple[str, str] = ("A", "B"),
    effects: Sequence[SideEffect] = (),
) -> Path:  # fmt: skip
    """Write the page to a file; `StoreError` where that cannot be done."""
    return write_text(path, render(found, a, b, names=names, effects=effects))


def _title(found: Comparison, names: tuple[str, str]) -> str:
    models = [show.clip(h["subject"]["model"], 60) for h in (found.a, found.b)]
    if models[0] == models[1]:
        return f"{models[0]}: {names[1]} against {names[0]}"
    return f"{models[1]} against {models[0]}"


def _held(row: Row, alpha: float) -> bool:
    p = row.finding["p_adjusted"]
    return p is not None and p <= alpha


def _first(shown: Sequence[Row], alpha: float, most: int = 3) -> list[Row]:
    """The clearest changes: those that hold after correction, the largest in standard errors first."""
    held = [r for r in shown if r.role == "primary" and r.status == "estimate" and _held(r, alpha)]
    return sorted(held, key=lambda r: -abs(r.finding["value"] / (r.finding["se"] or 1.0)))[:most]


def _sentence(row: Row, names: tuple[str, str]) -> str:
    found = row.finding
    way = "higher" if found["value"] > 0 else "lower"
    size = show.with_unit(row.value.lstrip("+-"), found["unit"])
    return (
        f"{row.title}, {row.about or 'all items'}: {way} by {size} in {names[1]} than in {names[0]}, "
        f"interval of the difference {row.interval}, p {row.p}."
    )


def _counts(shown: Sequence[Row], alpha: float, alone: int) -> str:
    primary = [r for r in shown if r.role == "primary" and r.status == "estimate"]
    held = sum(_held(r, alpha) for r in primary)
    return (
        f"Primary findings with a paired difference: {len(primary)}; those that differ after correction for all: "
        f"{held}. Findings without a pair: {alone}."
    )


def _line(row: Row, a: Run, b: Run) -> dict[str, Any]:
    return {
        "row": row,
        "about": row.short or "all items",
        "values": [_own(run, row) for run in (a, b)],
    }


def _own(run: Run, row: Row) -> str:
    """The run's own value, to the digits of the difference."""
    for found in run.findings:
        own = {show.clean(k): show.clean(v) for k, v in found["labels"].items()}
        if (
            found["metric"] == row.metric
            and own == row.finding["labels"]
            and found["status"] == "estimate"
        ):
            places = show.decimals(row.finding["low"], row.finding["high"])
            return show.number(found["value"], places=places)
    return ""


def _alone(one: Mapping[str, Any], names: tuple[str, str]) -> str:
    side = names[0] if one["only_in"] == "a" else names[1]
    return f"only in {side}: {show.clean(one['metric'])} {show.clean('; '.join(one['labels']))}"
