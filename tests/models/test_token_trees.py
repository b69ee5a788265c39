"""Prefix trees in rows: they spell every sequence, share every beginning, and see nothing else."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plumbline.models.token_trees import laid, parts, shared

IDS = st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple)
MANY = st.lists(IDS, min_size=1, max_size=15)
QUESTIONS = st.lists(st.lists(IDS, max_size=4), max_size=20)


def beginnings(sequences):
    """Every distinct non-empty beginning: the nodes of the tree."""
    return {s[: k + 1] for s in sequences for k in range(len(s))}


@given(MANY)
def test_a_row_spells_every_sequence(sequences):
    """One wide row has a token for every distinct beginning, and a path for every sequence."""
    rows = laid(sequences, 10**6)
    held = {s: (row, path) for row in rows for s, path in row.paths.items()}
    assert set(held) == set(sequences)
    for s, (row, path) in held.items():
        assert tuple(row.ids[i] for i in path) == s
        assert [row.places[i] for i in path] == list(range(len(s)))
    for row in rows:
        assert len(row.ids) == len(beginnings(row.paths))
        assert row.branches == any(s != max(row.paths, key=len)[: len(s)] for s in row.paths)


@given(MANY)
def test_a_token_sees_its_own_beginning(sequences):
    """What a token sees spells the beginning that ends with it, on whatever path."""
    for row in laid(sequences, 10**6):
        seen = row.seen()
        for s, path in row.paths.items():
            for k, at in enumerate(path):
                assert tuple(row.ids[i] for i in np.flatnonzero(seen[at])) == s[: k + 1]


@given(MANY, st.integers(1, 30), st.sampled_from([1, 20, math.inf]))
def test_rows_stay_below_their_bound(sequences, most, span):
    """A row above the bound holds one sequence."""
    rows = laid(sequences, most, span)
    assert {s for row in rows for s in row.paths} == set(sequences)
    assert all(len(row.ids) <= most or len(row.paths) == 1 for row in rows)


def test_short_rows_are_preferred_to_little_sharing():
    """Sentences with only BOS in common do not make one long row; options of a long context do."""
    sentences = [(0, *range(10 * i + 1, 10 * i + 11)) for i in range(50)]
    rows = laid(sentences, 10**6, 1000)
    assert 2 < len(rows) < 50
    context = tuple(range(300))
    assert len(laid([(*context, 1000 + i, 7) for i in range(50)], 10**6, 1000)) == 1


@given(QUESTIONS, st.integers(1, 40))
def test_parts_are_complete_bounded_and_stable(questions, bound):
    """Every question once; no part above the bound unless a question is; a part split again is whole."""
    made = parts(enumerate(questions), bound)
    assert sorted(i for p in made for i in p.tolist()) == list(range(len(questions)))
    for part in made:
        own = [questions[i] for i in part]
        sizes = len(beginnings(s for some in own for s in some))
        assert sizes <= bound or sum(bool(some) for some in own) == 1
        assert len(parts(enumerate(own), bound)) == 1


@given(QUESTIONS, st.integers(1, 40), st.randoms(use_true_random=False))
def test_parts_do_not_depend_on_order(questions, bound, random):
    """The same questions in any order make the same parts."""
    mixed = questions[:]
    random.shuffle(mixed)
    one, other = (
        [sorted(sorted(set(some[i])) for i in part) for part in parts(enumerate(some), bound)]
        for some in (questions, mixed)
    )
    assert one == other


@given(IDS, IDS)
def test_shared_counts_equal_tokens_in_front(one, other):
    """The longest common beginning."""
    k = shared(one, other)
    assert one[:k] == other[:k]
    assert k == min(len(one), len(other)) or one[k] != other[k]
