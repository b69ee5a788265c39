"""`plumbline show`: one method's card, documentation and certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from plumbline.cli.options import complete_method
from plumbline.core.json_text import written

if TYPE_CHECKING:
    from plumbline.core.catalog import Entry

HELP = """Show what a method measures, how, and what its certificate says.

\b
Examples
  plumbline show weat
  plumbline show crows_pairs --json
  plumbline show bbq --bibtex >> references.bib
"""


@click.command("show", help=HELP, short_help="Show a method's card and certificate.")
@click.argument("method_id", metavar="ID", shell_complete=complete_method)
@click.option(
    "--json", "as_json", is_flag=True, help="Print card, documentation and certificate as JSON."
)
@click.option(
    "--bibtex", is_flag=True, help="Print the references of its paper and data sets in BibTeX."
)
def command(*, method_id: str, as_json: bool, bibtex: bool) -> None:
    """Print one entry of the catalog."""
    from plumbline.core.catalog import find

    entry = find(method_id)
    if bibtex:
        from plumbline.report.exports.bibtex import of_method

        click.echo(of_method(entry), nl=False)
        return
    click.echo(_document(entry) if as_json else text(entry))


def _document(entry: Entry) -> str:
    from plumbline.audit.certificates import certificate
    from plumbline.cli.list import fields

    found = {**fields(entry), "doc": entry.doc(), "certificate": certificate(entry.id)}
    return written(found)


def text(entry: Entry) -> str:
    """Card, docstring and certificate as plain text."""
    from plumbline.audit.certificates import certificate
    from plumbline.report.card import card_lines
    from plumbline.report.certificate import lines
    from plumbline.report.format import paper_link

    card = entry.card
    facts = [
        *card_lines(card),
        ("family", f"{card.family}; harm: {card.harm}"),
        ("needs", ", ".join(n.replace("|", " or ") for n in card.needs)),
        ("data", ", ".join(card.data)),
        ("axes", ", ".join(card.axes)),
        ("suite", f"{card.suite} and larger"),
        ("paper", " ".join(filter(None, (card.paper, paper_link(card.paper))))),
        ("file", entry.target.partition(":")[0]),
        *lines(certificate(entry.id)),
    ]
    told = [(name, value) for name, value in facts if value]
    width = max(len(name) for name, _ in told)
    listed = "\n".join(f"{name:<{width}}  {value}" for name, value in told)
    return f"{entry.id}: {card.title}\n\n{entry.doc()}\n\n{listed}"
