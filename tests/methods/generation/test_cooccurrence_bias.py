"""Co-occurrence bias: windows by hand, planted bigrams (S083 check 4), permutations, bad options."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate
from plumbline.core.scored import Items, Scored, Skip
from plumbline.core.seeds import Seeds
from plumbline.data.lexicons import group_words
from plumbline.metrics.generated_words import Written
from plumbline.metrics.generation import cooccurrence_bias as method
from plumbline.stats.infer import Settings, infer
from plumbline.testing import PlantedMentions, assert_no_finding

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "cooccurrence_bias.toml").read_text("utf-8")
)
CARD = method.cooccurrence_bias.card
LISTS = group_words.load()
SETTINGS = {"words": ["nurse", "baker"], "smoothing": 1e-9, "per": "seed"}


def texts(rows: list[str], templates: list[str] | None = None) -> Written:
    """Texts without openings or names."""
    size = len(rows)
    return Written(
        texts=rows, why=[""] * size, openings=[""] * size, who=[""] * size, groups={}, axes={},
        template=templates or [str(k) for k in range(size)], draw=[0] * size, facts={},
    )  # fmt: skip


def bigrams(ratio: float, seed: int, count: int = 240) -> Scored:
    """Texts of four clauses in which "nurse" follows "she" with chance .1 r and "he" with .1."""
    rng = np.random.default_rng([seed, 9])
    rows = []
    for _ in range(count):
        said = []
        for _clause in range(4):
            she = rng.random() < 0.5
            nurse = rng.random() < 0.1 * (ratio if she else 1.0)
            said += ["she" if she else "he", "nurse" if nurse else "baker", "walked", "home"]
        rows.append(" ".join(said))
    written = texts(rows, [str(k % 12) for k in range(count)])
    items = method.nearby(written, LISTS, SETTINGS["words"], window=1, decay=1.0)
    return Scored(items=items, measures=method.measures(items, LISTS, SETTINGS))


def score_of(scored: Scored, word: str, seed: int = 0):
    """The outcome of one word's own score."""
    found = infer(scored, CARD, seeds=Seeds(seed), settings=Settings(draws=199))
    return next(f.outcome for f in found if f.labels.get("toward") == word)


@pytest.mark.parametrize(
    ("name", "window", "decay"), [("window_3", 3, 1.0), ("window_6", 6, 1.0), ("halves", 0, 0.5)]
)
def test_windows_and_decay_by_hand(name, window, decay):
    """Counts of one sentence, written down in the golden file."""
    golden = GOLDEN["sentence"]
    items = method.nearby(
        texts([golden["text"]]), LISTS, ["nurse", "plumber"], window=window, decay=decay
    )
    for group in ("women", "men"):
        row = items.where({"group": group})
        for word, wanted in golden[name][group].items():
            assert row[method.PREFIX + word][0] == pytest.approx(wanted)
        assert row["seeds"][0] == 1


def test_per_near_divides_by_every_content_word():
    """Bordia & Bowman's P(w | A) = c(w, A) / sum of c(., A): content words that are no targets count, group and function words do not."""
    written = texts(["she saw the nurse and her baker", "he saw the nurse"])
    items = method.nearby(written, LISTS, ["nurse"], window=0, decay=1.0)
    # "she" and "her" have saw, nurse and baker around them; "he" has saw and nurse.
    assert items.where({"group": "women"})["all_near"].tolist() == [6]
    assert items.where({"group": "men"})["all_near"].tolist() == [2]
    scored = Scored(items=items, measures=[])
    options = {"words": ["nurse"], "smoothing": 1e-12, "word": "nurse", "per": "near"}
    sums = method.SCORE.features(scored.items, options)
    women = items["group"] == "women"
    both = np.stack([sums[women].sum(axis=0), sums[~women].sum(axis=0)])
    assert method.SCORE.value(both, options) == pytest.approx(np.log((2 / 6) / (1 / 2)))


def test_score_is_the_log_ratio_of_rates():
    """S083 metric 14: log P(w | first) / P(w | second); smoothing leaves equal rates at 0."""
    golden = GOLDEN["ratio"]
    sums = np.array(
        [[1, n, k, 0] for n, k in zip(golden["seeds"], golden["near"], strict=True)], float
    )
    options = {"words": ["nurse", "baker"], "smoothing": 1e-12, "word": "nurse"}
    assert method.SCORE.value(sums, options) == pytest.approx(golden["score"])
    equal = np.array([[1, 10, 4], [1, 30, 12]], float)
    assert method.MEAN_SIZE.value(equal, {"words": ["x"], "smoothing": 0.5}) == 0


def test_planted_ratio_of_bigrams_is_recovered_and_grows():
    """S083 check 4: the score grows with r in {1, 2, 4, 8}; the interval holds log r."""
    values = []
    for ratio in (1, 2, 4, 8):
        outcome = score_of(bigrams(ratio, seed=3), "nurse")
        assert outcome.low <= np.log(ratio) <= outcome.high
        values.append(outcome.value)
    assert values == sorted(values)
    sizes = [infer(bigrams(r, 3), CARD, seeds=Seeds(0))[0].outcome for r in (1, 2, 4, 8)]
    assert [s.value for s in sizes] == sorted(s.value for s in sizes)
    assert sizes[0].p > 0.001
    assert sizes[-1].p < 0.01


def test_no_planted_ratio_gives_intervals_that_hold_0():
    """S083 check 4: at r = 1 the 95 % interval holds 0 in at least 90 of 100 seeds, and p says the same."""
    held = alarms = 0
    for seed in range(100):
        scored = bigrams(1, seed, count=60)
        one = [m for m in scored.measures if m.labels.get("toward") == "nurse"]
        outcome = infer(Scored(items=scored.items, measures=one), CARD, seeds=Seeds(seed))[
            0
        ].outcome
        held += isinstance(outcome, Estimate) and outcome.low <= 0 <= outcome.high
        alarms += isinstance(outcome, Estimate) and outcome.p <= 0.05
    assert held >= 90
    assert alarms <= 13  # the 99.9 % point of a binomial at 5 %


def test_swapping_the_groups():
    """A word's score flips its sign, their mean size stays."""
    scored = bigrams(3, seed=5)
    turned = np.where(scored.items["group"] == "women", "men", "women").astype(object)
    other = Scored(items=Items({**scored.items.columns, "group": turned}), measures=scored.measures)
    assert score_of(scored, "nurse").value == pytest.approx(-score_of(other, "nurse").value)
    one, two = (infer(s, CARD, seeds=Seeds(0))[0].outcome for s in (scored, other))
    assert one.value == pytest.approx(two.value)


@pytest.mark.parametrize("dial", [0.0, 0.8])
def test_simulations(dial):
    """30 data sets a dial: false alarms stay near 5 %, intervals hold the truth, leans are found."""
    covered = alarms = 0
    for seed in range(30):
        got, truth = method.simulate(np.random.default_rng([seed, 6]), dial=dial)
        one = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(one, CARD, seeds=Seeds(seed), settings=Settings(draws=199))[0].outcome
        covered += outcome.low <= truth <= outcome.high
        alarms += outcome.p <= 0.05
    # Binomial(30, .95) and (30, .05): 99.9 % at least 23, at most 6.
    assert covered >= 23
    assert alarms <= 6 if dial == 0 else alarms >= 20


def test_planted_writer_through_the_generator(scored):
    """Occupations are the words; an even writer shows nothing, a leaning one does."""
    even = scored(method.cooccurrence_bias, PlantedMentions(seed=4))
    assert_no_finding(infer(even, CARD, seeds=Seeds(1))[0])
    assert all(method.PREFIX + w in even.items for w in even.facts["words"])
    leans = {w: (0.8 if k % 2 else -0.8) for k, w in enumerate(even.facts["words"])}
    leaning = scored(method.cooccurrence_bias, PlantedMentions(dial=1.0, leans=leans, seed=4))
    found = infer(leaning, CARD, seeds=Seeds(1))
    assert found[0].outcome.p < 0.01
    assert {f.role for f in found[1:]} == {"group"}


def test_no_texts_and_bad_options(scored):
    """Nothing near a group word: no number. Wrong settings name what was wanted."""
    silent = PlantedMentions(first=("walls",), second=("doors",))
    assert isinstance(scored(method.cooccurrence_bias, silent), Skip)
    assert isinstance(scored(method.cooccurrence_bias, PlantedMentions(refuses=1.0)), Skip)
    for given in ({"smoothing": 0}, {"decay": 1.5}, {"window": -1}, {"per": "text"}):
        with pytest.raises(BadInput, match="smoothing"):
            scored(method.cooccurrence_bias, PlantedMentions(), **given)
