"""Deferral rules on planted talkers and on two small models that were trained to add."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError, BadInput, TooWeak, UnknownName
from plumbline.data import worded_answers as own
from plumbline.mitigate.deferral_learning import learn
from plumbline.mitigate.postprocessing.deferral_rule import Options, cascade_of, deferral_rule
from plumbline.models.corrected_cascade import judged, scores
from plumbline.models.whole_batch import answered
from plumbline.stats.deferral import deferral_curve, features, matched_gap
from plumbline.testing import PlantedChooser, PlantedTalker

SMALL = PlantedTalker(dial=0.1, knows=0.6, doubt=1.0, seed=1)
LARGE = PlantedTalker(knows=0.95, seed=2)
DECODING = ask.Decoding(max_tokens=48, stop=(own.END,))


def judged_batch():
    """The judged questions in all wordings."""
    rows = own.asked(24)
    return rows, ask.generate([r.prompt for r in rows], decoding=DECODING)


def right(rows, said):
    """1 where the number is right."""
    return np.array([float(q.read(t) == q.gold) for q, t in zip(rows, said.texts, strict=True)])


@pytest.mark.parametrize("rule", ["sum", "average", "quantile"])
def test_the_cascade_defers_what_was_wanted_and_gains(rule):
    """Calibrated at 30 %: on unseen questions 20 to 40 % are deferred, and more are right than at random."""
    model = cascade_of(SMALL, LARGE, Options(rule=rule, rate=0.3, count=24))
    rows, batch = judged_batch()
    got = right(rows, answered(model, batch))
    one, two = (right(rows, answered(m, batch)) for m in (SMALL, LARGE))
    sent = model.about()["answered_by_large"]["generate"] / len(batch)
    assert 0.2 < sent < 0.4
    assert got.mean() > one.mean() + sent * (two.mean() - one.mean())


def test_rules_differ_in_whom_they_defer():
    """S054: at equal correctness the sum defers long answers, the mean short ones, the worst token neither.

    Nearly: the worst of more tokens is worse.
    """
    rows, batch = judged_batch()
    said = answered(SMALL, batch)
    hit = right(rows, said)
    long, short = (np.array([r.form == f for r in rows]) for f in ("long", "bare"))
    gaps = {}
    for rule in ("sum", "average", "quantile"):
        model = cascade_of(SMALL, LARGE, Options(rule=rule, rate=0.3, count=24))
        score = scores(SMALL, batch, said, model.rules["generate"])
        sent = score < model.rules["generate"]["threshold"]
        gaps[rule] = matched_gap(sent, long, short, hit)
    assert gaps["sum"] > 0.25
    assert gaps["average"] < -0.25
    assert abs(gaps["quantile"]) < 0.1


def streams(rng, n=3_000):
    """Card S054's simulation."""
    length = rng.integers(2, 40, n)
    easy = rng.random(n) < 0.6
    offsets = np.concatenate(([0], np.cumsum(length)))
    loss = rng.exponential(0.15, offsets[-1])
    loss[offsets[:-1] + (rng.random(n) * length).astype(int)] += np.where(
        easy, 0.0, 0.3 + rng.exponential(1.5, n)
    )
    return -loss, offsets, easy.astype(float), (rng.random(n) < 0.9).astype(float)


@pytest.mark.parametrize("learner", ["logistic", "mlp"])
def test_a_learned_rule_beats_the_average_on_the_cards_simulation(learner):
    """S054 check 1 for our own learner: it passes its own hurdle, and on fresh items exceeds Sum by .03."""
    rng = np.random.default_rng(3)
    tokens, offsets, small, large = streams(rng, 800)
    trained = learn(
        features(tokens, offsets), small, large, np.arange(800), learner=learner, rng=rng
    )
    assert trained.params["auc_over_average"][0] > 0
    json.dumps(trained.params, allow_nan=False)
    tokens, offsets, small, large = streams(rng)
    rule = {"rule": "learned", **trained.params}
    areas = {
        name: deferral_curve(judged(r, tokens, offsets), small, large).area()
        for name, r in (
            ("learned", rule),
            ("sum", {"rule": "sum"}),
            ("average", {"rule": "average"}),
        )
    }
    assert areas["learned"] > areas["sum"] + 0.03
    assert areas["learned"] > areas["average"]


def test_a_rule_that_learns_nothing_is_too_weak():
    """Labels that the tokens say nothing about: no rule, but the figures."""
    rng = np.random.default_rng(4)
    tokens, offsets, _, large = streams(rng, 600)
    noise = (rng.random(600) < 0.5).astype(float)
    with pytest.raises(TooWeak, match="majority"):
        learn(
            features(tokens, offsets),
            noise,
            large * 0 + 1,
            np.arange(600),
            learner="logistic",
            rng=rng,
        )
    with pytest.raises(BadInput, match="wants 20"):
        learn(
            features(tokens, offsets),
            noise * 0 + 1,
            large * 0 + 1,
            np.arange(600),
            learner="mlp",
            rng=rng,
        )


def test_a_learned_cascade_end_to_end():
    """Trained on calibration questions, it is saved as numbers, and gains on the judged ones."""
    model = cascade_of(SMALL, LARGE, Options(rule="learned", rate=0.35, count=24))
    rows, batch = judged_batch()
    got = right(rows, answered(model, batch))
    one, two = (right(rows, answered(m, batch)).mean() for m in (SMALL, LARGE))
    sent = model.about()["answered_by_large"]["generate"] / len(batch)
    assert got.mean() > one + sent * (two - one) + 0.05
    assert "layers" not in model.about()["correction"]["rules"]["generate"]
    json.dumps(model.params, allow_nan=False)


def test_a_learned_rule_can_learn_a_group():
    """S054 pitfall: where a language is wrong more often, what marks it is learned and its right answers go away.

    The second language's first token is always dear: the learned rule defers its right answers more often than the
    first language's, though both are equally right.
    """
    rng = np.random.default_rng(5)
    n = 4_000
    second = rng.random(n) < 0.5
    hit = (rng.random(n) < np.where(second, 0.3, 0.85)).astype(float)
    tokens = -rng.exponential(0.15, (n, 10))
    # The mark is moderate: between a sure token and a wrong one.
    tokens[:, 0] -= np.where(second, 0.6, 0.0)
    tokens[:, 1] -= np.where(hit == 1, 0.0, rng.exponential(1.0, n))
    x = features(tokens.ravel(), np.arange(n + 1) * 10)
    trained = learn(x, hit, np.ones(n), np.arange(n), learner="logistic", rng=rng)
    sent = trained.held_out < np.quantile(trained.held_out, 0.4)
    assert matched_gap(sent, second, ~second, hit) > 0.2


def test_own_prompts_set_the_threshold():
    """Prompts of the user's own, of which no right answer is known; a learned rule has none to learn from."""
    prompts = tuple(r.prompt for r in own.asked(3))
    model = cascade_of(SMALL, LARGE, Options(prompts=prompts, rate=0.5))
    assert model.rules["generate"]["calibrated_on"] == len(prompts)
    with pytest.raises(BadInput, match="right answers"):
        Options(rule="learned", prompts=prompts)


def test_bad_input():
    """No large model, unknown rules, impossible rates, models that share nothing, too few answers."""
    with pytest.raises(BadInput, match="defer to"):
        deferral_rule(SMALL)
    for options in ("dtype=float32", {"precision": "float32"}):
        with pytest.raises(BadInput, match="a table"):
            deferral_rule(SMALL, large="demo", large_options=options)
    with pytest.raises(UnknownName):
        Options(rule="mean")
    with pytest.raises(BadInput, match="rate"):
        Options(rate=1.0)
    with pytest.raises(AbilityError, match="share none"):
        cascade_of(SMALL, PlantedChooser(), Options())
    with pytest.raises(AbilityError, match="choose"):
        cascade_of(SMALL, LARGE, Options(abilities=("choose",)))
    with pytest.raises(BadInput, match="wanted 10"):
        cascade_of(SMALL, LARGE, Options(prompts=tuple(r.prompt for r in own.asked(1))[:5]))
