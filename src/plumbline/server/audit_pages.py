"""Pages that start audits, watch them and stop them."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from plumbline.core.errors import BadInput
from plumbline.report import format as show
from plumbline.server.jobs import Job
from plumbline.server.launch import Launch, arguments, read
from plumbline.server.pages import dashboard, render

LARGEST = 200_000  # bytes of a form
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
SAID = {
    "running": "Running.",
    "stopping": "Stopping: it finishes the batch it is at. Answers so far are kept.",
    "finished": "Finished.",
    "stopped": "Stopped. Answers so far are kept; the same audit goes on where this one was.",
    "failed": "It ended with an error.",
}


def new(request: Request) -> Response:
    """`/audits/new`: the empty form, or one filled from a run's address."""
    filled = {k: v for k, v in request.query_params.items() if k in Launch.model_fields}
    return _form(request, filled, {})


def index(request: Request) -> Response:
    """`/audits`: audits that this server started."""
    jobs = [_facts(request, job) for job in dashboard(request).jobs.all()]
    return render(request, "audits.html.j2", {"title": "Audits", "jobs": jobs})


async def create(request: Request) -> Response:
    """Start an audit from the form, or show the form with what is wrong."""
    given = await _sent(request)
    if isinstance(given, Response):
        return given
    form, faults = read(given)
    if form is None:
        return _form(request, given, faults, 422)
    made = dashboard(request)
    try:
        job = made.jobs.start(arguments(form, made.folder.path), form.model)
    except BadInput as error:
        return _form(request, given, {"form": str(error)}, 409)
    return RedirectResponse(f"/audits/{job.id}", 303)


def watch(request: Request) -> Response:
    """`/audits/ID`: how far one audit is."""
    job = dashboard(request).jobs.find(request.path_params["id"])
    facts = _facts(request, job)
    return render(
        request, "audit.html.j2", {"title": f"Audit of {show.clip(job.model, 80)}", **facts}
    )


def status(request: Request) -> Response:
    """`/audits/ID/status`: the same as JSON, for the page's own script."""
    return JSONResponse(_facts(request, dashboard(request).jobs.find(request.path_params["id"])))


async def stop(request: Request) -> Response:
    """Interrupt an audit."""
    given = await _sent(request)
    if isinstance(given, Response):
        return given
    job = dashboard(request).jobs.find(request.path_params["id"])
    job.stop()
    return RedirectResponse(f"/audits/{job.id}", 303)


def _form(
    request: Request, filled: dict[str, str], faults: dict[str, str], code: int = 200
) -> Response:
    from plumbline.core.catalog import catalog

    known = {
        name: show.clean(entry.card.title)
        for name, entry in catalog().items()
        if entry.card.kind == "asking"
    }
    blank = dict.fromkeys(Launch.model_fields, "")
    context = {
        "title": "New audit", "given": {**blank, "suite": "quick", "correction": "bh", **filled},
        "faults": faults, "known": known,
    }  # fmt: skip
    return render(request, "new_audit.html.j2", context, code)


async def _sent(request: Request) -> dict[str, str] | Response:
    """The form's fields without its token, or a refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return PlainTextResponse("A form is sent as application/x-www-form-urlencoded.\n", 415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return PlainTextResponse(f"A form has at most {LARGEST:,} bytes.\n", 413)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=50,
            errors="strict",
        )  # fmt: skip
    except ValueError as error:
        return PlainTextResponse(f"This is not a form: {show.clip(error, 200)}\n", 400)
    given = dict(pairs)
    if not dashboard(request).access.accepts(given.pop(FORM_TOKEN, "")):
        return PlainTextResponse(
            "This form was not made by the running server. Load its page again, and send it from there.\n", 403
        )  # fmt: skip
    return given


def _facts(request: Request, job: Job) -> dict[str, Any]:
    """What both faces of an audit say, clean."""
    state = job.state
    name = job.run_name()
    there = name in dashboard(request).folder.names()
    return {
        "id": job.id, "state": state, "said": SAID[state], "alive": job.alive, "code": job.code,
        "model": show.clip(job.model, 200), "started": job.started.isoformat(timespec="seconds"),
        "command": show.clean(shlex.join(["plumbline", *job.command[3:]])),
        "pools": [{"what": p.what, "total": p.total, "done": p.done, "said": p.said} for p in job.pools()],
        "errors": job.errors(), "run": name if there else "",
    }  # fmt: skip
