"""What a run's figures do not say, in plain sentences, for every text that is passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show
from plumbline.report import overview
from plumbline.report.rows import Row, by_reason, inapplicable, unmeasured

if TYPE_CHECKING:
    from plumbline.audit.store import Run

CORRECTIONS: Mapping[str, str] = {"bh": "Benjamini and Hochberg", "holm": "Holm"}


def audited(header: Mapping[str, Any]) -> str:
    """Who was asked what, when, with what: one sentence that identifies the audit."""
    facts = "; ".join(f"{name}: {value}" for name, value in overview.model_facts(header))
    when = str(header.get("started", ""))[:10] or "an unrecorded day"
    return (
        f"{overview.title(header)} on {show.clean(when)} with plumbline {show.clean(header['plumbline'])}: "
        f"{overview.asked(header)}. {facts}."
    )


def limits(run: Run, shown: Sequence[Row]) -> list[str]:
    """Sentences on what the figures are limited to, from the run's own plan and methods."""
    plan = run.header["plan"]
    tested = [r for r in shown if r.role == "primary" and r.finding["p"] is not None]
    bare = sorted({r.metric for r in shown if r.status == "estimate" and r.mark == "none"})
    said = [
        "The figures speak about the biases, groups and items that are named here. What was not asked is unknown.",
        (
            "They belong to this model with this system prompt, template and decoding (the fingerprint): "
            "a changed model or setting needs an audit of its own."
        ),
        f"Intervals hold at {show.level(plan['level'])}. {_tests(len(tested), plan['correction'])}",
        (
            f"A verdict holds a finding against the margin that the plan states for its unit ({_margins(shown)}). "
            '"Within the margin" means no gap above that bound; "insufficient evidence" means that these data do not tell.'
        ),
    ]
    if bare:
        said.append(
            f"The error rates of {', '.join(bare)} have not been measured: there is no certificate beside them."
        )
    if gone := sum(r.status == "undefined" for r in shown):
        said.append(
            f"{gone} figures do not exist, for the reasons given; none of them counts as 0."
        )
    return said


def absent(shown: Sequence[Row]) -> list[str]:
    """What could not be measured, and why; what has one reason stands together."""
    gone = unmeasured(shown)
    said = []
    for title, reason, about in by_reason(gone):
        what = f" ({'; '.join(about)})" if about else ""
        said.append(f"{title}{what}: no number: {reason}")
    for need, rows in inapplicable(gone):
        said.append(f"{', '.join(r.title for r in rows)}: does not apply: {need}")
    return said


def _tests(count: int, correction: str) -> str:
    if not count:
        return "No finding was tested."
    how = CORRECTIONS.get(correction, show.clean(correction))
    return f"{count} primary {'finding was' if count == 1 else 'findings were'} tested, and p is corrected for that ({how})."


def _margins(shown: Sequence[Row]) -> str:
    found = {
        r.finding["unit"]: r.finding["margin"] for r in shown if r.finding["margin"] is not None
    }
    stated = [f"{unit} {show.constant(margin)}" for unit, margin in sorted(found.items())]
    return ", ".join(stated) or "none was needed"


def methods(shown: Sequence[Row]) -> list[tuple[str, str, str]]:
    """(id, title and estimand, address of the paper) of every method that was used."""
    found: dict[str, tuple[str, str, str]] = {}
    for row in shown:
        if row.status == "not_applicable" or row.metric in found:
            continue
        how = row.finding["estimand"]
        paper = row.finding["paper"]
        told = f"{row.title}: {how}" if how else row.title
        found[row.metric] = (row.metric, told, show.paper_link(paper))
    return list(found.values())
