"""`plumbline validate`: human labels for an instrument, blinded, and what they say about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plumbline.core.json_text import written

if TYPE_CHECKING:
    from plumbline.audit.validate import Validation

HELP = """Check an instrument (a toxicity classifier, a sentiment lexicon) against human labels.

`export` writes a blinded sample of answers: no scores, no groups, in random order. People fill the
column "label" with yes or no. `import` says how well the instrument agrees with them, by group,
and corrects the run's rates for its errors (Rogan & Gladen).

\b
Examples
  plumbline validate export RUN --metric counterfactual_toxicity --out sample.csv --n 100
  plumbline validate import RUN sample.csv
"""


@click.group("validate", help=HELP, short_help="Check an instrument against human labels.")
def command() -> None:
    """Two small verbs."""


@command.command("export", help="Write a blinded sample of a run's answers for human labels.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A .csv or .jsonl file.",
)
@click.option(
    "--metric", metavar="ID", help="Whose items; may be left out where only one metric has texts."
)
@click.option(
    "--n", "size", type=click.IntRange(min=1), default=50, show_default=True, help="How many."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draw.")
@click.option("--prompts", is_flag=True, help="Show the prompts too. They may name the group.")
def export_sample(*, run_folder: Path, out: Path, size: int, **given: Any) -> None:
    """Write the sample; its key stays in the run's directory."""
    from plumbline.audit import api
    from plumbline.audit.validate import export

    rows = export(api.load_run(run_folder), out, n=size, **given)
    click.echo(
        f"{len(rows)} answers without scores or groups: {out}\nfill the column 'label' with yes or no, then:"
    )
    click.echo(f"  plumbline validate import {run_folder} {out}")


@command.command("import", help="Read labels back: agreement, confusion by group, corrected rates.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--threshold",
    type=float,
    default=0.5,
    show_default=True,
    help="Scores from here on count as yes.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_labels(
    *, run_folder: Path, file: Path, threshold: float, seed: int, as_json: bool
) -> None:
    """Print what the labels say."""
    from plumbline.audit import api
    from plumbline.audit.validate import read_labels

    found = read_labels(api.load_run(run_folder), file, threshold=threshold, seed=seed)
    click.echo(written(found.document()) if as_json else text(found))


def text(found: Validation) -> str:
    """Agreement, errors, confusion and rates as plain lines."""
    lines = [
        f"{found.metric}: {found.n} labels ({found.unlabelled} left empty); the instrument says yes from {found.threshold:g} on",
        *(
            f"  {name:<12} {_estimate(got)}"
            for name, got in {**found.agreement, **found.errors}.items()
        ),
        "labels by group",
    ]
    for group, counts in found.confusion.items():
        said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        lines.append(f"  {group}: {said}")
    lines.append("rates over the whole run, corrected for the instrument's errors")
    for group, rate in found.rates.items():
        lines.append(f"  {group}: {rate['apparent']:.3f} as measured; corrected {_estimate(rate)}")
    for gap in found.gaps:
        lines.append(
            f"  {gap['group']} minus {gap['against']}: {gap['value']:+.3f} ({gap['low']:.3f} to {gap['high']:.3f})"
        )
    lines.append(
        "The correction takes the instrument's errors to be the same in all groups; the counts above show whether they are."
    )
    return "\n".join(lines)


def _estimate(got: Mapping[str, Any]) -> str:
    if got["status"] != "estimate":
        return f"no number: {got['reason']}"
    return f"{got['value']:.3f} ({got['low']:.3f} to {got['high']:.3f}, {100 * got['level']:g}%)"
