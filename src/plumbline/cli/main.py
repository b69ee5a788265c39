"""The command `plumbline`: a group whose subcommands are loaded when they are called."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from typing import Any, cast

import click

from plumbline.cli.leaving_reader import LeavingReader
from plumbline.core.errors import PlumblineError, UnknownName

# Shown by `plumbline --help` without loading any of them; a test compares them with the verbs.
VERBS: Mapping[str, str] = {
    "audit": "Measure a model: findings with intervals and verdicts.",
    "plan": "Tell what an audit would take, before anything is asked.",
    "explain": "Show what in a model makes it lean.",
    "correct": "Correct a model, and audit it before and after.",
    "compare": "Compare two runs, paired by item.",
    "gate": "Hold a run against rules: pass, fail or not enough evidence.",
    "history": "List past runs with their index and verdicts.",
    "report": "Write a run in the form that somebody else needs.",
    "serve": "Show runs in a browser, and start audits from it.",
    "validate": "Check an instrument against human labels.",
    "list": "List the methods.",
    "show": "Show a method's card and certificate.",
    "calibrate": "Measure a method's false alarms, coverage and power.",
    "data": "Find and fetch public data sets.",
    "new": "Start a metric of your own from a working template.",
    "completion": "Print what makes a shell complete verbs, options and methods.",
}
WELCOME = """\
plumbline measures which way a model leans, by how much, and how sure one can be.

First result (a small language model that comes as a package; offline, about 3 minutes):

  plumbline audit demo --suite quick

Then your own model:

  plumbline audit hf:./my-model                        a local folder of weights
  plumbline audit openai:my-model@http://host:8000/v1  any OpenAI-compatible server
  plumbline audit table:predictions.csv                predictions you already have

  plumbline audit --help    all model forms and options
  plumbline list            what can be measured and corrected
  plumbline --help          all verbs
"""
STOPPED = "stopped; answers so far are kept, run the same command again"
INTERRUPTED = 130
LONGEST_MESSAGE = 4000  # characters
REFUSED = 2
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


class Verbs(click.Group):
    """Loads a verb's module when the verb is called, and turns errors into one message."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All verbs, in the order in which people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the verb's module, which has the command as `command`."""
        if cmd_name not in VERBS:
            return None
        made: click.Command = import_module(f"plumbline.cli.{cmd_name}").command
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown verb is answered with the nearest ones."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            raise UnknownName("verb", args[0], VERBS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the verbs without loading them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any
    ) -> Any:
        """Run, and leave with the exit code that `main` explains."""
        if more.pop("standalone_mode", True):
            out, err = cast(Any, LeavingReader(sys.stdout)), cast(Any, LeavingReader(sys.stderr))
            with redirect_stdout(out), redirect_stderr(err):
                code = guarded(
                    lambda: super(Verbs, self).main(args, prog_name, standalone_mode=False, **more)
                )
            sys.exit(code)
        return super().main(args, prog_name, standalone_mode=False, **more)


def guarded(work: Callable[[], Any]) -> int:
    """Exit code of a piece of work; what plumbline raises on purpose is printed without a traceback."""
    try:
        code = work()
        sys.stdout.flush()
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
        return _say(f"Error: {error.format_message()}", REFUSED)
    except (click.Abort, KeyboardInterrupt):
        return _say(STOPPED, INTERRUPTED)
    except PlumblineError as error:
        return _say(f"plumbline: {error}", REFUSED)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        where = f" {error.filename}" if error.filename else ""
        return _say(
            f"plumbline: cannot write{where}: {error.strerror}. Free space or choose another place; "
            "answers already given are kept",
            REFUSED,
        )
    return code if isinstance(code, int) else 0


def _say(message: str, code: int) -> int:
    from plumbline.report.format import clip

    # Messages quote files and servers: what they hold drives no terminal, and fills none.
    click.echo(clip(message, LONGEST_MESSAGE, lines=True), err=True)
    return code


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="plumbline", message="plumbline %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Measure, explain and correct bias in models, with calibrated instruments.

    Start with `plumbline audit demo --suite quick`. Every verb has `--help` with examples.

    Exit codes: 0 done, or the gate passes; 1 the gate fails, or a `--fail-on` condition holds;
    2 an error that is explained; 3 the evidence is insufficient for the gate; 130 stopped.
    """
    if context.invoked_subcommand is None:
        click.echo(WELCOME, nl=False)
