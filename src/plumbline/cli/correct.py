"""`plumbline correct`: correct a model, save it, audit it before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plumbline.cli.options import MODEL_FORMS, look_ahead, model_options, plan_fields, plan_options
from plumbline.core.json_text import written

if TYPE_CHECKING:
    from plumbline.audit.correct import Corrected

HELP = f"""Correct a model, and audit it before and after on the same questions.

The corrected model is saved below --out and opens as `corrected:OUT`. A correction is believed
only where the paired difference says so; what it may have broken stands in the same table. The
result is "the model after mitigation": no number here says that a model has no bias.

{MODEL_FORMS}

\b
Examples
  plumbline list corrections
  plumbline correct vectors:glove.txt --with linear_projection --out after --metrics weat
  plumbline audit corrected:after --metrics weat
"""


@click.command("correct", help=HELP, short_help="Correct a model, and audit it before and after.")
@click.argument("model")
@click.option(
    "--with",
    "using",
    metavar="ID",
    required=True,
    help="The correction; its arguments by --param ID.NAME=VALUE.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the corrected model and both runs.",
)
@plan_options
@model_options
@click.option(
    "--json", "as_json", is_flag=True, help="Print the paired differences as one JSON document."
)
def command(*, model: str, using: str, out: Path, as_json: bool, **given: Any) -> None:
    """Carry out the correction and both audits."""
    from plumbline.audit import api
    from plumbline.audit.correct import correct
    from plumbline.cli.watch import watching

    fields = plan_fields(given)
    look_ahead(model, fields, out)
    own = fields.get("params", {}).pop(using, {})
    with watching() as progress:
        made = correct(
            api.plan(model, **fields), using=using, out=out, params=own, progress=progress
        )
    page = _write_reports(made)
    if as_json:
        click.echo(written(made.document(), allow_nan=False))
    else:
        from plumbline.report.comparison import plain_text
        from plumbline.report.side_effects import plain_text as side_effects_text

        click.echo(plain_text(made.difference, before="before", after="after"))
        click.echo(side_effects_text(made.effects))
    click.echo(f"\nmodel      corrected:{made.folder}", err=as_json)
    click.echo(f"report     {page}", err=as_json)
    for name, run in (("before", made.before), ("after", made.after)):
        click.echo(f"{name:<10} {run.folder}", err=as_json)


def _write_reports(made: Corrected) -> Path:
    """A report of each audit, and one page that holds both side by side."""
    from plumbline.report import comparison_page, html

    for run in (made.before, made.after):
        if run.folder is not None:
            html.write(run, run.folder / "report.html")
    return comparison_page.write(
        made.folder / "report.html", made.difference, made.before, made.after,
        names=("before", "after"), effects=made.effects,
    )  # fmt: skip
