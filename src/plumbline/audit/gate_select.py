"""Which findings a gate's rules speak of, and what does not fit before it is too late to say so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from plumbline.audit.gate import Gate, Rule, like
from plumbline.core.catalog import catalog
from plumbline.core.errors import BadInput, UnknownName

Row = Mapping[str, Any]


def selected(rule: Rule, findings: Sequence[Row]) -> list[int]:
    """Places of the rule's findings in the run.

    Raises:
        UnknownName: There is no such method.
        BadInput: The run did not ask it, or no finding has the labels or the role.
    """
    places = [i for i, row in enumerate(findings) if rule.selects(row)]
    if places or rule.optional:
        return places
    named_in(rule, {row["metric"] for row in findings})
    mine = [row for row in findings if like(rule.metric, row["metric"])]
    raise BadInput(f"rule {rule.title!r} selects no finding. {_what_there_is(rule, mine)}")


def named_in(rule: Rule, metrics: Collection[str]) -> None:
    """Check that a rule's metric is among those asked.

    Raises:
        UnknownName: There is no such method.
        BadInput: There is, but it is not asked.
    """
    if rule.optional or any(like(rule.metric, name) for name in metrics):
        return
    known = set(catalog()) | set(metrics)
    if rule.metric not in known and "*" not in rule.metric:
        raise UnknownName(f"metric in rule {rule.title!r}", rule.metric, known)
    raise BadInput(
        f"rule {rule.title!r} is about {rule.metric}, which this plan does not ask; it asks "
        f"{', '.join(sorted(metrics)) or 'nothing'}. Add it to the plan, or set optional = true"
    )


def fits(
    gate: Gate, *, level: float, alpha: float, metrics: Collection[str], baseline: bool
) -> None:
    """Check a gate against a plan, before or after it was carried out.

    Args:
        gate: The rules.
        level: The plan's level of intervals.
        alpha: The plan's level of verdicts.
        metrics: Ids of the methods that are asked.
        baseline: Whether there is a run to compare with.

    Raises:
        UnknownName: A rule's metric does not exist.
        BadInput: A rule's metric is not asked, its baseline is missing, or the plan's intervals or
            verdicts are made at a laxer level than the gate's.
    """
    for rule in gate.rules:
        named_in(rule, metrics)
    if gate.compares and not baseline:
        raise BadInput(
            f"{gate.name} has a rule on regression and there is no baseline: name a stored run with "
            "--baseline RUN"
        )
    if level < 1 - gate.alpha - 1e-12 and any(r.bound or r.distance for r in gate.rules):
        raise BadInput(
            f"{gate.name} wants intervals at {1 - gate.alpha:.4g} (alpha {gate.alpha:g}), and the plan makes "
            f"them at {level:g}: set level = {1 - gate.alpha:.4g} in the plan"
        )
    if alpha > gate.alpha + 1e-12 and any(r.verdict for r in gate.rules):
        raise BadInput(
            f"{gate.name} wants verdicts at alpha {gate.alpha:g}, and the plan makes them at {alpha:g}: "
            f"set alpha = {gate.alpha:g} in the plan"
        )


def _what_there_is(rule: Rule, rows: Sequence[Row]) -> str:
    """What the metric's findings do have, for the label or the role that none of them has.

    Labels are other people's text: quoted, so that no control character reaches a terminal.
    """
    for name, wanted in rule.labels.items():
        there = sorted({str(row["labels"][name]) for row in rows if name in row["labels"]})
        if any(like(wanted, text) for text in there):
            continue
        names = sorted({key for row in rows for key in row["labels"]})
        known = f"it is one of {_quoted(there)}" if there else f"its labels are {_quoted(names)}"
        return f"No finding of {rule.metric} has {name} = {wanted!r}; {known}"
    roles = sorted({row["role"] for row in rows})
    return f"Roles of {rule.metric} are {', '.join(roles)}; no {rule.role} finding has these labels"


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(map(repr, texts)) or "none"
