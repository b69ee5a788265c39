"""`plumbline report`: a stored run in the form that somebody else needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from plumbline.cli.options import Pair
from plumbline.report.exports.forms import FORMS

_WIDTH = max(map(len, FORMS))
_FORMS = "\n".join(f"  {name:<{_WIDTH}}  {form.says}" for name, form in FORMS.items())
HELP = f"""Write a stored run in the form that somebody else needs.

\b
FORM is one of
{_FORMS}

HTML, CSV and Parquet go into the run's directory unless --out says otherwise; texts are printed. With
--redact-items no item, question or answer is quoted. A number that does not exist is never written
as 0 or left empty: its reason stands beside it.

\b
Examples
  plumbline report plumbline-runs/RUN
  plumbline report plumbline-runs/RUN --md >> pull-request.md
  plumbline report plumbline-runs/RUN --html --redact-items --out public.html
  plumbline report plumbline-runs/RUN --as model-card --into my-model/README.md
  plumbline report plumbline-runs/RUN --as csv --out tables
  plumbline report plumbline-runs/RUN --as bibtex --out references.bib
  plumbline report plumbline-runs/RUN --as ll144 --set race=ethnicity --out tables.html
  plumbline report plumbline-runs/RUN --as mlflow --to sqlite:///mlflow.db
"""


@click.command("report", help=HELP, short_help="Write a run in the form that somebody else needs.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--as", "form", type=click.Choice(list(FORMS)), metavar="FORM", default="html",
    show_default=True, help="The form.",
)  # fmt: skip
@click.option("--html", "form", flag_value="html", help="As --as html.")
@click.option("--md", "form", flag_value="md", help="As --as md.")
@click.option("--json", "form", flag_value="json", help="As --as json.")
@click.option("--redact-items", is_flag=True, help="Quote no item, question or answer.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write (csv, parquet: folder)."
)
@click.option(
    "--into", type=click.Path(path_type=Path, dir_okay=False),
    help="model-card: README to change in place; nothing but plumbline's part is touched.",
)  # fmt: skip
@click.option("--to", metavar="URI", help="mlflow: tracking store.  [default: MLFLOW_TRACKING_URI]")
@click.option(
    "--set", "extra", type=Pair(), multiple=True,
    help="Another option of the form (ll144: sex, race, exclude_small, ...). Repeatable.",
)  # fmt: skip
def command(
    *, run_folder: Path, form: str, redact_items: bool, out: Path | None, into: Path | None,
    to: str | None, extra: tuple[tuple[str, Any], ...],
) -> None:  # fmt: skip
    """Write one form of the run."""
    from plumbline.audit import api
    from plumbline.report.exports.forms import export

    options = {name: given for name, given in (("into", into), ("to", to)) if given is not None}
    run = api.load_run(run_folder)
    made = export(run, form, out, redact_items=redact_items, **options, **dict(extra))
    for place in made.places:
        click.echo(place, err=True)
    if not made.places:
        click.echo(made.text, nl=not made.text.endswith("\n"))
