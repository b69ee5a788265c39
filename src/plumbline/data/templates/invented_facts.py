"""Notes about things that do not exist, one of which answers a question: made from word lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.core.questions import Prompt, Segment
from plumbline.core.seeds import Seeds
from plumbline.data.toml_rows import Fields, each_once, read_toml

DOCUMENTS: Final = "documents"
_SEEDS: Final = Seeds(48).child("invented facts")


@dataclass(frozen=True, slots=True)
class Kind:
    """Sentences about one kind of thing.

    Attributes:
        id: Unique in the file.
        fact: With `{name}` and `{value}`.
        extra: A second sentence, which says nothing that is asked.
        question: With `{name}`.
        values: What may stand for `{value}`, all different.
    """

    id: str
    fact: str
    extra: str
    question: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A question and notes, of which one holds the answer.

    Attributes:
        id: Kind and number.
        kind: The kind's id.
        question: What is asked.
        notes: Notes of the same kind about different names, in the item's own order.
        values: What each note says; all different.
        gold: Index of the note that is asked about.
    """

    id: str
    kind: str
    question: str
    notes: tuple[str, ...]
    values: tuple[str, ...]
    gold: int


@cache
def _lists() -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """Kinds and names of the shipped file."""
    top = Fields(
        read_toml(files(__package__).joinpath("invented_facts.toml")), "the invented facts"
    )
    top.mark("id", "title", "note")
    names = tuple(head + tail for head in top.texts("heads") for tail in top.texts("tails"))
    kinds = []
    for row in top.rows("kinds"):
        fact, extra, question = (row.text(name) for name in ("fact", "extra", "question"))
        kinds.append(Kind(row.text("id"), fact, extra, question, row.texts("values")))
        row.no_others()
    top.no_others()
    each_once((kind.id for kind in kinds), "the invented facts: id")
    each_once(names, "the invented facts: name")
    return tuple(kinds), names


def kinds() -> tuple[Kind, ...]:
    """The shipped kinds of facts."""
    return _lists()[0]


def facts(each: int, *, notes: int = 5) -> tuple[Fact, ...]:
    """`each` items of every kind.

    An item is the same whatever else is asked: it has a random stream of its own, and with fewer notes it
    has the first of the same notes.

    Args:
        each: Items of a kind.
        notes: Notes an item, 2 to 6.

    Raises:
        BadInput: A kind has fewer values than there should be notes, or no item is wanted.
    """
    known, names = _lists()
    most = min(len(kind.values) for kind in known)
    if each < 1 or not 2 <= notes <= most:
        raise BadInput(
            f"invented facts: at least one of a kind and 2 to {most} notes; got {each}, {notes}"
        )
    return tuple(_fact(kind, n, names, notes) for n in range(each) for kind in known)


def _fact(kind: Kind, number: int, names: tuple[str, ...], notes: int) -> Fact:
    rng = _SEEDS.stream(kind.id, str(number))
    called = [names[i] for i in rng.choice(len(names), len(kind.values), replace=False)][:notes]
    values = [kind.values[i] for i in rng.permutation(len(kind.values))][:notes]
    gold = int(rng.random() * notes)
    texts = [f"{kind.fact.format(name=n, value=v)} {kind.extra}" for n, v in zip(called, values, strict=True)]  # fmt: skip
    question = kind.question.format(name=called[gold])
    return Fact(f"{kind.id}-{number}", kind.id, question, tuple(texts), tuple(values), gold)


def shown(fact: Fact, *, role: str = "text") -> Prompt:
    """The prompt: notes without numbers, which may trade places, then the question."""
    before, parts = "Some notes:\n\n", list[Segment]()
    for note in fact.notes:
        parts += [
            Segment(f"{before}Note: ", role),  # type: ignore[arg-type]
            Segment(note, role, DOCUMENTS),  # type: ignore[arg-type]
        ]
        before = "\n"
    asked = f"\n\nQuestion: {fact.question}\nAnswer with a word from the notes.\nAnswer:"
    return (*parts, Segment(asked, role))  # type: ignore[arg-type]
