"""Representation and quality of selections: planted bias, exchange, price, the correction end to end."""

from __future__ import annotations

import csv
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from click.testing import CliRunner

from plumbline.audit.store import load
from plumbline.cli.main import main
from plumbline.core.context import Context
from plumbline.core.errors import AbilityError, BadInput, UnknownName
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.biased_rankings import biased_rankings, utilities
from plumbline.metrics.tabular import subset_quality as method
from plumbline.mitigate.postprocessing.fair_subset import fair_subset
from plumbline.models.abilities import ModelOptions
from plumbline.models.corrected_records import recorded
from plumbline.models.frame import open_frame
from plumbline.models.resolve import open_model
from plumbline.stats.infer import infer
from plumbline.testing import PlantedTalker


def long_table(*, theta=0.6, voters=60, items=40, seed=0, latent=True, share=0.5, base=None):
    """A row for each voter and item, as columns; the group `b` is undervalued by theta."""
    rng = np.random.default_rng([seed, 56])
    groups = (np.arange(items) < share * items).astype(int)
    values = utilities(rng, voters, items) if base is None else base(rng, voters, groups)
    seen = biased_rankings(rng, values, groups, (1.0, theta))
    v, i = (a.ravel() for a in np.indices(seen.observed.shape))
    table = {
        "voter": np.char.add("v", v.astype(str)).astype(object),
        "item": np.char.add("i", i.astype(str)).astype(object),
        "rank": seen.observed.ravel() + 1,
        "group": np.array(["a", "b"], dtype=object)[groups[i]],
    }
    if latent:
        table["latent"] = values.ravel()
    return table


def subject(table, groups=("group",)):
    """A recorded subject."""
    options = ModelOptions(extra={"score": "rank", "groups": list(groups)})
    return open_frame(table, options, name="rankings")


def measured(model, **params) -> Scored:
    """The metric on a recorded subject that says which column has which role."""
    context = Context(abilities=model.abilities, seeds=Seeds(0), about=model.about())
    job = method.subset_quality(context, **params)
    (batch,) = next(job)
    with pytest.raises(StopIteration) as stop:
        job.send([next(iter(model.answer(batch)))[1]])
    return stop.value.value


def outcomes(made: Scored):
    """By (group, measure)."""
    found = infer(made, method.subset_quality.card, seeds=Seeds(1))
    return {(f.labels.get("group", ""), f.labels["measure"]): f.outcome for f in found}


def test_undervaluation_is_found_and_its_quality_lost(audited):
    """theta .5, 20 of 40 items: `b` is under-represented, p by exchange is small, quality is below 1."""
    run = audited(subject(long_table(theta=0.5, voters=100)), "subset_quality", k=12, focus="b")
    got = {f["labels"]["measure"]: f for f in run.findings}
    main_row = got[method.REPRESENTED]
    assert main_row["high"] < 0
    assert main_row["p"] < 0.01
    assert got["true quality of the selection"]["high"] < 0.99


def test_no_undervaluation_no_finding(audited):
    """theta 1: nothing is rejected, and the quality ratio is near 1."""
    model = subject(long_table(theta=1.0, voters=200, seed=3))
    run = audited(model, "subset_quality")
    got = {f["labels"]["measure"]: f for f in run.findings}
    assert got[method.REPRESENTED]["p"] > 0.001
    assert got[method.REPRESENTED]["low"] <= 0 <= got[method.REPRESENTED]["high"]
    assert measured(model).facts["quality of the selection"] > 0.99


def test_representation_and_its_p_by_hand():
    """Eight items, two of `b`, one of four selected is `b`... the value, and the hypergeometric p."""
    ranks = np.tile(np.arange(1, 9), (3, 1))
    kinds = np.array(list("aaabaaab"), dtype=object)
    table = {
        "voter": np.repeat(["u", "v", "w"], 8).astype(object),
        "item": np.tile([f"i{j}" for j in range(8)], 3).astype(object),
        "rank": ranks.ravel(),
        "group": np.tile(kinds, 3),
    }
    made = measured(subject(table), k=2)
    got = outcomes(made)["b", method.REPRESENTED]
    assert got.value == pytest.approx(0 - 2 / 8)
    # Two-sided: 0 of 2 selected is `b` has the chance C(6,2)/C(8,2); 1 of 2 is as far away, 2 of 2 farther.
    wanted = Fraction(comb(6, 2) + 2 * 6 + 1, comb(8, 2))
    assert got.p == pytest.approx(float(wanted))


def test_swapped_groups_turn_the_sign():
    """The same items under exchanged names."""
    table = long_table(seed=5, share=0.4)
    other = {**table, "group": np.where(table["group"] == "a", "b", "a").astype(object)}
    one = outcomes(measured(subject(table), k=10, focus="b"))
    two = outcomes(measured(subject(other), k=10, focus="b"))
    key = ("b", method.REPRESENTED)
    assert two[key].value == pytest.approx(-one[key].value)
    assert two[key].p == pytest.approx(one[key].p, abs=0.02)


def test_several_groups_have_one_distance_and_rows_of_their_own():
    """Three groups: total variation of both distributions; groups are tested only inside it."""
    table = long_table(seed=6)
    number = np.array([int(i[1:]) for i in table["item"]])
    table["group"] = np.where(number % 4 == 0, "c", table["group"]).astype(object)
    made = measured(subject(table), k=12)
    roles = [(m.role, m.labels.get("group", "")) for m in made.measures[:4]]
    assert roles == [("primary", ""), ("group", "a"), ("group", "b"), ("group", "c")]
    got = outcomes(made)
    shares = [got[g, method.REPRESENTED].value for g in "abc"]
    assert sum(shares) == pytest.approx(0, abs=1e-12)
    distance = got["", "distance of selected shares from all shares"]
    assert distance.value == pytest.approx(np.abs(shares).sum() / 2)
    assert distance.expected > 0


def test_price_of_a_constraint():
    """Quotas cost observed score, and gain latent quality where rankings are biased.

    Where the group is truly worse (S056 pitfall: unequal latent quality) they cost latent quality.
    """

    def unequal(rng, voters, groups):
        return utilities(rng, voters, groups.size) * np.where(groups == 1, 0.5, 1.0)

    for base, theta, better in ((None, 0.5, True), (unequal, 1.0, False)):
        table = long_table(theta=theta, voters=200, seed=7, base=base)
        before = measured(subject(table), k=12)
        model = fair_subset(subject(table), k=12)
        after = measured(model)
        quality = "quality of the selection"
        gain = after.facts[quality] - before.facts[quality]
        assert (gain > 0.02) if better else (gain < -0.02)
        price = outcomes(after)["", "observed score against the unconstrained selection"]
        assert price.value < 1
        assert after.facts["selected"] == {"a": 6, "b": 6}
        assert after.facts["quality without constraint"] == pytest.approx(before.facts[quality])
        apart = after.facts["mean latent place of the groups, 1 is best"]
        assert (abs(apart["a"] - apart["b"]) < 0.15) is better


def test_the_correction_writes_who_is_selected(tmp_path):
    """Every row of a selected item has 1; saved and opened again it is the same."""
    table = long_table(voters=10, items=12)
    model = fair_subset(subject(table), k=4, least={"b": 3}, rule="cc")
    columns = recorded(model)
    chosen = {i for i, s in zip(table["item"], columns["column:selected"], strict=True) if s}
    assert chosen == set(model.params["selected"])
    assert len(chosen) == 4
    assert model.params["selected by group"]["b"] >= 3
    assert model.params["least"] == {"a": 0, "b": 3}
    assert columns["column:selected"].sum() == 4 * 10
    path = tmp_path / "t.csv"
    write_csv(path, table)
    spec = f"table:{path}"
    base = open_model(spec, ModelOptions(extra={"score": "rank"}))
    made = fair_subset(base, k=4)
    made.save(tmp_path / "after", base_spec=spec, base_options={"extra": {"score": "rank"}})
    again = open_model(f"corrected:{tmp_path / 'after'}")
    assert again.fingerprint == made.fingerprint
    assert recorded(again)["column:selected"].tolist() == recorded(made)["column:selected"].tolist()


def test_selecting_again_replaces_the_selection():
    """A corrected table is a base like any other; its old selection is not a second column."""
    first = fair_subset(subject(long_table(voters=5, items=12)), k=4)
    second = fair_subset(first, k=6)
    names = [n for n in recorded(second) if "selected" in n]
    assert names == ["column:selected"]
    assert recorded(second)["column:selected"].sum() == 6 * 5


def write_csv(path, table):
    """The table as a file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def test_the_command_line_end_to_end(tmp_path, monkeypatch):
    """`plumbline correct table:rankings.csv --with fair_subset`: before, after, the difference, quality up."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))
    write_csv(tmp_path / "rankings.csv", long_table(theta=0.5, voters=40, items=24, seed=8))
    out = tmp_path / "after"
    words = [
        "correct", f"table:{tmp_path / 'rankings.csv'}", "--set", "score=rank", "--with", "fair_subset",
        "--out", str(out), "--metrics", "subset_quality", "--param", "fair_subset.k=8",
        "--param", "subset_quality.k=8", "--param", "subset_quality.focus=b", "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    before, after = (stored(next((out / part).iterdir())) for part in ("before", "after"))
    assert before[method.REPRESENTED]["value"] < -0.2
    assert after[method.REPRESENTED]["value"] == pytest.approx(0)
    quality = "true quality of the selection"
    assert after[quality]["value"] > before[quality]["value"] + 0.01


def stored(folder):
    """Findings of a run on disk by measure."""
    return {f["labels"]["measure"]: f for f in load(folder).findings}


def test_a_score_column_needs_no_settings(tmp_path):
    """With a number for every item and voter in `score` the table opens as it is."""
    table = long_table(voters=6, items=9, latent=False)
    table["score"] = 10.0 - table.pop("rank").astype(float)
    write_csv(tmp_path / "r.csv", table)
    model = fair_subset(open_model(f"table:{tmp_path / 'r.csv'}"))
    assert sum(model.params["selected by group"].values()) == 3


def test_bad_input(audited):
    """No table, unknown rules, groups and quotas; a subject without rankings is a row with its reason."""
    with pytest.raises(AbilityError):
        fair_subset(PlantedTalker())
    ranked = subject(long_table(voters=4, items=8))
    with pytest.raises(UnknownName):
        fair_subset(ranked, rule="bordas")
    with pytest.raises(UnknownName):
        fair_subset(ranked, least={"z": 1})
    with pytest.raises(BadInput, match="cannot all be"):
        fair_subset(ranked, k=2, least={"b": 3})
    with pytest.raises(BadInput, match="a table"):
        fair_subset(ranked, least="b=3")
    with pytest.raises(BadInput, match="whole number"):
        fair_subset(ranked, k=2, least={"b": 0.5})
    with pytest.raises(UnknownName):
        measured(ranked, focus="z")
    plain = {"label": np.ones(8), "prediction": np.ones(8), "group": np.array(list("abababab"))}
    run = audited(open_frame(plain, ModelOptions(), name="plain"), "subset_quality")
    assert not [f for f in run.findings if f.get("value") is not None]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_representation_is_recovered(dial):
    """Over 100 data sets: the mean is the truth within 4 errors, intervals cover, the null is kept."""
    values, covered, hits = [], 0, 0
    for seed in range(100):
        got, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        got = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(got, method.subset_quality.card, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / np.sqrt(100)
    assert covered >= 88  # Binomial(100, .95): 99.9 %
    if dial == 0:
        assert hits <= 12
    if dial == max(method.DIALS):
        assert hits > 50
