"""A gate's outcome as text for a terminal and as Markdown for a pull request."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plumbline.report import format as show
from plumbline.report import overview
from plumbline.report.markdown import escape
from plumbline.report.rows import about_text
from plumbline.report.terminal import WIDTH

if TYPE_CHECKING:
    from rich.console import Console

    from plumbline.audit.gate_result import GateResult, Judged, RuleResult
    from plumbline.audit.gate_rules import Check

SAID: Final[Mapping[str, str]] = {
    "pass": "pass",
    "fail": "FAIL",
    "insufficient": "insufficient evidence",
    "skipped": "not measured",
}
STYLES: Final[Mapping[str, str]] = {
    "pass": "green",
    "fail": "bold red",
    "insufficient": "yellow",
    "skipped": "dim",
}
PASSES: Final = 3  # findings that pass, shown a rule; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One condition on one finding, ready to show; every text is clean of control characters."""

    rule: str
    metric: str
    outcome: str
    about: str
    measured: str
    limit: str
    why: str


def lines(result: GateResult, *, passes: int | None = PASSES) -> list[Line]:
    """What was measured and allowed, rule by rule: all that does not pass, and some of what does.

    Args:
        result: The gate's outcome.
        passes: Most passing lines a rule, with a line that counts the others; None for all.
    """
    return [line for one in result.rules for line in of_rule(one, passes=passes)]


def of_rule(one: RuleResult, *, passes: int | None = PASSES) -> list[Line]:
    """The lines of one rule."""
    title, metric = show.clip(one.rule.title, 120), show.clean(one.rule.metric)
    blank = {"rule": title, "metric": metric, "measured": "", "limit": ""}
    if not one.findings:
        why = "selects no finding, and is optional"
        return [Line(**blank, outcome="skipped", about="", why=why)]
    found = [_line(title, judged, check) for judged in one.findings for check in judged.checks]
    if passes is None:
        return found
    kept, hidden = [], 0
    for line in found:
        hidden += line.outcome == "pass"
        if line.outcome != "pass" or hidden <= passes:
            kept.append(line)
    if hidden > passes:
        kept.append(Line(**blank, outcome="pass", about="", why=f"{hidden - passes} more pass"))
    return kept


def _line(title: str, judged: Judged, check: Check) -> Line:
    row = judged.row
    return Line(
        rule=title, metric=show.clean(row["metric"]), outcome=check.outcome,
        about=show.clip(about_text(row["labels"]) or "all items", 200),
        measured=_measured(check, show.clean(row["unit"])), limit=show.clean(check.limit),
        why=show.clip(check.why, 400),
    )  # fmt: skip


def _measured(check: Check, unit: str) -> str:
    if check.said or check.value is None:
        return show.clean(check.said)
    if check.condition == "p":
        return f"p {show.p_value(check.value)}"
    places = show.decimals(check.low, check.high)
    text = show.number(check.value, places=places)
    if check.low is not None:
        text += f" ({show.interval(check.low, check.high)})"
    return show.with_unit(text, unit)


def head(result: GateResult) -> str:
    """`Gate gate.toml: FAIL. 1 of 3 rules fails, ...` in one line."""
    counted = [
        f"{sum(r.outcome == outcome for r in result.rules)} {word.lower()}"
        for outcome, word in SAID.items()
        if any(r.outcome == outcome for r in result.rules)
    ]
    name = show.clip(result.gate.name, 80)
    return f"Gate {name}: {SAID[result.outcome]}. Rules: {', '.join(counted)}."


def footnote(result: GateResult) -> str:
    """What was corrected, and what `insufficient evidence` is not."""
    parts = []
    if result.family:
        tests = "1 test" if result.family == 1 else f"{result.family} tests"
        parts.append(f"{tests} of this gate, corrected by Holm at {result.gate.alpha:g}.")
    if result.outcome == "insufficient":
        parts.append("Insufficient evidence is not a pass: the items do not show either side.")
    return " ".join(parts)


def plain_text(result: GateResult) -> str:
    """The whole outcome as plain text without control sequences."""
    from rich.console import Console

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, force_terminal=False)
    print_gate(result, console)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def print_gate(result: GateResult, console: Console) -> None:
    """Print head, table and footnote; no markup in any cell is interpreted."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text(head(result), style=STYLES[result.outcome]))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    table.add_column("outcome", width=12, overflow="fold")
    table.add_column("rule", ratio=2, overflow="fold")
    table.add_column("of what, toward what", ratio=2, overflow="fold")
    table.add_column("measured", ratio=2, overflow="fold")
    table.add_column("allowed", ratio=2, overflow="fold")
    table.add_column("why", ratio=3, overflow="fold")
    for line, rule in _once(lines(result)):
        cells = (rule, line.about, line.measured, line.limit, line.why)
        outcome = Text(SAID[line.outcome], style=STYLES[line.outcome])
        table.add_row(outcome, *map(Text, cells))
    console.print(table)
    if said := footnote(result):
        console.print(Text(said))


def _once(shown: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    """Each line with its rule's title, which is said at the rule's first line only."""
    before = None
    for line in shown:
        yield line, "" if line.rule == before else line.rule
        before = line.rule


def markdown(result: GateResult) -> str:
    """The summary for a pull request; everything that Markdown could take for markup is escaped."""
    facts = [f"{name}: {value}" for name, value in overview.model_facts(result.run)]
    rows = [
        (
            f"**{SAID[line.outcome]}**" if line.outcome != "pass" else "pass",
            *map(escape, (rule, line.about, line.measured, line.limit, line.why)),
        )
        for line, rule in _once(lines(result))
    ]
    top = ("outcome", "rule", "of what, toward what", "measured", "allowed", "why")
    table = [top, tuple("---" for _ in top), *rows]
    parts = [
        f"## {escape(head(result))}",
        escape(
            "; ".join([*facts, f"plan {result.run['plan_hash']}", f"seed {result.run['seed']}"])
        ),
        "\n".join(f"| {' | '.join(cells)} |" for cells in table),
        escape(footnote(result)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
