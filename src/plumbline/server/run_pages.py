"""Pages of runs: the list, one run, one finding, its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from plumbline.audit.store import Run
from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.report import figures, overview
from plumbline.report import format as show
from plumbline.report.absent import unmeasured
from plumbline.report.rows import ROLES, VERDICTS, Row, counts, what_matters
from plumbline.server import answers, findings, items
from plumbline.server.pages import asked, dashboard, render
from plumbline.server.paging import Page, whole
from plumbline.server.summaries import SORTS, Filter, Summary, chosen

FEW = 5  # answers shown beside a finding


def runs(request: Request) -> Response:
    """`/`: all runs of the folder."""
    given = asked(request, "model", "metric", "verdict", "q", "sort", "order", "page")
    wanted = Filter(
        model=given["model"], metric=given["metric"], verdict=given["verdict"], text=given["q"],
        sort=given["sort"] or "started", descending=given["order"] != "up",
    )  # fmt: skip
    made = dashboard(request)
    every = made.shelf.summaries()
    page = Page[Summary].of(chosen(every, wanted), whole(given["page"], "page", 1))
    return render(
        request, "runs.html.j2",
        {
            "title": "Runs", "page": page, "given": given, "wanted": wanted, "sorts": SORTS,
            "verdicts": VERDICTS, "models": sorted({s.model for s in every if s.model}),
            "metrics": sorted({m for s in every for m in s.metrics}),
            "running": [j for j in made.jobs.all() if j.alive], "several": len(every) > 1,
        },
    )  # fmt: skip


def run(request: Request) -> Response:
    """`/runs/NAME`: head and findings of one run."""
    name = request.path_params["name"]
    given = asked(request, "verdict", "role", "metric", "axis", "q", "page")
    wanted = findings.Wanted(
        verdict=given["verdict"], role=given["role"], metric=given["metric"], axis=given["axis"],
        text=given["q"],
    )  # fmt: skip
    found = dashboard(request).folder.load(name)
    rows = findings.numbered(found)
    page = Page[Row].of(findings.chosen(rows, wanted), whole(given["page"], "page", 1))
    return render(
        request, "run.html.j2",
        {
            **_head(found, name), "page": page, "given": given, "roles": ROLES, "verdicts": VERDICTS,
            "first": what_matters(rows), "counts": counts(rows), "unmeasured": unmeasured(rows),
            "components": overview.components(found.header), "other": overview.other_facts(found.header),
            "metrics": sorted({r.metric for r in rows}),
            "axes": sorted({a for r in rows if (a := r.finding["labels"].get("axis"))}),
            "has_answers": _has(request, name, "answers.parquet"),
        },
    )  # fmt: skip


def figure_page(request: Request) -> Response:
    """`/runs/NAME/figures`: the forest plots of a run."""
    from markupsafe import Markup

    name = request.path_params["name"]
    found = dashboard(request).folder.load(name)
    drawn = figures.forest_plots(findings.numbered(found)) if figures.available() else []
    return render(
        request, "figures.html.j2",
        {
            **_head(found, name),
            # The drawings are our own SVG, in which vl-convert has escaped every label.
            "figures": [(f.caption, Markup(f.svg)) for f in drawn],  # noqa: S704
            "note": figures.LEGEND if figures.available() else figures.WITHOUT,
        },
    )  # fmt: skip


def finding(request: Request) -> Response:
    """`/runs/NAME/findings/N`: one finding with its method, its certificate and its items."""
    name = request.path_params["name"]
    given = asked(request, "order", "page")
    given["order"] = given["order"] or "worst"
    found = dashboard(request).folder.load(name)
    rows = findings.numbered(found)
    row = findings.one(rows, request.path_params["number"])
    # The row's own texts are clean; the stored ones are what the files are searched for.
    stored = found.findings[row.finding[findings.NUMBER] - 1]
    return render(
        request, "finding.html.j2",
        {
            **_head(found, name), "row": row, "given": given, "orders": items.ORDERS,
            "labels": sorted(row.finding["labels"].items()), "facts": _numbers(row), "roles": ROLES,
            "previous": row.finding[findings.NUMBER] - 1, "following": _following(row, len(rows)),
            "notes": [show.clean(n) for n in found.header.get("notes", {}).get(stored["metric"], ())],
            **_method(stored), **_items(request, name, found, stored, given), **_spoken(request, name, stored),
        },
    )  # fmt: skip


def run_answers(request: Request) -> Response:
    """`/runs/NAME/answers`: questions and answers, searched."""
    name = request.path_params["name"]
    given = asked(request, "q", "metric", "to", "state", "after", "before")
    if given["after"] and given["before"]:
        raise BadInput("a page of answers starts after one row or ends before one, not both")
    if given["state"] not in {"", *answers.STATES}:
        raise UnknownName("state of an answer", given["state"], answers.STATES)
    made = dashboard(request)
    path = made.folder.file(name, "answers.parquet")
    wanted = answers.Wanted(
        text=given["q"], metric=given["metric"], to=given["to"], state=given["state"],
        after=whole(given["after"], "after", 0) if given["after"] else None,
        before=whole(given["before"], "before", 0) if given["before"] else None,
    )  # fmt: skip
    metrics, to, total = answers.choices(path)
    return render(
        request, "answers.html.j2",
        {
            **_head(made.folder.load(name), name), "page": answers.page(path, wanted), "given": given,
            "metrics": metrics, "to": to, "total": total, "states": answers.STATES,
        },
    )  # fmt: skip


def _head(found: Run, name: str) -> dict[str, Any]:
    header = found.header
    return {
        "title": overview.title(header), "name": name, "asked": overview.asked(header),
        "facts": overview.model_facts(header), "index": overview.index_text(header),
        "started": header["started"], "model": header["subject"]["model"],
    }  # fmt: skip


def _has(request: Request, name: str, leaf: str) -> bool:
    try:
        dashboard(request).folder.file(name, leaf)
    except StoreError:
        return False
    return True


def _following(row: Row, total: int) -> int | None:
    number = int(row.finding[findings.NUMBER])
    return number + 1 if number < total else None


def _numbers(row: Row) -> list[tuple[str, str]]:
    """(name, text) of everything that the finding states about its number."""
    f = row.finding
    told = {
        "value": show.with_unit(row.value, f["unit"]) if row.value else "",
        "interval": f"{row.interval} at {show.level(f['level'])}" if row.interval else "",
        "how the interval was made": f["interval"],
        "no lean would be": show.constant(f["null"]),
        "margin": show.constant(f["margin"]),
        "expected by exchanged labels alone": show.number(f["expected_under_null"]),
        "p": show.p_value(f["p"]),
        "p after correction": show.p_value(f["p_adjusted"]),
        "family of tests": f["family"],
        "test": f["test"],
        "n": row.n,
        "role": f["role"],
        "estimand": f["estimand"],
    }
    return [(name, show.clean(text)) for name, text in told.items() if text]


def _method(stored: Mapping[str, Any]) -> dict[str, Any]:
    from plumbline.audit.certificates import certificate as shipped
    from plumbline.core.catalog import catalog
    from plumbline.report import certificate
    from plumbline.report.card import card_lines

    entry = catalog().get(stored["metric"])
    return {
        "card": card_lines(entry.card) if entry else [],
        "certificate": certificate.lines(shipped(entry.id) if entry else None),
        "paper": show.clean(stored["paper"]), "paper_link": show.paper_link(stored["paper"]),
    }  # fmt: skip


def _items(
    request: Request, name: str, found: Run, stored: Mapping[str, Any], given: dict[str, str]
) -> dict[str, Any]:
    """The page of items, or why there are none."""
    where = findings.where_of(found.header, stored)
    try:
        path = dashboard(request).folder.file(name, "items.parquet")
        listed = items.listing(
            path, stored, where or {}, order=given["order"], number=whole(given["page"], "page", 1)
        )
    except StoreError as error:
        return {"items": None, "items_reason": str(error), "items_all": False}
    return {"items": listed, "items_reason": "", "items_all": where is None}


def _spoken(request: Request, name: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    try:
        path = dashboard(request).folder.file(name, "answers.parquet")
        page = answers.page(path, answers.Wanted(metric=stored["metric"]), FEW)
    except StoreError as error:
        return {"spoken": (), "spoken_reason": str(error), "metric": stored["metric"]}
    return {"spoken": page.rows, "spoken_reason": "", "metric": stored["metric"]}
