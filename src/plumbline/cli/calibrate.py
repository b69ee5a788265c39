"""`plumbline calibrate`: what a method's inference does where the truth is known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from plumbline.core.json_text import written

HELP = """Measure a method's false alarms, coverage, power and smallest detectable effect.

Scored items are simulated at the method's design, with nothing planted and along a dial, and go
through the same inference as an audit's. `--all` does every method that has a simulator.
With `--on RUN`, placebos on the real answers of a stored run instead: group labels permuted
within units, and one group's names split in two; a sound method finds nothing in them.

\b
Examples
  plumbline calibrate weat --runs 500
  plumbline calibrate --all --out certificates
  plumbline calibrate template_gap --on plumbline-runs/RUN --runs 200
"""


@click.command(
    "calibrate", help=HELP, short_help="Measure a method's false alarms, coverage and power."
)
@click.argument("method_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every method that can be calibrated.")
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Simulations with nothing planted.",
)
@click.option(
    "--dial-runs",
    type=click.IntRange(min=1),
    help="Simulations at each planted dial.  [default: as --runs]",
)
@click.option("--seed", type=int, default=20260, show_default=True, help="Seed of the simulations.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    help="Processes.  [default: all cores]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for one certificate file a method."
)
@click.option(
    "--on",
    "run_folder",
    type=click.Path(path_type=Path),
    help="A stored run: placebos on its items.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    *,
    method_id: str | None,
    everything: bool,
    as_json: bool,
    out: Path | None,
    run_folder: Path | None,
    **given: Any,
) -> None:
    """Calibrate one method or all."""
    from plumbline.audit import api
    from plumbline.audit.calibrate import calibratable

    if (method_id is None) == (not everything):
        raise click.UsageError("name one method, or give --all")
    if run_folder is not None:
        _placebos(run_folder, method_id, as_json=as_json, runs=given["runs"], seed=given["seed"])
        return
    names = calibratable() if everything else [str(method_id)]
    found = {}
    for name in names:
        click.echo(f"calibrating {name}", err=True)
        found[name] = api.calibrate(name, **given)
        if out is not None:
            _write(out, name, found[name])
        if not as_json:
            click.echo(_text(name, found[name]))
    if as_json:
        click.echo(written(found if everything else found[names[0]]))


def _placebos(folder: Path, method_id: str | None, *, as_json: bool, runs: int, seed: int) -> None:
    from plumbline.audit.placebo import placebo
    from plumbline.audit.store import load

    if method_id is None:
        raise click.UsageError("--on takes one method: plumbline calibrate ID --on RUN")
    rows = placebo(load(folder), method_id, runs=min(runs, 1000), seed=seed)
    if as_json:
        click.echo(written(rows))
        return
    for row in rows:
        click.echo(
            f"{method_id}, {row['placebo']}: {row['alarms']} of {row['of']} alarms at 5%, "
            f"{row['rate']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
        )


def _write(out: Path, name: str, certificate: Mapping[str, Any]) -> None:
    from plumbline.report.files import write_text

    text = written(certificate, indent=1, allow_nan=False)
    write_text(out / f"{name.replace('/', '--')}.json", f"{text}\n")


def _text(name: str, certificate: Mapping[str, Any]) -> str:
    from plumbline.report.certificate import lines

    return "\n".join((name, *(f"  {key:<26} {value}" for key, value in lines(certificate))))
