"""Peer examination: checks of card S078 that need no live model, in a world of models that know facts."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput, NotRecorded, UnknownName
from plumbline.core.results import Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.metrics import peer_shares as kernel
from plumbline.metrics.judge import peer_examination as method
from plumbline.metrics.judge.peer_examination import GAINED
from plumbline.metrics.rating_table import Judgements
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.stats.infer import infer
from plumbline.stats.rank_aggregation import borda, mean_over, mid_ranks, rank_correlation

CARD = method.peer_examination.card


def world(rng, *, models=8, facts=2_000, questions=100):
    """Models know random subsets of facts; each asks facts it knows. Scores (examiner, model, question)."""
    share = rng.uniform(0.4, 0.8, models)
    knows = rng.random((models, facts)) < share[:, None]
    asked = np.stack([rng.choice(np.flatnonzero(k), questions, replace=False) for k in knows])
    return knows.mean(axis=1), np.stack([knows[:, a] for a in asked]).astype(float)


def table(cube, names=None):
    """Judgements from scores (examiner, model, question); pools are the examiners' own."""
    j, s, t = (a.ravel() for a in np.indices(cube.shape))
    label = np.array(names or [f"m{i}" for i in range(cube.shape[1])], object)
    task = np.array([f"{a}.{b}" for a, b in zip(j, t, strict=True)], object)
    why = np.where(np.isfinite(cube.ravel()), "", "no rating").astype(object)
    return Judgements(label[j], label[s], task, cube.ravel(), why)


def selves(found):
    """Every examiner owns the model of its name."""
    return {n: (n,) for n in sorted(set(found.judge))}


def got(found, own=None, **more):
    """The scored items and the outcome of each finding."""
    made = method.tabulate(
        found, own or selves(found), top=None, rng=np.random.default_rng(0), **more
    )
    return made, {
        (f.labels["measure"], f.labels.get("group", "")): f.outcome
        for f in infer(made, CARD, seeds=Seeds(0))
    }


def test_own_questions_inflate_and_peers_repair():
    """S078 check 1: on its own questions an examiner scores 1 and stands first; averaging peers is nearer the truth.

    Kendall's tau with true knowledge: peers at least one examiner's + .1, over 200 worlds.
    """
    rng = np.random.default_rng(0)
    single, together, first = [], [], []
    for _ in range(200):
        truth, scores = world(rng)
        means = scores.mean(axis=2)
        assert np.diag(means) == pytest.approx(1)
        place = mid_ranks(means)
        first.append((place[np.arange(8), np.arange(8)] == 1).mean())
        single.append(np.mean([rank_correlation(row, truth) for row in means]))
        without = np.where(np.eye(8, dtype=bool), np.nan, means)
        together.append(rank_correlation(mean_over(borda(without)), truth))
    assert np.mean(first) == 1
    assert np.mean(together) >= np.mean(single) + 0.1


def test_the_method_finds_the_inflation_and_the_order():
    """The same world through the method: more is beaten on own questions, and a ranking near the truth."""
    rng = np.random.default_rng(1)
    truth, scores = world(rng, models=6)
    found = table(scores)
    made, outcomes = got(found)
    main = outcomes[GAINED, ""]

    # By hand, pair by pair: own examiner, minus the examiners that own neither side.
    def wins(k, a, b):
        return ((np.sign(scores[k, a] - scores[k, b]) + 1) / 2).mean()

    others = [[j for j in range(6) if j != i] for i in range(6)]
    gaps = [
        wins(i, i, j) - np.mean([wins(k, i, j) for k in range(6) if k not in {i, j}])
        for i in range(6)
        for j in others[i]
    ]
    assert main.value == pytest.approx(np.mean(gaps), abs=1e-12)
    assert main.low > 0
    assert main.p <= 0.001 + 1e-9  # as few as 1,999 draws resolve
    shares = [row["Borda share"] for row in made.facts["ranking"].values()]
    assert rank_correlation(shares, truth) >= 0.6
    assert made.facts["mean score"]["m2"]["m2"] == 1
    assert outcomes["full-mark rate", "m0"].value == pytest.approx(scores[:, 0].mean())
    for row in made.facts["ranking"].values():
        assert row["best place"] <= row["place"] <= row["worst place"]


def test_excluding_self_examination_changes_nothing_without_bias():
    """S078 check 4: shared questions, examiners with leniency and scale of their own, no lean: difference < .01."""
    rng = np.random.default_rng(2)
    quality = rng.normal(size=6)
    noise = rng.normal(0, 1, (6, 6, 4_000))
    cube = quality[None, :, None] + noise
    cube = cube * rng.uniform(0.5, 2, (6, 1, 1)) + rng.normal(size=(6, 1, 1))
    found = table(cube)
    shares = [
        kernel.final_shares(a, b, np.ones(b.size))
        for a, b in (kernel.peer_shares(found, selves(found), itself=w) for w in (False, True))
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    # With a lean it does change something.
    cube[np.arange(6), np.arange(6)] += 2.0
    leaning = table(cube)
    moved = kernel.final_shares(
        *kernel.peer_shares(leaning, selves(leaning), itself=True), np.ones(24_000)
    )
    assert np.abs(shares[0] - moved).max() > 0.02


def test_scores_are_never_compared_across_examiners():
    """S078 pitfall: a hard pool and a lenient examiner move no rank and no share."""
    rng = np.random.default_rng(3)
    cube = rng.normal(size=(4, 5, 30))
    harder = cube * np.array([1, 5, 0.2, 1])[:, None, None] + np.array([0, -9, 4, 1])[:, None, None]
    names = [f"m{i}" for i in range(5)]
    own = {f"m{i}": (f"m{i}",) for i in range(4)}
    one, other = (got(table(c, names), own)[1][GAINED, ""].value for c in (cube, harder))
    assert one == pytest.approx(other, abs=1e-12)


def test_signs_and_names():
    """An examiner that runs its own model down has the opposite sign; names mean nothing."""
    rng = np.random.default_rng(4)
    up = rng.normal(size=(5, 5, 20))
    down = up.copy()
    up[np.arange(5), np.arange(5)] += 1.5
    down[np.arange(5), np.arange(5)] -= 1.5
    rises, falls = (got(table(c))[1][GAINED, ""].value for c in (up, down))
    assert rises > 0.2
    assert falls == pytest.approx(-rises, abs=0.1)
    order = [3, 0, 4, 1, 2]
    turned = got(table(up[order][:, order]))[1][GAINED, ""].value
    assert turned == pytest.approx(rises, abs=1e-12)


def test_families_and_missing_scores():
    """Kin count as own and are no peers; a question with one score ranks nobody, with its reason."""
    rng = np.random.default_rng(5)
    cube = rng.normal(size=(4, 4, 40))
    cube[:2, :2] += 3.0
    cube[3, 1:, 0] = np.nan
    found = table(cube)
    own = {"m0": ("m0", "m1"), "m1": ("m0", "m1"), "m2": ("m2",), "m3": ("m3",)}
    made, outcomes = got(found, own)
    assert outcomes[GAINED, "m0"].low > 0
    assert outcomes[GAINED, "m2"].low < 0 < outcomes[GAINED, "m2"].high
    lost = made.items.where({"part": "beaten"})["why"]
    assert (lost == method.NOBODY).sum() == 1
    assert (lost == "no rating").sum() == 3
    alone = got(table(rng.normal(size=(1, 4, 20))), {"m0": ("m0",)})[1]
    assert isinstance(alone[GAINED, ""], Undefined)


def test_through_a_whole_audit(audited):
    """A table with its own column names; a habit of .5 adds .25."""
    rng = np.random.default_rng(6)
    cube = rng.normal(size=5)[None, :, None] + rng.normal(0, 1.5, (5, 5, 60))
    habit = rng.random((5, 60)) < 0.5
    cube[np.arange(5), np.arange(5)] += np.where(habit, 50, 0)
    found = table(cube)
    frame = {
        "examiner": found.judge,
        "model": found.thing,
        "question": found.task,
        "mark": found.score,
    }
    names = {"judge": "examiner", "system": "model", "task": "question", "rating": "mark"}
    options = ModelOptions(extra={"prediction": "mark", "groups": ["examiner"]})
    run = audited(open_frame(frame, options), "peer_examination", columns=names)
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    assert main["low"] < 0.25 < main["high"]
    assert main["p"] < 0.01


def test_bad_input():
    """No score, unknown columns."""
    with pytest.raises(BadInput, match="no score"):
        got(table(np.full((2, 2, 3), np.nan)))
    from plumbline.metrics.rating_table import read_ratings

    with pytest.raises(NotRecorded, match="rating"):
        read_ratings({"judge": np.array(["a"])}, {})
    with pytest.raises(UnknownName):
        read_ratings({"judge": np.array(["a"])}, {}, names={"points": "x"})


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_habit_is_recovered(dial):
    """Mean over 300 data sets is dial / 2 within 4 Monte-Carlo errors; intervals cover."""
    values, covered, hits = [], 0, 0
    for seed in range(300):
        scored, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        scored = Scored(items=scored.items, measures=scored.measures[:1])
        outcome = infer(scored, CARD, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert truth == dial / 2
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
    if dial == 0:
        assert 3 <= hits <= 30
