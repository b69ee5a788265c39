"""A run as one HTML file: no network, no script, every text escaped, at most `LARGEST` bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.report import figures, licences, maps, overview, shaken
from plumbline.report import format as show
from plumbline.report.files import write_text
from plumbline.report.intersections import crossed
from plumbline.report.rows import (
    ROLES,
    Row,
    by_reason,
    counts,
    inapplicable,
    of_run,
    tally,
    unmeasured,
    what_matters,
)
from plumbline.report.sections import Stored, section
from plumbline.report.strength import by_family, by_group

if TYPE_CHECKING:
    from jinja2 import Environment

    from plumbline.audit.store import Run

LARGEST = 3_000_000
EXAMPLES = (10, 3, 1, 0)  # rows of items a metric; fewer where the page would be too large


def render(run: Run, *, redact_items: bool = False) -> str:
    """The whole report.

    Args:
        run: The run.
        redact_items: Leave out every item, question and answer.
    """
    stored = Stored.of(run)
    shared = _shared(stored)
    page = ""
    for most in (0,) if redact_items else EXAMPLES:
        page = _page(stored, shared, most, redacted=redact_items)
        if len(page.encode()) < LARGEST:
            break
    return page


def write(run: Run, path: Path, *, redact_items: bool = False) -> Path:
    """Write the report to a file; `StoreError` where that cannot be done."""
    return write_text(path, render(run, redact_items=redact_items))


def fragment(run: Run) -> str:
    """The first screen and the table, for a notebook's cell."""
    return environment().get_template("fragment.html.j2").render(**_first_screen(run))


def environment() -> Environment:
    """Where the templates are; everything is escaped unless it is our own drawing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("plumbline.report", "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def drawn(made: Sequence[figures.Figure]) -> list[tuple[str, Any]]:
    """Captions and drawings as markup."""
    from markupsafe import Markup

    # The drawings are our own SVG, in which vl-convert has escaped every label.
    return [(f.caption, Markup(f.svg)) for f in made]  # noqa: S704


def _first_screen(run: Run) -> dict[str, Any]:
    shown = of_run(run)
    return {
        "title": overview.title(run.header),
        "asked": overview.asked(run.header),
        "facts": overview.model_facts(run.header),
        "first": what_matters(shown),
        "counts": counts(shown),
        "tally": tally(shown),
        "margins": overview.margins(run.header, shown),
        "index": overview.index_text(run.header),
        "components": overview.components(run.header),
        "unmeasured": by_reason(unmeasured(shown)),
        "inapplicable": inapplicable(shown),
        "measured": [r for r in shown if r.status == "estimate"],
        "roles": ROLES,
        "unit_of": {r.metric: r.finding["unit"] for r in reversed(shown)},
        "shown": shown,
        "data": licences.used(shown),
    }


def _shared(stored: Stored) -> dict[str, Any]:
    """What does not depend on how many items are quoted."""
    from plumbline.audit.brittleness import brittleness

    run = stored.run
    first = _first_screen(run)
    shown = first["shown"]
    families = {m: e.card.family for m, e in stored.known.items()}
    plots = figures.available()
    titles = {r.metric: r.title for r in shown}
    return {
        **first,
        "figures": drawn(figures.forest_plots(shown)) if plots else [],
        "figures_note": figures.LEGEND if plots else figures.WITHOUT,
        "families": drawn(maps.heat_maps(by_family(shown, families), "Family")) if plots else [],
        "groups": drawn(maps.heat_maps(by_group(shown), "Groups")) if plots else [],
        "maps_note": maps.LEGEND,
        "crossed": crossed(shown),
        "brittle": shaken.lines(brittleness(run, stored.items), titles),
        "brittle_note": shaken.LEGEND,
        "about": overview.other_facts(run.header),
        "provenance": overview.provenance(run.header),
        "questions": overview.questions(run.header),
        "plan": show.clean(json.dumps(run.header["plan"], indent=1, ensure_ascii=False), lines=True),
    }  # fmt: skip


def _page(stored: Stored, shared: Mapping[str, Any], most: int, *, redacted: bool) -> str:
    parts: dict[str, list[Row]] = {}
    for row in shared["shown"]:
        parts.setdefault(row.metric, []).append(row)
    return environment().get_template("report.html.j2").render(
        **shared,
        sections=[section(stored, name, part, most, redacted=redacted) for name, part in parts.items()],
        redacted=redacted,
        examples_left_out=most == 0 and not redacted,
    )  # fmt: skip
