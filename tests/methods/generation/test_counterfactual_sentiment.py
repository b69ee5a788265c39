"""Counterfactual sentiment: distances in closed form, planted writers, masking, refusals."""

from __future__ import annotations

import tomllib
from math import comb, exp
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.audit.run import Audit
from plumbline.audit.runner import Runner
from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.questions import plain
from plumbline.core.results import Undefined
from plumbline.core.scored import Items
from plumbline.core.seeds import Seeds
from plumbline.data.groups import names as name_sets
from plumbline.metrics import continuations
from plumbline.metrics.generation import counterfactual_sentiment as method
from plumbline.stats.infer import infer
from plumbline.testing import (
    PlantedClassifier,
    PlantedWriter,
    assert_no_finding,
    assert_recovered,
    only,
)
from plumbline.testing.laws import assert_simulation_recovered

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "counterfactual_sentiment.toml").read_text("utf-8")
)
NAMES = name_sets.load("us_resume_race_gender")
WOMEN = {n.name: 1.0 for n in NAMES.names if n.labels["gender"] == "women"}
LEANS = WOMEN | {n.name: -1.0 for n in NAMES.names if n.labels["gender"] == "men"}
READER = PlantedClassifier(reads=True, noise=0.0)


def context(suite: str = "quick", **about) -> Context:
    """Surroundings of a subject that writes."""
    return Context(abilities=frozenset({"generate"}), seeds=Seeds(1), suite=suite, about=about)


def table(first, second) -> Items:
    """Scores of two groups in one template."""
    scores = [*first, *second]
    group = ["women"] * len(first) + ["men"] * len(second)
    return Items.of(
        item=[str(i) for i in range(len(scores))], score=scores, group=np.array(group, dtype=object),
        template=np.array(["t"] * len(scores), dtype=object), part=np.array(["text"] * len(scores), dtype=object),
        name=np.array([f"n{i}" for i in range(len(scores))], dtype=object),
    )  # fmt: skip


def test_wasserstein_of_point_masses_and_sorted_samples():
    """S083 check 2: point masses at u and v are |u - v| apart; equal samples by sorted values."""
    golden = GOLDEN["point_masses"]
    scores = np.array([golden["u"]] * 4 + [golden["v"]] * 3)
    first = np.arange(7) < 4
    assert method.wasserstein(scores, first) == pytest.approx(golden["distance"])
    golden = GOLDEN["sorted"]
    both = np.array(golden["first"] + golden["second"])
    assert method.wasserstein(both, np.arange(6) < 3) == pytest.approx(golden["distance"])


def test_wasserstein_agrees_with_scipy():
    """Any labelling of any scores, ties and unequal sizes included."""
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=23), 1)
    labels = rng.random((50, 23)) < 0.4
    labels[:, 0], labels[:, 1] = True, False
    got = method.wasserstein(scores, labels)
    for row, value in zip(labels, got, strict=True):
        assert value == pytest.approx(wasserstein_distance(scores[row], scores[~row]), abs=1e-12)


def test_group_variant_is_half_the_distance_of_two_equal_groups():
    """Mean distance to the pooled scores: half of W1 for two groups of equal size."""
    golden = GOLDEN["point_masses"]
    items = table([golden["u"]] * 5, [golden["v"]] * 5)
    est = method.GROUP_W1
    options = est.prepare(items, {})
    features = est.features(items, options)
    sums = np.stack([features[:5].sum(axis=0), features[5:].sum(axis=0)])
    assert est.value(sums, options) == pytest.approx(golden["to_pooled"])
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=40), rng.normal(1, 2, size=40)
    items = table(a, b)
    options = est.prepare(items, {})
    features = est.features(items, options)
    sums = np.stack([features[:40].sum(axis=0), features[40:].sum(axis=0)])
    assert est.value(sums, options) == pytest.approx(wasserstein_distance(a, b) / 2, abs=1e-12)


def test_individual_variant_has_no_chance_part():
    """Without a difference the distance within templates minus its chance value is 0 on average."""
    values = []
    for seed in range(200):
        rng = np.random.default_rng([seed, 5])
        rows, _ = method.individual(table(rng.normal(size=16), rng.normal(size=16)), "gender",
                                    ("women", "men"), rng)  # fmt: skip
        values.append(rows["score"][0])
    assert abs(np.mean(values)) < 4 * np.std(values, ddof=1) / np.sqrt(200)
    rng = np.random.default_rng(6)
    rows, raw = method.individual(table([0.0] * 8, [1.0] * 8), "gender", ("women", "men"), rng)
    assert raw["individual"]["distance"] == 1
    assert 0 < raw["individual"]["by_chance"] < 0.5


def test_openings_are_crossed_balanced_and_nested():
    """Every name in every template; 16 a group and axis; a larger suite asks all of a smaller."""
    quick = continuations.openings(context(), continuations.Wanted())
    prompts = [plain(row.prompt) for row in quick.rows]
    assert len(prompts) == len(set(prompts)) == 8 * 32
    for axis, groups in quick.axes.items():
        for group in groups:
            names = {row.name for row in quick.rows if row.groups[axis] == group}
            assert len(names) == 16
    assert quick.axes["gender"] == ("women", "men")
    standard = continuations.openings(context("standard"), continuations.Wanted())
    assert set(prompts) < {plain(row.prompt) for row in standard.rows}
    assert len(standard.rows) == 12 * 36 * 2


def test_only_the_name_differs_within_a_template():
    """Counterfactual prompts: with the name taken out, all prompts of a template are equal."""
    rows = continuations.openings(context(), continuations.Wanted()).rows
    for template in {row.template for row in rows}:
        bare = {plain(r.prompt).replace(r.name, "_") for r in rows if r.template == template}
        assert len(bare) == 1


def test_chat_models_get_tasks():
    """A model that only chats is asked in a user's turn; others go on with plain text."""
    chat = continuations.openings(context(plain_prompts="chat"), continuations.Wanted())
    assert {part.role for row in chat.rows for part in row.prompt} == {"user"}
    assert chat.facts["form"] == "instruction"
    plain_ = continuations.openings(context(), continuations.Wanted())
    assert {part.role for row in plain_.rows for part in row.prompt} == {"text"}


def test_names_are_masked_and_silence_is_no_score():
    """The instrument never sees the name; empty and refused texts keep their reason."""
    opened = continuations.openings(context(), continuations.Wanted())
    n = len(opened.rows)
    texts = [f"and {row.name} smiled at {row.name}'s dog" for row in opened.rows]
    status = [""] * n
    texts[0], texts[1], status[2] = "", "   ", "refused"
    reading = continuations.Reading.of(opened, Texts(texts, ["stop"] * n, status))
    batch = reading.batch("vader", "")
    for row, text in zip(opened.rows[3:], batch.columns["response"], strict=False):
        assert row.name not in text
    assert list(reading.status[:4]) == ["empty text", "empty text", "refused", ""]
    assert len(reading.asked) == n - 3
    ((_, answers),) = READER.answer(batch)
    score, why = reading.scores(answers, "")
    items = continuations.items_of(opened, score, why)
    assert np.isnan(items["score"][:3]).all()
    facts = continuations.about_scores(items, opened.axes)
    counted = [by for group in facts["gender"]["unanswered"].values() for by in group.items()]
    assert sorted(counted) == [("empty text", 2), ("refused", 1)]
    mentions = reading.of_mentions(answers, "")
    assert set(mentions["gender"]) == {"women", "men"}


def audit(subject, tmp_path, metrics=("counterfactual_sentiment",), **params):
    """Findings and runner, through catalog, runner and inference, with a planted instrument."""
    given = {name: {"instrument": "reader", "label": "", **params} for name in metrics}
    plan = Plan(model="planted", metrics=metrics, params=given)
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, subject, cache, instrument=lambda _: READER)
        entries = chosen(plan)
        runner = Runner(subject, run.instrument, cache)
        return run.findings(entries, run._results(entries, runner)), runner


def population(dial: float, words: int = 3) -> float:
    """Mean score of women's texts minus men's: k good words of three have a binomial law."""

    def mean(p: float) -> float:
        score = [1 - 2 / (1 + exp(-(words - 2 * k))) for k in range(words + 1)]
        return sum(comb(words, k) * p**k * (1 - p) ** (words - k) * s for k, s in enumerate(score))

    return mean(0.5 + dial / 2) - mean(0.5 - dial / 2)


def test_planted_writer_through_the_runner(tmp_path):
    """A writer kinder to women by dial .5: the gender gap is the closed form, race shows none."""
    subject = PlantedWriter(dial=0.5, leans=LEANS, seed=4)
    findings, _ = audit(subject, tmp_path)
    assert_recovered(only(findings, axis="gender"), population(0.5))
    assert_no_finding(only(findings, axis="race_ethnicity"))
    (distance,) = [
        f for f in findings
        if f.labels["axis"] == "gender" and "G.F." in f.labels["measure"]
    ]  # fmt: skip
    assert distance.outcome.value > distance.outcome.expected
    assert distance.outcome.p is None
    even, _ = audit(PlantedWriter(dial=0.0, leans=LEANS, seed=4), tmp_path / "even")
    assert_no_finding(only(even, axis="gender"))


def test_both_methods_ask_the_same_texts_once(tmp_path):
    """Run together, sentiment and toxicity put each opening once to the subject."""
    metrics = ("counterfactual_sentiment", "counterfactual_toxicity")
    _, runner = audit(PlantedWriter(seed=1), tmp_path, metrics)
    tally = runner.tally["subject:generate"]
    assert (tally.wanted, tally.unique, tally.asked) == (512, 256, 256)


def test_a_silent_model_is_undefined(tmp_path):
    """No text, no number: every finding says why."""
    findings, _ = audit(PlantedWriter(length=0), tmp_path)
    assert all(isinstance(f.outcome, Undefined) for f in findings)
    assert "0%" in only(findings, axis="gender").outcome.reason


def test_real_instrument_reads_planted_words(tmp_path):
    """VADER itself: kind words for women give a positive gap."""
    pytest.importorskip("vaderSentiment")
    plan = Plan(model="planted", metrics=("counterfactual_sentiment",))
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, PlantedWriter(dial=0.6, leans=LEANS, seed=2), cache)
        entries = chosen(plan)
        runner = Runner(run.subject, run.instrument, cache)
        found = only(run.findings(entries, run._results(entries, runner)), axis="gender")
    assert found.outcome.low > 0


def test_swapping_the_groups_flips_the_sign():
    """First minus second: the mean difference turns around, distances stay."""
    rng = np.random.default_rng(3)
    items = continuations.simulate_texts(rng, dial=0.2, middle=0.1, sizes=(0.2, 0.1, 0.05))
    outcome = []
    for groups in (("women", "men"), ("men", "women")):
        got = method.scored(items, {"gender": groups}, np.random.default_rng(0))
        outcome.append(
            [f.outcome for f in infer(got, method.counterfactual_sentiment.card, seeds=Seeds(0))]
        )
    assert outcome[0][0].value == pytest.approx(-outcome[1][0].value)
    assert outcome[0][1].value == pytest.approx(outcome[1][1].value)


def test_three_groups_are_tested_through_their_spread(tmp_path):
    """More than two groups: largest minus smallest is primary, each against the first inside it."""
    text = 'id="x"\ntitle="x"\nrule="x"\nsources=["x"]\n'
    for group in ("a", "b", "c"):
        for i in range(8):
            text += f'[[names]]\nname="N{group}{i}"\nplace="{group}"\n'
    (tmp_path / "own.toml").write_text(text)
    leans = {f"Na{i}": 1.0 for i in range(8)}
    findings, _ = audit(
        PlantedWriter(dial=0.8, leans=leans, seed=1), tmp_path, names=str(tmp_path / "own.toml")
    )
    main = only(findings, axis="place")
    assert main.sign == "unsigned"
    assert main.outcome.p < 0.01
    inside = [f for f in findings if f.role == "group"]
    assert [f.labels["group"] for f in inside] == ["b", "c"]
    assert all(f.outcome.value < 0 for f in inside)


@pytest.mark.parametrize(
    ("given", "error", "word"),
    [
        ({"form": "poem"}, BadInput, "form"),
        ({"temperature": 0.0, "draws": 3}, BadInput, "one draw"),
        ({"names": "us_resume"}, UnknownName, "us_resume_race_gender"),
        ({"templates": "open_endet"}, UnknownName, "open_ended"),
        ({"temprature": 0.7}, UnknownName, "temperature"),
    ],
)
def test_bad_options(given, error, word):
    """Wrong options are the caller's error and name what was wanted."""
    with pytest.raises(error, match=word):
        next(method.counterfactual_sentiment(context(), **given))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_gap_is_recovered(dial):
    """Mean over 300 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    assert_simulation_recovered(
        method.counterfactual_sentiment.card, method.simulate, dial=dial, dials=method.DIALS, salt=3
    )
