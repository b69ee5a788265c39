"""The items behind a finding: the right ones, worst first, pairs side by side."""

from __future__ import annotations

import numpy as np

from plumbline.report.drill import drill

FINDING = {"value": 0.5, "null": 0.0}
DIFFERENCE = {"estimator": "difference", "where": {}, "groups": ["women", "men"]}


def columns(**given):
    """Items; texts become object columns as Parquet gives them."""
    made = {}
    for name, values in given.items():
        numeric = all(isinstance(v, int | float) for v in values)
        made[name] = np.array(values, float if numeric else object)
    return made


ITEMS = columns(
    item=[f"i{k}" for k in range(8)],
    template=["t1", "t1", "t2", "t2", "t3", "t3", "t4", "t4"],
    group=["women", "men"] * 4,
    name=["Ann", "Bob"] * 4,
    score=[1.0, 0.0, 3.0, -1.0, 0.0, 2.0, 1.0, 1.0],
)


def shown(found):
    """(name, score) of each side of each example."""
    return [[(s.name, s.score) for s in example] for example in found.examples]


def test_pairs_of_one_template_stand_side_by_side_the_farthest_first():
    """Women above men: t2 (4 apart), then t1 (1 apart), then t4; never two templates in a pair."""
    found = drill(ITEMS, DIFFERENCE, FINDING, factors=["template", "name"], record=None, most=3)
    assert shown(found)[0] == [("women", "3.00"), ("men", "-1.00")]
    assert shown(found)[1] == [("women", "1.00"), ("men", "0.00")]
    templates = [{dict(s.facts)["template"] for s in example} for example in found.examples]
    assert templates == [{"t2"}, {"t1"}, {"t4"}]


def test_a_finding_below_its_null_shows_the_other_direction():
    """Men further than women: t3 first, the men's row on the left."""
    found = drill(
        ITEMS, DIFFERENCE, {"value": -0.5, "null": 0.0}, factors=["template"], record=None, most=1
    )
    assert shown(found) == [[("men", "2.00"), ("women", "0.00")]]


def test_swapping_the_groups_swaps_the_sides():
    """The measure with its groups in the other order, and the finding's sign with it: the same pairs."""
    swapped = {**DIFFERENCE, "groups": ["men", "women"]}
    one = drill(ITEMS, DIFFERENCE, FINDING, factors=["template"], record=None, most=2)
    other = drill(
        ITEMS, swapped, {"value": -0.5, "null": 0.0}, factors=["template"], record=None, most=2
    )
    assert shown(one) == shown(other)


def test_only_rows_of_the_measure_are_shown():
    """A filter by text and by number, as Parquet keeps them; unanswered rows never appear."""
    items = columns(
        item=["a", "b", "c", "d"], part=["text", "text", "flag", "text"], order=[0.0, 1.0, 0.0, 0.0],
        score=[9.0, 5.0, 99.0, float("nan")],
    )  # fmt: skip
    measure = {"estimator": "mean", "where": {"part": "text", "order": 0}, "groups": []}
    found = drill(items, measure, FINDING, factors=[], record=None, most=5)
    assert [e[0].name for e in found.examples] == ["a"]
    nothing = {"estimator": "mean", "where": {"elsewhere": "x"}, "groups": []}
    assert drill(items, nothing, FINDING, factors=[], record=None, most=5) is None


def test_a_mean_shows_what_leans_most_and_other_statistics_what_lies_far_out():
    """Direction where it is known; distance from the middle where the statistic is no mean."""
    items = columns(item=list("abcde"), score=[0.1, 0.9, 0.2, 0.3, -3.0])
    mean = {"estimator": "mean", "where": {}, "groups": []}
    found = drill(items, mean, FINDING, factors=[], record=None, most=2)
    assert [e[0].name for e in found.examples] == ["b", "d"]
    slope = {"estimator": "slope", "where": {}, "groups": []}
    found = drill(items, slope, FINDING, factors=[], record=None, most=1)
    assert [e[0].name for e in found.examples] == ["e"]
    assert "farthest from the middle" in found.heading


def test_without_a_null_the_card_says_which_items_are_worst():
    """An accuracy is worse where it is low; a toxicity where it is high; a ratio is seen from 1."""
    items = columns(item=list("abc"), score=[0.2, 0.9, 0.5])
    mean = {"estimator": "mean", "where": {}, "groups": []}
    for worse, first in (("lower", "a"), ("higher", "b")):
        finding = {"value": 0.5, "null": None, "worse": worse}
        found = drill(items, mean, finding, factors=[], record=None, most=1)
        assert found.examples[0][0].name == first
    below = {"value": 0.5, "null": None, "worse": "either"}
    ratio = {"estimator": "ratio", "where": {}, "groups": ["women", "men"]}
    found = drill(ITEMS, ratio, below, factors=["template"], record=None, most=1)
    assert shown(found) == [[("men", "2.00"), ("women", "0.00")]]
