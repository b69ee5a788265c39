"""`plumbline audit`: measure a model, print the table, write the report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plumbline.cli.gate import note_baseline, print_outcome, write_outcome
from plumbline.cli.options import (
    MODEL_FORMS,
    RUNS,
    engine_given,
    engine_options,
    gate_outputs,
    look_ahead,
    model_of,
    model_options,
    plan_fields,
    plan_options,
)
from plumbline.core.json_text import written
from plumbline.report.format import clip

if TYPE_CHECKING:
    from plumbline.audit.gate import Gate
    from plumbline.audit.gate_result import GateResult
    from plumbline.audit.store import Run

HELP = f"""Measure a model: findings with intervals, tests and verdicts.

{MODEL_FORMS}

A verdict compares a finding with the margin of its unit: "leans", "within the margin" or
"insufficient evidence". The run's directory holds every number, item and answer; the report in it
is one HTML file. Answers are cached: a run that was stopped goes on where it was.

\b
Examples
  plumbline audit demo --suite quick
  plumbline audit hf:./my-model --metrics crows_pairs,stereoset --seed 3
  plumbline audit openai:my-model@http://localhost:8000/v1 --system "Be brief." --max-requests 500
  plumbline audit table:loans.csv --set groups='["sex"]'
  plumbline audit hf:/shared/my-model --engine ray --ray-address auto --workers 8 --gpus-per-worker 1
  plumbline audit demo --plan plan.toml --fail-on leans --json > run.json
  plumbline audit hf:./my-model --gate gate.toml --baseline plumbline-runs/RELEASED --junit gate.xml
"""


@click.command(
    "audit", help=HELP, short_help="Measure a model: findings with intervals and verdicts."
)
@click.argument("model", required=False)
@plan_options
@model_options
@engine_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=RUNS,
    show_default=True,
    help="Folder of runs.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document: the run's header and its findings.",
)
@click.option(
    "--fail-on", type=click.Choice(["leans"]),
    help="Exit with 1 if a primary finding leans after correction for all tests (gates: --correction holm).",
)  # fmt: skip
@click.option(
    "--gate", "rules", type=click.Path(path_type=Path, dir_okay=False),
    help="Hold the run against the rules of this file; exit with 0 pass, 1 fail, 3 insufficient evidence.",
)  # fmt: skip
@gate_outputs
def command(
    *, model: str | None, out: Path, as_json: bool, fail_on: str | None, rules: Path | None,
    **given: Any,
) -> int:  # fmt: skip
    """Carry out the audit."""
    from plumbline.audit import api
    from plumbline.cli.watch import watching
    from plumbline.report import html

    subject = model_of(model, given["file"])
    fields, engine = plan_fields(given), engine_given(given)
    look_ahead(subject, fields, out)
    gate, baseline = _gate(subject, fields, rules, given)
    click.echo(f"opening {clip(subject, 200)}{' on a Ray cluster' if engine else ''}", err=True)
    with watching() as progress:
        run = api.audit(subject, out=out, progress=progress, **engine, **fields)
    if not as_json:
        print_summary(run)
    # After the summary: where there is no room for the report, the numbers have been shown.
    page = html.write(run, (run.folder or out) / "report.html")
    click.echo(f"\nreport     {page}\nrun        {run.folder}", err=as_json)
    _unknown_margins(run, given["margins"])
    result = None if gate is None else api.gate(run, gate, baseline=baseline)
    _print(run, result, as_json=as_json)
    failed = int(fail_on is not None and leaning(run))
    if result is None:
        return failed
    write_outcome(result, given["junit"], given["summary"])
    return failed or result.exit_code


def _gate(
    subject: str, fields: Mapping[str, Any], rules: Path | None, given: Mapping[str, Any]
) -> tuple[Gate | None, Run | None]:
    """The gate and its baseline, checked against the plan before a model is loaded."""
    from plumbline.audit import api
    from plumbline.audit.gate_file import read_gate
    from plumbline.audit.gate_select import fits
    from plumbline.audit.resolve import chosen

    if rules is None:
        for name in ("baseline", "junit", "summary"):
            if given[name] is not None:
                raise click.UsageError(f"--{name} speaks of a gate: name its file with --gate")
        return None, None
    gate, plan = read_gate(rules), api.plan(subject, **fields)
    baseline = None if given["baseline"] is None else api.load_run(given["baseline"])
    fits(
        gate, level=plan.level, alpha=plan.alpha, metrics={e.id for e in chosen(plan)},
        baseline=baseline is not None,
    )  # fmt: skip
    return gate, baseline


def _print(run: Run, result: GateResult | None, *, as_json: bool) -> None:
    """The gate's outcome below the run's own lines, or everything as one JSON document."""
    document = run.document()
    if result is not None:
        note_baseline(result)
        document["gate"] = result.document()
    if as_json:
        click.echo(written(document, allow_nan=False))
    elif result is not None:
        click.echo()
        print_outcome(result)


def leaning(run: Run) -> bool:
    """Whether a primary finding leans and its corrected p is at most alpha."""
    alpha = run.header["plan"]["alpha"]
    return any(
        f["role"] == "primary" and f["verdict"] == "leans"
        and f["p_adjusted"] is not None and f["p_adjusted"] <= alpha
        for f in run.findings
    )  # fmt: skip


def print_summary(run: Run) -> None:
    """The table, with colours where somebody looks at it."""
    from plumbline.report.terminal import plain_table, print_run

    if sys.stdout.isatty():
        from rich.console import Console

        print_run(run, Console())
    else:
        click.echo(plain_table(run))


def _unknown_margins(run: Run, margins: tuple[tuple[str, float], ...]) -> None:
    units = {f["unit"] for f in run.findings}
    for unit, _ in margins:
        if unit not in units:
            click.echo(
                f"--margin {unit}: no finding of this run is measured in that unit; "
                f"its units: {', '.join(sorted(units)) or 'none'}",
                err=True,
            )
