"""Label bias: planted leans of three kinds are found, and only those; laws, refusals, shares of choices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.exchange import contents
from plumbline.core.questions import plain
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Items, Scored
from plumbline.core.seeds import Seeds
from plumbline.data.lexicons.basic_english import basic_english
from plumbline.data.sets import label_bias_classification as tasks
from plumbline.data.templates.classification import frames
from plumbline.metrics.choice import label_bias as method
from plumbline.metrics.label_probabilities import columns
from plumbline.metrics.label_questions import asked
from plumbline.stats.infer import infer
from plumbline.testing import PlantedLabeller, assert_recovered, only

GENERAL = frozenset(basic_english()) | {"."}


def labeller(**dials) -> PlantedLabeller:
    """General words never pull."""
    return PlantedLabeller(general=GENERAL, **dials)


def outcome(findings, measure: str, axis: str = "sst2"):
    """The outcome of a measure by its name."""
    (found,) = [f for f in findings if f.labels["axis"] == axis and f.labels["measure"] == measure]
    return found.outcome


@pytest.fixture
def inferred(scored, mirror):
    """Findings of a planted model: `inferred(model, tasks=...)`."""

    def run(model, **params):
        got = scored(method.label_bias, model, **{"tasks": ["sst2"], "most": 60, **params})
        return infer(got, method.label_bias.card, seeds=Seeds(3))

    return run


def planted_shift(name: str, model: PlantedLabeller) -> float:
    """The population value over 40,000 random texts of each kind, by an own count of words."""
    texts = tasks.audited(name)
    words = [w for e in texts for w in e.texts[0].lower().split()]
    length = len(words) // len(texts) + 1
    rng = np.random.default_rng(5)
    pulled = np.array([w not in GENERAL for w in words])
    counts = rng.choice(pulled, size=(40_000, length)).sum(axis=1)
    # Two labels: label `toward` gains dial x share of pulled words (the full stop counts as a word).
    lean = model.dial * counts / (length + 1)
    return float(np.mean(1 / (1 + np.exp(-lean))) - 0.5)


@pytest.mark.parametrize("toward", [0, 1])
def test_a_planted_domain_pull_is_recovered(inferred, toward):
    """The interval holds the population value, p is small; the direction does not matter (unsigned)."""
    model = labeller(dial=2.0, toward=toward)
    truth = planted_shift("sst2", model)
    findings = inferred(model, shots=0)
    assert_recovered(only(findings, axis="sst2"), truth)


def test_without_a_pull_nothing_is_found(inferred):
    """Inputs that scatter but do not pull: few alarms over 60 models; the chance level stands beside it."""
    alarms, values, expected = 0, [], []
    for seed in range(60):
        got = only(inferred(labeller(noise=1.0, seed=seed), shots=0, most=6), axis="sst2").outcome
        alarms += got.p <= 0.05
        values.append(got.value)
        expected.append(got.expected)
    assert alarms <= 10  # 99.9 % of binomial(60, .05)
    assert np.mean(values) > 0.02
    error = np.std(values, ddof=1) / np.sqrt(60)
    assert abs(np.mean(values) - np.mean(expected)) < 4 * error


def test_vanilla_and_context_in_closed_form(inferred):
    """Vanilla pull 1: empty text P = logistic(1), distance .231; no set of demonstrations moves it, and no word."""
    findings = inferred(labeller(vanilla=(1.0,)))
    vanilla = outcome(findings, "vanilla label bias, zero-shot")
    assert vanilla.value == pytest.approx(1 / (1 + np.exp(-1)) - 0.5, abs=1e-9)
    assert outcome(findings, "context label bias, 4-shot").value == 0
    assert isinstance(outcome(findings, "domain label bias, zero-shot"), Undefined)


def test_demonstrations_that_move_the_prior_are_context_bias(inferred, mirror):
    """Prompts with draws of their own: mean |logistic(x) - logistic(b)|, b of the six bare frames, x of any set."""
    model = labeller(context=1.0)
    findings = inferred(model, sets=60)
    labels, spread = ("negative", "positive"), np.random.default_rng(0).normal(size=(100_000, 2))
    bare = [model.scores(frame.prompt([""], labels), labels) for frame in frames("sentiment")]
    moved = special.expit(spread[:, 0] - spread[:, 1])
    truth = np.mean([np.abs(moved - special.expit(b[0] - b[1])).mean() for b in bare])
    got = outcome(findings, "context label bias, 4-shot")
    assert got.low < truth < got.high
    assert got.units == 60


def test_english_and_domain_exchanged_leave_the_distance(scored, mirror):
    """Swapping the two groups changes nothing: unsigned."""
    got = scored(method.label_bias, labeller(dial=2.0), tasks=["sst2"], shots=0, most=10)
    swap = dict(zip(method.GROUPS, reversed(method.GROUPS), strict=True))
    groups = np.array([swap.get(g, g) for g in got.items["group"]], dtype=object)
    turned = Scored(items=Items({**got.items.columns, "group": groups}), measures=got.measures)
    first, second = (
        infer(s, method.label_bias.card, seeds=Seeds(3))[0].outcome for s in (got, turned)
    )
    assert first.value == pytest.approx(second.value)
    assert first.p == second.p


def test_accuracy_and_macro_f1_of_what_is_known(inferred, mirror):
    """A model that knows all answers, then one that always says the first of six labels."""
    known = {e.texts[0]: e.label for e in tasks.audited("trec")}
    findings = inferred(labeller(knows=known, sure=9.0), tasks=["trec"], shots=0)
    assert outcome(findings, "accuracy, zero-shot", "trec").value == 1
    assert "the same value (1)" in outcome(findings, "macro-F1, zero-shot", "trec").reason
    findings = inferred(labeller(vanilla=(0, 0, 9.0)), tasks=["trec"], shots=0)
    share = outcome(findings, "accuracy, zero-shot", "trec").value
    # F1 of the label always said, 2 s / (1 + s); the others have 0.
    others = {e.label for e in tasks.audited("trec")}
    assert outcome(findings, "macro-F1, zero-shot", "trec").value == pytest.approx(
        2 * share / (1 + share) / len(others), abs=1e-9
    )
    assert outcome(findings, "vanilla label bias, zero-shot", "trec").value == pytest.approx(
        np.exp(9) / (np.exp(9) + 5) - 1 / 6, abs=1e-9
    )


def test_pairs_are_asked_in_both_places(mirror):
    """Premise and hypothesis are both marked; random texts have the lengths of their own place."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    got = asked(context, "cb", english=basic_english(), draws=4, shots=2, sets=3, most=10)
    first, second = got.domain[0]
    assert len(first.split()) > 4 * len(second.split())
    zero, few = got.settings
    assert got.batch(zero, "text").columns["prompt"][0][1].text == got.english[0][0]
    assert [len(contents(p, "input")) for p in got.batch(few, "text").columns["prompt"]] == [2] * (
        4 + 4 + 3 + 3 + 10
    )


def test_demonstrations_are_not_classified_and_bare_frames_have_none(mirror):
    """Demonstrations come from the pool; the context's reference has the frame of the set, bare."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    got = asked(context, "sst2", english=basic_english(), draws=4, shots=3, sets=8, most=20)
    few = got.settings[1]
    shown = {e.texts for case in few.shown for e in case}
    assert not shown & {e.texts for e in tasks.audited("sst2")}
    rows, prompts = got.rows(few), got.batch(few, "text").columns["prompt"]
    for with_, without in zip(prompts[rows["empty"]], prompts[rows["bare"]], strict=True):
        assert with_[-1] == without[-1]
        assert not any(e.texts[0] in plain(without) for case in few.shown for e in case)
        assert plain(with_).startswith(plain(without).split("\n")[0])


def test_what_is_tested_does_not_depend_on_the_other_tasks(mirror):
    """Named streams: the same draws whatever else is asked, and quick's texts lie in standard's."""

    def drawn(suite: str):
        context = Context(abilities=frozenset({"choose"}), seeds=Seeds(2), suite=suite)
        return asked(context, "mpqa", english=basic_english(), draws=3, shots=2, sets=2, most=200)

    quick, standard = drawn("quick"), drawn("standard")
    assert (quick.english, quick.domain) == (standard.english, standard.domain)
    assert {e.id for e in quick.tested} < {e.id for e in standard.tested}
    assert (len(quick.tested), len(standard.tested)) == (60, 200)


def test_a_model_without_scores_has_shares_of_choices(scored, mirror):
    """Said in the notes; the domain's pull decides every choice, so the distance is that of the choices."""
    model = labeller(dial=2.0, toward=1, vanilla=(0.5,), scored=False)
    got = scored(method.label_bias, model, tasks=["sst2"], shots=0, most=10)
    assert any("no scores" in note for note in got.notes)
    first = infer(got, method.label_bias.card, seeds=Seeds(3))[0].outcome
    assert first.value > 0.7
    loud = scored(method.label_bias, labeller(), tasks=["sst2"], shots=0, most=10)
    assert loud.notes == []


def test_a_tie_has_probabilities_but_no_answer(inferred):
    """Equal scores of all labels: no distance from uniform, nothing classified, the tie is the reason."""
    findings = inferred(labeller(), shots=0)
    assert outcome(findings, "vanilla label bias, zero-shot").value == 0
    accuracy = outcome(findings, "accuracy, zero-shot")
    assert "no item was answered" in accuracy.reason or "0%" in accuracy.reason


def test_refusals_leave_it_undefined():
    """Fewer than half of the questions answered: Undefined with the share; a refusal is no probability."""
    rng = np.random.default_rng(0)
    values = rng.dirichlet([2, 2], size=12)
    pair = np.tile([f"d{k}" for k in range(6)], 2).astype(object)
    why = np.array(["refused"] * 8 + [""] * 4, dtype=object)
    items = Items.of(
        item=np.arange(12), score=np.where(why == "", 1.0, np.nan), why=why, pair=pair, case=pair,
        group=np.repeat(np.array(method.GROUPS, dtype=object), 6), part=np.full(12, "zero-shot random", dtype=object),
        task=np.full(12, "sst2", dtype=object), **columns(values, 6),
    )  # fmt: skip
    setting = type("S", (), {"bare": True, "name": "zero-shot"})()
    first = method.measured(tasks.task("sst2"), setting, items)[0]
    got = infer(Scored(items=items, measures=[first]), method.label_bias.card, seeds=Seeds(0))[
        0
    ].outcome
    assert isinstance(got, Undefined)
    assert "33%" in got.reason


def test_own_english_words(scored, mirror, tmp_path):
    """Words of a file stand in for Basic English: all of them pull, so that the distance goes."""
    path = tmp_path / "words.txt"
    path.write_text("zog Blat\nfnord", encoding="utf-8")
    model = PlantedLabeller(general=frozenset({"."}), dial=2.0)
    got = scored(method.label_bias, model, tasks=["sst2"], shots=0, most=10, english=str(path))
    first = infer(got, method.label_bias.card, seeds=Seeds(3))[0].outcome
    assert first.value < 0.03  # full stops of the reviews are general still


def test_bad_arguments(mirror):
    """One clear error each."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    with pytest.raises(BadInput, match="at least 2"):
        next(method.label_bias(context, tasks=["sst2"], draws=1))
    with pytest.raises(UnknownName, match="trec"):
        next(method.label_bias(context, tasks=["tree"]))
    with pytest.raises(BadInput, match="pool holds"):
        next(method.label_bias(context, tasks=["cb"], shots=10_000))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_distance_is_recovered(dial):
    """200 simulations: intervals cover dial / 2, alarms at the null near 5 %; noise alone lifts the mean above the truth."""
    covered, alarms, values = 0, 0, []
    for seed in range(200):
        got, truth = method.simulate(np.random.default_rng([seed, 9]), dial=dial)
        assert truth == dial / 2
        one = infer(got, method.label_bias.card, seeds=Seeds(seed))[0].outcome
        assert isinstance(one, Estimate)
        covered += one.low <= truth <= one.high
        alarms += one.p <= 0.05
        values.append(one.value)
    assert covered >= 179  # 99.9 % of binomial(200, .95)
    if dial == 0:
        assert 2 <= alarms <= 21
    if dial == max(method.DIALS):
        assert alarms > 150
    assert np.mean(values) > truth


def test_simulation_matches_a_million_texts():
    """The stated truth is that of the means over 10^6 texts of each kind."""
    rng = np.random.default_rng(1)
    q = np.array([0.2, 0.2, 0.25, 0.35])
    moved = q + 0.25 * np.array([1, 0, 0, -1])
    means = [(0.25 + rng.dirichlet(3 * mean, size=10**6).mean(axis=0)) / 2 for mean in (q, moved)]
    assert np.abs(means[0] - means[1]).sum() / 2 == pytest.approx(0.125, abs=2e-3)
