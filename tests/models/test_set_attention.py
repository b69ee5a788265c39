"""Attention over a set of documents: what card S048 asks of random weights, and a slow second computation."""

from itertools import chain, permutations

import numpy as np
import pytest
import torch

from plumbline.core.errors import BadInput
from plumbline.models.set_attention import (
    WAYS,
    Layout,
    Turns,
    attend,
    document_scores,
    importance,
    ranks,
    starts,
    visible,
)
from plumbline.models.tiny_decoder import Sizes, TinyDecoder

SYSTEM, SUFFIX = [7, 3, 41, 12], [5, 17, 2, 30, 9]
DOCUMENTS = ([11, 44, 6], [23, 1, 38, 19, 4], [8, 27, 35, 14])
DECODER = TinyDecoder.random(Sizes(vocabulary=50, hidden=32, heads=4, layers=2), seed=48)


def outcome(order, how, documents=DOCUMENTS, decoder=DECODER):
    """Logits of the suffix with the documents in this order; (tokens, vocabulary)."""
    shown = [documents[i] for i in order]
    ids = torch.tensor([[*SYSTEM, *chain(*shown), *SUFFIX]])
    return decoder.logits(ids, Layout.of(len(SYSTEM), shown), how)[0, -len(SUFFIX) :].numpy()


def spread(how, documents=DOCUMENTS, decoder=DECODER):
    """Largest difference of a logit over all orders."""
    made = [outcome(o, how, documents, decoder) for o in permutations(range(len(documents)))]
    return float(np.ptp(made, axis=0).max())


def test_random_weights_give_one_answer_in_all_orders():
    """S048 check 1: fp64, d = 32, 4 heads, documents of 3, 5 and 4 tokens: below 1e-8 against above 1e-3."""
    assert spread("causal") > 1e-3
    assert spread("pine") < 1e-8


@pytest.mark.parametrize("how", ["mask", "positions"])
def test_half_of_the_method_fails(how):
    """S048 check 2: only the bidirectional mask, or only the re-positioning, leaves more than 1e-4."""
    assert spread(how) > 1e-4


def test_baselines_are_not_the_method():
    """NIA still depends on the order (through positions); PCW does not, and answers something else."""
    assert spread("nia") > 1e-4
    assert spread("pcw") < 1e-8
    assert np.abs(outcome((0, 1, 2), "pcw") - outcome((0, 1, 2), "pine")).max() > 1e-3


def test_parallel_windows_lose_what_documents_say_of_each_other():
    """S048, pitfalls: what a document's tokens become depends on another document with PINE, not with PCW."""
    other = (DOCUMENTS[0], [9] * 5, DOCUMENTS[2])

    def inside(how, documents):
        ids = torch.tensor([[*SYSTEM, *chain(*documents), *SUFFIX]])
        layout = Layout.of(len(SYSTEM), documents)
        return DECODER.logits(ids, layout, how)[0, 4:7].numpy()

    assert np.abs(inside("pine", DOCUMENTS) - inside("pine", other)).max() > 1e-3
    np.testing.assert_allclose(inside("pcw", DOCUMENTS), inside("pcw", other), atol=1e-12)


def test_one_document_is_the_ordinary_pass():
    """S048 check 4: k = 1 equals the ordinary forward pass to 1e-10, for each way; so does `causal` for any k."""
    ids = torch.tensor([[*SYSTEM, *chain(*DOCUMENTS), *SUFFIX]])
    plain = DECODER.logits(ids)
    whole = Layout.of(len(SYSTEM), [[*chain(*DOCUMENTS)]])
    for how in WAYS:
        torch.testing.assert_close(DECODER.logits(ids, whole, how), plain, atol=1e-10, rtol=0)
    layout = Layout.of(len(SYSTEM), DOCUMENTS)
    torch.testing.assert_close(DECODER.logits(ids, layout, "causal"), plain, atol=1e-10, rtol=0)


def test_tokens_in_front_of_documents_are_as_ever():
    """S048 check 4: SYS sees nothing new."""
    ids = torch.tensor([[*SYSTEM, *chain(*DOCUMENTS), *SUFFIX]])
    got = DECODER.logits(ids, Layout.of(len(SYSTEM), DOCUMENTS))[:, : len(SYSTEM)]
    torch.testing.assert_close(got, DECODER.logits(ids)[:, : len(SYSTEM)], atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    "documents",
    [
        ([11, 44, 6], [11, 44, 6], [8, 27]),
        ([11, 44, 6], [6, 11, 44], [44, 6, 11]),
        ([5], [5], [5]),
        ([11, 44], [44, 11], [8, 27], [27, 8]),
    ],
    ids=["duplicates", "the same words turned round", "all alike", "two pairs"],
)
def test_ties_do_not_bring_the_order_back(documents):
    """S048, pitfalls: equal importance (exact in the first layer for equal words) is settled by content."""
    assert spread("pine", documents) < 1e-8
    single = TinyDecoder.random(DECODER.sizes, seed=2, dtype="float32")
    assert spread("pine", documents, single) < 1e-3


def test_equals_are_ranked_by_content_never_by_place():
    """Turning tied documents round turns their ranks with them."""
    scores = torch.full((1, 1, 1, 3), 1.0)
    documents = ([1, 2], [2, 1], [9, 4])
    forth = ranks(scores, torch.tensor(Layout.of(0, documents).ties), 1e-16)
    back = ranks(scores, torch.tensor(Layout.of(0, documents[::-1]).ties), 1e-16)
    assert forth[0, 0, 0].tolist() == back[0, 0, 0].tolist()[::-1]
    assert sorted(forth[0, 0, 0].tolist()) == [0, 1, 2]


def test_positions_in_closed_form():
    """The nearest ends before the suffix at 12, the next before it: lengths 3, 5, 4 after 0 system tokens."""
    layout = Layout(0, (3, 5, 4), ((0, 1, 2),))
    assert starts(torch.tensor([0, 1, 2]), layout).tolist() == [9, 4, 0]
    assert starts(torch.tensor([2, 0, 1]), layout).tolist() == [0, 7, 3]


def test_scores_are_means_so_length_is_not_importance():
    """Uniform attention gives documents of all lengths the same score, 1; inf is a query's own document."""
    owner = torch.tensor([0, 0, 0, 1, 2, 2])
    uniform = torch.full((1, 6), 1 / 6, dtype=torch.float64)
    torch.testing.assert_close(document_scores(uniform, owner, 3), torch.ones(1, 3).double())
    key = torch.zeros(1, 1, 6, 4, dtype=torch.float64)
    own = owner[:, None] == owner[None, :]
    weights = importance(key, key, own, 0.5)[0, 0]
    torch.testing.assert_close(weights.sum(-1), torch.ones(6).double())
    assert float(weights[own].abs().max()) == 0.0


def test_masks_in_closed_form():
    """One system token, documents of 1 and 2, one suffix token."""
    layout = Layout(1, (1, 2), ((0, 1),))
    causal = np.tril(np.ones((5, 5), bool))
    both = causal.copy()
    both[1, 2:4] = True
    none = causal.copy()
    none[2:4, 1] = False
    for how, wanted in zip(WAYS, (both, none, none, both, causal, causal), strict=True):
        np.testing.assert_array_equal(visible(layout, how, 0, 5).numpy(), wanted)
        np.testing.assert_array_equal(visible(layout, how, 4, 5).numpy(), wanted[4:])


def slow(query, key, value, layout, frequencies):
    """PINE one head and one query at a time, with every key turned to its own position (numpy)."""
    heads, total, width = query.shape
    owner = np.array(layout.owners(total))
    count, end = len(layout.documents), layout.end
    region = (owner >= 0) & (owner < count)

    def turn(vector, position):
        cos, sin = np.cos(position * frequencies), np.sin(position * frequencies)
        one, two = np.split(vector, 2)
        return np.concatenate([one * cos - two * sin, two * cos + one * sin])

    def soft(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    out = np.zeros_like(query)
    for h in range(heads):
        weights = np.zeros((total, count))
        for m in range(total):
            keys = np.flatnonzero(region & (owner != owner[m]))
            soft_of = soft(key[h, keys] @ query[h, m] / np.sqrt(width))
            for j in set(owner[keys]):
                weights[m, j] = soft_of[owner[keys] == j].sum() / layout.documents[j]
        for m in range(total):
            scores = weights[m] if owner[m] == count else weights[owner == owner[m]].sum(0)
            if 0 <= owner[m] < count:
                scores[owner[m]] = np.inf
            positions, edge = np.arange(total), end
            for j in np.argsort(-scores) if owner[m] >= 0 else ():
                edge -= layout.documents[j]
                positions[owner == j] = edge + np.arange(layout.documents[j])
            seen = positions <= positions[m]
            seen &= (owner >= 0) | (owner == -1) if owner[m] >= 0 else np.arange(total) <= m
            if owner[m] != count:
                seen &= owner != count
            keys = np.flatnonzero(seen)
            turned = np.array([turn(key[h, n], positions[n]) for n in keys])
            logits = turned @ turn(query[h, m], positions[m]) / np.sqrt(width)
            out[h, m] = soft(logits) @ value[h, keys]
    return out


def test_a_slow_second_computation_agrees():
    """Relative turns per document are the same as turning every key for every query."""
    rng = np.random.default_rng(3)
    layout = Layout.of(3, [[1, 2, 3], [4, 5, 6, 7, 8], [9, 10], [11, 12, 13, 14]])
    frequencies = 10.0 ** -np.arange(0, 2, 0.5)
    q, k, v = rng.normal(size=(3, 2, 22, 8)) * 1.5
    got = attend(
        *(torch.from_numpy(x)[None] for x in (q, k, v)), layout,
        frequencies=torch.from_numpy(frequencies),
    )  # fmt: skip
    np.testing.assert_allclose(got[0].numpy(), slow(q, k, v, layout, frequencies), atol=1e-12)


def test_suffix_queries_may_come_one_by_one():
    """Decoding from plain keys gives what one pass gives; so with shared key heads and half precision values."""
    rng = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 16, 8, generator=rng, dtype=torch.float64)
    key, value = torch.randn(2, 2, 2, 16, 8, generator=rng, dtype=torch.float64)
    layout = Layout.of(2, [[1, 2, 3], [4, 5], [6, 7, 8, 9]], [[9, 2, 3], [4, 6], [6, 7, 8, 1]])
    frequencies = torch.tensor([1.0, 0.3, 0.1, 0.03])
    for how in WAYS:
        whole = attend(query, key, value, layout, frequencies=frequencies, how=how)
        for n in range(layout.end + 1, 17):
            one = attend(query[:, :, n - 1 : n], key[:, :, :n], value[:, :, :n], layout, frequencies=frequencies, how=how)  # fmt: skip
            torch.testing.assert_close(one[:, :, 0], whole[:, :, n - 1], atol=1e-12, rtol=0)
        wide = attend(
            query, key.repeat_interleave(2, 1), value.repeat_interleave(2, 1), layout, frequencies=frequencies, how=how
        )  # fmt: skip
        torch.testing.assert_close(wide, whole, atol=1e-12, rtol=0)
    half = attend(query.bfloat16(), key.bfloat16(), value.bfloat16(), layout, frequencies=frequencies)  # fmt: skip
    assert half.dtype == torch.bfloat16


def test_rows_of_a_batch_do_not_matter_to_each_other():
    """Two items in one pass, each with its own ties, answer as alone."""
    other = ([3, 3, 8], [40, 2, 17, 9, 1], [22, 5, 5, 31])
    rows = [[*SYSTEM, *chain(*d), *SUFFIX] for d in (DOCUMENTS, other)]
    both = DECODER.logits(torch.tensor(rows), Layout.of(4, DOCUMENTS, other))
    for row, documents in zip((0, 1), (DOCUMENTS, other), strict=True):
        alone = DECODER.logits(torch.tensor(rows[row : row + 1]), Layout.of(4, documents))
        torch.testing.assert_close(both[row], alone[0], atol=1e-12, rtol=0)


def test_turning_is_relative_and_keeps_lengths():
    """R(a)'R(b) = R(b - a), also backwards."""
    turns = Turns.of(torch.tensor([1.0, 0.1], dtype=torch.float64), 20, torch.float64)
    one, two = torch.randn(2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    at = torch.tensor
    direct = turns.turn(one, at(5)) @ turns.turn(two, at(17))
    assert torch.allclose(direct, turns.turn(one, at(-12)) @ two, atol=1e-12)
    assert torch.allclose(turns.turn(one, at(9)).norm(), one.norm())


def test_bad_input_is_one_clear_error():
    """Documents that are empty or of different lengths in two rows, an unknown way, queries inside documents."""
    for rows in ([[[1], []]], [[]], [[[1], [2]], [[1], [2, 3]]]):
        with pytest.raises(BadInput, match="at least one document"):
            Layout.of(1, *rows)
    layout = Layout.of(1, [[1, 2], [3]])
    x = torch.zeros(1, 1, 6, 4)
    with pytest.raises(BadInput, match="how is one of"):
        attend(x, x, x, layout, frequencies=torch.ones(2), how="best")
    with pytest.raises(BadInput, match="suffix tokens only"):
        attend(x[:, :, 3:], x, x, layout, frequencies=torch.ones(2))
