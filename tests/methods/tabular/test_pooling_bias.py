"""Pooling bias: planted pools, deep judgements, identification, the correction through the command line."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from plumbline.audit.store import load
from plumbline.cli.main import main
from plumbline.core.context import Context
from plumbline.core.errors import AbilityError, BadInput, NotRecorded
from plumbline.core.results import Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.judged_tables import read_judged
from plumbline.metrics.pool_effects import trained_ndcg
from plumbline.metrics.tabular import pooling_bias as method
from plumbline.mitigate.preprocessing.coupled_relevance import coupled_relevance
from plumbline.models.abilities import ModelOptions
from plumbline.models.corrected_records import recorded
from plumbline.models.frame import open_frame
from plumbline.models.resolve import open_model
from plumbline.stats.infer import infer
from plumbline.testing import PlantedTalker

FN = method.MISSED


def pool_table(*, lean=1.5, seed=0, queries=80, documents=30, judged=False, deep=True):
    """A pool that takes documents whose utility exceeds logistic noise; `lean`: how it follows the retriever's score."""
    rng = np.random.default_rng([seed, 1114])
    n = queries * documents
    query = np.repeat(np.arange(queries), documents)
    topic, style, other, overlap = rng.standard_normal((4, n))
    score = 0.6 * topic + 0.8 * other
    relevant = 2 * topic + 1.5 * style - 1 > rng.logistic(size=n)
    taken = lean * score + 1.5 * overlap - 0.5 > rng.logistic(size=n)
    order = np.lexsort((-score, query))
    rank = np.empty(n, int)
    rank[order] = np.arange(n) % documents + 1
    table = {
        "query": np.char.add("q", query.astype(str)).astype(object),
        "document": np.char.add("d", np.arange(n).astype(str)).astype(object),
        "label": (relevant & taken).astype(int), "rank": rank,
        "content_topic": topic, "content_style": style, "pool_score": score, "pool_overlap": overlap,
    }  # fmt: skip
    if judged:
        table["judged"] = taken.astype(int)
    if deep:
        table["deep"] = relevant.astype(int)
    return table, relevant, taken


def subject(table):
    """A recorded subject."""
    return open_frame(table, ModelOptions(extra={"groups": ["query"]}), name="pool")


def measured(model, **params) -> Scored:
    """The metric on a recorded subject."""
    context = Context(abilities=model.abilities, seeds=Seeds(0), about=model.about())
    job = method.pooling_bias(context, **params)
    (batch,) = next(job)
    with pytest.raises(StopIteration) as stop:
        job.send([next(iter(model.answer(batch)))[1]])
    return stop.value.value


def outcomes(made: Scored):
    """By axis for slopes, by measure for all others."""
    found = infer(made, method.pooling_bias.card, seeds=Seeds(1))
    return {f.labels["axis"] if f.role == "primary" else f.labels["measure"]: f for f in found}


@pytest.mark.parametrize("judged", [False, True])
def test_a_pool_that_follows_its_retriever_is_found(judged):
    """Slopes 1.5 and 1.5 lie in the intervals, and what was missed is what deep judgement finds."""
    table, relevant, taken = pool_table(judged=judged)
    got = outcomes(measured(subject(table)))
    for name in ("pool_score", "pool_overlap"):
        slope = got[name].outcome
        assert slope.low <= 1.5 <= slope.high
        assert slope.p < 0.001
    rest = ~taken if judged else table["label"] == 0
    first = rest & (table["rank"] <= 10)
    for said, rows in ((FN, rest), (f"{FN}, first 10 places", first)):
        share = got[said].outcome
        assert share.p is None
        # The interval is about the population; this sample's share differs by its own error.
        assert share.low - 0.03 <= relevant[rows].mean() <= share.high + 0.03
    if judged:
        assert got["judged@10"].outcome.value == pytest.approx(taken[table["rank"] <= 10].mean())


def test_the_first_places_hold_more_false_negatives():
    """S114 measure: the share of relevant documents among the unlabelled falls with the retriever's rank."""
    table, relevant, _ = pool_table(lean=0.5, seed=2, queries=200)
    rest = table["label"] == 0
    made = measured(subject(table), k=5)
    got = outcomes(made)
    top, whole = (got[s].outcome.value for s in (f"{FN}, first 5 places", FN))
    assert top > whole + 0.1
    assert top == pytest.approx(relevant[rest & (table["rank"] <= 5)].mean(), abs=0.05)
    by_deep = made.facts["relevant among those taken as negatives, by deep judgement"]
    assert by_deep == pytest.approx(relevant[rest].mean())


def test_no_lean_no_finding(audited):
    """The pool ignores the retriever's score (but not overlap): 0 lies in the interval."""
    run = audited(subject(pool_table(lean=0.0, seed=3)[0]), "pooling_bias")
    row = next(f for f in run.findings if f["labels"]["axis"] == "pool_score")
    assert row["low"] <= 0 <= row["high"]
    assert row["p"] > 0.01


def test_a_turned_feature_turns_the_sign():
    """The negated score has the negated slope and the same p; shares do not move."""
    table, *_ = pool_table(seed=4, queries=40)
    turned = {**table, "pool_score": -table["pool_score"]}
    one, two = (outcomes(measured(subject(t))) for t in (table, turned))
    assert two["pool_score"].outcome.value == pytest.approx(
        -one["pool_score"].outcome.value, abs=1e-4
    )
    assert two["pool_score"].outcome.p == pytest.approx(one["pool_score"].outcome.p, abs=1e-4)
    assert two[FN].outcome.value == pytest.approx(one[FN].outcome.value, abs=1e-5)


def test_units_of_a_feature_do_not_matter():
    """A slope is of a standard deviation: a score in other units has the same one."""
    table, *_ = pool_table(seed=5, queries=40)
    scaled = {**table, "pool_score": 100 * table["pool_score"] + 7}
    one, two = (outcomes(measured(subject(t)))["pool_score"].outcome for t in (table, scaled))
    assert two.value == pytest.approx(one.value, abs=1e-4)
    assert two.se == pytest.approx(one.se, rel=1e-3)


def test_models_that_could_trade_places_give_no_number():
    """S114 check 4 in the metric: one space of features is Undefined with its reason; judgements lift it."""
    names = ("content_topic", "pool_score")
    table, *_ = pool_table(seed=6, judged=True)
    bare = {n: v for n, v in table.items() if n != "judged"}
    got = outcomes(measured(subject(bare), content=names, pool=names))
    assert isinstance(got["pool_score"].outcome, Undefined)
    assert got["pool_score"].outcome.reason
    made = measured(subject(bare), content=names, pool=names)
    assert made.facts["models can trade places"] is True
    slopes = np.char.startswith(made.items["part"].astype(str), "selection")
    assert set(made.items["why"][slopes]) == {method.MIRRORED}
    with pytest.raises(BadInput, match="nothing says"):
        coupled_relevance(subject(bare), content=names, pool=names)
    seen = outcomes(measured(subject(table), content=names, pool=names))
    assert seen["pool_score"].outcome.value > 0.5


def test_deep_judgements_show_the_gain_and_the_pool_hides_it():
    """S114 pitfall: NDCG against deep labels rises after the correction; against pooled labels it falls.

    Paired by query: the gain (about .01, of which 300 queries show 2.8 standard errors) is more than three above 0 in
    1,000 queries, and on the labels of the pool below 0.
    """
    table, *_ = pool_table(lean=2.5, seed=7, queries=1000)
    gains = []
    for deep in (table["deep"], table["label"]):
        base = subject({**table, "deep": deep})
        before, after = (
            trained_ndcg(read_judged(recorded(m), about=m.about()), k=10)
            for m in (base, coupled_relevance(base))
        )
        gain = (after - before)[np.isfinite(after)]
        gains.append(gain.mean() / (gain.std() / np.sqrt(gain.size)))
    assert gains[0] > 3
    assert gains[1] < 0


def test_the_columns_of_the_correction():
    """A positive has relevance 1 and 1 / P(selected), a judged negative 0; the rest sum to what was missed."""
    table, relevant, taken = pool_table(seed=8, judged=True, queries=150)
    bare = {n: v for n, v in table.items() if n != "judged"}
    label = table["label"] == 1
    for given, negatives in ((table, taken & ~label), (bare, np.zeros(label.size, bool))):
        model = coupled_relevance(subject(given), clip=5)
        columns = recorded(model)
        relevance, weight = columns["column:relevance"], columns["column:relevance_weight"]
        assert (relevance[label] == 1).all()
        assert (relevance[negatives] == 0).all()
        assert (weight[negatives] == 1).all()
        assert weight.max() <= 5
        assert weight[label].min() >= 1
        rest = ~label & ~negatives
        assert relevance[rest].sum() == pytest.approx(relevant[rest].sum(), rel=0.15)
        assert weight[rest] == pytest.approx(1 - relevance[rest])
        again = recorded(coupled_relevance(model, clip=5))
        assert sorted(again) == sorted(columns)
        assert again["column:relevance"] == pytest.approx(relevance)


def write_csv(path, table):
    """The table as a file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def test_the_command_line_end_to_end(tmp_path, monkeypatch):
    """`plumbline correct table:pool.csv --with coupled_relevance`: before, after, NDCG against deep labels up."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))
    write_csv(tmp_path / "pool.csv", pool_table(lean=2.5, seed=9)[0])
    out = tmp_path / "after"
    words = [
        "correct", f"table:{tmp_path / 'pool.csv'}", "--set", "groups=query", "--with", "coupled_relevance",
        "--out", str(out), "--metrics", "pooling_bias", "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    stored = []
    for part in ("before", "after"):
        found = load(next((out / part).iterdir())).findings
        stored.append({f["labels"]["measure"]: f["value"] for f in found})
    named = "NDCG@10 of a ranker trained on the labels"
    assert stored[1][named] > stored[0][named]
    assert stored[1][FN] == pytest.approx(stored[0][FN])
    again = recorded(open_model(f"corrected:{out}"))
    assert again["column:relevance"].min() >= 0


def test_bad_input(audited):
    """No features, no query, empty features, text; a subject that is no table; a table of something else."""
    table, *_ = pool_table(queries=10)
    columns = recorded(subject(table))
    about = subject(table).about()
    with pytest.raises(NotRecorded, match="content_NAME"):
        read_judged({n: v for n, v in columns.items() if "content" not in n}, about=about)
    with pytest.raises(NotRecorded, match="'query'"):
        read_judged({n: v for n, v in columns.items() if "query" not in n}, about=about)
    gap = table["pool_score"].copy()
    gap[3] = np.nan
    with pytest.raises(BadInput, match="empty cells"):
        read_judged({**columns, "column:pool_score": gap}, about=about)
    with pytest.raises(BadInput, match="text"):
        read_judged({**columns, "column:pool_score": np.array(["a"] * gap.size)}, about=about)
    with pytest.raises(BadInput, match="1 for judged"):
        read_judged({**columns, "column:judged": gap * 0 + 2}, about=about)
    with pytest.raises(AbilityError):
        coupled_relevance(PlantedTalker())
    plain = {"label": np.ones(8), "prediction": np.ones(8), "group": np.array(list("abababab"))}
    run = audited(open_frame(plain, ModelOptions(), name="plain"), "pooling_bias")
    assert not [f for f in run.findings if f.get("value") is not None]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_slopes_are_recovered(dial):
    """Over 100 data sets: the mean is the dial within 4 errors, intervals cover, the null is kept."""
    values, covered, hits = [], 0, 0
    for seed in range(100):
        got, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        got = replace(got, measures=got.measures[:1])
        outcome = infer(got, method.pooling_bias.card, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / 10
    assert covered >= 88  # Binomial(100, .95): 99.9 %
    if dial == 0:
        assert hits <= 12
    if dial == max(method.DIALS):
        assert hits > 95
