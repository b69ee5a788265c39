"""`plumbline explain`: what in a model makes it lean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from plumbline.cli.options import (
    MODEL_FORMS,
    RUNS,
    Pair,
    look_ahead,
    model_options,
    plan_fields,
)
from plumbline.core.json_text import written
from plumbline.report.format import clip

HELP = f"""Show what in a model makes it lean: layers, heads, neurons, features.

Explainers open the model, so they need its weights; `plumbline list explainers` names them. What
they find is described and never tested: it says where a lean comes from, not whether there is one.
Arrays, figures and the record are kept below --out.

{MODEL_FORMS}

\b
Examples
  plumbline list explainers
  plumbline explain demo --with logit_lens
  plumbline explain hf:./my-model --with logit_lens --param neurons=40 --json > lens.json
"""


@click.command("explain", help=HELP, short_help="Show what in a model makes it lean.")
@click.argument("model")
@click.option("--with", "using", metavar="ID", required=True, help="The explainer.")
@click.option(
    "--param",
    "own",
    type=Pair(),
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the explainer. Repeatable.",
)
@click.option(
    "--suite",
    type=click.Choice(["quick", "standard", "full"]),
    help="How many items are looked at.  [default: quick]",
)
@click.option("--seed", type=int, help="Seed of every random stream.  [default: 0]")
@model_options
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
    help="Print one JSON document: the record, its findings and its arrays.",
)
def command(
    *,
    model: str,
    using: str,
    own: tuple[tuple[str, Any], ...],
    out: Path,
    as_json: bool,
    **given: Any,
) -> None:
    """Run the explainer and print what it found."""
    from plumbline.audit import api
    from plumbline.audit.explain import explainer

    explainer(using)  # a misspelt name is found before a model is loaded
    fields = plan_fields(given)
    look_ahead(model, fields, out)
    params = {name.removeprefix(f"{using}."): value for name, value in own}
    click.echo(f"opening {clip(model, 200)}", err=True)
    found = api.explain(model, using=using, settings=params, out=out, **fields)
    if as_json:
        click.echo(written(found.document(), allow_nan=False))
    else:
        click.echo(str(found))
    drawn = sorted(found.folder.glob("*.svg")) if found.folder else []
    for path in drawn:
        click.echo(f"figure     {path}", err=as_json)
    click.echo(f"run        {found.folder}", err=as_json)
