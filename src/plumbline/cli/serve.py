"""`plumbline serve`: runs in a browser, and audits started from it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from plumbline.cli.options import RUNS

HELP = """Show the runs of a folder in a browser: findings, items, answers, comparisons, history.

Audits can be started from it; they run as `plumbline audit` would here, with the keys of this
environment. It listens on this machine only. Any other --host needs a token, which is made and
printed where none is given; on a machine that others use too, give one as well.

\b
Examples
  plumbline serve
  plumbline serve nightly-runs --port 9000
  plumbline serve --host 0.0.0.0 --allow-name audits.example.org
"""
PACKAGES = ("starlette", "uvicorn", "pydantic")


@click.command("serve", help=HELP, short_help="Show runs in a browser, and start audits from it.")
@click.argument("folder", default=RUNS, type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port; 0 for a free one.",
)
@click.option(
    "--token",
    default="",
    envvar="PLUMBLINE_TOKEN",
    metavar="TEXT",
    help="What a browser must have; the variable PLUMBLINE_TOKEN keeps it out of lists of processes.",
)
@click.option(
    "--allow-name", "names", multiple=True, metavar="NAME",
    help="Another name under which browsers reach this server (of this machine, of a proxy). Repeatable.",
)  # fmt: skip
def command(*, folder: Path, host: str, port: int, token: str, names: tuple[str, ...]) -> None:
    """Run the server until Ctrl-C."""
    for package in PACKAGES:
        if find_spec(package) is None:
            from plumbline.core.errors import MissingExtra

            raise MissingExtra(package, "serve", "plumbline serve")
    from plumbline.server.serve import access_for, serve

    def say(address: str) -> None:
        click.echo(f"runs of {folder}\n{address}\nCtrl-C ends it", err=True)

    try:
        serve(folder, access_for(host, token, names), port=port, say=say)
    except KeyboardInterrupt:
        click.echo("ended", err=True)
