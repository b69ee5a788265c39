"""Recorded subjects after a correction: answers, fingerprints, saving and opening again."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError, BadInput
from plumbline.models.abilities import ModelOptions
from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_records import CorrectedRecords, recorded
from plumbline.models.resolve import open_model
from plumbline.testing import PlantedChooser

TABLE = "prediction,sex,city\n1,f,Ulm\n0,m,Bonn\n1,m,Köln\n"


@pytest.fixture
def base(tmp_path):
    """A table of three rows."""
    (tmp_path / "rows.csv").write_text(TABLE, "utf-8")
    return open_model(f"table:{tmp_path / 'rows.csv'}", ModelOptions())


def test_saved_and_opened_again(base, tmp_path):
    """Text, numbers and the fingerprint survive the file."""
    columns = recorded(base)
    flipped = {**columns, "prediction": 1 - columns["prediction"]}
    after = CorrectedRecords(base, flipped, "flip@1", {"why": "test"})
    after.save(tmp_path / "after", base_spec=f"table:{tmp_path / 'rows.csv'}", base_options={})
    again = open_corrected(tmp_path / "after", ModelOptions())
    assert again.fingerprint == after.fingerprint != base.fingerprint
    got = recorded(again)
    assert got["prediction"].tolist() == [0, 1, 0]
    assert got["group:sex"].tolist() == ["f", "m", "m"]
    assert got["column:city"].tolist() == ["Ulm", "Bonn", "Köln"]
    assert again.about()["corrected_by"] == "flip@1"


def test_a_changed_base_is_refused(base, tmp_path):
    """The record remembers the base's fingerprint."""
    after = CorrectedRecords(base, recorded(base), "same@1", {})
    after.save(tmp_path / "after", base_spec=f"table:{tmp_path / 'rows.csv'}", base_options={})
    (tmp_path / "rows.csv").write_text(TABLE.replace("1,f", "0,f"), "utf-8")
    with pytest.raises(BadInput, match="changed since"):
        open_corrected(tmp_path / "after", ModelOptions())


def test_every_cell_enters_the_fingerprint(base):
    """One other text or number is another subject."""
    columns = recorded(base)
    prints = {CorrectedRecords(base, columns, "x@1", {}).fingerprint}
    for name in ("prediction", "column:city"):
        changed = columns[name].copy()
        changed[1] = changed[0]
        one = CorrectedRecords(base, {**columns, name: changed}, "x@1", {})
        prints.add(one.fingerprint)
    assert len(prints) == 3


def test_what_it_is_not(base):
    """No other subject, no other ability, no ragged table."""
    with pytest.raises(AbilityError, match="changes recorded columns"):
        CorrectedRecords(PlantedChooser(), {"item": np.arange(2)}, "x@1", {})
    with pytest.raises(BadInput, match="of one length"):
        CorrectedRecords(base, {"item": np.arange(2), "score": np.arange(3.0)}, "x@1", {})
    after = CorrectedRecords(base, recorded(base), "x@1", {})
    with pytest.raises(AbilityError, match="cannot choose"):
        list(after.answer(ask.choose(["x"], [("A", "B")])))
