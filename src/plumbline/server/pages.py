"""From what a page shows to a reply: templates that escape everything, and what all pages share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse

from plumbline.core.errors import BadInput
from plumbline.report import format as show
from plumbline.server.comparisons import Comparisons
from plumbline.server.folder import RunFolder
from plumbline.server.guard import Access
from plumbline.server.jobs import Jobs
from plumbline.server.paging import address
from plumbline.server.summaries import Shelf

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_QUERY = 2000  # characters of one value of an address


@dataclass
class Dashboard:
    """What all pages of one server share."""

    folder: RunFolder
    access: Access
    shelf: Shelf = field(init=False)
    jobs: Jobs = field(default_factory=Jobs)
    comparisons: Comparisons = field(default_factory=Comparisons)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.folder)


def dashboard(request: Request) -> Dashboard:
    """The dashboard that a request was sent to."""
    found: Dashboard = request.app.state.dashboard
    return found


def asked(request: Request, *names: str) -> dict[str, str]:
    """Values of the address by name, "" where one is not given.

    Raises:
        BadInput: A value is longer than any that a page of this server makes.
    """
    found = {name: request.query_params.get(name, "") for name in names}
    for name, value in found.items():
        if len(value) > LONGEST_QUERY:
            raise BadInput(f"{name} has {len(value)} characters; at most {LONGEST_QUERY} are read")
    return found


def render(
    request: Request, template: str, context: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """A page."""
    made = dashboard(request)
    page = environment().get_template(template).render(
        **context, folder=show.clip(made.folder.path, 200), here=request.url.path,
        form_token=made.access.form_token,
    )  # fmt: skip
    # Lone surrogates of broken input become "?", as in the report.
    return HTMLResponse(page.encode("utf-8", "replace"), status)


@cache
def environment() -> Environment:
    """Templates of this package; a name that a template misses is an error, not an empty string."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("plumbline.server", "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "clean": show.clean, "clip": show.clip, "number": show.number, "part": part, "moment": moment,
        "pairs": pairs,
    }  # fmt: skip
    made.globals |= {
        "address": address, "interval": show.interval, "p_value": show.p_value, "tone": tone,
        "decimals": show.decimals, "with_unit": show.with_unit,
    }  # fmt: skip
    return made


def part(text: str) -> str:
    """A name as one part of a path, whatever is in it."""
    return quote(text, safe="", errors="surrogateescape")


def pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    """Values that are their own names."""
    return [(v, v) for v in values]


def moment(text: str) -> str:
    """`2026-11-23 06:00` of a time as it is recorded (UTC)."""
    return show.clean(text[:16].replace("T", " "))


def tone(verdict: str) -> str:
    """The class of a verdict's colour."""
    return {"leans": "leans", "within the margin": "within"}.get(verdict, "open")
