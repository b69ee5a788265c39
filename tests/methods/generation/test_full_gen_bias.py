"""Full Gen Bias: both published formulas, chance taken away, planted writers, clusters, refusals."""

from __future__ import annotations

import tomllib
from math import comb, exp
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.audit.run import Audit
from plumbline.audit.runner import Runner
from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.questions import plain
from plumbline.core.results import Estimate, NotApplicable, Undefined
from plumbline.core.scored import Items, Scored
from plumbline.core.seeds import Seeds
from plumbline.data.sets import holistic_bias
from plumbline.metrics import identity_turns, style_spread
from plumbline.metrics.generation import full_gen_bias as method
from plumbline.metrics.style_spread import STYLE
from plumbline.stats.infer import infer
from plumbline.testing import PlantedClassifier, PlantedWriter, assert_no_finding, only

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "full_gen_bias.toml").read_text("utf-8")
)
CARD = method.full_gen_bias.card
READER = PlantedClassifier(reads=True, noise=0.0)
WORDS = 24


def context(suite: str = "quick", **about) -> Context:
    """Surroundings of a subject that writes."""
    return Context(abilities=frozenset({"generate"}), seeds=Seeds(1), suite=suite, about=about)


def audit(subject, tmp_path, **params):
    """Findings, through catalog, runner and inference, with a planted instrument."""
    given = {"instrument": "reader", "descriptors": WORDS, "templates": 8, "nouns": 2, **params}
    plan = Plan(
        model="planted", metrics=("full_gen_bias",), suite="standard",
        params={"full_gen_bias": given},
    )  # fmt: skip
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, subject, cache, instrument=lambda _: READER)
        entries = chosen(plan)
        return run.findings(entries, run._results(entries, Runner(subject, run.instrument, cache)))


def cells(means, noise=0.01) -> Items:
    """Cells of a table (templates, descriptors, styles)."""
    table = np.asarray(means, float)
    t, d = (a.ravel() for a in np.indices(table.shape[:2]))
    flat = table.reshape(-1, table.shape[-1])
    named = np.array([f"d{i}" for i in d], dtype=object)
    return Items.of(
        item=[f"{i}|{j}" for i, j in zip(t, d, strict=True)], score=flat.sum(axis=1), group=named,
        unit=named, template=np.array([f"t{i}" for i in t], dtype=object),
        axis=np.full(t.size, "x", dtype=object), part=np.full(t.size, "cell", dtype=object),
        noise=np.full(t.size, noise), **{STYLE + s: flat[:, i] for i, s in enumerate("abc"[: flat.shape[1]])},
    )  # fmt: skip


def test_both_formulas_in_closed_form():
    """Paper: variance within templates, then mean; survey: mean over templates, then variance."""
    golden = GOLDEN["two_descriptors"]
    means = np.array(golden["means"])
    assert style_spread.published_gen_bias(means) == pytest.approx(golden["paper"])
    assert style_spread.survey_gen_bias(means) == pytest.approx(golden["survey"])
    summed = means.sum(axis=-1, keepdims=True)
    assert style_spread.published_gen_bias(summed) == pytest.approx(golden["summed_cluster"])
    assert style_spread.published_gen_bias(np.tile(means[:, :1], (1, 5, 1))) == 0


def test_moments_give_the_survey_number_minus_its_noise():
    """The estimator's sums against a plain two-way table: variance of means minus residual / T."""
    table = np.random.default_rng(0).random((5, 7, 2))
    items = cells(table)
    options = {"styles": (("a",), ("b",))}
    features = style_spread.STYLE_SPREAD.features(items, options)
    sums = np.stack([features[items["group"] == f"d{i}"].sum(axis=0) for i in range(7)])
    got = style_spread.STYLE_SPREAD.value(sums, options)
    row, column = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rest = table - row - column + table.mean(axis=(0, 1), keepdims=True)
    residual = (rest**2).sum(axis=(0, 1)) / (4 * 6)
    plain_ = style_spread.survey_gen_bias(table, ddof=1)
    assert got == pytest.approx(plain_ - residual.sum() / 5)
    spread, noise = style_spread.parts(sums)
    assert spread == pytest.approx(plain_)
    assert noise == pytest.approx(residual.sum() / 5)


def test_chance_is_taken_away():
    """No descriptor matters: the raw numbers are positive, both corrected ones 0 on average."""
    raw, paper, survey = [], [], []
    for seed in range(200):
        rng = np.random.default_rng([seed, 8])
        texts = rng.normal(0.5, 0.1, (6, 8, 3, 1))  # three texts a cell
        items = cells(texts.mean(axis=2), noise=0.0)
        noise = style_spread.cell_noise(list(texts.reshape(48, 3, 1))).sum(axis=1)
        items = Items.of(**{**items.columns, "noise": noise})
        paper.append(method.by_template(items, ("a",))["score"].mean())
        raw.append(style_spread.published_gen_bias(texts.mean(axis=2)))
        options = {"styles": (("a",),)}
        features = style_spread.STYLE_SPREAD.features(items, options)
        sums = np.stack([features[items["group"] == f"d{i}"].sum(axis=0) for i in range(8)])
        survey.append(float(style_spread.STYLE_SPREAD.value(sums, options)))
    assert min(raw) > 0
    for values in (paper, survey):
        assert abs(np.mean(values)) < 4 * np.std(values, ddof=1) / np.sqrt(200)


def score_of(bad: float) -> float:
    """Mean P(toxic) of three words, each bad with this probability."""
    return sum(comb(3, j) * bad**j * (1 - bad) ** (3 - j) / (1 + exp(3 - 2 * j)) for j in range(4))


def test_planted_writer_through_the_runner(mirror, tmp_path):
    """Bad words follow some descriptors: the variance of their means is found, else nothing is."""
    words = sorted({d.text for d in holistic_bias.load().descriptors if d.text.isalpha()})
    leans = {w: (1.0 if i % 2 else -1.0) for i, w in enumerate(words)}
    subject = PlantedWriter(dial=0.5, leans=leans, seed=3)
    turns = identity_turns.turns(
        Context(abilities=frozenset(), seeds=Seeds(0).child("full_gen_bias"), suite="standard"),
        "v1.1", (), {"descriptors": WORDS, "templates": 8, "nouns": 2},
    )  # fmt: skip
    means = [
        score_of(0.5 - 0.25 * leans.get(d.text, 0.0)) for d in turns.descriptors
    ]  # fmt: skip
    findings = audit(subject, tmp_path)
    main = only(findings, axis="identity")
    assert main.outcome.p < 0.01
    assert main.outcome.low <= np.var(means, ddof=1) <= main.outcome.high
    (paper,) = [
        f for f in findings if f.labels["measure"].startswith("full gen bias as in the paper")
    ]
    assert paper.outcome.low > 0
    assert paper.outcome.p is None
    even = audit(PlantedWriter(seed=3), tmp_path / "even")
    assert_no_finding(only(even, axis="identity"))
    assert only(even, axis="identity").outcome.low < 0


def test_turns_are_crossed_balanced_and_nested(mirror):
    """Every descriptor in every template with the same nouns; larger suites hold smaller ones."""
    quick = identity_turns.turns(context(), "v1.1", (), {})
    assert len(quick.batch) == 36 * 8 * 2
    assert "nonce" not in quick.axes
    assert all(not d.gender for d in quick.descriptors)
    standard = identity_turns.turns(context("standard"), "v1.1", (), {})
    assert {d.text for d in quick.descriptors} < {d.text for d in standard.descriptors}
    assert set(quick.template) < set(standard.template)
    texts = [plain(p) for p in quick.batch.columns["prompt"]]
    assert all(t.endswith("\n") and "{" not in t for t in texts)
    chat = identity_turns.turns(context(chat_template=True), "v1.0", ("religion",), {"nouns": 1})
    assert chat.axes == ("religion",)
    assert {part.role for p in chat.batch.columns["prompt"] for part in p} == {"user"}
    for wrong, error in (
        ({"axes": ("religon",)}, UnknownName), ({"options": {"noun": 2}}, UnknownName),
        ({"options": {"temperature": 0.0, "draws": 2}}, BadInput),
    ):  # fmt: skip
        with pytest.raises(error):
            identity_turns.turns(context(), "v1.1", wrong.get("axes", ()), wrong.get("options", {}))


def test_the_set_is_whole(mirror):
    """13 axes and 26 templates, as the paper says; a template takes one person or several."""
    lists = holistic_bias.load("v1.0")
    assert (len(lists.descriptors), len(lists.nouns), len(lists.frames)) == (524, 30, 26)
    assert len({d.axis for d in lists.descriptors}) == 13
    frame = next(f for f in lists.frames if "plural" in f.text)
    deaf = next(d for d in lists.descriptors if d.text == "Deaf")
    noun = next(n for n in lists.nouns if n.singular == "parent")
    assert "Deaf parents" in frame.fill(deaf, noun)
    assert "a Deaf parent" in lists.frames[0].fill(deaf, noun)
    with pytest.raises(UnknownName):
        holistic_bias.load("v2")


def test_mentions_are_masked(mirror):
    """An answer that repeats the descriptor does not score for it; empty ones have a reason."""
    asked = identity_turns.turns(context(), "v1.1", ("religion",), {"descriptors": 8, "nouns": 1})
    n = len(asked.batch)
    word = asked.descriptors[asked.descriptor[0]].text
    said = [f"I am {word.lower()} too.", ""] + ["x"] * (n - 2)
    status = [""] * (n - 1) + ["refused"]
    texts, why = asked.texts(Texts(said, ["stop"] * n, status), mask=True)
    assert texts[0] == "I am XYZ too."
    assert (why[1], why[-1]) == ("empty text", "refused")
    kept, _ = asked.texts(Texts(said, ["stop"] * n, status), mask=False)
    assert word.lower() in kept[0]


def test_clusters_partition_the_sum():
    """Partitioned parts add up to the whole; summed first, opposite styles cancel."""
    table = np.random.default_rng(1).random((6, 12, 3))
    items = cells(table)
    clusters = {"one": ("a", "b"), "two": ("c",)}
    findings = infer(method.scored(items, "abc", ("x",), clusters), CARD, seeds=Seeds(0))
    whole = only(findings).outcome.value
    parts = {
        f.labels["cluster"]: f.outcome.value for f in findings
        if f.labels["measure"].startswith("partitioned")
    }  # fmt: skip
    assert sum(parts.values()) == pytest.approx(whole)
    opposite = table.copy()
    opposite[..., 1] = 1 - opposite[..., 0]
    made = method.scored(cells(opposite), "abc", ("x",), {"one": ("a", "b")})
    (summed,) = [m for m in made.measures if m.labels["measure"].startswith("summed")]
    (found,) = infer(Scored(items=made.items, measures=[summed]), CARD, seeds=Seeds(0))
    assert not isinstance(found.outcome, Estimate) or abs(found.outcome.value) < 1e-12
    with pytest.raises(UnknownName, match="cluster"):
        method.scored(items, "abc", ("x",), {"one": ("kind",)})


def test_one_text_a_cell_has_no_noise_of_its_own():
    """The paper's number cannot be corrected then; the tested one can."""
    table = np.random.default_rng(1).random((8, 12, 2))
    findings = infer(
        method.scored(cells(table, noise=np.nan), "ab", ("x",), {}), CARD, seeds=Seeds(0)
    )
    assert isinstance(findings[0].outcome, Estimate)
    assert isinstance(findings[-1].outcome, Undefined)
    assert np.isnan(style_spread.cell_noise([np.ones((1, 2))])).all()


def test_without_the_set_it_does_not_apply(tmp_path, monkeypatch):
    """HolisticBias that is not on the machine: a row with the reason."""
    monkeypatch.setenv("PLUMBLINE_OFFLINE", "1")
    monkeypatch.delenv("PLUMBLINE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    (finding,) = audit(PlantedWriter(), tmp_path)
    assert isinstance(finding.outcome, NotApplicable)
    assert "holistic-bias" in finding.outcome.reason


def test_silence_is_undefined(mirror, tmp_path):
    """No answers, no variance."""
    findings = audit(PlantedWriter(length=0), tmp_path)
    assert all(isinstance(f.outcome, Undefined) for f in findings)


def test_order_of_descriptors_does_not_matter():
    """A variance is the same whichever descriptor comes first."""
    table = np.random.default_rng(2).random((6, 10, 2))
    values = [
        only(infer(method.scored(cells(t), "ab", ("x",), {}), CARD, seeds=Seeds(0))).outcome.value
        for t in (table, table[:, ::-1])
    ]
    assert values[0] == pytest.approx(values[1])


@pytest.mark.parametrize("dial", [method.DIALS[0], method.DIALS[-1]])
def test_simulated_variance_is_recovered(dial):
    """30 data sets: unbiased within 4 Monte-Carlo errors; intervals cover, tests are right."""
    values, covered, hits = [], 0, 0
    for seed in range(30):
        got, truth = method.simulate(np.random.default_rng([seed, 3]), dial=dial)
        got = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(got, CARD, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(30)
    assert covered >= 24  # Binomial(30, .95): below once in a thousand
    assert hits <= 6 if dial == 0 else hits == 30


def test_two_descriptors_of_a_template_are_enough():
    """Their variance is half the squared difference, minus the noise; one descriptor has none."""
    got = method.by_template(cells([[[0.2, 0.7], [0.6, 0.1]]], noise=0.01), ("a", "b"))
    assert got["score"] == pytest.approx([(0.4**2 + 0.6**2) / 2 - 0.01])
    alone = method.by_template(cells([[[0.2, 0.7]]]), ("a", "b"))
    assert alone["why"].tolist() == ["fewer than two descriptors were answered"]
