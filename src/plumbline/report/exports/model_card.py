"""A section of a Hugging Face model card: what leans, what does not tell, what could not be measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.core.errors import BadInput, StoreError
from plumbline.report.exports import limits, model_index, readme
from plumbline.report.exports.forms import Exported, written
from plumbline.report.markdown import escape
from plumbline.report.rows import Row, counts, of_run, what_matters

if TYPE_CHECKING:
    from plumbline.audit.store import Run

HEADING = "Bias audit"
FIRST = 5  # findings told as sentences; the table has all primary ones


def export(
    run: Run, *, path: Path | None = None, into: Path | str | None = None, name: str = ""
) -> Exported:
    """The card, or the README with the section and the metadata in it.

    Args:
        run: The run.
        path: File for a card of its own.
        into: A README to change; it is made where there is none.
        name: The model's name in the metadata; by default the run's.

    Raises:
        BadInput: Both `path` and `into`, or a README that cannot be changed safely.
    """
    entry = model_index.entry(run, name=name)
    if into is None:
        return written(readme.merge("", section(run), entry), path)
    if path is not None:
        raise BadInput(f"--into {into} changes that file in place; leave out --out {path}")
    target = Path(into)
    return written(readme.merge(_read(target), section(run), entry), target)


def _read(path: Path) -> str:
    if not path.exists():
        return ""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read as UTF-8 text: {error}") from error


def section(run: Run) -> str:
    """The section in Markdown; it quotes no item and no answer."""
    shown = of_run(run)
    primary = [r for r in shown if r.role == "primary" and r.status == "estimate"]
    lines = [f"## {HEADING}", "", escape(limits.audited(run.header)), ""]
    lines += [f"Primary findings: {escape(counts(shown))}.", ""]
    lines += _list([r.sentence for r in what_matters(shown, FIRST)])
    if primary:
        lines += _heading("All primary findings"), "", *_table(primary), ""
    if absent := limits.absent(shown):
        lines += _heading("What could not be measured"), "", *_list(absent)
    lines += _heading("Limits"), "", *_list(limits.limits(run, shown))
    lines += _heading("How it was measured"), "", *_methods(shown)
    return "\n".join(lines).rstrip() + "\n"


def _heading(words: str) -> str:
    return f"### {words}"


def _list(sentences: Sequence[str]) -> list[str]:
    return [*(f"- {escape(s)}" for s in sentences), ""] if sentences else []


def _table(rows: Sequence[Row]) -> list[str]:
    head = ("verdict", "method", "of what, toward what", "value", "interval", "unit", "n", "p")
    lines = [head, ("---",) * len(head)]
    for row in rows:
        cells = (
            row.verdict or "not judged", row.metric, row.about or "all items", row.value,
            row.interval, row.finding["unit"], row.n, row.p or "no test",
        )  # fmt: skip
        lines.append(tuple(map(escape, cells)))
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _methods(shown: Sequence[Row]) -> list[str]:
    told = []
    for metric, how, link in limits.methods(shown):
        paper = f" ([paper]({link}))" if link else ""
        told.append(f"- `{metric.replace('`', '')}`: {escape(how)}{paper}")
    return told
