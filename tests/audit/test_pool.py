"""The pool of one kind's questions: distinct, sorted, answered once, handed out by digest."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.audit.pool import Pool, united
from plumbline.core import questions as ask
from plumbline.core.answers import LogProbs
from plumbline.core.errors import PlumblineError


def batch(*words: str) -> ask.Batch:
    """One question a word."""
    return ask.logprob(["She is"] * len(words), [f" {w}" for w in words])


def test_equal_questions_of_two_batches_are_one():
    """Sorted by digest, whatever the order of the batches; the digest is the question's own."""
    one, two = batch("kind", "tall", "kind"), batch("old", "tall")
    union, keys = united([(one, one.keys()), (two, two.keys())])
    assert sorted(union.columns["continuation"]) == [" kind", " old", " tall"]
    assert list(keys) == sorted({*one.keys(), *two.keys()})
    assert union.keys() == keys
    other, same = united([(two, two.keys()), (one, one.keys())])
    assert same == keys
    assert other.columns == union.columns


def test_answers_go_to_whom_they_belong():
    """Put part by part and out of order; every batch reads its own rows, doubles too."""
    one, two = batch("kind", "tall", "kind"), batch("old", "tall")
    pool = Pool(*united([(one, one.keys()), (two, two.keys())]))
    length = [float(len(c)) for c in pool.batch.columns["continuation"]]
    assert pool.lacking(np.arange(3)).tolist() == [0, 1, 2]
    pool.put(np.array([2]), LogProbs.of([(np.array([length[2]]), ["x"])]))
    assert (pool.answered, pool.lacking(np.arange(3)).tolist()) == (1, [0, 1])
    pool.put(np.array([1, 0]), LogProbs.of([(np.array([length[i]]), ["y"]) for i in (1, 0)]))
    assert pool.of(one.keys()).total.tolist() == [5, 5, 5]
    assert pool.of(two.keys(), last=True).total.tolist() == [4, 5]


def test_no_question_gets_a_neighbours_answer():
    """Unanswered rows, strange questions and answers that do not count up are errors, never a number."""
    words, strange = batch("a", "b", "c"), batch("d", "a")
    pool = Pool(*united([(words, words.keys())]))
    pool.put(np.array([0, 1]), LogProbs.of([(np.array([-1.0]), ["x"])] * 2))
    with pytest.raises(PlumblineError, match="1 of 3 questions were put to nobody"):
        pool.of(words.keys())
    with pytest.raises(PlumblineError, match="1 answers came to 2 questions"):
        pool.put(np.array([1, 2]), LogProbs.of(["refused"]))
    pool.put(np.array([2]), LogProbs.of(["refused"]))
    assert pool.of(words.keys()).ok.sum() == 2
    for order in ([0, 1], [1, 0]):
        with pytest.raises(KeyError, match="not of this pool"):
            pool.of(strange.take(order).keys())


def test_only_answered_rows_are_canaries():
    """A reason is no answer that could be asked again."""
    words = batch("a", "b", "c")
    pool = Pool(*united([(words, words.keys())]))
    pool.put(np.array([0, 1]), LogProbs.of(["refused", (np.array([-1.0]), ["b"])]))
    assert pool.first_answered(3) == [1]
