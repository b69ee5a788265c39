"""Corrections by reordering: what answers mean in each order, invariance, ties, what goes through."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from plumbline.core import questions as ask
from plumbline.core.answers import Choices
from plumbline.core.errors import BadInput
from plumbline.core.exchange import contents, reordered
from plumbline.core.questions import Segment, plain
from plumbline.data.templates.multiple_choice import letters, shown
from plumbline.metrics.judged_pairs import judged
from plumbline.models.asked_in_orders import INCONSISTENT, exchange_of
from plumbline.models.choose_derived import TIE
from plumbline.models.corrected_permutation_average import (
    PermutationAverage,
    circles,
    mean_probabilities,
)
from plumbline.models.corrected_portia import Portia
from plumbline.models.corrected_swap_and_tie import SwapAndTie
from plumbline.models.whole_batch import answered
from plumbline.testing import PlantedChooser, PlantedJudge

SETTINGS = {"orders": 24, "seed": 0}
LONG = "One is so. Two is so. Three is so. Four is so. "
OTHER = "Five is not. Six is not. Seven is not. Eight is not. "
MAKERS = {
    "portia": lambda base: Portia(base, "portia@1", {"parts": 3, "second": True}),
    "swap_and_tie": lambda base: SwapAndTie(base, "swap_and_tie@1", {}),
    "permutation_average": lambda base: PermutationAverage(base, "permutation_average@1", SETTINGS),
}


class Counting:
    """A base that counts what it is asked."""

    def __init__(self, base):
        self.base, self.asked = base, []

    def __getattr__(self, name):
        return getattr(self.base, name)

    def answer(self, batch):
        self.asked += [plain(p) for p in batch.columns["prompt"]]
        yield from self.base.answer(batch)


def mcq(texts, *, lettered=True, question="Which?"):
    """One multiple-choice question."""
    prompt = shown(question, texts, lettered=lettered)
    options = letters(len(texts)) if lettered else tuple(texts)
    return ask.choose([prompt], [options], contents=[tuple(texts)])


def verdicts(model, pairs, *, ties=True):
    """Content named for each (first, second): 0, 1, 2 a tie; and the status."""
    prompts = [judged("q?", pair, role="text", ties=ties) for pair in pairs]
    options = ("A", "B", "C") if ties else ("A", "B")
    return answered(model, ask.choose(prompts, [options] * len(prompts)))


def test_exchange_of():
    """Labels, contents in full, neither; two sets, or the item's own text, are nobody's to order."""
    labelled = exchange_of(shown("q", ["x", "y"]), ("B", "A", "C"))
    assert (labelled.at, labelled.labelled) == ((1, 0), True)
    whole = exchange_of(shown("q", ["x", "y"], lettered=False), ("y", "x"))
    assert (whole.at, whole.labelled) == ((1, 0), False)
    documents = (Segment("d1", exchange="documents"), Segment("d2", exchange="documents"))
    assert exchange_of(documents, ("yes", "no")).at == ()
    assert exchange_of((*documents, *shown("q", ["x", "y"])), ("A", "B")) is None
    assert exchange_of((Segment("d1", exchange="input"), Segment("d2", exchange="input")), ("a", "b")) is None  # fmt: skip
    assert exchange_of(ask.prompt("plain"), ("a", "b")) is None


@pytest.mark.parametrize(
    ("kind", "lettered"),
    [("chooser", True), ("chooser", False), ("scored", True), ("votes", True)],
)
@pytest.mark.parametrize("most", [24, 8, 3])
def test_an_average_is_invariant(kind, lettered, most):
    """All 24 presentations of a question get the same content: with all orders, and with sampled circles."""
    base = {
        "chooser": PlantedChooser(position=0.4, knows=0.3, seed=1),
        "scored": PlantedJudge(slot=1.0, noise=1.0, scored=True, seed=2),
        "votes": PlantedJudge(slot=1.0, noise=1.0, seed=3),
    }[kind]
    model = PermutationAverage(base, "permutation_average@1", {"orders": most, "seed": 0})
    for number in range(6):
        said = set()
        for order in permutations(("ww", "xx", "yy", "zz")):
            got = answered(model, mcq(order, lettered=lettered, question=f"Which {number}?"))
            said.add((order[got.chosen[0]] if got.ok[0] else "", got.status[0]))
        assert len(said) == 1


def test_averages_by_hand():
    """Two orders of two contents: probabilities .9/.1 and .6/.4 for the first letter average to .65 for x."""

    class Letters(PlantedChooser):
        def _choose(self, batch):
            first = [contents(p, "options")[0] for p in batch.columns["prompt"]]
            odds = [np.log([0.9, 0.1]) if t == "x" else np.log([0.6, 0.4]) + 3.0 for t in first]
            n = len(odds)
            return Choices(np.zeros(n, int), odds, [""] * n, ["next"] * n, [""] * n)

    got = answered(PermutationAverage(Letters(), "permutation_average@1", SETTINGS), mcq(["x", "y"]))  # fmt: skip
    assert np.exp(got.scores[0]) == pytest.approx([(0.9 + 0.4) / 2, (0.1 + 0.6) / 2])
    assert got.chosen[0] == 0
    assert got.how[0] == "next"
    turned = answered(PermutationAverage(Letters(), "permutation_average@1", SETTINGS), mcq(["y", "x"]))  # fmt: skip
    assert turned.chosen[0] == 1
    assert mean_probabilities([np.log([1.0, 3.0]), np.log([3.0, 1.0])]) == pytest.approx([0.5, 0.5])


def test_who_reads_letters_only_has_no_answer():
    """Always the first letter, with or without scores: all contents are equal, which is a tie."""
    for base in (PlantedJudge(quality=0, slot=5.0, scored=True), PlantedJudge(quality=0, slot=5.0)):
        got = answered(MAKERS["permutation_average"](base), mcq(["x", "y", "z"]))
        assert got.status[0] == TIE
        assert got.chosen[0] == -1


def test_a_missing_order_leaves_no_answer():
    """One refused order: no answer, with its reason, whichever order the question came in."""
    base = PlantedChooser(refuses=0.4, seed=5)
    for order in permutations(("ww", "xx", "yy")):
        got = answered(MAKERS["permutation_average"](base), mcq(order))
        assert got.status[0] == "refused"


def test_circles():
    """All orders where few; else whole circles: distinct, and each content at each place equally often."""
    rng = np.random.default_rng(0)
    assert sorted(circles(3, 6, rng)) == sorted(permutations(range(3)))
    found = circles(5, 17, rng)
    assert len(found) == len(set(found)) == 15
    assert all(np.bincount(column).tolist() == [3] * 5 for column in np.array(found).T)
    assert len(circles(6, 2, rng)) == 6
    with pytest.raises(BadInput, match="two orders or more"):
        PermutationAverage(PlantedChooser(), "p@1", {"orders": 1, "seed": 0})


def test_documents_trade_places_and_options_stay():
    """A set that the options do not name: an option means the same in every order."""
    prompt = (
        Segment("n: "), Segment("p", exchange="documents"), Segment("\nn: "),
        Segment("q", exchange="documents"), Segment("\nAnswer:"),
    )  # fmt: skip
    base = Counting(PlantedChooser(position=1.0, favourite=1))
    got = answered(MAKERS["permutation_average"](base), ask.choose([prompt], [("yes", "no")]))
    assert got.chosen.tolist() == [1]
    assert sorted(base.asked) == sorted(
        plain(reordered(prompt, "documents", order)) for order in ((0, 1), (1, 0))
    )


@pytest.mark.parametrize("name", MAKERS)
def test_other_questions_go_through(name):
    """Without an exchange set, with two, or with three contents: the base's own answers, bit for bit."""
    base = PlantedChooser(seed=4, refuses=0.2)
    two = (*shown("q", ["x", "y"]), Segment("z", exchange="more"), Segment("w", exchange="more"))
    batch = ask.choose(["plain?", two, "other?"], [("A", "B")] * 3)
    got = answered(MAKERS[name](base), batch)
    want = answered(base, batch)
    assert [got.pack(i) for i in range(3)] == [want.pack(i) for i in range(3)]
    if name != "permutation_average":
        assert answered(MAKERS[name](base), mcq(["x", "y", "z"])).chosen == answered(base, mcq(["x", "y", "z"])).chosen  # fmt: skip


@pytest.mark.parametrize("name", ["portia", "swap_and_tie"])
def test_verdicts_do_not_depend_on_the_order(name):
    """Both presentations of a pair get the same content or both none."""
    base = PlantedJudge(slot=0.7, noise=0.5, seed=7)
    texts = [(f"{i} a. " + LONG, f"{i} b. " + OTHER) for i in range(40)]
    for ties in (True, False):
        one = verdicts(MAKERS[name](base), texts, ties=ties)
        two = verdicts(MAKERS[name](base), [t[::-1] for t in texts], ties=ties)
        meant = np.array([1, 0, 2, -1])[two.chosen]
        assert one.chosen.tolist() == meant.tolist()
        assert list(one.status) == list(two.status)
        assert {0, 1} < set(one.chosen.tolist()) == ({0, 1, 2} if ties else {0, 1, -1})
        assert set(one.status) == ({""} if ties else {"", INCONSISTENT})


@pytest.mark.parametrize("name", ["portia", "swap_and_tie"])
def test_a_refused_order_has_no_verdict(name):
    """A missing verdict is no disagreement: its reason is kept, no tie is made of it."""
    got = verdicts(MAKERS[name](PlantedJudge(refuses=1.0)), [(LONG, OTHER)])
    assert list(got.status) == ["refused"]


def test_two_questions_that_are_the_same_are_asked_once():
    """Swap asks two for a pair in both orders; PORTIA at most four, all of them distinct."""
    pairs = [(LONG, OTHER), (OTHER, LONG)]
    base = Counting(PlantedJudge(quality=0.0, slot=9.0))
    verdicts(MAKERS["swap_and_tie"](base), pairs)
    assert len(base.asked) == 2
    base = Counting(PlantedJudge(quality=0.0, slot=9.0))
    model = MAKERS["portia"](base)
    verdicts(model, pairs)
    assert len(set(base.asked)) == len(base.asked) <= 4
    assert model.questions(ask.choose([judged("q", pairs[0], role="text", ties=True)], [("A", "B", "C")])) == 4  # fmt: skip


def test_short_answers_are_shown_whole():
    """An answer of one sentence: the ordinary prompt in both orders, and no second try of the same."""
    base = Counting(PlantedJudge(quality=0.0, slot=9.0))
    got = verdicts(MAKERS["portia"](base), [("Only one.", LONG)])
    assert got.chosen.tolist() == [2]
    assert base.asked == [plain(judged("q?", p, role="text", ties=True)) for p in (("Only one.", LONG), (LONG, "Only one."))]  # fmt: skip


def test_one_part_is_swap_and_tie():
    """S044 check 1: k = 1 gives the ordinary prompt, so that only the swap is left."""
    base = PlantedJudge(slot=0.7, noise=0.5, seed=9)
    texts = [(f"{i} a. " + LONG, f"{i} b. " + OTHER) for i in range(30)]
    one = Portia(base, "portia@1", {"parts": 1, "second": True})
    assert verdicts(one, texts).chosen.tolist() == verdicts(MAKERS["swap_and_tie"](base), texts).chosen.tolist()  # fmt: skip
    with pytest.raises(BadInput, match="one part or more"):
        Portia(base, "portia@1", {"parts": 0, "second": True})


def test_roles_and_labels_are_kept():
    """A chat prompt stays one; the parts keep the label under which they are read."""
    base = Counting(PlantedJudge())
    prompt = tuple(replace(s, role="user") for s in judged("q", (LONG, OTHER), role="text", ties=True))  # fmt: skip
    seen = []
    base.answer = lambda batch: (seen.extend(batch.columns["prompt"]), (yield from base.base.answer(batch)))[1]  # fmt: skip
    answered(MAKERS["portia"](base), ask.choose([prompt], [("A", "B", "C")]))
    assert all({s.role for s in p} == {"user"} for p in seen)
    for p in seen:
        said = {label: "".join(s.text for s in p if s.option == label) for label in "AB"}
        assert sorted(said.values()) == sorted((LONG, OTHER))
