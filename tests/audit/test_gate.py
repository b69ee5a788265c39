"""A gate over real runs: selection, families, baselines, and the outcome of all rules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit import api
from plumbline.audit.compare import compare, key_of, paired
from plumbline.audit.gate_file import gate_of
from plumbline.audit.gate_result import held
from plumbline.audit.gate_select import fits
from plumbline.audit.store import Run
from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.stats.multiplicity import holm
from plumbline.testing import planted_records

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Stored audits of planted tables by their gap."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        gap: api.audit(planted_records(gap=gap, n=n, seed=3), metrics=["group_rates"], out=folder)
        for gap, n in ((0.0, 12_000), (0.05, 12_000), (0.4, 12_000), (0.01, 200))
    }


def judged(run, *rules, baseline=None, **settings):
    """The gate's result."""
    return held(run, gate_of({"gate": settings, "rule": list(rules)}), baseline)


RATE = {"metric": "group_rates"}


@pytest.mark.parametrize(
    ("gap", "outcome", "code"), [(0.0, "pass", 0), (0.4, "fail", 1), (0.01, "insufficient", 3)]
)
def test_three_outcomes_of_one_gate(runs, gap, outcome, code):
    """Equal rates of 12,000 rows pass, a gap of .4 fails, 200 rows show neither."""
    got = judged(runs[gap], {**RATE, "distance": {"max": 0.1}})
    assert (got.outcome, got.exit_code) == (outcome, code)
    assert json.loads(json.dumps(got.document(), allow_nan=False))["outcome"] == outcome


def test_fail_outweighs_insufficient_and_insufficient_outweighs_pass(runs):
    """The overall outcome is the worst of the rules, and each rule's that of its findings."""
    good = {**RATE, "value": {"max": 1}}
    run = runs[0.4]
    (primary,) = (f for f in run.findings if f["role"] == "primary")
    lacking = {**RATE, "distance": {"max": abs(primary["value"])}}
    bad = {**RATE, "value": {"min": 0.1, "max": 9} if primary["value"] < 0 else {"max": 0.1}}
    assert judged(run, good).outcome == "pass"
    assert judged(run, good, lacking).outcome == "insufficient"
    got = judged(run, good, lacking, bad)
    assert got.outcome == "fail"
    assert [r.outcome for r in got.rules] == ["pass", "insufficient", "fail"]
    both = judged(run, {**RATE, "value": {"max": 1}, "distance": {"max": 0.1}})
    assert [c.outcome for c in both.rules[0].findings[0].checks] == ["pass", "fail"]
    assert both.outcome == "fail"


def test_the_family_is_the_gates_own(runs):
    """Each finding with a p that a testing rule selects counts once, by Holm; other rules do not count."""
    run = runs[0.05]
    primary = [f for f in run.findings if f["role"] == "primary"]
    again = [
        dict(primary[0], labels={"axis": f"x{k}"}, p=p) for k, p in enumerate((0.01, 0.03, 0.2))
    ]
    made = Run(run.header, [*again, *run.findings], run.folder)
    testing = {**RATE, "labels": {"axis": "x*"}, "p": {"effect": 0.5}}
    got = judged(
        made,
        testing,
        {**testing, "labels": {"axis": "x0"}},
        {**RATE, "role": "*", "labels": {"axis": "x*"}, "value": {"max": 9}},
    )
    assert got.family == 3
    seen = [f.checks[0].value for f in got.rules[0].findings]
    assert seen == pytest.approx(holm([0.01, 0.03, 0.2]))
    assert got.rules[1].findings[0].checks[0].value == pytest.approx(0.03)


def test_rules_select_by_metric_labels_and_role(runs):
    """Patterns, labels and roles; restatements only where they are asked for."""
    run = runs[0.05]
    everything = judged(run, {"metric": "group*", "role": "*", "value": {"max": 9}})
    assert len(everything.rules[0].findings) == len(run.findings)
    one = judged(
        run,
        {**RATE, "role": "secondary", "labels": {"measure": "true positive*"}, "value": {"max": 9}},
    )
    assert {f.row["labels"]["measure"] for f in one.rules[0].findings} == {"true positive rate"}
    assert {
        f.row["role"] for f in judged(run, {**RATE, "value": {"max": 9}}).rules[0].findings
    } == {"primary"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"metric": "group_rate"}, "Nearest: group_rates"),
        ({"metric": "weat"}, "which this plan does not ask; it asks group_rates"),
        ({"metric": "we*"}, "is about we*, which this plan does not ask"),
        ({**RATE, "labels": {"axis": "gender"}}, "has axis = 'gender'; it is one of 'group'"),
        ({**RATE, "labels": {"axes": "group"}}, "has axes = 'group'; its labels are 'against', 'axis', 'group', 'measure'"),
        ({**RATE, "role": "group"}, "no group finding has these labels"),
    ],
)  # fmt: skip
def test_a_rule_that_selects_nothing_is_an_error(runs, rule, said):
    """A misspelt name must not pass; the message says what there is."""
    with pytest.raises((BadInput, UnknownName)) as error:
        judged(runs[0.0], {**rule, "value": {"max": 1}})
    assert said in str(error.value)


def test_labels_in_an_error_cannot_drive_a_terminal(runs):
    """They may come from a model or a table."""
    rows = [dict(f, labels={"axis": "\x1b[31mred\x07"}) for f in runs[0.0].findings]
    rule = {**RATE, "labels": {"axis": "group"}, "value": {"max": 1}}
    with pytest.raises(BadInput) as error:
        judged(Run(runs[0.0].header, rows), rule)
    assert "\x1b" not in str(error.value)
    assert "31mred" in str(error.value)


def test_an_explanation_is_no_audit(runs):
    """It is stored like a run, and judges nothing."""
    header = {**runs[0.0].header, "explainer": "logit_lens"}
    with pytest.raises(BadInput, match="an explanation, not an audit"):
        judged(Run(header, runs[0.0].findings), {**RATE, "value": {"max": 1}})


def test_an_optional_rule_may_select_nothing_but_does_not_make_a_gate(runs):
    """It is skipped; a gate whose every rule was skipped has shown nothing."""
    absent = {"metric": "weat", "optional": True, "p": True}
    alone = judged(runs[0.0], absent)
    assert [r.outcome for r in alone.rules] == ["skipped"]
    assert alone.outcome == "insufficient"
    assert judged(runs[0.0], absent, {**RATE, "distance": {"max": 0.1}}).outcome == "pass"


@pytest.fixture(scope="module")
def unmeasured(tmp_path_factory):
    """A run with an undefined finding (a group of one row) and a method that does not apply."""
    rng = np.random.default_rng(0)
    frame = {"prediction": rng.integers(0, 2, 400).astype(float), "sex": ["a"] * 399 + ["b"]}
    return api.audit(
        frame, metrics=["group_rates", "weat"], out=tmp_path_factory.mktemp("unmeasured"),
        options={"extra": {"groups": ["sex"]}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "settings", "own", "outcome"),
    [
        ("group_rates", {}, {}, "insufficient"),
        ("group_rates", {"undefined": "fail"}, {}, "fail"),
        ("group_rates", {}, {"undefined": "fail"}, "fail"),
        ("group_rates", {"undefined": "fail"}, {"undefined": "insufficient"}, "insufficient"),
        ("weat", {}, {}, "insufficient"),
        ("weat", {"undefined": "fail"}, {}, "insufficient"),
        ("weat", {"not_applicable": "skip"}, {}, "skipped"),
        ("weat", {}, {"not_applicable": "skip"}, "skipped"),
        ("weat", {}, {"not_applicable": "skip", "labels": {"axis": "gender"}}, "skipped"),
    ],
)  # fmt: skip
def test_what_was_not_measured_is_worth_what_the_file_says(
    unmeasured, metric, settings, own, outcome
):
    """Never a pass; a method that does not apply stands for all its labels."""
    got = judged(unmeasured, {"metric": metric, "value": {"max": 99}, **own}, **settings)
    assert got.rules[0].outcome == outcome
    assert got.outcome == {"skipped": "insufficient"}.get(outcome, outcome)
    (finding,) = got.rules[0].findings
    assert finding.checks[0].condition == "measured"
    assert finding.row["reason"] in finding.checks[0].why


def test_a_planted_regression_is_found_against_its_baseline(runs):
    """From no gap to one of .4: worse by more than .1; the other way round: shown not to be worse."""
    rule = {**RATE, "regression": {"margin": 0.1}}
    worse = judged(runs[0.4], rule, baseline=runs[0.0])
    assert worse.outcome == "fail"
    assert worse.rules[0].findings[0].checks[0].value == pytest.approx(0.4, abs=0.05)
    assert judged(runs[0.0], rule, baseline=runs[0.4]).outcome == "pass"
    assert judged(runs[0.01], rule, baseline=runs[0.0]).outcome == "insufficient"


def test_the_same_model_with_the_same_number_is_no_regression(runs):
    """A run against itself: the paired difference has no spread, and nothing has to be tested."""
    got = judged(runs[0.05], {**RATE, "regression": {"margin": 0.01}}, baseline=runs[0.05])
    assert got.outcome == "pass"
    assert "same model" in got.rules[0].findings[0].checks[0].why


def test_pairs_are_differences_and_sums_of_the_same_items(runs):
    """B - A is what `compare` says; with A + B it gives both runs' own numbers back."""
    a, b = runs[0.0], runs[0.4]
    found = {key_of(f): f["value"] for f in compare(a, b).findings if f["status"] == "estimate"}
    change, total = paired(a, b), paired(a, b, total=True)
    for key, value in found.items():
        assert change[key].outcome.value == pytest.approx(value, abs=1e-12)
    for row in (f for f in b.findings if f["role"] == "primary"):
        key = key_of(row)
        twice = total[key].outcome.value + change[key].outcome.value
        assert twice / 2 == pytest.approx(row["value"], abs=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("missing", "the baseline has no such finding"),
        ("undefined", "the baseline has no number for it: lost"),
        ("version", "changed from version 7 to 1 since the baseline"),
        ("measures", "share no measure of it"),
    ],
)
def test_a_baseline_that_does_not_fit_is_insufficient(runs, change, said):
    """A finding that is new, was undefined, or comes from another version: renew the baseline."""
    run, header = runs[0.0], json.loads(json.dumps(runs[0.0].header))
    rows = [dict(f) for f in run.findings]
    header["subject"]["fingerprint"] = "another"
    if change == "missing":
        rows = [r for r in rows if r["role"] != "primary"]
    elif change == "undefined":
        rows = [{**r, "status": "undefined", "value": None, "reason": "lost"} for r in rows]
    elif change == "version":
        header["methods"]["group_rates"]["version"] = 7
    else:
        header["measures"] = {}
    got = judged(
        run, {**RATE, "regression": {"margin": 0.1}}, baseline=Run(header, rows, run.folder)
    )
    assert got.outcome == "insufficient"
    assert said in got.rules[0].findings[0].checks[0].why


def test_what_does_not_fit_the_plan_is_an_error(runs):
    """No baseline; intervals or verdicts at a laxer level than the gate's; a run that was not stored."""
    run = runs[0.0]
    with pytest.raises(BadInput, match="there is no baseline: name a stored run with --baseline"):
        judged(run, {**RATE, "regression": {"margin": 0.1}})
    with pytest.raises(BadInput, match=r"set level = 0\.99 in the plan"):
        judged(run, {**RATE, "bound": {"max": 1}}, alpha=0.01)
    with pytest.raises(BadInput, match=r"set alpha = 0\.01 in the plan"):
        judged(run, {**RATE, "verdict": ["leans"]}, alpha=0.01)
    assert judged(run, {**RATE, "value": {"max": 1}}, alpha=0.01).outcome == "pass"
    loose = Run(run.header, run.findings)
    with pytest.raises(StoreError, match="was not stored"):
        judged(loose, {**RATE, "regression": {"margin": 0.1}}, baseline=runs[0.05])


def test_a_plan_is_checked_before_anything_is_asked():
    """What a plan asks is known beforehand; labels are not."""
    gate = gate_of({"rule": [{"metric": "weat", "labels": {"axis": "gendre"}, "p": True}]})
    fits(gate, level=0.95, alpha=0.05, metrics={"weat"}, baseline=False)
    with pytest.raises(BadInput, match="does not ask"):
        fits(gate, level=0.95, alpha=0.05, metrics={"seat"}, baseline=False)


def test_gates_in_python(runs, tmp_path):
    """A file, its tables, folders or runs: one outcome."""
    tables = {"rule": [{**RATE, "distance": {"max": 0.1}, "regression": {"margin": 0.1}}]}
    file = tmp_path / "gate.toml"
    file.write_text(
        '[[rule]]\nmetric = "group_rates"\ndistance = { max = 0.1 }\nregression = { margin = 0.1 }\n'
    )
    wanted = api.gate(runs[0.4], tables, baseline=runs[0.0]).document()
    got = api.gate(runs[0.4].folder, file, baseline=str(runs[0.0].folder)).document()
    assert {**got, "gate": ""} == {**wanted, "gate": ""}


def documented_gate() -> str:
    """The gate file of the documentation."""
    text = (DOCS / "verbs" / "gate.md").read_text("utf-8")
    (found,) = re.findall(r"^:caption: gate\.toml\n\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize(("gap", "outcome"), [(0.0, "pass"), (0.4, "fail")])
def test_the_gate_file_of_the_documentation_judges_real_runs(gap, outcome, tmp_path):
    """Each of its six rules selects what it says on an audit of a planted table."""
    (tmp_path / "gate.toml").write_text(documented_gate(), "utf-8")
    tables = []
    for seed, size in ((1, gap), (2, 0.0)):
        rows, rng = np.random.default_rng(0), np.random.default_rng(seed)
        sex = rows.integers(0, 2, 20_000)
        label = rows.integers(0, 2, 20_000).astype(float)
        chance = 0.3 + 0.3 * label + size * sex
        tables.append(
            api.audit(
                {"prediction": (rng.random(20_000) < chance).astype(float), "label": label, "sex": np.array(["women", "men"], object)[sex]},
                metrics=["group_rates"], out=tmp_path / "runs", options={"extra": {"groups": ["sex"]}},
            )
        )  # fmt: skip
    got = api.gate(tables[0], tmp_path / "gate.toml", baseline=tables[1])
    assert [len(r.findings) for r in got.rules] == [1, 1, 1, 1, 1, 0]
    assert [r.outcome for r in got.rules] == [*([outcome] * 5), "skipped"]
    assert got.outcome == outcome
