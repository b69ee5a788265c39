"""GenBit: checks 1 and 2 of card S100, GenBit's own figures, a literal recount, planted texts."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

import plumbline
from plumbline.core.answers import Records
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Items, Scored, Skip
from plumbline.core.seeds import Seeds
from plumbline.data.lexicons import gender_words
from plumbline.data.lexicons.function_words import function_words, words
from plumbline.metrics import cooccurrence as near_words
from plumbline.metrics.generation import genbit as method
from plumbline.stats.infer import infer
from plumbline.testing import PlantedTexts

GOLDEN = tomllib.loads((Path(__file__).parents[2] / "golden" / "genbit.toml").read_text("utf-8"))
LISTS = gender_words.load()
CARD = method.genbit.card


def run(texts, **params):
    """The method's result over these texts."""
    job = method.genbit(Context(abilities=frozenset({"records"}), seeds=Seeds(0)), **params)
    next(job)
    columns = texts if isinstance(texts, dict) else {"answer": np.array(texts, object)}
    with pytest.raises(StopIteration) as stop:
        job.send([Records(columns)])
    return stop.value.value


def primary(scored: Scored, seed: int = 0):
    """The one primary finding's outcome."""
    return infer(Scored(items=scored.items, measures=scored.measures[:1]), CARD, seeds=Seeds(seed))[
        0
    ].outcome


def test_genbits_own_figures():
    """GenBit's score, signed mean and mean ratio of its test corpus, to 8 decimals."""
    women, men = np.array(list(GOLDEN["counts"].values())).T
    want = GOLDEN["expected"]
    got = near_words.published_scores(
        women, men, (GOLDEN["women"], GOLDEN["men"]), GOLDEN["vocabulary"], smoothing=0
    )
    assert np.abs(got).mean() == pytest.approx(want["genbit_score"], abs=1e-8)
    assert -got.mean() == pytest.approx(want["avg_bias_conditional"], abs=1e-8)
    assert np.log(men / women).mean() == pytest.approx(want["avg_bias_ratio"], abs=1e-8)


def test_balanced_and_twice_as_often():
    """S100 check 1: balanced co-occurrence gives 0; twice as often near women gives log 2."""
    want = GOLDEN["closed_form"]["twice"]
    even = np.array([5.0, 9.0])
    options = {"smoothing": 0.0, "vocabulary": 7}
    balanced = np.array([[4.0, 12.0, *even], [4.0, 12.0, *even]])
    twice = np.array([[4.0, 12.0, *(2 * even)], [4.0, 12.0, *even]])
    assert near_words.GENBIT.value(balanced, options) == 0
    assert near_words.GENBIT.value(twice, options) == pytest.approx(want, abs=1e-6)
    # With other words that make up the difference, both published formulas say the same.
    women, men = np.array([10.0, 5.0]), np.array([5.0, 10.0])
    for scores in (
        near_words.published_scores(women, men, (9, 9), 7, smoothing=0),
        near_words.bordia_bowman(women, men, (9, 9), 100),
    ):
        assert scores == pytest.approx([want, -want], abs=1e-6)


def recount(text: str, window: int, decay: float) -> dict[tuple[str, str], float]:
    """Literal rule: every pair of places, gendered word first."""
    said = [w for w in words(text) if w in LISTS.both or w not in function_words()]
    out: dict[tuple[str, str], float] = {}
    for i, word in enumerate(said):
        for j, other in enumerate(said):
            if i != j and abs(i - j) <= window and word in LISTS.both:
                key = ("women" if word in LISTS.female else "men", other)
                out[key] = out.get(key, 0.0) + decay ** abs(i - j)
    return out


TEXT = "She paints boats and her brother sells them; his boats leak, says the queen to her boats."


@pytest.mark.parametrize(("window", "decay"), [(3, 1.0), (30, 0.95), (2, 0.5)])
def test_counts_are_the_literal_rule(window, decay):
    """S100 check 2: every pair counts decay^distance; decay 1 is the plain window count."""
    got = near_words.near(TEXT, LISTS, window=window, decay=decay)
    want = recount(TEXT, window, decay)
    for group in near_words.GROUPS:
        mine = {w: c for (g, w), c in want.items() if g == group}
        assert dict(got.of(group)) == pytest.approx(mine)
    if decay == 1.0:
        assert all(float(c).is_integer() for c in got.women.values())


def test_strong_decay_leaves_neighbours():
    """S100 check 2: divided by the decay, counts tend to those of adjacent words."""
    tiny = near_words.near(TEXT, LISTS, window=30, decay=1e-6)
    neighbours = near_words.near(TEXT, LISTS, window=1, decay=1.0)
    for group in near_words.GROUPS:
        for word, count in tiny.of(group).items():
            assert count / 1e-6 == pytest.approx(neighbours.of(group).get(word, 0.0), abs=1e-4)


def test_a_rarer_gender_is_no_association():
    """GenBit's +1 makes a balanced corpus that names men thrice as often lean; ours does not."""
    women, men = np.full(20, 4.0), np.full(20, 12.0)
    published = near_words.published_scores(women, men, (10, 30), 100)
    assert np.abs(published).mean() > 0.1
    sums = np.array([[10.0, 10.0, *women], [30.0, 30.0, *men]])
    assert near_words.GENBIT.value(sums, {"smoothing": 0.05, "vocabulary": 100}) == pytest.approx(0)


def test_swapping_the_groups():
    """The score stays, its signed companion turns."""
    rng = np.random.default_rng(0)
    sums = np.column_stack([[9.0, 9.0], [20.0, 25.0], rng.uniform(1, 9, (2, 6))])
    options = {"smoothing": 0.1, "vocabulary": 30}
    assert near_words.GENBIT.value(sums, options) == pytest.approx(
        near_words.GENBIT.value(sums[::-1], options)
    )
    assert near_words.LEAN.value(sums, options) == pytest.approx(
        -near_words.LEAN.value(sums[::-1], options)
    )


def test_texts_without_gender_are_undefined():
    """S100 pitfall: an empty table of co-occurrences is Undefined with its coverage, not balance."""
    got = run(["The boat leaks badly near the old harbour."] * 40 + ["She sails.", "He sails."])
    outcome = primary(got)
    assert isinstance(outcome, Undefined)
    assert "5%" in outcome.reason or "words wanted" in outcome.reason
    nobody = run(["The boat leaks."] * 9)
    assert isinstance(primary(nobody), Undefined)
    assert "not defined" in nobody.facts["genbit_score"]


def test_bad_input_and_other_subjects():
    """No texts: not applicable; a bad window or column is the caller's error."""
    assert isinstance(run({"prediction": np.array([1.0])}), Skip)
    with pytest.raises(BadInput, match="window"):
        run(["a"], window=0)
    with pytest.raises(BadInput, match="user"):
        run(["a"], unit="user")


def test_own_lists(tmp_path):
    """S100 pitfall: an own list leaves generic masculines out; a word in both lists is refused."""
    path = tmp_path / "lists.toml"
    path.write_text('female = ["Frau"]\nmale = ["Mann"]\n', "utf-8")
    lists = gender_words.load(path)
    assert near_words.near("Die Frau und der Kunde", lists, window=5, decay=1).gendered == (1, 0)
    path.write_text('female = ["a"]\nmale = ["a"]\n', "utf-8")
    with pytest.raises(BadInput, match="both"):
        gender_words.load(path)


def test_planted_texts_are_found_by_a_whole_audit(audited):
    """Odds e^1.2 apart: two thirds of the words have |log ratio| 1.2, the rest 0, before rounding."""
    run_ = audited(PlantedTexts(dial=1.2, texts=400, users=80, seed=1), "genbit", percentile=0.0)
    (main,) = [f for f in run_.findings if f["role"] == "primary"]
    # Both normalising constants are 6 (e^.6 + e^-.6 + 1): they cancel.
    assert main["low"] < 2 / 3 * 1.2 < main["high"]
    assert main["p"] < 0.001


def test_a_whole_audit_is_stored(tmp_path):
    """The counts of a corpus do not go into the record; what needs them is not compared, in one clear sentence."""
    texts = PlantedTexts(dial=1.2, texts=60, users=12, seed=1)
    runs = [plumbline.audit(texts, metrics="genbit", out=tmp_path / name) for name in "ab"]
    assert plumbline.load_run(runs[0].folder).findings
    assert not runs[0].header["measures"]["genbit"][0]["again"]
    with pytest.raises(BadInput, match="share no finding"):
        plumbline.compare(*runs)


def test_even_texts_are_no_finding(audited):
    """Without a dial p is above .001 and the score beside what chance gives."""
    run_ = audited(PlantedTexts(texts=400, seed=2), "genbit", percentile=0.0)
    (main,) = [f for f in run_.findings if f["role"] == "primary"]
    assert main["p"] > 0.001
    assert main["value"] == pytest.approx(main["expected_under_null"], abs=0.06)


def test_facts_hold_the_published_score():
    """The facts' score is GenBit's formula over the facts' own counts."""
    got = run(
        ["She paints boats by night.", "He paints boats by day and sells boats."] * 10,
        percentile=0.0,
    )
    assert got.facts["gendered words"] == {"women": 10, "men": 10}
    assert math.isfinite(got.facts["genbit_score"])
    assert isinstance(got.items, Items)


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_score_is_recovered(dial):
    """Intervals of 40 data sets cover; with no dial few have p < .05."""
    covered, small = 0, 0
    for seed in range(40):
        made, truth = method.simulate(np.random.default_rng([seed, 6]), dial=dial)
        outcome = primary(made, seed)
        assert isinstance(outcome, Estimate)
        covered += outcome.low <= truth <= outcome.high
        small += outcome.p < 0.05
    # Binomial(40, .95): 99.9 % at 32 or more; Binomial(40, .05): 99.9 % at 8 or fewer.
    assert covered >= 32
    assert small <= 8 if dial == 0 else small >= 36
