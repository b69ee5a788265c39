"""What judges prefer, against people: checks of card S060, on tables and on released verdicts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.errors import NotRecorded, UnknownName
from plumbline.core.results import Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.sets import faireval_pandalm, vicuna80
from plumbline.metrics import factor_table
from plumbline.metrics.factor_table import Preferences
from plumbline.metrics.judge import factor_preferences as method
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.stats.factor_scores import concordance, correlations, gaussian_tau
from plumbline.stats.infer import Settings, infer

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "factor_preferences.toml").read_text("utf-8")
)["own_run"]


def drawn(rng, gap, pulls, *, ties=0.0, names=("length", "facts", "novelty")):
    """Preferences of holders with log-odds `pulls[holder] @ gap`; a pair a prompt. gap: (factors, n)."""
    n = gap.shape[1]
    made = []
    for holder, pull in pulls.items():
        won = rng.random(n) < 1 / (1 + np.exp(-np.asarray(pull) @ gap))
        sign = np.where(won, 1.0, -1.0)
        sign[rng.random(n) < ties] = 0.0
        made.append((np.full(n, holder, object), sign))
    k = len(made)
    prompt = np.tile(np.arange(n).astype(str).astype(object), k)
    return Preferences(
        np.concatenate([h for h, _ in made]), prompt, prompt + " | a | b",
        np.concatenate([s for _, s in made]), np.full(k * n, "", object), tuple(names[: len(gap)]),
        np.stack([np.tile(gap, k), np.zeros((len(gap), k * n))]), ("human",),
    )  # fmt: skip


def of(table, holder):
    """tau and log-odds by factor of one holder."""
    here = table.take(table.holder == holder)
    fitted = factor_table.weights(here, factor_table.spread(table))
    return {k: v["tau"] for k, v in factor_table.counted(here).items()}, fitted


def found(table, **params):
    """Contrasts of judges and people, by measure and group."""
    got = infer(method.tabulate(table, **params), method.factor_preferences.card, seeds=Seeds(0), settings=Settings(draws=399))  # fmt: skip
    return {(f.labels["measure"], f.labels["group"]): f for f in got if "against" in f.labels}


def test_planted_weights_are_recovered():
    """S060 check 1: .8, .4, -.3 on independent differences: signs and order of tau and log-odds within .1 at 2,000 pairs.

    The card's own taus come from 20,000 pairs; here they are compared at that size, within three of the two runs'
    standard errors (.010). At 2,000 pairs a log-odds has a standard error of .055, so the mean of
    four tables is held to .1, and each to its order.
    """
    want = GOLDEN["independent"]
    rng = np.random.default_rng(0)
    big = drawn(rng, rng.standard_normal((3, 20_000)), {"human": want["weights"]})
    assert list(of(big, "human")[0].values()) == pytest.approx(want["tau"], abs=0.03)
    fits = []
    for seed in range(4):
        rng = np.random.default_rng([seed, 1])
        tau, fitted = of(drawn(rng, rng.standard_normal((3, 2_000)), {"human": want["weights"]}), "human")  # fmt: skip
        assert tau["length"] > tau["facts"] > 0 > tau["novelty"]
        fits.append([fitted[f][0] for f in ("length", "facts", "novelty")])
    assert np.mean(fits, axis=0) == pytest.approx(want["weights"], abs=0.1)


def test_correlated_factors_are_told_apart():
    """S060 check 2: rho .8, only facts matter: tau(length) > .2 while |log-odds of length| < .15."""
    want = GOLDEN["confounded"]
    rng = np.random.default_rng(2)
    facts = rng.standard_normal(20_000)
    length = want["rho"] * facts + np.sqrt(1 - want["rho"] ** 2) * rng.standard_normal(20_000)
    tau, fitted = of(drawn(rng, np.stack([length, facts]), {"human": [0, want["weight"]]}), "human")
    assert tau["length"] > 0.2
    assert [tau["length"], tau["facts"]] == pytest.approx(want["tau"], abs=0.03)
    assert abs(fitted["length"][0]) < 0.15
    assert fitted["length"][1] <= 0 <= fitted["length"][2]
    assert fitted["facts"][1] <= want["weight"] <= fitted["facts"][2]


def test_one_gaussian_factor_in_closed_form():
    """S060 check 3: tau = 2 E[sigma(b|d|)] - 1 within .02, and the card's .292 at b = .8.

    The expectation is taken again by SciPy's quadrature.
    """
    want = GOLDEN["single"]
    for b in (0.2, 0.8, 2.0):
        exact = 2 * ss.norm.expect(lambda d, b=b: 1 / (1 + np.exp(-b * abs(d)))) - 1
        assert float(gaussian_tau(b)) == pytest.approx(exact, abs=1e-6)
        rng = np.random.default_rng([3, int(10 * b)])
        tau, _ = of(drawn(rng, rng.standard_normal((1, 20_000)), {"human": [b]}), "human")
        assert tau["length"] == pytest.approx(exact, abs=0.02)
    assert float(gaussian_tau(want["weight"])) == pytest.approx(want["closed_form"], abs=5e-4)
    assert float(gaussian_tau(-0.8)) == pytest.approx(-float(gaussian_tau(0.8)))


def test_swapped_winners_and_ties():
    """S060 check 4: swapping winners negates every tau; ties shrink |tau| and never turn it."""
    rng = np.random.default_rng(4)
    gap = rng.standard_normal((3, 2_000))
    table = drawn(rng, gap, {"human": [0.8, 0.4, -0.3]})
    plain = of(table, "human")[0]
    turned = Preferences(*(getattr(table, k) for k in ("holder", "question", "pair")), -table.preferred, *(getattr(table, k) for k in ("why", "factors", "values", "people")))  # fmt: skip
    assert of(turned, "human")[0] == pytest.approx({k: -v for k, v in plain.items()})
    before = plain
    for share in (0.2, 0.5, 0.9):
        tied = table.preferred.copy()
        tied[: int(share * tied.size)] = 0
        here = Preferences(*(getattr(table, k) for k in ("holder", "question", "pair")), tied, *(getattr(table, k) for k in ("why", "factors", "values", "people")))  # fmt: skip
        shrunk = of(here, "human")[0]
        kept = of(here.take(np.flatnonzero(tied != 0)), "human")[0]
        for name in plain:
            assert shrunk[name] == pytest.approx((tied != 0).mean() * kept[name])
            assert shrunk[name] * kept[name] >= 0
        assert abs(shrunk["length"]) < abs(before["length"])
        before = shrunk
    assert concordance([1, -1, 0, 1], [2, 2, 2, 1], [1, 1, 1, 1]).tolist() == [1, -1, 0, 0]


def test_judges_who_like_length_more_than_people():
    """Planted .8 against .2: the difference is that of the closed forms; swapping people and judges turns it."""
    rng = np.random.default_rng(5)
    gap = rng.standard_normal((1, 1_500))
    table = drawn(rng, gap, {"human": [0.2], "judge": [0.8]})
    want = float(gaussian_tau(0.8) - gaussian_tau(0.2))
    got = found(table)["tau of length", "judges"].outcome
    assert got.low <= want <= got.high
    assert got.p < 0.01
    other = Preferences(*(getattr(table, k) for k in ("holder", "question", "pair", "preferred", "why", "factors", "values")), ("judge",))  # fmt: skip
    assert found(other)["tau of length", "judges"].outcome.value == pytest.approx(-got.value)


def test_no_difference_no_finding():
    """Judge and people alike, with a strong taste: nothing is found."""
    rng = np.random.default_rng(6)
    table = drawn(rng, rng.standard_normal((1, 1_500)), {"human": [0.8], "judge": [0.8]})
    got = found(table)["tau of length", "judges"].outcome
    assert got.low <= 0 <= got.high
    assert got.p > 0.05


def test_only_shared_pairs_count_and_each_once_a_holder():
    """A judge's further pairs are left out; ten verdicts on one pair weigh as much as one."""
    rng = np.random.default_rng(7)
    table = drawn(rng, rng.standard_normal((1, 60)), {"human": [0.5], "judge": [0.5]})
    few = table.take(~((table.holder == "human") & (table.question.astype(int) >= 40)))
    items = method.tabulate(few).items
    assert len(items) == 80
    assert set(items["question"].astype(int)) == set(range(40))
    rows = np.concatenate([np.arange(120), np.repeat(60, 9)])  # the judge's first pair, ten times
    assert method.tabulate(table.take(rows)).items["weight"][[60, 120]].tolist() == [0.1, 0.1]
    one = found(table)["tau of length", "judges"].outcome.value
    assert found(table.take(rows))["tau of length", "judges"].outcome.value == pytest.approx(one)


def test_alignment_over_factors():
    """Correlations are those of SciPy; opposite tastes give -1; two factors are too few."""
    rng = np.random.default_rng(8)
    a, b = rng.standard_normal((2, 7))
    a[2] = a[4]
    got = correlations(a, b)
    for kind, other in (
        ("pearson", ss.pearsonr),
        ("spearman", ss.spearmanr),
        ("kendall", ss.kendalltau),
    ):
        assert got[kind] == pytest.approx(other(a, b).statistic)
    gap = rng.standard_normal((3, 800))
    pull = np.array([1.0, 0.3, -0.6])
    table = drawn(rng, gap, {"human": pull, "like": pull, "unlike": -pull})
    like, unlike = (factor_table.aligned(table, j, rng).found for j in ("like", "unlike"))
    assert all(like[k][0] > 0.8 for k in like)
    assert unlike["spearman"] == (-1, -1, -1)
    assert unlike["pearson"][2] < -0.9
    two = drawn(rng, gap[:2], {"human": [1, 0], "like": [1, 0]})
    assert factor_table.aligned(two, "like", rng).found["pearson"].startswith("not defined")
    # Two factors that are one and a third that nobody follows: exactly 1, and the interval does not break.
    same = drawn(
        rng, np.stack([gap[0], gap[0], np.zeros(800)]), {"human": [1, 0, 0], "like": [1, 0, 0]}
    )
    assert isinstance(found(same)["correlation of taus over factors", "judges"].outcome, Undefined)
    measured = found(table)["correlation of taus over factors", "judges"].outcome
    assert -1 <= measured.low <= measured.value <= measured.high <= 1


def subject(columns):
    """Columns as a recorded subject."""
    return open_frame(columns, ModelOptions(extra={"prediction": "verdict", "groups": ["judge"]}))


def rows_of(verdicts, texts):
    """Columns of released verdicts with both responses' texts."""
    return {
        "judge": np.array([v.judge for v in verdicts], object),
        "question": np.array([v.question for v in verdicts], object),
        "first": np.array([v.first for v in verdicts], object),
        "second": np.array([v.second for v in verdicts], object),
        "verdict": np.array([v.verdict for v in verdicts], object),
        "first_text": np.array([texts[v.question, v.first] for v in verdicts], object),
        "second_text": np.array([texts[v.question, v.second] for v in verdicts], object),
    }


def test_released_verdicts_of_models_and_people(mirror, audited):
    """Vicuna80: factors from the answers' texts; 80 prompts; counts agree with a count of runs of letters by hand.

    A judge that always names the first place has tau 0, so tau of a judge with a strong habit for a place is nearer
    to 0 than its log-odds at equal places tell: bard's tau is half of people's, its log-odds are not.
    """
    texts = {(str(q), m): t for m in vicuna80.WRITERS for q, t in vicuna80.answers(m).items()}
    asked = ("bard", "gpt35", vicuna80.HUMAN)
    known = [v for v in vicuna80.verdicts() if v.judge in asked and (v.question, v.first) in texts and (v.question, v.second) in texts]  # fmt: skip
    run = audited(subject(rows_of(known, texts)), "factor_preferences")
    (first,) = [f for f in run.findings if f["role"] == "primary"]
    assert first["units"] == 80
    assert {f["labels"]["group"] for f in run.findings if f["role"] == "group"} == {"bard", "gpt35"}
    facts = run.header["facts"]["factor_preferences"]
    sizes = {k: len(re.findall(r"[a-zA-Z0-9]+", t)) for k, t in texts.items()}
    people = [v for v in known if v.judge == vicuna80.HUMAN and v.verdict != "tie"]
    side = [np.sign(sizes[v.question, v.first] - sizes[v.question, v.second]) * (1 if v.verdict == "first" else -1) for v in people]  # fmt: skip
    got = facts["people"]["factors"]["length"]
    assert got["more preferred"] == pytest.approx(side.count(1), rel=0.02)
    assert got["less preferred"] == pytest.approx(side.count(-1), rel=0.02)
    fits = {h: facts[h]["log-odds of one standard deviation"] for h in ("people", "bard")}
    assert fits["bard"]["the first place"][1] > 1
    assert facts["bard"]["factors"]["length"]["tau"] < 0.6 * got["tau"]
    assert fits["bard"]["length"][0] > 0.8 * fits["people"]["length"][0]


def test_released_labels_of_pandalm(mirror, scored):
    """PandaLM: three people, two models, 170 instructions as clusters; plain counts agree with a count by hand."""
    texts, rows = {}, faireval_pandalm.pandalm()
    for row in rows:
        for who, text in zip(row.systems, row.responses, strict=True):
            texts[f"pandalm-{row.question}", who] = text
    known = [v for v in faireval_pandalm.verdicts() if v.part == "pandalm"]
    got = scored(method.factor_preferences, subject(rows_of(known, texts)), people=faireval_pandalm.ANNOTATORS)  # fmt: skip
    assert set(got.facts) > {"people", "gpt-3.5-turbo", "PandaLM-7B"}
    shared = {v.question for v in known}
    assert len(set(got.items["question"])) == len(shared)
    agree = sum(
        1 for v in known if v.judge == "gpt-3.5-turbo" and v.verdict in ("first", "second")
        and np.sign(len(texts[v.question, v.first].split()) - len(texts[v.question, v.second].split()))
        == (1 if v.verdict == "first" else -1)
    )  # fmt: skip
    counted = got.facts["gpt-3.5-turbo"]["factors"]["length"]["more preferred"]
    assert counted == pytest.approx(agree, rel=0.05)  # words split at spaces or by letters


def test_bad_input(scored):
    """No people, no factor, a factor that is not there."""
    columns = {
        "judge": ["human", "m"] * 3, "question": ["1", "1", "2", "2", "3", "3"], "first": ["a"] * 6,
        "second": ["b"] * 6, "verdict": ["first"] * 6, "first_length": [1, 2, 3, 4, 5, 6],
        "second_length": [2, 2, 2, 2, 2, 2],
    }  # fmt: skip
    arrays = {k: np.array(v) for k, v in columns.items()}
    with pytest.raises(UnknownName, match="facts"):
        scored(method.factor_preferences, subject(arrays), main="facts")
    with pytest.raises(NotRecorded, match="people"):
        scored(method.factor_preferences, subject(arrays), people="crowd")
    bare = {k: v for k, v in arrays.items() if "length" not in k}
    with pytest.raises(NotRecorded, match="factor"):
        scored(method.factor_preferences, subject(bare))
    level = arrays | {"first_marks": np.ones(6), "second_marks": np.ones(6)}
    got = scored(method.factor_preferences, subject(level), where={"first": "a"})
    assert got.facts["factors"] == ["length"]  # no pair differs in marks
    assert got.items["score"][got.items["holder"] == "m"].tolist() == [0, 1, 1]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_differences_are_what_they_say(dial):
    """Mean over 60 data sets is the stated truth within 4 Monte-Carlo errors."""
    values = []
    for seed in range(60):
        made, truth = method.simulate(np.random.default_rng([seed, 9]), dial=dial)
        mean = {g: made.items.where({"group": g})["score"].mean() for g in ("judges", "people")}
        values.append(mean["judges"] - mean["people"])
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(60)
