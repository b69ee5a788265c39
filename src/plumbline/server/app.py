"""The application: which address is which page, and how errors are shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from plumbline.core.errors import PlumblineError, StoreError, UnknownName
from plumbline.report import format as show
from plumbline.server import audit_pages, run_pages, series_pages
from plumbline.server.folder import RunFolder
from plumbline.server.guard import Access, Guard
from plumbline.server.pages import Dashboard, render

STATIC = Path(__file__).parent / "static"
ROUTES = [
    Route("/", run_pages.runs),
    Route("/runs/{name}", run_pages.run),
    Route("/runs/{name}/figures", run_pages.figure_page),
    Route("/runs/{name}/findings/{number:int}", run_pages.finding),
    Route("/runs/{name}/answers", run_pages.run_answers),
    Route("/compare", series_pages.compare_page),
    Route("/history", series_pages.history_page),
    Route("/audits", audit_pages.index),
    Route("/audits", audit_pages.create, methods=["POST"]),
    Route("/audits/new", audit_pages.new),
    Route("/audits/{id}", audit_pages.watch),
    Route("/audits/{id}/status", audit_pages.status),
    Route("/audits/{id}/stop", audit_pages.stop, methods=["POST"]),
    Mount("/static", StaticFiles(directory=STATIC)),
]


def application(folder: Path, access: Access) -> Guard:
    """The dashboard over one folder of runs.

    Args:
        folder: Where runs are.
        access: Who may ask.

    Raises:
        BadInput: The folder is not there.
    """
    made = Dashboard(RunFolder(folder), access)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        made.comparisons.close()
        await run_in_threadpool(made.jobs.close)

    app = Starlette(
        routes=ROUTES,
        exception_handlers={PlumblineError: _explained, HTTPException: _http},
        lifespan=lifespan,
    )
    app.state.dashboard = made
    # Outside of everything, so that a reply to a failure inside has the headers too.
    return Guard(app, access)


def _explained(request: Request, error: Exception) -> Response:
    """What plumbline raises on purpose, as a page that says what to try."""
    code = 404 if isinstance(error, UnknownName) else 422 if isinstance(error, StoreError) else 400
    return _said(request, str(error), code)


def _http(request: Request, error: Exception) -> Response:
    """No such page, or not by this method."""
    code = error.status_code if isinstance(error, HTTPException) else 400
    text = {404: "There is no such page.", 405: "This address is not asked in that way."}
    return _said(request, text.get(code, "The request cannot be answered."), code)


def _said(request: Request, text: str, code: int) -> Response:
    return render(
        request, "error.html.j2", {"title": f"Error {code}", "text": show.clip(text, 2000)}, code
    )
