"""Pages over several runs: two compared, and one model's history with its change points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from plumbline.audit.changes import INDEX, Series, Step, changes, pairs_of, primaries
from plumbline.audit.compare import compare
from plumbline.audit.store import Run
from plumbline.core.errors import PlumblineError
from plumbline.report import figures, timeline
from plumbline.report import format as show
from plumbline.report.comparison import difference_rows, index_text, model_text
from plumbline.report.rows import about_text, titles_of
from plumbline.server.pages import Dashboard, asked, dashboard, moment, render
from plumbline.server.paging import Page, whole
from plumbline.server.summaries import Summary

MOST_RUNS = 20  # of one series that a page tests
PATIENCE = 5.0  # seconds that a page waits for comparisons before it is shown without them
DRAWN = 12  # series a page


def compare_page(request: Request) -> Response:
    """`/compare?a=NAME&b=NAME`: differences B - A, paired by item."""
    given = asked(request, "a", "b")
    made = dashboard(request)
    names = [s.name for s in _finished(made) if s.name == show.clean(s.name)]
    context: dict[str, Any] = {
        "title": "Compare two runs",
        "given": given,
        "names": names,
        "found": None,
    }
    if given["a"] and given["b"]:
        one, other = made.folder.load(given["a"]), made.folder.load(given["b"])
        found = made.comparisons.ask(one, other, compare).result()
        shown = difference_rows(found)
        context |= {
            "found": found, "rows": [r for r in shown if r.status == "estimate"],
            "absent": [r for r in shown if r.status != "estimate"],
            "heads": [(side, model_text(h), h["plan_hash"]) for side, h in (("A", found.a), ("B", found.b))],
            "indices": [(side.upper(), index_text(found.index[side])) for side in "ab"],
            "unmatched": [
                (u["only_in"].upper(), show.clean(u["metric"]), show.clean("; ".join(u["labels"])))
                for u in found.unmatched
            ],
            "same_plan": found.a["plan_hash"] == found.b["plan_hash"],
        }  # fmt: skip
    return render(request, "compare.html.j2", context)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One series as the page shows it."""

    id: str
    heading: str
    about: str
    drawing: Any
    points: Sequence[tuple[str, str, str, str]]
    steps: Sequence[tuple[str, str, Step, str]]
    changed: Sequence[str]
    reasons: Sequence[str]


def history_page(request: Request) -> Response:
    """`/history?model=M&plan=HASH`: the index and each finding over the runs of one plan."""
    given = asked(request, "model", "plan", "page")
    made = dashboard(request)
    finished = _finished(made)
    models = sorted({s.model for s in finished})
    own = [s for s in finished if s.model == given["model"]]
    plans = _plans(own)
    context: dict[str, Any] = {
        "title": "History", "models": models, "plans": plans, "plans_named": _named(plans), "given": given, "lines": (), "page": None,
        "runs": (), "left_out": 0, "broken": (), "note": "", "alpha": None, "waiting": False,
    }  # fmt: skip
    if plans:
        given["plan"] = given["plan"] if given["plan"] in plans else next(iter(plans))
        context |= _series(made, plans[given["plan"]], whole(given["page"], "page", 1))
    return render(request, "history.html.j2", context)


def _series(made: Dashboard, own: Sequence[Summary], number: int) -> dict[str, Any]:
    kept = own[-MOST_RUNS:]
    runs: list[Run] = []
    broken: list[tuple[str, str]] = []
    for one in kept:
        try:
            runs.append(made.folder.load(one.name))
        except PlumblineError as error:
            broken.append((one.name, str(error)))
    if not runs:
        return {"broken": broken}
    asked_for = [made.comparisons.ask(runs[i], runs[j], primaries) for i, j in pairs_of(runs)]
    waiting = wait(asked_for, timeout=PATIENCE).not_done
    names = [moment(r.header["started"]) for r in runs]
    listed = [
        (when, r.folder.name if r.folder else "", r.header["subject"]["fingerprint"])
        for when, r in zip(names, runs, strict=True)
    ]
    context: dict[str, Any] = {
        "runs": listed, "left_out": len(own) - len(kept), "broken": broken,
        "compared": len(asked_for) - len(waiting), "comparisons": len(asked_for), "waiting": bool(waiting),
    }  # fmt: skip
    if waiting:
        return context
    alpha = float(runs[0].header["plan"]["alpha"])
    found = changes(
        runs, alpha=alpha, compare_runs=lambda a, b: made.comparisons.ask(a, b, primaries).result()
    )
    # What moved first, then in the order of the run.
    found = sorted(found, key=lambda s: (s.key != INDEX, not s.change_points))
    start = (max(1, number) - 1) * DRAWN
    drawn = found[start : start + DRAWN]
    return {
        "lines": [_line(s, names, place) for place, s in enumerate(drawn, start)],
        "page": Page(rows=drawn, number=number, total=len(found)), "pages": -(-len(found) // DRAWN),
        **context, "alpha": alpha,
        "tests": sum(s.p is not None for one in found if one.key != INDEX for s in _all(one)),
        "moved": sum(bool(s.change_points) for s in found),
        "note": timeline.LEGEND if figures.available() else figures.WITHOUT,
    }  # fmt: skip


def _line(one: Series, names: Sequence[str], place: int) -> Line:
    from markupsafe import Markup

    index = one.key == INDEX
    f: Mapping[str, Any] = one.finding
    unit = "from 0, no lean, to 1" if index or not f else f["unit"]
    drawing = ""
    if one.points and figures.available():
        null = None if index or not f else f["null"]
        drawing = timeline.timeline(one.points, names, one.change_points, null=null, unit=unit)
    return Line(
        id=f"series-{place}",
        heading="Composite index" if index else show.clean(titles_of([one.key[0]])[one.key[0]]),
        about="" if index or not f else about_text(f["labels"]),
        drawing=Markup(drawing),  # noqa: S704 - our own SVG, in which vl-convert has escaped every label
        points=[
            (names[i], show.number(v), show.interval(low, high), unit)
            for i, v, low, high in one.points
        ],
        steps=[(names[s.before], names[s.after], s, _difference(s)) for s in _all(one)],
        changed=[names[i] for i in one.change_points],
        reasons=sorted({show.clean(s.reason) for s in _all(one) if s.reason}),
    )


def _all(one: Series) -> list[Step]:
    return [*one.steps, *([one.overall] if one.overall else [])]


def _difference(step: Step) -> str:
    places = show.decimals(step.low, step.high)
    return show.number(step.value, places=places, signed=True)


def _finished(made: Dashboard) -> list[Summary]:
    """Runs that can be read, oldest first."""
    found = [s for s in made.shelf.summaries() if s.state == "finished"]
    return sorted(found, key=lambda s: (s.header["started"], s.name))


def _plans(own: Sequence[Summary]) -> dict[str, list[Summary]]:
    """A model's runs by plan, the plan with the newest run first."""
    plans: dict[str, list[Summary]] = {}
    for one in own:
        plans.setdefault(str(one.header["plan_hash"]), []).append(one)
    newest = sorted(plans, key=lambda p: plans[p][-1].header["started"], reverse=True)
    return {p: plans[p] for p in newest}


def _named(plans: Mapping[str, Sequence[Summary]]) -> list[tuple[str, str]]:
    """(hash, text) of each plan."""
    return [
        (
            plan,
            f"{show.clip(plan, 16)}: {len(own)} runs, the last {moment(own[-1].header['started'])}",
        )
        for plan, own in plans.items()
    ]
