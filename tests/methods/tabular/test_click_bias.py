"""Position bias and bait in clicks: planted logs, swapped ranks, calibration by a few labels, the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from plumbline.audit.store import load
from plumbline.cli.main import main
from plumbline.core.context import Context
from plumbline.core.errors import AbilityError, BadInput, NotRecorded, UnknownName
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.click_tables import read_clicks
from plumbline.metrics.tabular import click_bias as method
from plumbline.mitigate.preprocessing.click_calibration import click_calibration
from plumbline.models.abilities import ModelOptions
from plumbline.models.corrected_records import recorded
from plumbline.models.frame import open_frame
from plumbline.models.resolve import open_model
from plumbline.stats.click_model import calibration_error, inverse_examination
from plumbline.stats.coupled_selection import soft_logistic
from plumbline.stats.infer import infer
from plumbline.stats.leaf_tree import LeafTree
from plumbline.stats.ranking_quality import ndcg
from plumbline.testing import PlantedTalker, planted_clicks

LOG18 = np.log(0.9 / 0.05)  # bait attracts .9, other documents of its label .05
CONTENT = ("content_1", "content_2", "content_3", "content_4", "content_loud")
EXTRA = {"groups": ["query"], "prediction": "click"}


def log(seed=0, **planted):
    """A planted log as columns."""
    return planted_clicks(np.random.default_rng([seed, 82]), **planted)


def subject(table):
    """A recorded subject."""
    return open_frame(table, ModelOptions(extra=EXTRA), name="clicks")


def measured(model, **params) -> Scored:
    """The metric on a recorded subject."""
    context = Context(abilities=model.abilities, seeds=Seeds(0), about=model.about())
    job = method.click_bias(context, **params)
    (batch,) = next(job)
    with pytest.raises(StopIteration) as stop:
        job.send([next(iter(model.answer(batch)))[1]])
    return stop.value.value


def outcomes(made: Scored):
    """By axis."""
    return {
        f.labels["axis"]: f.outcome for f in infer(made, method.click_bias.card, seeds=Seeds(1))
    }


@pytest.mark.parametrize("shows", [1, 2])
def test_position_bias_and_bait_are_recovered(shows):
    """Exponent .7 by labels and by swapped ranks, bait at log 18: all in their intervals, all told from 0.

    A bootstrap of 1,999 draws resolves p to about .002.
    """
    made = measured(subject(log(eta=0.7, shows=shows)))
    assert made.facts["equal relevance by"] == ("human" if shows == 1 else "document")
    got = outcomes(made)
    for axis, truth in (("position", 0.7), ("bait", LOG18)):
        assert got[axis].low <= truth <= got[axis].high
        assert got[axis].p < 0.005


def test_no_bias_no_finding(audited):
    """All places looked at alike, nothing marked as bait attracts more than its label: both at 0."""
    table = log(seed=1, eta=0.0, bait=0.0)
    table["bait"] = (np.arange(table["rank"].size) % 3 == 0).astype(int)
    run = audited(subject(table), "click_bias")
    assert len(run.findings) == 2
    for found in run.findings:
        assert found["low"] <= 0 <= found["high"]
        assert found["p"] > 0.01


def test_turned_lists_and_exchanged_marks_turn_the_signs():
    """Ranks counted from the end have a negative exponent; bait and others exchanged negate the gap."""
    table = log(seed=2, queries=60, bait=0.0, eta=1.0)
    table["bait"] = (np.arange(table["rank"].size) % 4 == 0).astype(int)
    turned = {**table, "rank": 21 - table["rank"]}
    assert outcomes(measured(subject(turned)))["position"].value < -0.2
    one = outcomes(measured(subject(table)))["bait"]
    two = outcomes(measured(subject({**table, "bait": 1 - table["bait"]})))["bait"]
    assert two.value == pytest.approx(-one.value, abs=1e-8)
    assert two.p == pytest.approx(one.p, abs=1e-8)


def test_better_documents_on_top_look_like_position_bias_without_labels():
    """S082 pitfall: one label for all confounds rank and relevance; labels and swapped ranks do not."""
    table = log(seed=3, eta=0.5, shows=2, bait=0.0, skill=2.0)
    blind = {**table, "human": np.zeros(table["rank"].size)}
    values = [outcomes(measured(subject(t), by=by))["position"] for t, by in (
        (blind, "human"), (table, "human"), (table, "document"),
    )]  # fmt: skip
    assert values[0].low > 0.8
    for got in values[1:]:
        assert got.low <= 0.5 <= got.high


def test_one_click_or_none_is_the_same_log():
    """Rows of single impressions give the value of their counts."""
    table = log(seed=4, queries=30, documents=8, impressions=5, eta=0.6)
    shown = np.repeat(np.arange(table["rank"].size), 5)
    clicked = np.tile(np.arange(5), table["rank"].size) < table["click"][shown]
    long = {name: values[shown] for name, values in table.items() if name != "impressions"}
    one, two = (
        outcomes(measured(subject(t))) for t in (table, {**long, "click": clicked.astype(int)})
    )
    assert two["position"].value == pytest.approx(one["position"].value, abs=1e-8)
    assert two["position"].se == pytest.approx(one["position"].se, rel=1e-6)


def rankers(seed, **planted):
    """NDCG@10 on fresh queries of one linear ranker by target, and the error of the calibration."""
    table, fresh = log(seed, labelled=300, **planted), log(seed + 1000, **planted)
    model = click_calibration(subject(table))
    rate = table["click"] / table["impressions"]
    weights = inverse_examination(table["rank"], planted.get("eta", 1.0))
    targets = {
        "naive": rate, "ipw": np.minimum(rate * weights, 1.0),
        "calibrated": recorded(model)["column:calibrated"], "truth": (table["grade"] >= 1) * 1.0,
    }  # fmt: skip
    x, new = (np.column_stack([t[c] for c in CONTENT]) for t in (table, fresh))
    made = {}
    for name, target in targets.items():
        line = soft_logistic(x, target)
        made[name] = float(np.nanmean(ndcg(new @ line[1:], fresh["grade"], fresh["query"], k=10)))
    tree = LeafTree.read(model.params["tree"])
    behaviour = [fresh["click"] / fresh["impressions"], fresh["rank"], fresh["behaviour_dwell"], fresh["behaviour_last"]]  # fmt: skip
    made["error"] = calibration_error(tree.values(np.column_stack(behaviour)), (fresh["grade"] >= 1) * 1.0)  # fmt: skip
    return made


def average(**planted):
    """Means over ten logs."""
    made = [rankers(seed, **planted) for seed in range(10)]
    return {name: float(np.mean([m[name] for m in made])) for name in made[0]}


def test_calibrated_labels_make_the_better_ranker():
    """S082 check 1: 20 % bait, 1 / rank, 300 labels: NDCG@10 on calibrated labels >= naive clicks + .05.

    S082 check 2: expected calibration error on fresh queries <= .05, as a mean of ten logs (single ones reach .07).
    Lists in random order, as the card names no other. Where the lists come from a ranker that knows the grade, bait
    stands low, position bias hides it, and the gain is smaller (.05 again, to within its error); inverse propensity weights then
    do harm, because they bring the bait back.
    """
    random = average(skill=0.0)
    assert random["calibrated"] >= random["naive"] + 0.05
    assert random["calibrated"] > random["truth"] - 0.02
    assert random["error"] <= 0.05
    skilled = average(skill=0.7)
    assert skilled["calibrated"] > skilled["naive"] + 0.03
    assert skilled["ipw"] < skilled["naive"] - 0.1
    assert skilled["error"] <= 0.05


def test_where_clicks_are_right_calibration_changes_nothing():
    """S082 check 4: no bait and uniform exposure: calibrated equals naive within .01."""
    got = average(bait=0.0, eta=0.0)
    assert got["calibrated"] == pytest.approx(got["naive"], abs=0.01)


def test_inverse_weights_mend_position_and_leave_bait():
    """The baseline by name: eta measured; the exponent goes to 0, the bait gap stays at log 18."""
    base = subject(log(seed=5, eta=0.6))
    model = click_calibration(base, how="ipw", clip=1000)
    assert model.params["eta"] == pytest.approx(0.6, abs=0.05)
    got = outcomes(measured(model))
    assert got["position"].value == pytest.approx(0, abs=0.02)
    assert got["bait"].value == pytest.approx(LOG18, abs=0.3)
    assert click_calibration(base, how="ipw", eta=1.0).params == {
        "how": "ipw", "eta": 1.0, "eta measured": False, "clip": 20.0,
    }  # fmt: skip


def test_the_tree_mends_both_and_is_kept_as_numbers():
    """After the tree the exponent is a quarter, bait is no longer preferred; the record's tree repeats the column.

    At label 0 bait then has the *smaller* values (.12 to .25): a click that ends at once says more than no click, and documents
    that nobody clicked, good or bad, share a leaf. As a log ratio that is -.75, where it was log 18 = 2.9.
    """
    table = log(seed=6, eta=1.0, queries=300, labelled=1500)
    before = outcomes(measured(subject(table)))
    model = click_calibration(subject(table))
    after = outcomes(measured(model))
    assert abs(after["position"].value) < before["position"].value / 4
    assert before["bait"].low <= LOG18 <= before["bait"].high
    assert after["bait"].high < 0
    assert abs(after["bait"].value) < before["bait"].value / 2
    column = recorded(model)["column:calibrated"]
    worst, lure, unclicked = table["grade"] == 0, table["bait"] == 1, table["click"] == 0
    assert column[lure & ~unclicked].mean() < column[worst & ~lure].mean() < 0.3
    good = column[~worst & unclicked].mean()
    assert column[worst & ~lure & unclicked].mean() == pytest.approx(good, abs=0.05)
    tree = LeafTree.read(json.loads(json.dumps(model.params))["tree"])
    behaviour = [table["click"] / table["impressions"], table["rank"], table["behaviour_dwell"], table["behaviour_last"]]  # fmt: skip
    unseen = np.isnan(table["human"])
    assert tree.values(np.column_stack(behaviour))[unseen] == pytest.approx(column[unseen])
    assert 0 < column.min() <= column.max() < 1
    assert model.params["calibration error, held out"] < 0.05
    twice = recorded(click_calibration(model))
    assert twice["column:calibrated"] == pytest.approx(column)
    assert sorted(twice) == sorted(recorded(model))


def write_csv(path, table):
    """The table as a file; NaN is an empty cell."""
    rows = zip(*(["" if isinstance(v, float) and np.isnan(v) else v for v in c.tolist()] for c in table.values()), strict=True)  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(rows)


def test_the_command_line_end_to_end(tmp_path, monkeypatch):
    """`plumbline correct table:clicks.csv --with click_calibration`: before, after, both leans smaller."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))
    write_csv(tmp_path / "clicks.csv", log(seed=7, queries=100, labelled=800))
    out = tmp_path / "after"
    words = [
        "correct", f"table:{tmp_path / 'clicks.csv'}", "--set", "groups=query", "--set", "prediction=click",
        "--with", "click_calibration", "--out", str(out), "--metrics", "click_bias", "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    stored = []
    for part in ("before", "after"):
        found = load(next((out / part).iterdir())).findings
        stored.append({f["labels"]["axis"]: f["value"] for f in found})
    for axis in ("position", "bait"):
        assert abs(stored[1][axis]) < stored[0][axis] / 3
    again = recorded(open_model(f"corrected:{out}"))
    assert "column:calibrated" in again


def test_what_cannot_be_told_is_undefined():
    """One rank a label: position is undefined with its reason, never 0."""
    table = log(seed=8, queries=12, documents=4, bait=0.0)
    table["human"] = table["rank"].astype(float)
    got = outcomes(measured(subject({n: v for n, v in table.items() if n != "bait"})))
    assert isinstance(got["position"], Undefined)
    assert got["position"].reason


def test_bad_input(audited):
    """No labels, no ranks, ranks of 0, empty clicks, unknown ways, few labels; tables of something else."""
    table = log(queries=10, labelled=10)
    model = subject(table)
    columns, about = recorded(model), model.about()
    with pytest.raises(BadInput, match="rarer kind"):
        click_calibration(model)
    with pytest.raises(UnknownName):
        click_calibration(model, how="forest")
    with pytest.raises(AbilityError):
        click_calibration(PlantedTalker())
    with pytest.raises(BadInput, match="by is one of"):
        measured(model, by="rank")
    with pytest.raises(NotRecorded, match="take by"):
        measured(model, by="document")
    bare = subject({n: v for n, v in table.items() if n != "human"})
    with pytest.raises(NotRecorded, match="no document"):
        measured(bare)
    with pytest.raises(BadInput, match="Give eta"):
        click_calibration(bare, how="ipw")
    with pytest.raises(NotRecorded, match="'rank'"):
        read_clicks({n: v for n, v in columns.items() if n != "column:rank"}, about=about)
    with pytest.raises(BadInput, match="first place"):
        read_clicks({**columns, "column:rank": columns["column:rank"] - 1}, about=about)
    gap = columns["column:behaviour_dwell"] * np.nan
    with pytest.raises(BadInput, match="empty cells"):
        read_clicks({**columns, "column:behaviour_dwell": gap}, about=about)
    plain = {"label": np.ones(8), "prediction": np.ones(8), "group": np.array(list("abababab"))}
    run = audited(open_frame(plain, ModelOptions(), name="plain"), "click_bias")
    assert not [f for f in run.findings if f.get("value") is not None]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_exponents_are_recovered(dial):
    """Over 200 data sets: the mean is the dial within 4 errors, intervals cover, the null is kept."""
    values, covered, hits = [], 0, 0
    for seed in range(200):
        got, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        outcome = infer(replace(got, measures=got.measures[:1]), method.click_bias.card, seeds=Seeds(seed))[0].outcome  # fmt: skip
        assert isinstance(outcome, Estimate)
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / np.sqrt(200)
    assert covered >= 179  # Binomial(200, .95): 99.9 %
    if dial == 0:
        assert hits <= 21
    if dial == max(method.DIALS):
        assert hits > 190
