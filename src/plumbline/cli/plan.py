"""`plumbline plan`: questions, tokens, cost and the smallest detectable effect, before asking."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from plumbline.cli.options import (
    MODEL_FORMS,
    look_ahead,
    model_of,
    model_options,
    plan_fields,
    plan_options,
)
from plumbline.core.json_text import written

if TYPE_CHECKING:
    from rich.table import Table

HELP = f"""Tell what an audit would take, before anything is asked.

The model is opened, nothing is asked of it. Questions that depend on answers (what an instrument
is asked about generated text) are not counted.

{MODEL_FORMS}

\b
Examples
  plumbline plan demo --suite quick
  plumbline plan openai:my-model@http://localhost:8000/v1 --suite standard --json
"""


@click.command(
    "plan", help=HELP, short_help="Tell what an audit would take, before anything is asked."
)
@click.argument("model", required=False)
@plan_options
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, model: str | None, as_json: bool, **given: Any) -> None:
    """Print the estimate."""
    from plumbline.audit import api

    subject = model_of(model, given["file"])
    fields = plan_fields(given)
    look_ahead(subject, fields)
    found = api.estimate(subject, **fields)
    if as_json:
        click.echo(written(found))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    if any(row["status"] == "applies" for row in found["metrics"]):
        console.print(_table(found["metrics"]))
    for row in found["metrics"]:
        if row["status"] != "applies":
            reason = row["reason"].removeprefix(f"{row['metric']} ")
            console.print(f"  {row['metric']}: {reason}", markup=False, highlight=False)
    console.print(_total(found["total"], found["plan_hash"]), markup=False, highlight=False)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table

    from plumbline.report import format as show

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in (
        "method",
        "questions",
        "tokens in",
        "tokens out",
        "cost",
        "smallest detectable effect",
    ):
        made.add_column(name, justify="left" if name == "method" else "right")
    for row in rows:
        if row["status"] != "applies":
            continue
        effect = row["minimum_detectable_effect"]
        made.add_row(
            row["metric"], f"{row['questions']:,}", f"{row['tokens_in']:,}", f"{row['tokens_out']:,}",
            _money(row["money"]),
            "not simulated" if effect is None else f"{show.number(effect)} {row['unit']}",
        )  # fmt: skip
    return made


def _total(total: Mapping[str, Any], plan_hash: str) -> str:
    from plumbline.cli.watch import clock

    unique, asked, known = total["unique"], total["asked"], total["from_cache"]
    cost = "" if total["money"] is None else f", cost {_money(total['money'])}"
    seconds = total["seconds"]
    lasts = (
        "time unknown (this model was not asked such questions on this machine before)"
        if seconds is None
        else f"about {clock(seconds)} for those that are not cached"
    )
    return (
        f"{unique:,} distinct questions ({asked:,} before duplicates are removed, {known:,} answered already), "
        f"{total['tokens_in']:,} tokens in, {total['tokens_out']:,} out{cost}\n"
        f"{lasts}; plan {plan_hash}\n"
        "Smallest detectable effect: found with 80% power at 5% in the method's simulated design."
    )


def _money(amount: float | None) -> str:
    return "" if amount is None else f"{amount:.2f}"
