"""What all corrections by other questions share: abilities, fingerprints, cost, saving."""

from __future__ import annotations

from typing import Any

import pytest

from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError
from plumbline.models.corrected_files import read_record
from plumbline.models.corrected_questions import CorrectedQuestions
from plumbline.models.whole_batch import answered
from plumbline.testing import PlantedChooser, PlantedWriter


class Reversed(CorrectedQuestions):
    """Asks with the options' labels turned round."""

    kind = "reversed_toy"
    corrects = frozenset({"choose"})
    keeps = frozenset({"generate", "open"})

    def corrected(self, batch: ask.Batch) -> Any:
        """The base's answers to turned options."""
        turned = [tuple(reversed(o)) for o in batch.columns["options"]]
        return answered(self.base, batch.with_columns({**batch.columns, "options": turned}))

    def questions(self, batch: ask.Batch) -> int:
        """Twice, to see it in the cost."""
        return 2


def questions(count: int) -> ask.Batch:
    """Plain two-way questions."""
    return ask.choose([f"Question {i}?" for i in range(count)], [("A", "B")] * count)


def test_abilities_are_those_corrected_or_kept_that_the_base_has():
    """A chooser has no generate; a writer cannot be corrected by this at all."""
    model = Reversed(PlantedChooser(), "reversed_toy@1", {})
    assert model.abilities == frozenset({"choose"})
    with pytest.raises(AbilityError, match="needs choose"):
        Reversed(PlantedWriter(dial=0.0, leans={}), "reversed_toy@1", {})
    with pytest.raises(AbilityError, match="keeps choose; asked generate"):
        list(model.answer(ask.generate(["x"], decoding=ask.Decoding())))


def test_every_row_is_answered_once_and_in_place():
    """The batch's order is kept, whatever parts the base makes."""
    model = Reversed(PlantedChooser(seed=3), "reversed_toy@1", {})
    whole = answered(model, questions(7))
    assert len(whole) == 7
    again = [answered(model, questions(7).take([i])).chosen[0] for i in range(7)]
    assert whole.chosen.tolist() == again
    assert list(model.answer(questions(0))) == []


def test_cost_counts_the_questions_put_to_the_base():
    """Twice the base's tokens."""
    base = PlantedChooser()
    one, two = base.cost(questions(5)), Reversed(base, "r@1", {}).cost(questions(5))
    assert (two.tokens_in, two.tokens_out) == (2 * one.tokens_in, 2 * one.tokens_out)


def test_fingerprint_and_record(tmp_path):
    """Base, method and parameters each change it; it is saved and read again."""
    base = PlantedChooser()
    model = Reversed(base, "r@1", {"k": 3})
    others = [
        Reversed(base, "r@2", {"k": 3}),
        Reversed(base, "r@1", {"k": 4}),
        Reversed(PlantedChooser(seed=1), "r@1", {"k": 3}),
    ]
    assert len({model.fingerprint, *(o.fingerprint for o in others)}) == 4
    model.save(tmp_path / "after", base_spec="python:x", base_options={})
    record = read_record(tmp_path / "after")
    again = Reversed.read(tmp_path / "after", base, record)
    assert again.fingerprint == model.fingerprint == record["fingerprint"]
