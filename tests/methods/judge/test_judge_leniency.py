"""Leniency of a judge against people: checks of card S063, and what held-out people change."""

from __future__ import annotations

import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.perturb.word_shuffle import shuffled
from plumbline.data.sets import popquorn
from plumbline.metrics import judge_labels
from plumbline.metrics.judge import judge_leniency as method
from plumbline.metrics.judge_labels import Labelled
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.stats.infer import Settings, infer

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "judge_leniency.toml").read_text("utf-8")
)
SHARES = np.array([0.1, 0.2, 0.7])


def rated(rng, *, n=1_000, lenient=None, raters=3, shares=SHARES, sure=0.7):
    """Two languages: everybody gives the text's own class with chance `sure`, else any class by `shares`.

    `lenient`: language to the chance that the judge's score turns into 2.
    """
    lenient = lenient or {}
    language = np.repeat(np.array(["A", "B"], object), n)
    own = rng.choice(3, size=2 * n, p=shares)
    drawn = rng.choice(3, size=(2 * n, raters + 1), p=shares)
    said = np.where(rng.random(drawn.shape) < sure, own[:, None], drawn).astype(float)
    soft = np.array([lenient.get(g, 0.0) for g in language])
    judge = np.where(rng.random(2 * n) < soft, 2.0, said[:, 0])
    names = np.arange(2 * n).astype(str).astype(object)
    return Labelled(names, language, np.full(2 * n, "", object), judge, said[:, 1:], np.full(2 * n, 2.0))  # fmt: skip


def found(table, **params):
    """Findings by measure and group."""
    got = infer(method.tabulate(table, **params), method.judge_leniency.card, seeds=Seeds(0), settings=Settings(draws=399))  # fmt: skip
    return {(f.labels["measure"], f.labels.get("group", "")): f for f in got}


def share_below_top(table, language):
    """Among held-out labels that others disagree about: the share below the top, from 10^6 texts."""
    counted = judge_labels.contested(table.humans) & (table.group == language)[:, None]
    return (table.humans < 2)[counted].mean()


def test_leniency_in_one_language_only():
    """S063 check 1: lenient in B alone: B within .03 of what was planted, A within .03 of 0 (n = 2,000 a language).

    Planted is the chance that a further person's label below the top turns into the top: .3 times the
    share of such labels, from 10^6 texts. At the card's n one table has a standard error of about .02, so that
    a single one would miss .03 now and then: the mean of eight is compared. At least five of eight intervals of the gap
    hold it (99.99 % of runs of 95 % intervals do).
    """
    world = rated(np.random.default_rng(0), n=500_000)
    want = 0.3 * share_below_top(world, "B")
    assert want > 0.12
    values, held = {"A": [], "B": []}, 0
    for seed in range(8):
        got = found(rated(np.random.default_rng([seed, 1]), n=2_000, lenient={"B": 0.3}))
        for g, kept in values.items():
            kept.append(got[method.MAIN, g].outcome.value)
        gap = got["leniency by language", "A"].outcome
        assert gap.p < 0.01
        held += gap.low <= -want <= gap.high
    assert held >= 5
    assert abs(np.mean(values["B"]) - want) < 0.03
    assert abs(np.mean(values["A"])) < 0.03


def test_held_out_people_free_an_exchangeable_judge():
    """Three people and a judge who all say 2 with chance .9: the published comparison accuses the judge.

    Where three disagree they give 2 in (1 + p) / 3 of their labels, and a further person with chance p:
    p - (1 + p) / 3 = .267 for p = .9. Held-out people have 0.
    """
    rng = np.random.default_rng(2)
    got = found(rated(rng, n=8_000, shares=np.array([0.0, 0.1, 0.9]), sure=0.0))
    published = got[f"{method.MAIN}, as published", ""].outcome
    assert published.low <= 0.9 - (1 + 0.9) / 3 <= published.high
    assert published.low > 0.2
    held_out = got[method.MAIN, ""].outcome
    assert held_out.low <= 0 <= held_out.high
    assert abs(held_out.value) < 0.03


def test_a_person_in_the_judges_place(mirror):
    """POPQUORN, real labels: a fourth rater is no lenient judge; comparing with all labels says so, held-out people do not.

    The score is 6 - offensiveness, so that the highest means not offensive. Five random choices of four raters a text;
    the held-out value's standard error is about .018 in each.
    """
    table = popquorn.load()
    texts: dict[str, list[float]] = {}
    for name, value in zip(table["item"], table["rating"], strict=True):
        texts.setdefault(name, []).append(6 - value)
    names = np.array(list(texts), object)
    parts = {"held out": [], "labels": []}
    for seed in range(5):
        rng = np.random.default_rng([seed, 12])
        four = np.array([rng.permutation(v)[:4] for v in texts.values()])
        rows = Labelled(
            names, np.full(names.size, "English", object), np.full(names.size, "", object), four[:, 0],
            four[:, 1:], np.full(names.size, 5.0),
        )  # fmt: skip
        items = method.tabulate(rows).items
        for part, values in parts.items():
            here = items.where({"part": part})
            values.append(np.average(here["score"], weights=here["weight"]))
    assert abs(np.mean(parts["held out"])) < 0.03
    assert np.mean(parts["labels"]) > 0.05


def test_with_three_people_held_out_is_the_majority_where_two_agree():
    """Two against one: the two who agree are counted, because for the third the others do not disagree."""
    humans = np.array(
        [[2.0, 2.0, 0.0], [2.0, 2.0, 2.0], [0.0, 1.0, 2.0], [2.0, 1.0, np.nan], [1.0, 0.0, 1.0]]
    )
    counted = judge_labels.contested(humans)
    assert counted.tolist() == [
        [True, True, False], [False] * 3, [True] * 3, [False] * 3, [True, False, True],
    ]  # fmt: skip
    assert judge_labels.consensus(humans).tolist() == [1, 0, 2, 2, 1]
    first = judge_labels.majority(humans)
    assert first[[0, 1, 4]].tolist() == [2, 2, 1]
    assert np.isnan(first[[2, 3]]).all()
    score, weight = method.leniency(np.array([True, True, False, True, True]), humans == 2, counted)
    assert score.tolist() == pytest.approx([0, 0, -1 / 3, 0, 1])
    assert weight.tolist() == [2, 0, 3, 0, 2]


def test_kappa_paradox_in_closed_form():
    """S063 check 2: a constant judge at 95 % top class: agreement is the prevalence, kappa is 0, weighted F1 is high."""
    want = GOLDEN["closed_form"]["paradox"]
    first = np.repeat([2.0, 1.0, 0.0], [950, 30, 20])
    n = first.size
    table = Labelled(
        np.arange(n).astype(object), np.full(n, "A", object), np.full(n, "", object), np.full(n, 2.0),
        np.column_stack([first] * 3), np.full(n, 2.0),
    )  # fmt: skip
    got = judge_labels.agreement(table)
    assert got["majority with the judge"] == want["agreement"] > 0.9
    assert got["Cohen's kappa of the judge"] == pytest.approx(want["kappa"], abs=1e-12)
    assert got["weighted F1 of the judge"] == pytest.approx(want["f1"])
    noisy = table.judge.copy()
    noisy[:10] = 1.0  # ten slips of 950: nearly constant
    slipping = judge_labels.agreement(Labelled(*(getattr(table, k) for k in ("item", "group", "dimension")), noisy, table.humans, table.top))  # fmt: skip
    assert slipping["majority with the judge"] > 0.9
    assert slipping["Cohen's kappa of the judge"] < 0.2


def test_prediction_powered_means_through_the_method():
    """S063 check 3 through the table: 9 of 10 texts have no label, and the mean of people is found by language.

    At least 19 of 24 intervals hold it: 99.9 % of runs of 95 % intervals do.
    """
    held = 0
    for seed in range(12):
        rng = np.random.default_rng([seed, 3])
        table = rated(rng, n=1_000, lenient={"A": 0.5, "B": 0.5})
        truth = {g: table.humans[table.group == g].mean() for g in "AB"}
        table.humans[rng.random(2_000) > 0.1] = np.nan
        got = found(table)
        for g in "AB":
            powered = got["mean score that people would give", g]
            held += powered.outcome.low <= truth[g] <= powered.outcome.high
            assert got["mean score by the judge", g].outcome.low > truth[g]
            assert powered.outcome.p is None
    assert held >= 19
    shares = judge_labels.calibrated(table.take(table.group == "A"), rng)["people, all texts"]
    assert all(shares[f"{c}"][1] <= SHARES[c] <= shares[f"{c}"][2] for c in range(3))


class Bigrams:
    """Log-probability of a text by counted word pairs, or by words alone: exact whole-number sums."""

    def __init__(self, texts, *, pairs):
        self.pairs = pairs
        self.counts = Counter(part for text in texts for part in self.parts(text))

    def parts(self, text):
        words = text.split()
        return list(pairwise(words)) if self.pairs else words

    def __call__(self, text):
        return sum(round(1e6 * np.log(self.counts[p] + 0.5)) for p in self.parts(text))


def sentences(rng, count):
    """Texts of 40 words from a chain in which each of 30 words has four followers."""
    words = [f"w{i}" for i in range(30)]
    follow = np.array([rng.choice(30, 4, replace=False) for _ in words])
    state = rng.integers(0, 30, count)
    made = []
    for _ in range(40):
        made.append(state)
        state = follow[state, rng.integers(0, 4, count)]
    return [" ".join(words[k] for k in text) for text in np.array(made).T]


def test_shuffled_words_are_noticed_by_word_pairs_only():
    """S063 check 4: the score drops in > .8 of texts for a judge of word pairs, in exactly 0 for a bag of words."""
    rng = np.random.default_rng(4)
    texts = sentences(rng, 600)
    judged, moved = texts[:300], [shuffled(t, rng) for t in texts[:300]]
    assert all(sorted(a.split()) == sorted(b.split()) for a, b in zip(judged, moved, strict=True))
    drops = {}
    for kind, pairs in (("pairs", True), ("bag", False)):
        judge = Bigrams(texts[300:], pairs=pairs)
        drops[kind] = np.mean([judge(b) < judge(a) for a, b in zip(judged, moved, strict=True)])
    assert drops["pairs"] > 0.8
    assert drops["bag"] == 0


def test_what_a_shuffle_moves():
    """A tenth of the words, at least two; marks and spaces stay; Chinese by character; a lone word stays."""
    rng = np.random.default_rng(5)
    text = " ".join(f"w{i}" for i in range(50))
    moved = shuffled(text, rng)
    assert sum(a != b for a, b in zip(text.split(), moved.split(), strict=True)) == 5
    assert shuffled("one  two", rng) == "two  one"
    assert shuffled("alone", rng) == "alone"
    assert shuffled("same same", rng) == "same same"
    chinese = "今天天气很好"
    assert shuffled(chinese, rng) != chinese
    assert sorted(shuffled(chinese, rng)) == sorted(chinese)
    with pytest.raises(BadInput, match="share"):
        shuffled("one two", rng, share=0)


@pytest.fixture
def frame():
    """A recorded table as a file would hold it."""
    rng = np.random.default_rng(6)
    table = rated(rng, n=200, lenient={"B": 0.6})
    columns = {
        "item": table.item, "language": table.group, "judge_score": table.judge,
        "scrambled": np.maximum(table.judge - (rng.random(400) < 0.6), 0),
    }  # fmt: skip
    columns |= {f"human_{k + 1}": table.humans[:, k] for k in range(3)}
    return columns


def opened(frame):
    """The table as a subject."""
    options = ModelOptions(extra={"prediction": "judge_score", "groups": ["language"]})
    return open_frame(frame, options)


def test_a_whole_audit(audited, frame):
    """Through a table: the two tests, single languages inside the rejected one, shuffle rows, facts."""
    run = audited(opened(frame), "judge_leniency", shuffled="scrambled")
    rows = {(f["labels"]["measure"], f["labels"].get("group", "")): f for f in run.findings}
    main, gap = rows[method.MAIN, ""], rows["leniency by language", "A"]
    assert main["role"] == gap["role"] == "primary"
    assert main["value"] > 0
    assert gap["value"] < 0
    assert rows[method.MAIN, "B"]["value"] > rows[method.MAIN, "A"]["value"]
    drop = rows["share of texts whose score drops when words are shuffled", "A"]
    here = frame["language"] == "A"
    assert drop["value"] == pytest.approx((frame["scrambled"] < frame["judge_score"])[here].mean())
    assert run.findings[0]["certificate"] is not None


def test_swapping_the_languages_turns_the_gap(frame):
    """The difference changes its sign; what is pooled stays."""
    table = rated(np.random.default_rng(7), n=400, lenient={"B": 0.5})
    names = np.where(table.group == "A", "B", "A").astype(object)
    turned = Labelled(table.item, names, table.dimension, table.judge, table.humans, table.top)
    one, two = found(table), found(turned)
    key = "leniency by language", "A"
    assert one[key].outcome.value == pytest.approx(-two[key].outcome.value)
    assert one[method.MAIN, ""].outcome.value == pytest.approx(two[method.MAIN, ""].outcome.value)


def test_three_languages_are_compared_by_their_range():
    """Unsigned, with what exchanged languages give beside it; no leniency gap is no finding."""
    table = rated(np.random.default_rng(8), n=450)
    names = np.array(["A", "B", "C"], object)[np.arange(900) % 3]
    got = found(Labelled(table.item, names, table.dimension, table.judge, table.humans, table.top))
    gap = got["leniency, largest minus smallest", ""]
    assert gap.sign == "unsigned"
    assert gap.outcome.p > 0.05
    assert gap.outcome.expected > 0


def test_two_people_leave_nothing_to_hold_out():
    """Nobody is left to disagree: Undefined with a reason, not a number; over="all" works."""
    table = rated(np.random.default_rng(9), raters=2)
    assert isinstance(found(table)[method.MAIN, ""].outcome, Undefined)
    got = found(table, over="all")[method.MAIN, ""].outcome
    assert isinstance(got, Estimate)
    assert got.low <= 0 <= got.high


def test_bad_input(scored, frame):
    """Absent columns, a score above the top, text for numbers, an unread score."""
    with pytest.raises(NotRecorded, match="human_9"):
        scored(method.judge_leniency, opened(frame), humans=["human_9"])
    with pytest.raises(BadInput, match="top"):
        scored(method.judge_leniency, opened(frame), top=1)
    with pytest.raises(BadInput, match="numbers"):
        scored(method.judge_leniency, opened(frame), humans=["language"])
    with pytest.raises(BadInput, match="over"):
        scored(method.judge_leniency, opened(frame), over="some")
    table = rated(np.random.default_rng(10))
    table.judge[:5] = np.nan
    items = method.tabulate(table).items
    assert set(items["why"]) == {"", "no score by the judge"}
    assert ((items["why"] != "") & (items["part"] == "score")).sum() == 5


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_leniency_is_what_it_says(dial):
    """Mean over 60 data sets is the stated truth within 4 Monte-Carlo errors."""
    values = []
    for seed in range(60):
        made, truth = method.simulate(np.random.default_rng([seed, 11]), dial=dial)
        rows = made.items.where({"part": "held out"})
        values.append(np.average(rows["score"], weights=rows["weight"]))
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(60)
