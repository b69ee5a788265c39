"""`plumbline gate`: hold a stored run against rules, and say so to people and to machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbline.cli.options import gate_outputs
from plumbline.core.json_text import written

if TYPE_CHECKING:
    from plumbline.audit.gate_result import GateResult

HELP = """Hold a stored run against the rules of a gate file.

Every rule names findings and what must hold for them: limits of the estimate or of the whole interval,
a test, a verdict, or no regression since a baseline. The gate fails if a rule fails; where the items
show neither side, the evidence is insufficient, and that is not a pass.

\b
Exit codes
  0   pass
  1   fail
  2   an error: a wrong gate file, a run that cannot be read
  3   insufficient evidence

\b
Examples
  plumbline gate plumbline-runs/RUN gate.toml
  plumbline gate plumbline-runs/RUN gate.toml --baseline plumbline-runs/RUN-OF-LAST-MONTH
  plumbline gate plumbline-runs/RUN gate.toml --junit gate.xml --summary gate.md
"""


@click.command(
    "gate", help=HELP, short_help="Hold a run against rules: pass, fail or not enough evidence."
)
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("rules", metavar="GATE", type=click.Path(path_type=Path, dir_okay=False))
@gate_outputs
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    *, run_folder: Path, rules: Path, baseline: Path | None, junit: Path | None,
    summary: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Judge the run and leave with the outcome's exit code."""
    from plumbline.audit import api

    result = api.gate(run_folder, rules, baseline=baseline)
    note_baseline(result)
    if as_json:
        click.echo(written(result.document(), allow_nan=False))
    else:
        print_outcome(result)
    write_outcome(result, junit, summary)
    return result.exit_code


def print_outcome(result: GateResult) -> None:
    """The table, with colours where somebody looks at it."""
    from plumbline.report.gate import plain_text, print_gate

    if sys.stdout.isatty():
        from rich.console import Console

        print_gate(result, Console())
    else:
        click.echo(plain_text(result))


def write_outcome(result: GateResult, junit: Path | None, summary: Path | None) -> None:
    """Write the files that were asked for, and say where they are."""
    from plumbline.report import gate as face
    from plumbline.report import junit as xml
    from plumbline.report.files import write_text

    if junit is not None:
        click.echo(write_text(junit, xml.render(result), option="--junit"), err=True)
    if summary is not None:
        click.echo(write_text(summary, face.markdown(result), option="--summary"), err=True)


def note_baseline(result: GateResult) -> None:
    """Say so where a baseline was named and no rule looks at it."""
    if result.baseline is not None and not result.gate.compares:
        click.echo(f"--baseline: no rule of {result.gate.name} is on regression", err=True)
