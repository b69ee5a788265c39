"""`plumbline completion`: what makes a shell complete verbs, options and ids of methods."""

from __future__ import annotations

import click

HELP = """Print what makes a shell complete verbs, options and ids of methods.

\b
Examples
  plumbline completion bash >> ~/.bashrc
  plumbline completion zsh >> ~/.zshrc
  plumbline completion fish > ~/.config/fish/completions/plumbline.fish

Open a new shell then, and try `plumbline show we<TAB>` or `plumbline audit demo --metrics weat,cr<TAB>`.
"""


@click.command(
    "completion",
    help=HELP,
    short_help="Print what makes a shell complete verbs, options and methods.",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(*, shell: str) -> None:
    """Print click's script for this program."""
    from click.shell_completion import get_completion_class

    from plumbline.cli.main import main

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(found(main, {}, "plumbline", "_PLUMBLINE_COMPLETE").source())
