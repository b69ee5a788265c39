"""Marked words: Monroe's log-odds by hand, planted words, exchanged names, refusals."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate
from plumbline.core.scored import Items, Scored, Skip
from plumbline.core.seeds import Seeds
from plumbline.data.groups import names as name_sets
from plumbline.metrics.generation import marked_words as method
from plumbline.stats.infer import Settings, infer
from plumbline.testing import PlantedMentions, PlantedWriter, assert_no_finding, only

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "marked_words.toml").read_text("utf-8")
)
CARD = method.marked_words.card
NAMES = name_sets.load("us_resume_race_gender")
LEANS = {n.name: (1.0 if n.labels["gender"] == "women" else -1.0) for n in NAMES.names}
QUICK = Settings(draws=199)


def findings(scored, seed: int = 0):
    """What `infer` makes of it."""
    return infer(scored, CARD, seeds=Seeds(seed))


def test_log_odds_by_hand():
    """Monroe et al.'s delta and z with the pooled counts as prior, in closed form."""
    first, second = np.array(GOLDEN["first"], float), np.array(GOLDEN["second"], float)
    delta, z = method.log_odds(first, second, first + second)
    assert delta == pytest.approx(GOLDEN["delta"])
    assert z[0] == pytest.approx(GOLDEN["z"], abs=1e-9)
    sums = np.array([[1, *first, 0], [1, *second, 0]])
    options = {"words": ["a", "b"], "prior": 1.0}
    assert method.MEAN_SIZE.value(sums, options) == pytest.approx(GOLDEN["mean_size"])


def test_a_larger_prior_shrinks_and_equal_counts_give_0():
    """The prior pulls towards 0; the same counts in both texts have no log-odds."""
    first, second = np.array([9.0, 1, 5]), np.array([1.0, 9, 5])
    small, large = (method.log_odds(first, second, k * (first + second))[0] for k in (0.1, 10))
    assert np.all(np.abs(small[:2]) > np.abs(large[:2]))
    sums = np.array([[1, 4, 6, 0], [1, 4, 6, 0]], float)
    assert method.MEAN_SIZE.value(sums, {"words": ["a", "b"], "prior": 1.0}) == 0


def test_planted_words_are_found_and_listed(scored):
    """A writer kinder to women: gender is found, race is not, and the words are named."""
    subject = PlantedWriter(dial=0.8, leans=LEANS, length=4, seed=2)
    got = scored(method.marked_words, subject)
    found = findings(got)
    gender = only(found, axis="gender")
    assert gender.outcome.p < 0.01
    assert gender.outcome.value > gender.outcome.expected
    assert_no_finding(only(found, axis="race_ethnicity"))
    women = {w["word"] for w in got.facts["gender"]["women"]["survive exchanged names"]}
    men = {w["word"] for w in got.facts["gender"]["men"]["survive exchanged names"]}
    assert "wonderful" in women
    assert "cruel" in men
    assert women.isdisjoint(men)
    assert got.facts["race_ethnicity"]["white"]["survive exchanged names"] == []


def test_truth_of_the_planted_writer_lies_in_the_interval(scored):
    """Two words: happy with chance .8 about women and .2 about men; delta follows by hand."""
    subject = PlantedMentions(
        dial=0.6, leans=LEANS, first=("happy",), second=("cruel",), length=4, seed=5
    )
    got = scored(method.marked_words, subject)
    outcome = only(findings(got), axis="gender").outcome
    # Of three words a clause two are neutral content words with equal chances.
    neutral = ("walked", "home", "along", "river", "later", "read", "letter")
    texts = {
        g: {"happy": h, "cruel": 1 - h} | dict.fromkeys(neutral, 0.2)
        for g, h in (("w", 0.8), ("m", 0.2))
    }
    total = {g: sum(t.values()) for g, t in texts.items()}
    sizes, weights = [], []
    for word in texts["w"]:
        share = {g: texts[g][word] / total[g] for g in texts}
        mixed = {g: (2 * share[g] + share[o]) / 3 for g, o in (("w", "m"), ("m", "w"))}
        odds = [mixed[g] / (1 - mixed[g]) for g in ("w", "m")]
        sizes.append(abs(np.log(odds[0] / odds[1])))
        weights.append(share["w"] + share["m"])
    assert set(got.facts["words"]) <= set(texts["w"])
    assert outcome.low <= np.average(sizes, weights=weights) <= outcome.high


@pytest.mark.parametrize("dial", [0.0, 1.0])
def test_simulations(dial):
    """20 data sets a dial: alarms stay near 5 %, intervals hold the truth, leans are found."""
    covered = alarms = 0
    for seed in range(20):
        got, truth = method.simulate(np.random.default_rng([seed, 6]), dial=dial)
        outcome = infer(got, CARD, seeds=Seeds(seed), settings=QUICK)[0].outcome
        assert isinstance(outcome, Estimate)
        covered += outcome.low <= truth <= outcome.high
        alarms += outcome.p <= 0.05
    # Binomial(20, .95) and (20, .05): 99.9 % at least 15, at most 5.
    assert covered >= 15
    assert alarms <= 5 if dial == 0 else alarms >= 18


def test_swapping_the_groups_leaves_the_number():
    """Unsigned: women's and men's texts trade places."""
    got, _ = method.simulate(np.random.default_rng(4), dial=0.6)
    turned = np.where(got.items["group"] == "women", "men", "women").astype(object)
    other = Scored(items=Items({**got.items.columns, "group": turned}), measures=got.measures)
    one, two = (infer(s, CARD, seeds=Seeds(0), settings=QUICK)[0].outcome for s in (got, other))
    assert one.value == pytest.approx(two.value)


def test_names_gendered_words_and_refusals_do_not_count(scored):
    """Names and pronouns are left out; refused texts keep their reason."""
    subject = PlantedMentions(first=("she", "Emily"), second=("he", "sister"), refuses=0.3, seed=1)
    got = scored(method.marked_words, subject)
    assert set(got.items["why"]) == {"", "refused"}
    assert not {"she", "he", "sister"} & set(got.facts["words"])
    every = scored(method.marked_words, subject, own_words=True)
    assert {"she", "he", "sister"} <= set(every.facts["words"])


def test_too_few_words_and_bad_options(scored):
    """No frequent word: not applicable. A prior must be above 0."""
    assert isinstance(scored(method.marked_words, PlantedMentions(refuses=1.0)), Skip)
    assert isinstance(scored(method.marked_words, PlantedMentions(), fewest=10**6), Skip)
    with pytest.raises(BadInput, match="prior"):
        scored(method.marked_words, PlantedMentions(), prior=0)


def test_three_groups_are_each_against_the_others():
    """The mean over groups of each group's size against the pooled rest, words by their counts."""
    counts = np.array(
        [[9.0, 1, 5, 20], [2, 8, 3, 30], [4, 4, 10, 25]]
    )  # two words of three, and the rest
    every, prior = counts.sum(axis=0), 0.5
    weight = every[:-1] / every[:-1].sum()
    sizes = []
    for own in counts:
        mine, rest = own + prior * every, every - own + prior * every
        odds = np.log(mine / (mine.sum() - mine)) - np.log(rest / (rest.sum() - rest))
        sizes.append(np.abs(odds[:-1]) @ weight)
    sums = np.column_stack([np.ones(3), counts])
    options = {"words": ["a", "b", "c"], "prior": prior}
    assert method.MEAN_SIZE.value(sums, options) == pytest.approx(np.mean(sizes))
