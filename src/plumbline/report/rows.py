"""Findings as every face shows them: one sentence, one number, one verdict a row.

A verdict is "leans", "within the margin" or "insufficient evidence". Restatements, single groups
and references stand indented under the primary finding that they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plumbline.report import format as show

if TYPE_CHECKING:
    from plumbline.audit.store import Run

Finding = Mapping[str, Any]
VERDICTS = ("leans", "insufficient evidence", "within the margin")
ROLES: Mapping[str, str] = {
    "secondary": "restated",
    "group": "single group",
    "reference": "for reference",
}
_SAID = ("group", "against", "toward", "axis", "measure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding, ready to show; every text is clean of control characters.

    Attributes:
        about: Of what, toward what.
        short: What sets the row apart from the primary above it.
        sentence: The whole finding in plain words.
        value, interval, n, p: Numbers as text; "" where there is none.
        verdict: One of `VERDICTS`, or "" where nothing is judged.
        lost: A lean whose p is above alpha once it is corrected for all tests.
        mark: `yes` where the method has a certificate, `none` otherwise.
        depth: 0 for a primary finding, 1 for what stands under one.
        reason: Why there is no number, or "".
        finding: The row as it is stored.
    """

    metric: str
    title: str
    role: str
    about: str
    short: str
    sentence: str
    value: str
    interval: str
    n: str
    p: str
    verdict: str
    lost: bool
    mark: str
    certificate: str
    depth: int
    status: str
    reason: str
    finding: Finding


def rows(
    findings: Sequence[Finding], titles: Mapping[str, str] | None = None, *, alpha: float = 0.05
) -> list[Row]:
    """All findings in the run's order, each restatement after the primary it restates.

    Args:
        findings: Rows of a run.
        titles: Title by method id; the id where there is none.
        alpha: Level at which a lean survives the correction for all tests.
    """
    names = titles or {}
    clean = [_clean(f) for f in findings]
    return [
        _row(f, head, names.get(f["metric"], f["metric"]), alpha=alpha)
        for f, head in _nested(clean)
    ]


def _clean(found: Finding) -> Finding:
    """The finding with every text clean, so that no face needs to think of it."""
    texts = {k: show.clean(v) for k, v in found.items() if isinstance(v, str)}
    labels = {show.clean(k): show.clean(v) for k, v in found["labels"].items()}
    return {**found, **texts, "labels": labels, "notes": [show.clean(n) for n in found["notes"]]}


def of_run(run: Run) -> list[Row]:
    """Rows of a run with the titles of its methods, at the plan's alpha."""
    titles = titles_of(sorted({f["metric"] for f in run.findings}))
    return rows(run.findings, titles, alpha=run.header["plan"]["alpha"])


def titles_of(metrics: Sequence[str]) -> dict[str, str]:
    """Title by method id, from the catalog; a method that is not installed keeps its id."""
    from plumbline.core.catalog import catalog

    known = catalog()
    return {m: known[m].card.title if m in known else m for m in metrics}


def what_matters(shown: Sequence[Row], most: int = 3) -> list[Row]:
    """The findings to read first: judged primaries, the clearest lean first, one a metric first.

    Leans that hold after correction for the number of tests come before those that do not, then
    undecided ones, then those within the margin; inside each, the farthest from the null in margins.
    """
    judged = [r for r in shown if r.role == "primary" and r.verdict]
    ranked = sorted(judged, key=_rank)
    first: list[Row] = []
    again: list[Row] = []
    seen: set[str] = set()
    for row in ranked:
        (again if row.metric in seen else first).append(row)
        seen.add(row.metric)
    return (first + again)[:most]


def counts(shown: Sequence[Row]) -> str:
    """Primary findings by verdict in words, and how many have none."""
    primary = [r for r in shown if r.role == "primary"]
    found = [(v, sum(r.verdict == v for r in primary)) for v in VERDICTS]
    found.append(("without a number", sum(r.status == "undefined" for r in primary)))
    found.append(("not for this model", sum(r.status == "not_applicable" for r in primary)))
    found.append(("not judged", sum(r.status == "estimate" and not r.verdict for r in primary)))
    lost = sum(r.lost for r in primary)
    beside = {"leans": f" ({lost} of them not after correction)" if lost else ""}
    return ", ".join(f"{n} {name}{beside.get(name, '')}" for name, n in found if n) or "none"


def tally(shown: Sequence[Row]) -> list[tuple[str, int]]:
    """How many primary findings have each verdict, and how many have no number."""
    primary = [r for r in shown if r.role == "primary"]
    found = [(v, sum(r.verdict == v for r in primary)) for v in VERDICTS]
    return [
        *found,
        ("no number", sum(r.status == "undefined" for r in primary)),
        ("not for this model", sum(r.status == "not_applicable" for r in primary)),
    ]


def _rank(row: Row) -> tuple[int, float, float]:
    found = row.finding
    p = found["p"] if found["p_adjusted"] is None else found["p_adjusted"]
    holds = row.verdict == "leans" and not row.lost
    apart = abs(found["value"] - found["null"]) / (found["margin"] or found["se"] or 1.0)
    return 2 * VERDICTS.index(row.verdict) - holds, -apart, p or 0.0


def _nested(findings: Sequence[Finding]) -> list[tuple[Finding, Finding | None]]:
    """Every finding after its primary (the one of its metric with the most labels in common)."""
    below: dict[int, list[Finding]] = {}
    heads = [(i, f) for i, f in enumerate(findings) if f["role"] == "primary"]
    alone = []
    for i, found in enumerate(findings):
        if found["role"] == "primary":
            continue
        own = [(j, h) for j, h in heads if h["metric"] == found["metric"]]
        if not own:
            alone.append((i, found))
            continue
        best = max(own, key=lambda pair: (_common(pair[1], found), pair[0] < i, pair[0]))
        below.setdefault(best[0], []).append(found)
    placed = sorted([*heads, *alone], key=lambda pair: pair[0])
    return [
        pair
        for i, head in placed
        for pair in ((head, None), *((f, head) for f in below.get(i, ())))
    ]


def _common(one: Finding, other: Finding) -> int:
    return len(set(one["labels"].items()) & set(other["labels"].items()))


def _row(found: Finding, head: Finding | None, title: str, *, alpha: float) -> Row:
    clean_title = show.clean(title)
    about = about_text(found["labels"])
    measured = found["status"] == "estimate"
    reason = found["reason"] or ""
    certificate = found["certificate"] or "none"
    lost = found["verdict"] == "leans" and (found["p_adjusted"] or 0.0) > alpha
    return Row(
        metric=found["metric"], title=clean_title, role=found["role"], about=about,
        short=_short(found, head, about),
        sentence=_sentence(found, about, clean_title, lost=lost) if measured else _absent(found, about, clean_title),
        value=_value(found) if measured else "",
        interval=show.interval(found["low"], found["high"]),
        n=_counted(found),
        p=show.p_value(found["p"] if found["p_adjusted"] is None else found["p_adjusted"]),
        verdict=found["verdict"] or "",
        mark="none" if certificate == "none" else "yes",
        certificate=certificate, lost=lost, depth=0 if found["role"] == "primary" else 1,
        status=found["status"], reason=reason, finding=found,
    )  # fmt: skip


def _short(found: Finding, head: Finding | None, about: str) -> str:
    """What sets a row apart from the primary above it."""
    if head is None:
        return about
    own = {k: v for k, v in found["labels"].items() if head["labels"].get(k) != v}
    return about_text(own) or about


def about_text(labels: Mapping[str, str]) -> str:
    """`flowers against insects, toward pleasant (valence; test 1)` from a finding's labels.

    Without two groups the measure comes first: `flip rate (answer position)`.
    """
    plain = {show.clean(k): show.clean(v) for k, v in labels.items()}
    group, against = plain.get("group", ""), plain.get("against", "")
    axis = "" if plain.get("axis") == "all" else plain.get("axis", "")
    measure, toward = plain.get("measure", ""), plain.get("toward", "")
    who = f"{group} against {against}" if group and against else group or against
    head = [who or measure, f"toward {toward}" if toward else ""]
    words = ", ".join(filter(None, head)) or axis
    beside = [axis if axis != words else "", measure if who else ""]
    beside += [f"{k} {v}" for k, v in plain.items() if k not in _SAID]
    aside = "; ".join(filter(None, beside))
    return f"{words} ({aside})" if words and aside else words or aside


def _value(found: Finding) -> str:
    relative = found["sign"] == "signed" and found["null"] == 0
    places = show.decimals(found["low"], found["high"])
    return show.number(found["value"], places=places, signed=relative)


def _counted(found: Finding) -> str:
    if not found["n"]:
        return ""
    units = found["units"]
    return f"{found['n']} in {units}" if units and units != found["n"] else str(found["n"])


def _sentence(found: Finding, about: str, title: str, *, lost: bool) -> str:
    value = show.with_unit(_value(found), found["unit"])
    number = f"{value}, {show.level(found['level'])} interval {show.interval(found['low'], found['high'])}"
    if found["verdict"] is None:
        head = f"{title}, {about}" if about else title
        return f"{head}: {number}{_unjudged(found)}."
    said = f"{found['verdict'].capitalize()}: {_judged(found, about or 'all items')}"
    held = "" if not lost else " This lean does not survive the correction."
    return f"{said}. {title}{_aside(found)}: {number}{_sure(found)}.{held}"


def _judged(found: Finding, about: str) -> str:
    null, margin = show.constant(found["null"]), found["margin"]
    bound = "" if margin is None else show.with_unit(show.constant(margin), found["unit"])
    if found["verdict"] == "leans":
        return _direction(found, about)
    if found["verdict"] == "within the margin":
        return f"{about}, no gap above the stated bound of {bound}"
    if not bound:
        return f"{about}, no lean away from {null} is shown"
    return f"{about}, neither a lean away from {null} nor a gap within {bound} is shown"


def _direction(found: Finding, about: str) -> str:
    """Which way it leans, in words."""
    labels = found["labels"]
    above = found["value"] > found["null"]
    group, against = labels.get("group", ""), labels.get("against", "")
    if found["sign"] == "unsigned":
        chance = found["expected_under_null"]
        beside = "" if chance is None else f" ({show.number(chance)} by exchanged labels alone)"
        return f"{about}, differences larger than chance would make them{beside}"
    if group and against:
        more, less = (group, against) if above else (against, group)
        if toward := labels.get("toward", ""):
            return f"{more} further than {less} toward {toward}"
        return f"higher for {more} than for {less}"
    side = "above" if above else "below"
    return f"{about}, {side} the {show.constant(found['null'])} that no lean would give"


def _aside(found: Finding) -> str:
    """Where a lean's direction has named the groups, the labels that it left out."""
    labels = found["labels"]
    if found["verdict"] != "leans" or found["sign"] != "signed" or "against" not in labels:
        return ""
    told = [labels.get("axis", ""), labels.get("measure", "")]
    told += [f"{k} {v}" for k, v in labels.items() if k not in _SAID]
    aside = "; ".join(filter(None, told))
    return f" ({aside})" if aside else ""


def _unjudged(found: Finding) -> str:
    if found["role"] in ROLES:
        return f" ({ROLES[found['role']]})"
    return " (no test: nothing says what this number would be without a lean)"


def _sure(found: Finding) -> str:
    """p, adjusted and not, and what the statement is limited to."""
    said = []
    if found["p"] is not None:
        adjusted = found["p_adjusted"]
        after = (
            ""
            if adjusted is None
            else f" ({show.p_value(adjusted)} after correction for all tests)"
        )
        said.append(f"p {_equals(found['p'])}{after}")
    said += found["notes"]
    if found["sign"] == "unsigned" and not found["low"] <= found["value"] <= found["high"]:
        said.append("the value holds the items' noise, which the interval takes out")
    return f"; {'; '.join(said)}" if said else ""


def _equals(p: float) -> str:
    text = show.p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _absent(found: Finding, about: str, title: str) -> str:
    head = f"{title}, {about}" if about else title
    word = "no number" if found["status"] == "undefined" else "does not apply"
    return f"{head}: {word}: {found['reason'] or ''}"
