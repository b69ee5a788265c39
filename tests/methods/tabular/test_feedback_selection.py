"""Feedback in conversations: checks 1 to 3 of card S014, pairs, propensities, planted logs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.feedback_signals import (
    DISSATISFIED,
    NEITHER,
    SATISFIED,
    Turn,
    preference_pairs,
    rubrics,
    signals,
    write_pairs,
)
from plumbline.metrics.tabular import feedback_selection as method
from plumbline.stats.direct_preference import dpo_loss, fit_linear_policy, reward_margin
from plumbline.stats.infer import infer
from plumbline.stats.inverse_propensity import inverse_propensity, propensities
from plumbline.stats.undefined import UndefinedStatistic
from plumbline.testing import PlantedFeedback
from plumbline.testing.planted_feedback import PHRASES, with_typos

BIAS = "naive minus corrected satisfaction"
NAIVE = "naive satisfaction: share of those who spoke"


def found(scored: Scored) -> dict[str, object]:
    """Outcome by measure."""
    findings = infer(scored, method.feedback_selection.card, seeds=Seeds(1))
    return {f.labels["measure"]: f.outcome for f in findings}


def limits(happy: float, unhappy: float, share: float = 0.7) -> tuple[float, float]:
    """Limits of the naive and of the weighted rate, with the patterns' errors on the planted phrases.

    Silent turns that look like a signal count among those who spoke; they are many, so that few errors matter.
    """
    naive, weighted = np.zeros(2), np.zeros(2)
    for chance, speaks, kind in ((share, happy, SATISFIED), (1 - share, unhappy, DISSATISFIED)):
        for p, texts in ((speaks, PHRASES[kind]), (1 - speaks, PHRASES[NEITHER])):
            said = [signals(t).kind for t in texts]
            for k, name in enumerate((SATISFIED, DISSATISFIED)):
                part = chance * p * said.count(name) / len(said)
                naive[k] += part
                weighted[k] += part / speaks
    return naive[0] / naive.sum(), weighted[0] / weighted.sum()


def macro_f1(rate: float) -> float:
    """Mean F1 of the three kinds over 3,000 turns, a quarter of them complaints."""
    rng = np.random.default_rng(14)
    kinds = np.array([SATISFIED, DISSATISFIED, NEITHER])
    truth = rng.choice(kinds, 3000, p=[0.25, 0.25, 0.5])
    said = [signals(with_typos(str(rng.choice(PHRASES[k])), rng, rate=rate)).kind for k in truth]
    got = np.array(said)
    hits = [((truth == k) & (got == k)).sum() for k in kinds]
    sizes = [(truth == k).sum() + (got == k).sum() for k in kinds]
    return float(np.mean(2 * np.array(hits) / np.array(sizes)))


def test_tagger_on_templates_it_was_not_written_from():
    """S014 check 1: planted rates: macro-F1 at least .9, and at least .7 with a typo in 10 % of the words.

    The phrases were written from the names of the rubrics before the tagger was first run on them (.97 and
    .93 then). Since then one rule was narrowed, because "cheese" was read as a misspelt "cheers"; no
    pattern and no phrase was changed. One person's English is in both, so that real logs are harder.
    """
    assert macro_f1(0.0) >= 0.9
    assert macro_f1(0.1) >= 0.7


def test_signals_and_rubrics():
    """Nine rubrics of each kind; a complaint with thanks is a complaint; a question is neither."""
    assert len(rubrics(SATISFIED)) == len(rubrics(DISSATISFIED)) == 9
    assert signals("Thanks, but that is wrong.").kind == DISSATISFIED
    assert signals("Thanks, but that is wrong.").satisfied == ("thanks",)
    assert signals("What is the capital of Peru?").kind == NEITHER
    assert signals("Pleese rewrite it").dissatisfied == ("revision request",)
    with pytest.raises(BadInput, match="no kind"):
        rubrics("happy")


def test_unhappy_users_speak():
    """S014 check 2: unhappy speak with .3, happy with .05, truth .7: naive below .35, weighted within .03 of .7."""
    rng = np.random.default_rng(2)
    glad = rng.random(100_000) < 0.7
    r = np.where(glad, 0.05, 0.3)
    spoke = rng.random(glad.size) < r
    got = inverse_propensity(glad[spoke], r[spoke])
    # Closed form of the naive rate: .7 * .05 / (.7 * .05 + .3 * .3) = .28.
    assert got.naive == pytest.approx(0.28, abs=0.01)
    assert got.naive < 0.35
    assert got.value == pytest.approx(0.7, abs=0.03)
    assert got.low <= 0.7 <= got.high
    learnt = propensities(spoke, glad)
    assert learnt == pytest.approx({0.0: 0.3, 1.0: 0.05}, abs=0.01)


def test_interval_of_the_weighted_mean_covers():
    """Conversations that hang together: 95 % intervals hold .7 in 180 to 199 of 200 draws (99.9 % range)."""
    held = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 3])
        glad = rng.random((300, 4)) < rng.beta(2.8, 1.2, (300, 1))
        r = np.where(glad, 0.2, 0.5)
        spoke = rng.random(r.shape) < r
        talk = np.repeat(np.arange(300), 4).reshape(300, 4)
        got = inverse_propensity(glad[spoke], r[spoke], cluster=talk[spoke])
        held += got.low <= 0.7 <= got.high
    assert 180 <= held <= 199


def test_who_never_speaks_has_no_weight():
    """A propensity of 0, and a state in which nobody spoke."""
    with pytest.raises(BadInput, match="never speaks"):
        inverse_propensity([1, 0], [0.5, 0.0])
    with pytest.raises(UndefinedStatistic, match="nobody in state 0"):
        propensities([1, 0, 0], [1, 1, 0])


def test_planted_selection_is_found_through_the_method(scored):
    """Card S014's log, 2,000 conversations: without errors of the patterns naive .28, corrected .7.

    One complaint of 22 is read as praise; with that the limits are .31 and .71, and the intervals hold them.
    """
    naive, corrected = limits(0.05, 0.3)
    assert (naive, corrected) == pytest.approx((0.28, 0.70), abs=0.04)
    got = found(scored(method.feedback_selection, PlantedFeedback(conversations=2000)))
    main = got[BIAS]
    assert main.low <= naive - corrected <= main.high
    assert main.p < 0.01
    assert got[NAIVE].value < 0.35
    assert got["corrected satisfaction"].low <= corrected <= got["corrected satisfaction"].high


def test_the_other_direction_turns_the_sign(scored):
    """Where happy users speak more, the naive rate is too high; equal chances give no finding."""
    happy = PlantedFeedback(happy=0.5, unhappy=0.1, conversations=800)
    # Without errors of the patterns .7 * .5 / (.7 * .5 + .3 * .1) - .7 = .22.
    naive, corrected = limits(0.5, 0.1)
    assert naive - corrected == pytest.approx(0.22, abs=0.02)
    main = found(scored(method.feedback_selection, happy))[BIAS]
    assert main.low <= naive - corrected <= main.high
    even = PlantedFeedback(happy=0.3, unhappy=0.3, conversations=400)
    got = found(scored(method.feedback_selection, even, speaks=(0.3, 0.3)))[BIAS]
    # All weights are equal, so that nothing differs.
    assert not isinstance(got, Estimate) or got.low <= 0 <= got.high


def test_labels_correct_where_no_propensity_is_known(scored):
    """A random half labelled: the difference to the labels' mean .7; kappa stands in the facts."""
    subject = PlantedFeedback(conversations=1500, labels=0.5, happy=0.05, unhappy=0.3)
    result = scored(method.feedback_selection, subject, propensity="")
    main = found(result)[BIAS]
    assert result.facts["corrected by"] == method.LABELS
    assert main.low <= limits(0.05, 0.3)[0] - 0.7 <= main.high
    assert result.facts["patterns against labels"]["kappa"] > 0.8


def test_without_either_the_naive_rate_stands_alone(scored):
    """No propensity, no label: no primary finding, and a note why."""
    got = scored(method.feedback_selection, PlantedFeedback(), propensity="", satisfied="")
    assert method.NO_CORRECTION in got.notes
    assert [m.role for m in got.measures] == ["secondary", "secondary"]
    with pytest.raises(BadInput, match="two chances"):
        scored(method.feedback_selection, PlantedFeedback(), speaks=(0.5,))
    with pytest.raises(BadInput, match="propensity is 2"):
        method.tabulate(np.array(["a"]), np.array([SATISFIED]), np.array([2.0]), np.array([np.nan]))


def talk(*texts: str) -> list[Turn]:
    """User and assistant in turn."""
    return [Turn(("user", "assistant")[k % 2], text) for k, text in enumerate(texts)]


def test_pairs_are_built_from_complaints(tmp_path):
    """Prompt is the dialogue before the reply that drew the complaint; the reply after it is preferred."""
    turns = talk(
        "Tell me of eggs", "Long reply", "This is too long", "Short reply", "Thanks!", "Welcome"
    )
    (pair,) = preference_pairs(turns)
    assert pair.prompt == tuple(turns[:1])
    assert (pair.dispreferred, pair.preferred) == ("Long reply", "Short reply")
    assert (pair.preference, pair.signals) == ("This is too long", ("style",))
    row = json.loads(write_pairs([pair], tmp_path / "pairs.jsonl").read_text("utf-8"))
    assert row["prompt"] == [{"role": "user", "text": "Tell me of eggs"}]
    # A second complaint: the reply between is not preferred.
    again = talk("Eggs?", "A", "That is wrong", "B", "Still wrong", "C")
    assert [(p.dispreferred, p.preferred) for p in preference_pairs(again)] == [("B", "C")]
    made = preference_pairs(turns, rewrite=lambda prompt, wish: f"{len(prompt)} | {wish}")
    assert made[0].preferred == "1 | This is too long"
    with pytest.raises(BadInput, match="in a row"):
        preference_pairs([Turn("user", "a"), Turn("user", "b")])
    with pytest.raises(BadInput, match="role"):
        preference_pairs([Turn("system", "a")])


def test_loss_in_closed_form():
    """At the reference the loss is log 2; a margin m gives log(1 + exp(-beta m)); swapping turns the margin."""
    assert dpo_loss([0.0], [0.0], beta=0.1) == pytest.approx(np.log(2))
    assert dpo_loss([3.0], [1.0], beta=0.5) == pytest.approx(np.log1p(np.exp(-1.0)))
    assert reward_margin([3.0], [1.0], beta=0.5) == -reward_margin([1.0], [3.0], beta=0.5)
    with pytest.raises(BadInput, match="beta"):
        dpo_loss([0.0], [0.0], beta=0.0)


def words_of(reply: str) -> np.ndarray:
    """Toy features of a reply: how often it has each of six words."""
    return np.array(
        [reply.split().count(w) for w in ("list", "short", "kind", "source", "joke", "plain")]
    )


def test_dpo_on_built_pairs_raises_held_out_margins():
    """S014 check 3: a linear policy trained on built pairs has a margin above 0 on at least 80 % of held-out ones.

    Users like lists and sources, dislike jokes, and complain (in planted phrases) about a reply below what they
    would have liked in a fifth of the cases at random; pairs come from the builder.
    """
    rng = np.random.default_rng(14)
    taste = np.array([1.0, 0.0, 0.0, 1.5, -1.0, 0.0])
    vocabulary = np.array(["list", "short", "kind", "source", "joke", "plain"])
    pairs = []
    for _ in range(600):
        first, second = (" ".join(rng.choice(vocabulary, 8)) for _ in range(2))
        better = taste @ (words_of(second) - words_of(first)) > 0
        if better != (rng.random() < 0.05):
            complaint = str(rng.choice(PHRASES[DISSATISFIED]))
            pairs += preference_pairs(talk("Tell me", first, complaint, second, "And then?"))
    difference = np.array([words_of(p.preferred) - words_of(p.dispreferred) for p in pairs], float)
    train, held = difference[:200], difference[200:]
    theta = fit_linear_policy(train, beta=0.1)
    margin = reward_margin(held @ theta, np.zeros(len(held)), beta=0.1)
    assert (margin > 0).mean() >= 0.8
    assert dpo_loss(held @ theta, np.zeros(len(held)), beta=0.1).mean() < np.log(2)
    with pytest.raises(BadInput, match="shape"):
        fit_linear_policy([1.0])


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_difference_is_recovered(dial):
    """Mean over 100 data sets is the closed form within 4 Monte-Carlo errors (and the ratio's own bias)."""
    values = []
    for seed in range(100):
        got, truth = method.simulate(np.random.default_rng([seed, 14]), dial=dial)
        items = got.items.where({"part": "spoke"}).answered()
        sums = got.measures[0].estimator.features(items, {}).sum(axis=0)
        values.append(float(got.measures[0].estimator.value(sums[None], {})))
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / 10 + 0.002
