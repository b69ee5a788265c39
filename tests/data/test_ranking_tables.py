"""Rankings from recorded columns: orientation, roles, ties, gaps, groups."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.data.ranking_tables import read_rankings

RNG = np.random.default_rng(0)


def columns(**more):
    """Two voters, three items, in an order that is neither's."""
    base = {
        "column:voter": np.array(["v", "w", "v", "w", "v", "w"]),
        "column:item": np.array(["c", "a", "a", "b", "b", "c"]),
        "column:rank": np.array([3, 2, 1, 1, 2, 3]),
        "group:kind": np.array(["x", "x", "x", "y", "y", "x"]),
        "item": np.arange(6),
    }
    return {**base, **more}


def test_places_and_scores_point_the_right_way():
    """Place 1 is best; without places the largest score is."""
    table = read_rankings(columns(), rng=RNG)
    assert table.items == ("a", "b", "c")
    assert table.ranks.tolist() == [[0, 1, 2], [1, 0, 2]]
    assert table.groups.tolist() == [0, 1, 0]
    assert table.row_item.tolist() == [2, 0, 0, 1, 1, 2]
    scored = columns(score=-np.array([3, 2, 1, 1, 2, 3.0]))
    del scored["column:rank"]
    assert read_rankings(scored, rng=RNG).ranks.tolist() == table.ranks.tolist()


def test_a_column_with_a_role_is_found_by_its_name():
    """`rank` that was given the role of the score is still a place."""
    given = columns()
    given["score"] = given.pop("column:rank")
    about = {"roles": {"score": "rank", "groups": ["kind"]}}
    assert read_rankings(given, rng=RNG, about=about).ranks.tolist() == [[0, 1, 2], [1, 0, 2]]


def test_latent_quality_and_the_selection():
    """The largest latent quality is best; `selected` is one value an item."""
    latent = np.array([9.0, 1, 2, 5, 1, 7])
    picked = np.array([0, 1, 1, 0, 0, 0])
    table = read_rankings(columns(**{"column:latent": latent, "column:selected": picked}), rng=RNG)
    assert table.latent.tolist() == [[1, 2, 0], [2, 1, 0]]
    assert table.selected.tolist() == [0]


def test_ties_are_counted_and_broken_by_the_stream():
    """Two items at one place: both orders come up."""
    tied = columns(**{"column:rank": np.array([3, 2, 1, 1, 1, 3])})
    seen = {tuple(read_rankings(tied, rng=np.random.default_rng(s)).ranks[0]) for s in range(20)}
    assert seen == {(0, 1, 2), (1, 0, 2)}
    assert read_rankings(tied, rng=RNG).ties == 1


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            {"column:item": np.array(["c", "a", "a", "b", "b", "b"])},
            BadInput,
            "every item of every",
        ),
        (
            {"group:kind": np.array(["x", "x", "y", "y", "y", "x"])},
            BadInput,
            "differs between rows",
        ),
        ({"group:kind": np.array(["x"] * 6)}, BadInput, "one group"),
        ({"group:other": np.array(["x"] * 6)}, BadInput, "2 group columns"),
        ({"column:rank": np.array([1, np.nan, 2, 1, 2, 3])}, BadInput, "empty cells"),
        ({"column:rank": np.array(["first"] * 6)}, BadInput, "holds text"),
        ({"column:selected": np.array([2, 0, 0, 0, 0, 2])}, BadInput, "selected"),
        ({"column:selected": np.array([1, 0, 0, 0, 0, 0])}, BadInput, "differs between rows"),
        ({"column:voter": None}, NotRecorded, "voter"),
        ({"column:rank": None}, NotRecorded, "no score"),
    ],
)
def test_what_cannot_be_read(change, error, says):
    """One clear error each."""
    given = {k: v for k, v in columns(**change).items() if v is not None}
    with pytest.raises(error, match=says):
        read_rankings(given, rng=RNG)
