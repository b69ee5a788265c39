"""Invented facts: one note answers, nothing else does, and an item does not depend on its company."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest

from plumbline.core.errors import BadInput
from plumbline.core.exchange import contents
from plumbline.core.questions import plain
from plumbline.data.templates.invented_facts import DOCUMENTS, facts, kinds, shown

FILE = tomllib.loads(files("plumbline.data.templates").joinpath("invented_facts.toml").read_text("utf-8"))  # fmt: skip
NAMES = {head + tail for head in FILE["heads"] for tail in FILE["tails"]}


def test_exactly_one_note_answers():
    """The question's name stands in one note, each note holds one of the values, all different."""
    for fact in facts(3):
        (name,) = {w for w in re.findall(r"[A-Z]\w+", fact.question) if w in NAMES}
        assert [name in note for note in fact.notes] == [i == fact.gold for i in range(len(fact.notes))]  # fmt: skip
        for value, note in zip(fact.values, fact.notes, strict=True):
            assert [v in note for v in fact.values] == [v == value for v in fact.values]
        assert not any(v in fact.question for v in fact.values)


def test_an_item_is_the_same_in_any_company():
    """More questions, or fewer notes: the same items, the same first notes."""
    few, many = facts(1), facts(4)
    assert few == many[: len(few)]
    assert [f.notes for f in facts(1, notes=3)] == [f.notes[:3] for f in few]
    assert len({f.id for f in many}) == 4 * len(kinds())


def test_every_place_of_the_answer_occurs():
    """Over the items the answer's own place is spread."""
    assert {f.gold for f in facts(4)} == set(range(5))


def test_the_prompt():
    """Notes are one exchange set, without numbers."""
    fact = facts(1)[0]
    prompt = shown(fact)
    assert contents(prompt, DOCUMENTS) == fact.notes
    assert plain(prompt).count("\nNote: ") == 5
    assert plain(prompt).endswith("Answer:")
    assert not any(c.isdigit() for c in plain(prompt))


@pytest.mark.parametrize(("each", "notes"), [(0, 5), (1, 1), (1, 7)])
def test_bad_sizes(each, notes):
    """At least one item, two notes, and as many values as notes."""
    with pytest.raises(BadInput, match="2 to 6 notes"):
        facts(each, notes=notes)
