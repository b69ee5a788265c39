"""What a run can say in a technical file under the EU's AI Act, and what only the provider can.

Headings follow Annex IV of Regulation (EU) 2024/1689 as far as it concerns testing, bias, metrics and
limitations, and Articles 10 (2) (f), (g) and 15. Words are ours, not the Regulation's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plumbline.report import licences, overview
from plumbline.report.absent import sentences
from plumbline.report.exports import limits
from plumbline.report.markdown import escape
from plumbline.report.rows import Row, counts, of_run, what_matters

if TYPE_CHECKING:
    from plumbline.audit.store import Run

FILL = "**To be filled by the provider:**"


def render(run: Run) -> str:
    """The file in Markdown; every text of the run is escaped, and no item is quoted."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    places = Environment(
        loader=PackageLoader("plumbline.report.exports", "templates"),
        # Markdown, not HTML: every value is escaped for it below.
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return places.get_template("technical_file.md.j2").render(fill=FILL, **_told(run))


def _told(run: Run) -> dict[str, Any]:
    shown = of_run(run)
    header = run.header
    return {
        "audited": escape(limits.audited(header)),
        "subject": [(escape(n), escape(v)) for n, v in overview.model_facts(header)],
        "packages": _pairs(header.get("packages", {})),
        "machine": _pairs(header.get("machine", {})),
        "counts": escape(counts(shown)),
        "first": [escape(r.sentence) for r in what_matters(shown, 5)],
        "findings": [_cells(r) for r in shown if r.status == "estimate" and r.role == "primary"],
        "groups": [_cells(r) for r in shown if r.status == "estimate" and r.role == "group"],
        "absent": [escape(s) for s in sentences(shown)],
        "limits": [escape(s) for s in limits.limits(run, shown)],
        "methods": [(escape(m), escape(how), link) for m, how, link in limits.methods(shown)],
        "margins": _pairs(header["plan"]["margins"]),
        "data": [
            tuple(map(escape, (one.title, one.licence, " ".join(one.flaws)))) for one in licences.used(shown)
        ],
        "plan_hash": escape(str(header["plan_hash"])),
        "seed": header["seed"],
        "instruments": [
            (escape(n), escape(str(i["fingerprint"]))) for n, i in header.get("instruments", {}).items()
        ],
        "canaries": [
            escape(f"{n}: {c['changed']} of {c['asked']} answers have changed since they were recorded")
            for n, c in header.get("canaries", {}).items()
        ],
    }  # fmt: skip


def _pairs(given: Mapping[str, Any]) -> str:
    return escape(", ".join(f"{name} {value}" for name, value in given.items()))


def _cells(row: Row) -> tuple[str, ...]:
    told = (
        row.about or "all items", row.metric, row.value, row.interval, row.finding["unit"], row.n,
        row.verdict or "not judged",
    )  # fmt: skip
    return tuple(map(escape, told))
