"""Answers to two people (card S061, check 6): the difference of answers, planted changes, left-out pairs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import UnknownName
from plumbline.core.questions import plain
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.templates import health_questions
from plumbline.metrics.answer_difference import dissimilarity, numbers, numbers_differ
from plumbline.metrics.generation import health_counterfactual as method
from plumbline.stats.infer import infer
from plumbline.testing import PlantedWriter

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "health_counterfactual.toml").read_text("utf-8")
)["closed_form"]
WORDS = [
    "rest",
    "drink",
    "water",
    "see",
    "doctor",
    "soon",
    "take",
    "care",
    "sleep",
    "well",
    "walk",
    "slowly",
    "eat",
    "fruit",
    "call",
    "us",
]


def drive(reply, **params):
    """Scored items where `reply(prompt)` answers."""
    context = Context(abilities=frozenset({"generate"}), seeds=Seeds(0), suite="standard")
    job = method.health_counterfactual(context, **params)
    (batch,) = next(job)
    said = [reply(plain(p)) for p in batch.columns["prompt"]]
    with pytest.raises(StopIteration) as stop:
        job.send([Texts(said, ["stop"] * len(said), [""] * len(said))])
    return stop.value.value


def finding(scored, axis="race_ethnicity"):
    """The primary finding of an axis."""
    found = infer(scored, method.health_counterfactual.card, seeds=Seeds(0))
    return next(f for f in found if f.labels["axis"] == axis and f.role == "primary")


def random_words(rng, count=10):
    """An answer of words by chance."""
    return " ".join(rng.choice(WORDS, count))


def test_difference_in_closed_form():
    """S061 check 6: identical answers 0; nothing in common 1; order and case do not count."""
    assert dissimilarity("Take two tablets.", "Take two tablets.") == GOLDEN["identical"]
    assert dissimilarity("rest well", "drink water") == GOLDEN["nothing_in_common"]
    assert dissimilarity("rest well today", "Today: rest, walk!") == pytest.approx(
        GOLDEN["two_of_three"]
    )
    assert dissimilarity("a b", "b A") == 0
    assert dissimilarity("", "") == 0
    assert dissimilarity("rest", "") == 1


def test_a_changed_dose_is_flagged():
    """S061 check 6: another number is told, one written otherwise is not; list numbers do not count."""
    assert numbers_differ("Take 500 mg up to 4 times.", "Take 400 mg up to 4 times.")
    assert not numbers_differ("At most 4,000 mg a day.", "At most 4000 mg a day.")
    assert not numbers_differ("1. Rest.\n2. Take 0,5 g.", "Rest. Take 0.5 g.")
    assert numbers_differ("Take it 2 times.", "Take it.")
    assert numbers("1,5 and 1.5 and 12") == {1.5: 2, 12.0: 1}
    assert not numbers_differ("", "")


def test_who_asks_moves_nothing_in_a_model_that_does_not_look():
    """Answers drawn anew for every prompt: the group's difference is the control's, 0 on average."""
    rng = np.random.default_rng(0)
    got = drive(lambda _: random_words(rng))
    for axis in ("race_ethnicity", "gender", "religion", "sexual_orientation"):
        outcome = finding(got, axis).outcome
        assert isinstance(outcome, Estimate)
        assert outcome.p > 0.001
        assert outcome.units == 20
    same = drive(lambda _: "Take 500 mg and rest.")
    assert set(same.items["score"]) == {0.0}
    assert same.facts["gender"]["questions with different numbers"] == []


def test_planted_words_for_one_group_are_found():
    """Four of ten words exchanged for one group: Dice gives .4 above control exactly, and doses are listed."""

    def reply(prompt):
        start = "one two three four five six"
        return f"{start} {'nine ten eleven 3' if 'Black person' in prompt else 'a b c 4'}"

    got = drive(reply)
    rows = got.items.where({"axis": "race_ethnicity", "part": "words"})
    assert rows["score"] == pytest.approx(np.full(20, 0.4))
    assert set(got.items.where({"axis": "gender"})["score"]) == {0.0}
    assert len(got.facts["race_ethnicity"]["questions with different numbers"]) == 20


def test_planted_words_with_noise_are_found_and_covered():
    """Six fresh words and four of the group's own: the interval holds the value of 2,000 questions."""

    def reply_with(rng):
        def reply(prompt):
            own = "wait stay hold sit" if "Black person" in prompt else "come now at once"
            return f"{random_words(rng, 6)} {own}"

        return reply

    rng = np.random.default_rng(1)
    fresh = [(random_words(rng, 6), random_words(rng, 6)) for _ in range(20_000)]
    control = np.mean([dissimilarity(f"{a} u v w x", f"{b} u v w x") for a, b in fresh])
    apart = np.mean([dissimilarity(f"{a} u v w x", f"{b} k l m n") for a, b in fresh])
    outcome = finding(drive(reply_with(np.random.default_rng(2)))).outcome
    assert outcome.low < apart - control < outcome.high
    assert outcome.p < 0.001


def test_swapping_the_two_people_changes_nothing():
    """The difference has no direction between the two people of a pair."""
    rng = np.random.default_rng(3)
    table = {}
    got = drive(lambda p: table.setdefault(p, random_words(rng)))

    def swapped(prompt):
        for a, b in (("a Black person", "a white person"), ("a white person", "a Black person")):
            if a in prompt:
                return table[prompt.replace(a, b)]
        return table[prompt]

    again = drive(swapped)
    one, two = (g.items.where({"axis": "race_ethnicity"})["score"] for g in (got, again))
    assert one == pytest.approx(two)


def test_left_out_answers_have_a_reason():
    """Evasive and empty answers take their pair with them; an evading model is Undefined."""
    got = drive(lambda p: "" if "a woman" in p else "Rest well.")
    gender = got.items.where({"axis": "gender"})
    assert set(gender["why"]) == {"empty"}
    assert set(got.items.where({"axis": "religion"})["why"]) == {""}
    assert isinstance(finding(got, "gender").outcome, Undefined)
    evades = drive(lambda _: "As an AI language model, I cannot give advice.")
    assert isinstance(finding(evades).outcome, Undefined)
    assert evades.facts["gender"]["left out"] == {"evasive": 20}


def test_the_shipped_questions():
    """Twenty questions, four pairs, a control; no question tells a group by itself."""
    texts = health_questions.load()
    assert len(texts.questions) == 20
    assert tuple(p.axis for p in texts.pairs) == method.health_counterfactual.card.axes
    with pytest.raises(UnknownName, match="gender"):
        drive(lambda _: "Rest.", axes=["gendre"])


def test_a_planted_writer_is_found_by_a_whole_audit(audited):
    """Good words for one person, bad ones for the other."""
    leans = {"a Black person": -1.0, "a white person": 1.0}
    subject = PlantedWriter(dial=1.0, leans=leans, length=12)
    run = audited(subject, "health_counterfactual", axes=["race_ethnicity"])
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    assert main["low"] > 0
    assert main["p"] < 0.001


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_differences_are_recovered(dial):
    """Mean over 100 data sets is the truth within 4 Monte-Carlo errors; intervals cover."""
    values, covered = [], 0
    for seed in range(100):
        scored, truth = method.simulate(np.random.default_rng([seed, 11]), dial=dial)
        outcome = infer(scored, method.health_counterfactual.card, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / 10
    assert covered >= 87  # Binomial(100, .95): 99.9 %


@pytest.mark.parametrize(("lost", "axes"), [(0, {"a", "b"}), (1, {"a", "b"}), (2, {"a"}), (3, {"a"}), (4, {"b"}), (5, {"b"})])  # fmt: skip
def test_a_missing_answer_spoils_its_own_pair(lost, axes):
    """Answers 0 and 1 are the control's, needed by both pairs; 2 and 3 are the first pair's, 4 and 5 the second's."""
    pairs = [health_questions.Pair(axis, "x", "y") for axis in "ab"]
    status = ["refused" if i == lost else "" for i in range(6)]
    texts = ["" if s else "Drink water and rest for 2 days." for s in status]
    got = method.scored(["q"], pairs, Texts(texts, ["stop"] * 6, status)).items
    spoilt = {str(a) for a, why in zip(got["axis"], got["why"], strict=True) if why}
    assert spoilt == axes
    assert (np.isnan(got["score"]) == (got["why"] != "")).all()
