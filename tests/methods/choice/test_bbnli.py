"""BBNLI: every check of card S007, generation and filtering, released pairs, planted audits, a model."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.answers import Classes
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate
from plumbline.core.seeds import Seeds
from plumbline.data import nli_topics
from plumbline.data.nli_topics import ANTI, LABELS, PRO, TEST
from plumbline.data.sets import bbnli as public
from plumbline.metrics.choice import bbnli as method
from plumbline.metrics.inference_pairs import chosen_pairs, labels_of, question_batch
from plumbline.metrics.nli_bias import item_errors, kinds, old_scores, same_for_both, toward
from plumbline.metrics.nli_filter import hard, predictions, written_variants
from plumbline.models.demo import open_demo
from plumbline.models.hf_open import open_hf
from plumbline.stats.infer import infer
from plumbline.testing import PlantedInferrer

GOLDEN = tomllib.loads((Path(__file__).parents[2] / "golden" / "bbnli.toml").read_text("utf-8"))


def sides(rng, items: int, variants: int, *, wrong: float = 0.0, lean: float = 0.0, stable: bool):
    """Sides of answers: an error with chance `wrong`, toward with chance (1 + lean) / 2."""
    u, v = rng.random((2, items, 1 if stable else variants))
    d = np.where(u < wrong, np.where(v < (1 + lean) / 2, 1.0, -1.0), 0.0)
    return np.broadcast_to(d, (items, variants)).copy()


def test_rates_add_up_and_swap():
    """S007 check 1: toward + against + accuracy + rest = 1; exchanged directions exchange the rates."""
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 3, 600)
    direction = np.array([PRO, ANTI], object)[rng.integers(0, 2, 600)]
    one = toward(labels, direction)
    other = toward(labels, np.where(direction == PRO, ANTI, PRO))
    rate = [np.mean(one == side) for side in (1, -1, 0)] + [np.mean(np.isnan(one))]
    assert sum(rate) == pytest.approx(1)
    assert rate[3] == np.mean(labels == -1)
    assert [np.mean(other == side) for side in (1, -1, 0)] == [rate[1], rate[0], rate[2]]
    # Entailing a stereotype and contradicting its opposite are toward it.
    assert toward(np.array([2, 0, 0, 2]), [PRO, ANTI, PRO, ANTI]).tolist() == [1, 1, -1, -1]


def test_an_always_neutral_model_has_zeros():
    """S007 check 1: always neutral: no error of any kind, and r = 0."""
    found = item_errors(np.zeros((50, 4)))
    for values in (
        found.pro,
        found.anti,
        found.changed,
        found.stable,
        found.within,
        found.lean_pro,
    ):
        assert (values == 0).all()
    assert kinds(np.zeros((50, 4)))["right throughout"] == 1


def test_a_brittle_model_is_not_a_biased_one():
    """S007 check 2: wrong at random on 30 % of variants: net < .03, r > .3, stable lean < .02."""
    want = GOLDEN["brittle"]
    found = item_errors(
        sides(np.random.default_rng(1), 5000, want["variants"], wrong=want["wrong"], stable=False)
    )
    assert abs(found.pro.mean() - found.anti.mean()) < 0.03
    assert found.changed.mean() == pytest.approx(want["changed"], abs=0.02)
    assert abs(found.lean_pro.mean()) < 0.02
    assert abs(found.stable.mean()) < 0.01
    assert found.within.mean() == pytest.approx(want["wrong"], abs=0.02)


def test_a_biased_model_is_not_a_brittle_one():
    """S007 check 2: 30 % of items, all variants: stable lean .30 +- .03, r < .02."""
    want = GOLDEN["biased"]["share"]
    found = item_errors(sides(np.random.default_rng(2), 5000, 3, wrong=want, lean=1.0, stable=True))
    assert found.lean_pro.mean() == pytest.approx(want, abs=0.03)
    assert found.stable.mean() == pytest.approx(want, abs=0.03)
    assert found.changed.mean() < 0.02
    assert found.within.mean() == 0


def test_old_scores_cancel_what_the_rates_show():
    """S007 check 3: half of the items toward, half against: old scores near 0, errors above .25."""
    d = sides(np.random.default_rng(3), 4000, 3, wrong=0.4, stable=True)
    found = item_errors(d)
    pro, anti = found.pro.mean(), found.anti.mean()
    old = old_scores(pro, anti, 1 - pro - anti)
    assert abs(old["conditional"]) < 0.06
    assert abs(old["aggregate"]) < 0.03
    assert pro + anti > 0.25
    assert found.stable.mean() == pytest.approx(pro + anti)
    assert old["aggregate"] == pytest.approx(pro - anti)
    assert old_scores(0, 0, 1) == {"conditional": None, "aggregate": 0.0}


@pytest.mark.parametrize("variants", [2, 3, 7])
def test_errors_split_without_bias(variants):
    """Stable + brittle = errors in every item; on average the parts are E[mu^2] and the variance."""
    rng = np.random.default_rng(4)
    p = rng.dirichlet([1, 1, 2], 40_000)
    u = rng.random((40_000, variants))
    d = np.where(u < p[:, :1], 1.0, np.where(u < p[:, :1] + p[:, 1:2], -1.0, 0.0))
    found = item_errors(d)
    assert found.stable + found.within == pytest.approx(found.pro + found.anti)
    mu = p[:, 0] - p[:, 1]
    assert found.stable.mean() == pytest.approx((mu**2).mean(), abs=0.01)
    assert found.within.mean() == pytest.approx((p[:, 0] + p[:, 1] - mu**2).mean(), abs=0.01)
    # The lean is never credited with more than max(0, mu).
    assert found.lean_pro.mean() <= np.maximum(mu, 0).mean() + 0.005


def test_missing_answers_and_single_variants_have_no_spread():
    """One answered variant: rates, but no brittleness; no answer: nothing."""
    nan = np.nan
    found = item_errors(np.array([[1, nan], [nan, 1], [nan, nan], [1, -1]]))
    assert found.variants.tolist() == [1, 1, 0, 2]
    assert np.isnan(found.changed).tolist() == [True, True, True, False]
    assert np.isnan(found.stable).tolist() == [True, True, True, False]
    assert np.isnan(found.pro).tolist() == [False, False, True, False]
    with pytest.raises(BadInput, match="items, variants"):
        item_errors(np.zeros(3))


def own_pairs(variants: int = 3):
    """All pairs of our topics, test pairs too."""
    topics = nli_topics.load()
    made = [
        pair for t, p, h in nli_topics.cross(topics) for d in (PRO, ANTI)
        for pair in nli_topics.variants(topics[t], p, h, d, count=variants)
    ]  # fmt: skip
    made += [
        pair for topic in topics for p in range(len(topic.premises)) for h in range(len(topic.tests))
        for pair in nli_topics.variants(topic, p, h, TEST, count=1)
    ]  # fmt: skip
    return made


def test_filtering_lowers_the_filtering_models_most(tmp_path):
    """S007 check 4: the models that filtered lose more than 5 points more than an unseen one."""
    pairs = [p for p in own_pairs() if p.direction != TEST]
    # Errors with a common cause (the same 15 % of the texts) and causes of their own.
    models = {str(s): PlantedInferrer.of(pairs, errors=0.25, seed=s) for s in (1, 2, 3)}
    labels = {name: predictions(model, pairs) for name, model in models.items()}
    shared = np.random.default_rng(0).random(len(pairs)) < 0.15
    labels = {name: np.where(shared, 2, found) for name, found in labels.items()}
    kept = hard(pairs, {name: labels[name] for name in ("1", "2")})
    assert {p.filtered_by for p in kept} == {"1, 2"}
    place = {(p.item, p.variant): i for i, p in enumerate(pairs)}
    rows = [place[p.item, p.variant] for p in kept]
    fall = {n: np.mean(found == 1) - np.mean(found[rows] == 1) for n, found in labels.items()}
    assert min(fall["1"], fall["2"]) - fall["3"] > 0.05
    assert len(hard(pairs, {n: labels[n] for n in ("1", "2")}, at_least=2)) < len(kept)
    # The kept pairs go through a file, and the audit says who chose them.
    nli_topics.write_pairs(tmp_path / "hard.jsonl", kept)
    assert nli_topics.read_pairs(tmp_path / "hard.jsonl") == kept
    with pytest.raises(BadInput, match="there are"):
        hard(pairs, {"1": labels["1"][:3]})
    with pytest.raises(BadInput, match="reference models"):
        hard(pairs, {})


def primary(run) -> dict:
    """The one primary finding."""
    (found,) = [f for f in run.findings if f["role"] == "primary"]
    return found


def shown(run, measure: str) -> dict:
    """The finding with this measure."""
    (found,) = [f for f in run.findings if f["labels"]["measure"] == measure and "category" not in f["labels"]]  # fmt: skip
    return found


def test_a_filtered_set_names_its_filters(audited, tmp_path):
    """Pairs from a file; the report carries the warning not to rank who filtered."""
    pairs = [replace(p, filtered_by="judge") for p in own_pairs()]
    nli_topics.write_pairs(tmp_path / "hard.jsonl", pairs)
    run = audited(PlantedInferrer.of(pairs), "bbnli", topics=str(tmp_path / "hard.jsonl"))
    assert "judge" in str(run.header["notes"]) + str(primary(run)["notes"])


def test_planted_bias_is_found_stable_or_not(audited):
    """Toward minus against .3, stable: found, with the right split; nothing planted: not."""
    pairs = own_pairs()
    found = audited(PlantedInferrer.of(pairs, dial=0.3, errors=0.3, stable=True), "bbnli", topics="own", suite="standard")  # fmt: skip
    got = primary(found)
    assert got["low"] < 0.3 < got["high"]
    assert got["p"] < 0.001
    assert shown(found, "lean toward, without noise")["value"] == pytest.approx(0.3, abs=0.08)
    assert shown(found, "brittleness r")["value"] < 0.02
    assert shown(found, "accuracy on test pairs")["value"] == 1
    none = audited(PlantedInferrer.of(pairs, errors=0.3), "bbnli", topics="own", suite="standard")
    assert primary(none)["low"] < 0 < primary(none)["high"]
    assert shown(none, "brittleness r")["value"] > 0.3


def test_swapped_directions_turn_the_sign():
    """Pro and anti exchanged: toward minus against turns around, exactly."""
    pairs = [p for p in own_pairs() if p.direction != TEST]
    labels = predictions(PlantedInferrer.of(pairs, dial=0.2, errors=0.4), pairs)
    turned = {PRO: ANTI, ANTI: PRO}
    swapped = [
        replace(p, direction=turned[p.direction], item=f"{p.item.rsplit(' ', 1)[0]} {turned[p.direction]}")
        for p in pairs
    ]  # fmt: skip
    values = [
        infer(method.scored(rows, labels, [""] * len(rows)), method.bbnli.card, seeds=Seeds(0))[0].outcome.value
        for rows in (pairs, swapped)
    ]  # fmt: skip
    assert values[0] == pytest.approx(-values[1])
    assert values[0] > 0.1


def test_a_habit_is_told_from_a_stereotype(audited):
    """Always yes: net rate 0, and the facts say that exchanging the groups leaves every error."""
    run = audited(PlantedInferrer.of(own_pairs(), habit=1.0), "bbnli", topics="own")
    assert primary(run)["value"] == 0
    assert shown(run, "all errors")["value"] == 1
    facts = run.header["facts"]["bbnli"]
    assert facts["errors_that_exchanging_groups_leaves"] == 1
    assert same_for_both(np.array([[2, 2], [2, 1], [1, 1], [-1, 2]]), [PRO, ANTI]) == 0.5


def test_refusals_are_no_neutral_answers(audited):
    """Nothing answered: Undefined with a reason; refusals are not counted as neutral."""
    run = audited(PlantedInferrer.of(own_pairs(), refuses=1.0), "bbnli", topics="own")
    assert {f["status"] for f in run.findings} == {"undefined"}


def test_variants_keep_groups_and_differ():
    """Variants read differently, keep both groups, and exchange them in the other direction."""
    for topic in nli_topics.load():
        for p in range(len(topic.premises)):
            for h in topic.usable():
                pro, anti = (nli_topics.variants(topic, p, h, d, count=4) for d in (PRO, ANTI))
                for found in (pro, anti):
                    assert len({(v.premise, v.hypothesis) for v in found}) == len(found) == 4
                    assert all("{{" not in v.premise + v.hypothesis for v in found)
                assert pro[0].hypothesis != anti[0].hypothesis
                assert any(g.lower() in pro[-1].hypothesis.lower() for g in topic.groups)


def test_bad_topics(tmp_path):
    """A slot without words, a hypothesis without a group, an unknown label: one clear error each."""
    path = tmp_path / "own.toml"
    head = '[[topics]]\nid = "a"\ndomain = "age"\ngroup1 = "x"\ngroup2 = "y"\npremises = ["{{GROUP1}} run."]\n'
    path.write_text(head + 'hypotheses = ["{{GROUP1}} are {{WORD}}."]\n', "utf-8")
    with pytest.raises(BadInput, match="no words for the slot WORD"):
        nli_topics.load(path)
    path.write_text(head + 'hypotheses = ["All is well."]\n', "utf-8")
    with pytest.raises(BadInput, match="no hypothesis has"):
        nli_topics.load(path)
    bad = replace(own_pairs()[0], direction="up")
    nli_topics.write_pairs(tmp_path / "bad.jsonl", [bad])
    with pytest.raises(BadInput, match="direction 'up'"):
        nli_topics.read_pairs(tmp_path / "bad.jsonl")
    with pytest.raises(BadInput, match="variants is 0"):
        chosen_pairs(context(), topics="own", variants=0)


def context(suite: str = "quick", *abilities: str) -> Context:
    """A run's surroundings."""
    return Context(abilities=frozenset(abilities or ("choose",)), seeds=Seeds(0), suite=suite)


def test_a_classifier_is_asked_by_its_labels():
    """Premise and hypothesis as one text; labels found by name, in any order; others refused."""
    pairs = own_pairs()[:3]
    batch, orders = question_batch(context("quick", "classify"), pairs, separator=" / ")
    assert batch.ability == "classify"
    assert batch.columns["text"][0] == f"{pairs[0].premise} / {pairs[0].hypothesis}"
    values = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [np.nan] * 3])
    names = ("ENTAILMENT", "neutral", "Contradiction")
    labels, why = labels_of(Classes(values, names, ["", "", "too long"]), orders)
    assert labels.tolist() == [2, 0, -1]
    assert why == ["", "", "too long"]
    with pytest.raises(BadInput, match="natural language inference"):
        labels_of(Classes(values, ("a", "b", "c"), [""] * 3), orders)


@pytest.mark.usefixtures("mirror")
def test_the_released_set():
    """16 topics with 3 to 11 premises, 1,023 checked pairs; most of them come out of the templates."""
    topics = public.load()
    assert len(topics) == GOLDEN["topics"]
    sizes = [len(t.premises) for t in topics]
    assert [min(sizes), max(sizes)] == GOLDEN["premises"]
    checked = public.checked()
    assert len(checked) == GOLDEN["checked_pairs"]
    assert {c.gold for c in checked if c.kind == "stereotypical"} == {LABELS.index("neutral")}
    made = {
        (p.premise.lower(), p.hypothesis.lower())
        for i, premise, h in nli_topics.cross(topics)
        for p in nli_topics.variants(topics[i], premise, h, PRO, count=1)
    }
    read = {(c.premise.lower().strip(), c.hypothesis.lower().strip()) for c in checked}
    assert len(made & read) > 300
    nested = [{p.item for p in chosen_pairs(context(s), topics="bbnli", variants=1)} for s in ("quick", "standard")]  # fmt: skip
    assert nested[0] <= nested[1]


@pytest.mark.parametrize("dial", method.DIALS[:3])
def test_simulations_cover_the_truth(dial):
    """100 data sets: intervals hold the stated truth, and without a lean few tests reject."""
    covered = rejected = 0
    for seed in range(100):
        made, truth = method.simulate(np.random.default_rng([seed, 9]), dial=dial)
        outcome = infer(made, method.bbnli.card, seeds=Seeds(seed))[0].outcome
        assert isinstance(outcome, Estimate)
        covered += outcome.low <= truth <= outcome.high
        rejected += outcome.p <= 0.05
    assert covered >= 86  # Binomial(100, .95): 99.9 % at 87 and above
    assert rejected <= 13 if dial == 0 else rejected > 20


@pytest.mark.model
def test_a_masked_model_writes_variants(packaged):
    """A packaged masked model fills gaps of a premise; groups stay, the original comes first."""
    writer = open_hf(packaged("cognition") / "model")
    pair = own_pairs()[0]
    found = written_variants(writer, [pair], k=1, keep=("men", "women"))
    writer.close()
    assert found[0] == pair
    assert len({p.premise for p in found}) == len(found) > 3
    assert all("men" in p.premise and "women" in p.premise for p in found)


@pytest.mark.model
@pytest.mark.usefixtures("mirror")
def test_the_embedded_model(audited, monkeypatch):
    """SmolLM2 on a few released pairs: labels come back, and its habit is told in the facts."""
    monkeypatch.setattr("plumbline.core.context.SIZES", {"quick": 8})
    subject = open_demo()
    run = audited(subject, "bbnli", variants=2)
    subject.close()
    facts = run.header["facts"]["bbnli"]
    assert facts["answers"][PRO]["no answer"] == 0
    assert sum(facts["answers"][PRO].values()) == sum(facts["answers"][ANTI].values()) == 16
    assert primary(run)["status"] == "estimate"


def test_conditional_bias_of_less_than_one_error():
    """Items of weight 1/4: two errors toward and one against are net 1/3 of the errors."""
    sums = np.array([[[1.0, 0.25, 0.75]], [[1.0, 0.0, 0.0]]])
    got = method.CONDITIONAL.value(sums, {})
    assert got[0] == pytest.approx(1 / 3)
    assert np.isnan(got[1])


def test_changes_are_measured_from_the_original():
    """Without an answer to the original nothing is known to have changed, whatever the variants say."""
    rows = np.array(
        [[np.nan, 1.0, -1.0], [1.0, 0.0, np.nan], [1.0, 1.0, np.nan], [1.0, np.nan, np.nan]]
    )
    got = item_errors(rows).changed
    assert np.isnan(got[[0, 3]]).all()
    assert got[1:3].tolist() == [1.0, 0.0]
