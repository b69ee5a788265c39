"""Labels moved while contents stay."""

from __future__ import annotations

import pytest

from plumbline.core.errors import BadInput
from plumbline.core.exchange import contents, labels
from plumbline.core.questions import Segment, plain
from plumbline.data.perturb.labels import relabelled
from plumbline.data.templates.multiple_choice import shown


def test_only_labels_move():
    """Contents stay where they are; the labels stand in the new order."""
    prompt = shown("What is A. Bee?", ["an insect", "a bird", "a fish"])
    moved = relabelled(prompt, "options", [2, 0, 1])
    assert contents(moved, "options") == contents(prompt, "options")
    assert labels(moved, "options") == ("C", "A", "B")
    assert plain(moved).splitlines()[1:4] == ["C. an insect", "A. a bird", "B. a fish"]
    assert plain(moved).startswith("Question: What is A. Bee?\n")
    assert relabelled(prompt, "options", [0, 1, 2]) == prompt


def test_back_again():
    """The inverse order brings the prompt back."""
    prompt = shown("Which?", ["w", "x", "y", "z"])
    moved = relabelled(relabelled(prompt, "options", [1, 2, 3, 0]), "options", [3, 0, 1, 2])
    assert moved == prompt


def test_what_cannot_be_relabelled():
    """Bare lists have no labels in front; a wrong order is the caller's error."""
    with pytest.raises(BadInput, match="has no label that can be changed"):
        relabelled(shown("Which?", ["x", "y"], lettered=False), "options", [1, 0])
    with pytest.raises(BadInput, match="not an order of the 2 places"):
        relabelled(shown("Which?", ["x", "y"]), "options", [1, 1])
    bare = (Segment("x", exchange="s", option="A"), Segment("y", exchange="s", option="B"))
    with pytest.raises(BadInput, match="place 1"):
        relabelled(bare, "s", [1, 0])
