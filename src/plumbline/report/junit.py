"""A gate's outcome as JUnit XML, which every continuous-integration server can read.

One suite a gate, one case a rule. `fail` and `insufficient evidence` are both failures, told apart by
their type; a rule that was not measured, and says that this is well, is a skipped case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from plumbline.report import format as show
from plumbline.report.gate import SAID, Line, footnote, head, of_rule

if TYPE_CHECKING:
    from plumbline.audit.gate_result import GateResult, RuleResult

# Outcomes that are failures, and their type.
_FAILURES: Final[Mapping[str, str]] = {"fail": "fail", "insufficient": "insufficient evidence"}


def render(result: GateResult) -> str:
    """The document as text; it is well-formed whatever a model, a label or a file name holds."""
    failed = sum(r.outcome in _FAILURES for r in result.rules)
    skipped = sum(r.outcome == "skipped" for r in result.rules)
    counts = {"tests": str(len(result.rules)), "failures": str(failed), "errors": "0"}
    seconds = f"{float(result.run['seconds']):.3f}"
    top = Element("testsuites", {"name": "plumbline gate", **counts, "time": seconds})
    suite = SubElement(
        top, "testsuite",
        {
            "name": _text(result.gate.name), **counts, "skipped": str(skipped), "time": seconds,
            "timestamp": _text(result.run["started"])[:19],
        },
    )  # fmt: skip
    properties = SubElement(suite, "properties")
    for name, value in _facts(result):
        SubElement(properties, "property", {"name": name, "value": _text(value)})
    for number, one in enumerate(result.rules, start=1):
        _case(suite, one, number)
    indent(top)
    document: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return document.decode("utf-8") + "\n"


def _facts(result: GateResult) -> list[tuple[str, object]]:
    subject, plan = result.run["subject"], result.run["plan"]
    facts: list[tuple[str, object]] = [
        ("plumbline.version", result.run["plumbline"]),
        ("plumbline.model", subject["model"]),
        ("plumbline.fingerprint", subject["fingerprint"]),
        ("plumbline.plan", result.run["plan_hash"]),
        ("plumbline.suite", plan["suite"]),
        ("plumbline.seed", result.run["seed"]),
        ("plumbline.gate.alpha", f"{result.gate.alpha:g}"),
        ("plumbline.gate.tests", result.family),
        ("plumbline.outcome", SAID[result.outcome]),
        ("plumbline.summary", f"{head(result)} {footnote(result)}".strip()),
    ]
    if result.baseline is not None:
        facts.append(("plumbline.baseline", result.baseline["subject"]["fingerprint"]))
    return facts


def _case(suite: Element, one: RuleResult, number: int) -> None:
    """A case's name begins with the rule's number: servers tell cases apart by class and name."""
    about = {"classname": _text(one.rule.metric), "name": _text(f"{number}. {one.rule.title}")}
    case = SubElement(suite, "testcase", {**about, "time": "0.000"})
    # What made the outcome comes first, since readers cut long texts at their end.
    shown = sorted(of_rule(one, passes=None), key=lambda line: line.outcome != one.outcome)
    text = "\n".join(map(_said, shown))
    if one.outcome == "pass":
        SubElement(case, "system-out").text = _text(text, lines=True)
        return
    message = _text(f"{shown[0].about}: {shown[0].why}".lstrip(": "))
    if one.outcome == "skipped":
        # As text: the older of Jenkins' two schemas knows no attribute here.
        SubElement(case, "skipped").text = message
        return
    failure = SubElement(case, "failure", {"type": _FAILURES[one.outcome], "message": message})
    failure.text = _text(text, lines=True)


def _said(line: Line) -> str:
    measured = f"{line.measured}; " if line.measured else ""
    limit = f" (allowed: {line.limit})" if line.limit else ""
    return f"{SAID[line.outcome]}: {line.metric}, {line.about}: {measured}{line.why}{limit}"


def _text(value: object, *, lines: bool = False) -> str:
    """Text without what XML 1.0 cannot hold: control characters, surrogates, and two non-characters."""
    plain = show.clean(value, lines=lines)
    return "".join("\N{REPLACEMENT CHARACTER}" if c in "\ufffe\uffff" else c for c in plain)
