"""Order sensitivity: closed forms, planted readers through the runner, corrections, missing answers."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.answers import Choices
from plumbline.core.context import Context
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.metrics.choice import order_sensitivity as method
from plumbline.metrics.presentations import Presentations
from plumbline.mitigate.postprocessing.permutation_average import permutation_average
from plumbline.stats.infer import infer
from plumbline.testing import PlantedRetriever
from plumbline.testing.laws import assert_simulation_recovered

MAIN = "accuracy, answer first minus last"
GAP = "gap between best and worst place"


def found(right_at, *, items: int = 40, notes: int = 5, status=None):
    """Outcomes of questions that are right where `right_at(item, place)` says."""
    turned = Presentations.of([notes] * items, "rotation")
    gold = np.arange(items) % notes
    place = turned.place_with(gold)
    right = np.array([right_at(i, p) for i, p in zip(turned.item, place, strict=True)])
    chosen = np.where(right, gold[turned.item], (gold[turned.item] + 1) % notes)
    n = len(turned)
    status = [""] * n if status is None else status
    answers = Choices(np.where(np.array(status) == "", chosen, -1), [np.empty(0)] * n, [""] * n, ["native"] * n, status)  # fmt: skip
    names = [f"f{i}" for i in range(items)]
    scored = method.scored(turned, names, [f"k{i % 20}" for i in range(items)], gold.tolist(), answers)  # fmt: skip
    got = infer(scored, method.order_sensitivity.card, seeds=Seeds(0))
    return {
        (f.role, f.labels["measure"], f.labels.get("group", "")): f.outcome for f in got
    }, scored


def test_kernels_by_hand():
    """First minus last; the trend of a line is its ends' difference, of a U it is 0."""
    right = np.array([[1, 1, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0, 0, 0, 1]], float)
    assert method.first_minus_last(right).tolist() == [1, 0, -1]
    assert method.trend(np.array([[1, 0.75, 0.5, 0.25, 0]])) == pytest.approx([1])
    assert method.trend(right)[1] == pytest.approx(0)
    # Least squares by numpy.polyfit on the first row: slope -.3, over four steps.
    assert method.trend(right)[0] == pytest.approx(-4 * np.polyfit(range(5), right[0], 1)[0])


def test_only_the_first_place_is_read():
    """Right at the first place alone: 1 minus 0, gap 1, accuracy 1/5; the mirror image turns the sign."""
    got, _ = found(lambda _, p: p == 0)
    main = got["primary", MAIN, ""]
    assert main.value == 1 if isinstance(main, Estimate) else "(1)" in main.reason
    assert got["secondary", GAP, ""].value == 1
    assert got["secondary", "accuracy", ""].value == pytest.approx(0.2)
    assert got["reference", "accuracy by place", "1"].value == 1
    turned, _ = found(lambda i, p: (p == 4) if i % 4 else (p == 0))
    straight, _ = found(lambda i, p: (p == 0) if i % 4 else (p == 4))
    assert straight["primary", MAIN, ""].value == pytest.approx(0.5)
    assert turned["primary", MAIN, ""].value == pytest.approx(-0.5)
    assert turned["secondary", GAP, ""].value == straight["secondary", GAP, ""].value


def test_the_middle_is_lost():
    """Both ends alike: first minus last and trend 0, but the gap and the curve show it (S048 metric: best-worst gap)."""
    rng = np.random.default_rng(0)
    chance = {0: 0.9, 4: 0.9}
    got, _ = found(lambda _, p: rng.random() < chance.get(p, 0.3), items=400)
    assert abs(got["primary", MAIN, ""].value) < 0.1
    gap = got["secondary", GAP, ""]
    assert gap.value > 0.5 > gap.expected
    assert got["group", "accuracy minus the mean over places", "3"].high < 0
    assert got["group", "accuracy minus the mean over places", "1"].low > 0


def test_who_reads_everything_finds_no_gap():
    """Always right: nothing differs, all answers are the same in all orders."""
    got, scored = found(lambda *_: True)
    main = got["primary", MAIN, ""]
    assert main.value == 0 if isinstance(main, Estimate) else "0" in main.reason
    assert got["secondary", "same answer in all orders", ""].value == 1
    assert scored.facts["accuracy_by_chance"] == pytest.approx(0.2)


def test_a_missing_order_leaves_the_question_out():
    """One refusal: all five presentations of its question go, with their reasons."""
    status = [""] * 200
    status[7] = "refused"
    got, scored = found(lambda _, p: p < 2, status=status)
    assert got["secondary", "accuracy", ""].n == 195
    why = scored.items.where({"part": "place"})["why"]
    assert sorted(w for w in why if w) == [method.OTHER] * 4 + ["refused"]
    assert scored.facts["left_out_questions"] == 1
    status[: 5 * 21 : 5] = ["refused"] * 21
    got, _ = found(lambda _, p: p < 2, status=status)
    assert all(isinstance(o, Undefined) for o in got.values())


def test_questions_are_the_same_whatever_the_seed():
    """Items do not depend on the plan's seed, so runs can be compared; suites are nested."""

    def keys(suite, seed):
        context = Context(abilities=frozenset({"choose"}), seeds=Seeds(seed), suite=suite)
        return next(method.order_sensitivity(context))[0].keys()

    quick, standard = keys("quick", 1), keys("standard", 2)
    assert len(quick) == 200
    assert quick == standard[:200]


def primary(run):
    """The primary finding of a run."""
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    return main


def test_planted_readers_through_the_runner(audited):
    """sees .9 first and .3 last: (.9 - .3)(1 - 1/5) = .48; reversed -.48; even .6: no finding."""
    for sees, truth in (((0.9, 0.3), 0.48), ((0.3, 0.9), -0.48)):
        main = primary(audited(PlantedRetriever(sees=sees, seed=1), "order_sensitivity"))
        assert main["low"] <= truth <= main["high"]
        assert main["p"] < 1e-3
        assert main["units"] == 20
    assert primary(audited(PlantedRetriever(sees=(0.6,) * 2, seed=2), "order_sensitivity"))["p"] > 0.001  # fmt: skip
    mute = primary(audited(PlantedRetriever(refuses=1.0), "order_sensitivity"))
    assert mute["status"] == "undefined"


def test_what_is_taken_from_the_first_note(scored):
    """A reader that answers from the first note whatever is asked: right there and nowhere else."""
    got = scored(method.order_sensitivity, PlantedRetriever(sees=(0.0, 0.0), grabs=1.0))
    assert (got.items.where({"part": "taken"})["score"] == 1).all()
    assert (got.items.where({"part": "first_minus_last"})["score"] == 1).all()


def test_averaged_over_orders_every_order_is_alike(scored):
    """After `permutation_average` the answer is the same in all orders: first minus last is 0 by construction."""
    model = permutation_average(PlantedRetriever(sees=(0.9, 0.3), seed=3), orders=5)
    got = scored(method.order_sensitivity, model)
    answered = got.items.where({"part": "same"}).answered()
    assert (answered["score"] == 1).all()
    assert (got.items.where({"part": "first_minus_last"}).answered()["score"] == 0).all()
    before = scored(method.order_sensitivity, PlantedRetriever(sees=(0.9, 0.3), seed=3))
    mean = [s.items.where({"part": "place"}).answered()["score"].mean() for s in (before, got)]
    assert mean[1] > mean[0]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_difference_is_recovered(dial):
    """Mean over 300 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    assert_simulation_recovered(
        method.order_sensitivity.card, method.simulate, dial=dial, dials=method.DIALS, salt=4
    )
