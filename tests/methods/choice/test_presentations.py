"""Items in several orders: what stands where, and what an answer then names."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.exchange import contents, labels
from plumbline.core.seeds import Seeds
from plumbline.data.templates.multiple_choice import shown
from plumbline.metrics.presentations import MOVES, Presentations

TEXTS = ("w", "x", "y", "z")


def streams(i: int) -> np.random.Generator:
    """One stream an item."""
    return Seeds(0).stream("orders", str(i))


def read(prompt) -> list[tuple[str, str]]:
    """(label, content) at each place."""
    return list(zip(labels(prompt, "options"), contents(prompt, "options"), strict=True))


def test_three_ways_of_moving():
    """Contents under fixed labels; labels over fixed contents; labelled contents together."""
    made = {}
    for moves in MOVES:
        rows = Presentations.of([3], "rotation", moves=moves)
        made[moves] = [read(p) for p in rows.prompts([shown("q", TEXTS[:3])], "options")]
    assert made["contents"][1] == [("A", "x"), ("B", "y"), ("C", "w")]
    assert made["labels"][1] == [("B", "w"), ("C", "x"), ("A", "y")]
    assert made["both"][1] == [("B", "x"), ("C", "y"), ("A", "w")]
    assert made["contents"][0] == made["labels"][0] == made["both"][0]


@given(
    st.lists(st.integers(2, 4), min_size=1, max_size=4),
    st.sampled_from(MOVES),
    st.sampled_from(("swap", "rotation", "permutation", "shuffle")),
)
def test_answers_lead_back_to_place_and_content(sizes, moves, scheme):
    """Whatever is moved: the chosen label's place and content are those that the prompt shows."""
    rows = Presentations.of(sizes, scheme, moves=moves, draws=2, streams=streams)
    prompts = rows.prompts([shown(f"q{i}", TEXTS[:n]) for i, n in enumerate(sizes)], "options")
    behind = rows.behind_labels([TEXTS[:n] for n in sizes])
    for label in range(max(sizes)):
        chosen = np.full(len(rows), label)
        place, content = rows.place_of(chosen), rows.content_of(chosen)
        for r, prompt in enumerate(prompts):
            said = read(prompt)
            if label >= len(said):
                assert place[r] == content[r] == -1
                continue
            assert said[place[r]] == ("ABCD"[label], TEXTS[content[r]])
            assert behind[r][label] == TEXTS[content[r]]
            assert rows.place_with(np.full(len(sizes), content[r]))[r] == place[r]


def test_what_each_scheme_balances():
    """Rotations: every content at every place once; labels and places are balanced as `moves` says."""
    for moves in MOVES:
        rows = Presentations.of([4], "rotation", moves=moves)
        moved = rows.label if moves == "labels" else rows.content
        assert all(sorted(column) == [0, 1, 2, 3] for column in moved.T)
        pairs = {(int(c), int(k)) for c, k in zip(rows.content.ravel(), rows.label.ravel(), strict=True)}  # fmt: skip
        # A content keeps its letter where both move, and meets every letter once otherwise.
        assert len(pairs) == (4 if moves == "both" else 16)


def test_schemes():
    """Numbers of orders, and the first of each but shuffles is the order as it came."""
    counts = {"swap": 2, "rotation": 3, "permutation": 6, "shuffle": 5}
    for scheme, count in counts.items():
        rows = Presentations.of([3, 3], scheme, draws=5, streams=streams)
        assert rows.item.tolist() == [0] * count + [1] * count
        if scheme != "shuffle":
            assert rows.content[rows.number == 0].tolist() == [[0, 1, 2]] * 2
    all_orders = {tuple(r) for r in Presentations.of([3], "permutation").content.tolist()}
    assert all_orders == set(permutations(range(3)))


def test_a_shuffle_belongs_to_its_item():
    """An item's orders do not depend on what is asked with it."""
    alone = Presentations.of([4], "shuffle", draws=3, streams=streams)
    with_more = Presentations.of([4, 4, 2], "shuffle", draws=3, streams=streams)
    assert alone.content.tolist() == with_more.content[with_more.item == 0].tolist()


def test_tables_masks_and_shares():
    """By item and order; whole items; consistency; shares of places."""
    rows = Presentations.of([2, 3], "rotation")
    chosen = np.array(
        [0, 0, 0, 2, 1]
    )  # item 0: always the first label; item 1: content 0 throughout
    content = rows.content_of(chosen)
    assert content.tolist() == [0, 1, 0, 0, 0]
    assert rows.consistent(content).tolist() == [False, True]
    assert rows.table(chosen, -1).tolist() == [[0, 0, -1], [0, 2, 1]]
    whole = rows.whole(np.array([True, False, True, True, True]))
    assert whole.tolist() == [False, True]
    assert rows.shares(rows.place_of(chosen), whole[rows.item]) == pytest.approx([1 / 3] * 3)
    turned = rows.by_order()
    assert turned.item.tolist() == [0, 1, 0, 1, 1]
    assert turned.number.tolist() == [0, 0, 1, 1, 2]
    assert turned.consistent(turned.content_of(chosen[[0, 2, 1, 3, 4]])).tolist() == [False, True]


def test_ties_and_other_options_are_no_place():
    """An option beyond the labels of the places (a tie) names none."""
    rows = Presentations.of([2], "swap")
    assert rows.content_of(np.array([2, -1])).tolist() == [-1, -1]


def test_bad_input():
    """Unknown schemes and ways of moving; shuffles without a stream."""
    with pytest.raises(UnknownName, match="scheme of orders"):
        Presentations.of([2], "spiral")
    with pytest.raises(UnknownName, match="way of moving"):
        Presentations.of([2], "swap", moves="nothing")
    with pytest.raises(BadInput, match="random stream"):
        Presentations.of([2], "shuffle")
