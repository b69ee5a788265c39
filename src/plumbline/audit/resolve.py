"""Which methods a plan means, and which of them apply to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.audit.arguments import check_params
from plumbline.audit.plan import Plan
from plumbline.core.card import SUITES
from plumbline.core.catalog import Entry, catalog
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.results import NotApplicable

WORDS: Mapping[str, str] = {
    "embed": "embeddings", "logprob": "log-probabilities of text", "next": "next-token probabilities",
    "fill": "a masked-token head", "generate": "generated text", "choose": "a choice between options",
    "classify": "class probabilities", "score": "scores", "records": "recorded rows (table: or answers:)",
    "open": "open weights", "paint": "images", "embed_image": "image embeddings",
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A method that will run."""

    entry: Entry


SHOWN = 4  # methods that are named in place of one that does not apply


def chosen(plan: Plan) -> list[Entry]:
    """The plan's methods in the order of their ids.

    A name is a method's, or a shelf's (`judge`, `embedding`, ...), which stands for all methods on it. A method
    goes before a shelf of the same name.

    Raises:
        UnknownName: A metric that is not in the catalog, with the nearest names, or an argument that a
            method does not have.
        BadInput: A name that is not something `audit` runs, or an argument of a wrong type.
    """
    entries = catalog()
    check_params(plan.params, entries)
    if plan.metrics:
        names = {one for name in plan.metrics for one in _named(name, entries)}
        return [entries[name] for name in sorted(names)]
    upto = SUITES[: SUITES.index(plan.suite) + 1]
    return [e for _, e in sorted(entries.items()) if auditable(e) and e.card.suite in upto]


def _named(name: str, entries: Mapping[str, Entry]) -> list[str]:
    """The method of this name, or the methods of the shelf of this name."""
    if name in entries:
        if not auditable(entries[name]):
            kind = entries[name].card.kind
            what, verb = (
                ("a correction", "correct") if kind == "correction" else ("an explainer", "explain")
            )
            raise BadInput(f"{name} is {what}; run it by `plumbline {verb} MODEL --with {name}`")
        return [name]
    shelves = {i: e.shelf.removeprefix("metrics.") for i, e in entries.items() if auditable(e)}
    found = [i for i, shelf in shelves.items() if shelf == name]
    if not found:
        raise UnknownName("metric", name, {*shelves, *shelves.values()})
    return found


def auditable(entry: Entry) -> bool:
    """Whether `audit` runs it."""
    return entry.card.kind == "asking"


def resolve(entry: Entry, abilities: frozenset[str], others: list[Entry]) -> Job | NotApplicable:
    """The job, or what the model lacks and which methods of the same family it could answer."""
    missing = entry.card.missing(abilities)
    if not missing:
        return Job(entry)
    wanted = " and ".join(" or ".join(WORDS[a] for a in need.split("|")) for need in missing)
    near = [
        e.id for e in others if e.card.family == entry.card.family and not e.card.missing(abilities)
    ]
    more = f" and {len(near) - SHOWN} more" if len(near) > SHOWN else ""
    hint = (
        f" Methods of this family that it can answer: {', '.join(near[:SHOWN])}{more}."
        if near
        else ""
    )
    return NotApplicable(
        reason=f"{entry.id} needs {wanted}; the model offers {', '.join(sorted(abilities)) or 'nothing'}.{hint}"
    )
