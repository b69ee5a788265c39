"""Byte probabilities from token models: every check of card S120, on models that are known exactly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from byte_chains import Chain, PushForward, RandomModel, enumerated

from plumbline.core.errors import BadInput
from plumbline.models.byte_cover import (
    END,
    ByteProcess,
    LongestMatch,
    Vocabulary,
    followed,
    tempered,
    total_variation,
)

CHAIN = Chain()
SMALL = (b"A", b"B", b"AA", b"BAB", b"BB")
OTHER = (b"A", b"B", b"AB", b"ABA", b"BB")


@pytest.fixture(scope="module")
def pushed():
    """The chain as a token model, for each of two vocabularies."""
    made = {}
    for pieces in (SMALL, OTHER, (b"A", b"B")):
        coding = LongestMatch(pieces)
        made[pieces] = ByteProcess(coding, PushForward(CHAIN, coding))
    return made


def prefixes(longest: int):
    """All texts of up to so many letters."""
    return [bytes(t) for n in range(1, longest + 1) for t in itertools.product(b"AB", repeat=n)]


def test_the_lemma_gives_the_chain_back(pushed):
    """S120 check 1: max |BTR - P(x)| over all texts of up to 8 letters is below 1e-9 (found: 1e-14)."""
    for pieces in (SMALL, OTHER):
        worst = max(
            abs(np.exp(pushed[pieces].log_prob((), x)) - CHAIN.prob(x)) for x in prefixes(8)
        )
        assert worst < 1e-12


def test_reading_off_the_tokens_does_not(pushed):
    """S120 check 1: after "B" the tokens say P(A) = 1 where the chain has .3: a distance of .7."""
    process = pushed[SMALL]
    naive = process.token_conditioned((), b"B")
    exact, leaked = process.after(process.cover((), b"B"))
    assert naive[ord("A")] == pytest.approx(1.0, abs=1e-9)
    assert exact[ord("A")] == pytest.approx(0.3, abs=1e-9)
    assert leaked == pytest.approx(0.0, abs=1e-12)
    assert total_variation(naive, exact) == pytest.approx(0.7, abs=1e-9)


def test_next_bytes_are_the_chains_and_step_by_step_is_the_same(pushed):
    """S120 method, recursive update: pushing bytes one by one gives the cover that a search gives."""
    for pieces, text in itertools.product((SMALL, OTHER), (b"ABBABAAB", b"BABBABBA")):
        process = pushed[pieces]
        walked = process.cover((), b"")
        for k, byte in enumerate(text):
            found, _ = process.after(walked)
            before = {65: CHAIN.after[65], 66: CHAIN.after[66]}.get(text[k - 1]) if k else 0.5
            assert found[65] == pytest.approx(before, abs=1e-11)
            assert found.sum() == pytest.approx(1.0, abs=1e-11)
            walked = process.push(walked, byte)
            searched = process.cover((), text[: k + 1])
            assert walked.total == pytest.approx(searched.total, abs=1e-11)
            assert walked.exact == pytest.approx(searched.exact, abs=1e-11)
            pairs = [
                sorted(zip(c.last.tolist(), c.into.tolist(), strict=True))
                for c in (walked, searched)
            ]
            assert pairs[0] == pairs[1]


@pytest.mark.parametrize("seed", range(5))
def test_brute_force_over_token_strings(seed):
    """S120 check 2: P(x) is the sum over all token strings that are valid and begin with x, to 1e-9.

    The model is random and puts mass on invalid strings, so P(x) is more than the sum over the next
    bytes by exactly what leaks and by what ends: sum_b P(x b) + P(end) + leaked = P(x).
    """
    coding = LongestMatch((*SMALL, b""))
    rows = RandomModel(len(SMALL) + 1, seed)
    process = ByteProcess(coding, rows)
    for x in prefixes(6):
        whole = np.exp(process.log_prob((), x))
        assert whole == pytest.approx(enumerated(coding, rows, x), abs=1e-9)
        nexts, leaked = process.after(process.cover((), x))
        grown = sum(np.exp(process.log_prob((), x + b)) for b in (b"A", b"B"))
        assert nexts[:END].sum() * whole == pytest.approx(grown, abs=1e-9)
        assert nexts.sum() + leaked == pytest.approx(1.0, abs=1e-9)
        assert 0 < nexts[END] < 1
    assert leaked >= 0


def test_sum_over_next_bytes_without_a_leak(pushed):
    """S120 check 2: where nothing leaks, sum_b P(x b) = P(x)."""
    process = pushed[SMALL]
    for x in prefixes(6):
        grown = sum(np.exp(process.log_prob((), x + b)) for b in (b"A", b"B"))
        assert grown == pytest.approx(np.exp(process.log_prob((), x)), abs=1e-9)


def test_a_vocabulary_of_bytes_changes_nothing(pushed):
    """S120 check 3: with one token a byte the two readings are one: TV = 0 at every text."""
    process = pushed[b"A", b"B"]
    for x in prefixes(6):
        exact, leaked = process.after(process.cover((), x))
        assert total_variation(process.token_conditioned((), x), exact) < 1e-12
        assert leaked == 0.0
    assert not len(process.cover((), b"AB").last)


def test_a_lead_is_certain():
    """Tokens before the text condition it: P(x | lead) is the model's own, whatever the lead says."""
    coding, rows = LongestMatch((*SMALL, b"")), RandomModel(6, 9)
    process = ByteProcess(coding, rows)
    lead = (5, 3)
    found = process.cover(lead, b"B")
    first = rows([lead])[0]
    over = [v for v, p in enumerate(SMALL) if p.startswith(b"B")]
    assert np.exp(found.total) == pytest.approx(np.exp(first[over]).sum(), abs=1e-12)


def test_two_vocabularies_of_one_chain(pushed):
    """S120 check 4: the mean of two models' byte distributions is that of each, to 1e-9."""
    for x in prefixes(6):
        one, two = (pushed[p].after(pushed[p].cover((), x))[0] for p in (SMALL, OTHER))
        assert np.abs((one + two) / 2 - one).max() < 1e-9
        assert np.abs(one - two).max() < 1e-9


def test_tokens_that_may_follow():
    """Validity: a token that would have been merged with what is before it may not follow."""
    coding = LongestMatch(SMALL)
    assert followed(coding, b"A", np.arange(5)).tolist() == [False, True, False, True, True]
    assert followed(coding, b"", np.arange(5)).tolist() == [True] * 5


def test_vocabulary_looks_tokens_up_by_their_beginning():
    """Padding is not a byte; nothing is longer than the longest."""
    vocabulary = Vocabulary.of([b"\x00", b"\x00\x00", b"", b"A"])
    assert vocabulary.starting(b"\x00").tolist() == [0, 1]
    assert vocabulary.starting(b"\x00\x00\x00").tolist() == []
    summed = vocabulary.by_first_byte(np.array([0.1, 0.2, 0.3, 0.4]))
    assert (summed[0], summed[65], summed[END]) == pytest.approx((0.3, 0.4, 0.3))


def test_temperature_is_a_power():
    """Half the temperature squares; 0 takes the likeliest; 1 changes nothing."""
    chances = np.array([0.5, 0.3, 0.2, 0.0])
    assert tempered(chances, 1.0) == pytest.approx(chances)
    assert tempered(chances, 0.5) == pytest.approx(chances**2 / (chances**2).sum())
    assert tempered(chances, 0.0).tolist() == [1, 0, 0, 0]


def test_a_text_without_tokens_is_refused():
    """A byte that no token begins with is the caller's error, not probability 0."""
    with pytest.raises(BadInput, match="no token"):
        LongestMatch(SMALL).encode(b"AC")
