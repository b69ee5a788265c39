"""`plumbline compare`: two runs finding by finding, or several ranked, paired by item."""

from __future__ import annotations

from pathlib import Path

import click

from plumbline.core.json_text import written

HELP = """Compare two runs, paired by item: differences B - A with intervals and tests.

Both runs must have been made by the same plan, or share some of its metrics. Statistics are
computed on items that both models answered. Three or more runs are ranked by the composite index
over the findings that all of them share, with ranks that hold for all models at once.

With --verdicts, systems are ranked by the recorded verdicts of judges: win rates, ranks that hold
together, and the range over ways of counting that each take one lean of the judge out.

\b
Examples
  plumbline compare plumbline-runs/RUN-OF-LAST-MONTH plumbline-runs/RUN-OF-TODAY
  plumbline compare A B --html differences.html
  plumbline compare A B --json
  plumbline compare A B C D
  plumbline compare --verdicts verdicts.csv --own gpt4=gpt4,gpt35 --judge gpt4
"""


@click.command("compare", help=HELP, short_help="Compare two runs, paired by item.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--verdicts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A table of verdicts: judge, question, first, second, verdict.",
)
@click.option(
    "--own",
    metavar="JUDGE=SYSTEM,...",
    multiple=True,
    help="Which systems are a judge's own or its kin's; by default the one of its name. Repeatable.",
)
@click.option("--judge", default="", help="Only this judge's verdicts.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write two runs side by side as one HTML page.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    *, runs: tuple[Path, ...], verdicts: Path | None, own: tuple[str, ...], judge: str, seed: int,
    page: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Print the paired differences, the ranking, or the leaderboard."""
    from plumbline.audit import api
    from plumbline.report import comparison, leaderboard, ranking

    if page is not None and (verdicts is not None or len(runs) != 2):
        raise click.UsageError("--html shows two runs side by side; give exactly two RUNS")
    if verdicts is not None:
        if runs:
            raise click.UsageError("--verdicts ranks the systems of a table; it takes no runs")
        board = api.leaderboard(verdicts, own=_own(own), one_judge=judge, seed=seed)
        document, text = board.document(), leaderboard.plain_text(board)
    elif len(runs) < 2:
        raise click.UsageError(f"two or more runs are wanted; got {len(runs)}")
    elif len(runs) == 2:
        pair = api.load_run(runs[0]), api.load_run(runs[1])
        found = api.compare(*pair, seed=seed)
        document, text = found.document(), comparison.plain_text(found)
        if page is not None:
            from plumbline.report import comparison_page

            click.echo(comparison_page.write(page, found, *pair), err=True)
    else:
        ranked = api.rank(runs, seed=seed)
        document, text = ranked.document(), ranking.plain_text(ranked)
    click.echo(written(document, allow_nan=False) if as_json else text)


def _own(given: tuple[str, ...]) -> dict[str, tuple[str, ...]] | None:
    if not given:
        return None
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        judge, sign, systems = text.partition("=")
        if not (judge and sign):
            raise click.UsageError(f"--own {text!r} is not of the form JUDGE=SYSTEM,...")
        found[judge] = tuple(s for s in systems.split(",") if s)
    return found
