"""Which methods a plan means: names, shelves, and what is neither."""

from __future__ import annotations

import pytest

from plumbline.audit.plan import Plan
from plumbline.audit.resolve import auditable, chosen
from plumbline.core.catalog import catalog
from plumbline.core.errors import BadInput, UnknownName


def ids(*metrics: str) -> list[str]:
    """Ids of what a plan with these names runs."""
    return [e.id for e in chosen(Plan(model="planted", metrics=metrics))]


def test_a_shelf_stands_for_its_methods():
    """All of plumbline's methods on that shelf, in the order of their ids, and nothing else."""
    judge = ids("judge")
    assert {"position_flip", "health_equity"} <= set(judge)
    assert judge == sorted(judge)
    assert {catalog()[i].shelf for i in judge} == {"metrics.judge"}
    assert judge == [i for i, e in sorted(catalog().items()) if e.shelf == "metrics.judge" and auditable(e)]  # fmt: skip


def test_shelves_and_methods_together_are_asked_once():
    """A method that is named beside its shelf is one method."""
    assert ids("judge", "position_flip", "weat") == sorted({*ids("judge"), "weat"})


def test_what_is_neither_is_an_error():
    """The nearest names are told, shelves among them; a correction is no metric and its shelf none either."""
    with pytest.raises(UnknownName, match="judge"):
        ids("jugde")
    with pytest.raises(BadInput, match="run it by `plumbline correct MODEL"):
        ids("linear_projection")
    with pytest.raises(UnknownName, match="postprocessing"):
        ids("postprocessing")
