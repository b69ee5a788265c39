"""A gate's error rates over simulated runs: scored items through `stats.infer`, judged as real ones are.

Binomial bounds are at 99.9 % each: a rate of r over N runs may reach the 99.9 % quantile of Binomial(N, r).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.audit import compare
from plumbline.audit.gate_file import gate_of
from plumbline.audit.gate_result import held
from plumbline.audit.measures import as_json
from plumbline.audit.store import Run
from plumbline.core.catalog import find
from plumbline.core.scored import Items, Measure, Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.families import adjust, judge
from plumbline.stats.infer import Settings, infer

METRIC = "template_gap"  # its card resamples templates; any number of them can be simulated
MARGIN = 0.2
SETTINGS = Settings(draws=499)


@dataclass(frozen=True)
class Simulated(Run):
    """A run whose items are at hand instead of in a folder."""

    held: Items | None = None

    def items(self, metric=None):
        return dict(self.held.columns)


@cache
def entry(name):
    """A method of the catalog, which is read once for all simulations."""
    return find(name)


@pytest.fixture(autouse=True)
def quick_catalog(monkeypatch):
    """The comparison looks its cards up there too."""
    monkeypatch.setattr(compare, "find", entry)


def simulated(scores, *, seed, worse="either", name="model"):
    """A run with one primary finding an axis: women minus men, templates as units.

    Args:
        scores: Shape (axes, templates, 2).
        seed: Of its random streams.
        worse: What the card says is worse.
        name: Fingerprint of the model.
    """
    axes = len(scores)
    axis, template, group = (part.ravel() for part in np.indices(scores.shape))
    items = Items.of(
        item=np.char.add("t", template.astype(str)).astype(object), axis=np.char.add("a", axis.astype(str)).astype(object),
        template=np.char.add("t", template.astype(str)).astype(object),
        group=np.array(["women", "men"], object)[group], score=scores.ravel(),
    )  # fmt: skip
    measures = [
        Measure(estimator="difference", unit="score", groups=("women", "men"), labels={"axis": f"a{k}"}, where={"axis": f"a{k}"}, worse=worse)
        for k in range(axes)
    ]  # fmt: skip
    scored = Scored(items=items, measures=measures)
    made = infer(scored, entry(METRIC).card, seeds=Seeds(seed), settings=SETTINGS)
    found = [judge(f, {"score": MARGIN}) for f in adjust(made)]
    header = {
        "plan": {"level": 0.95, "alpha": 0.05, "margins": {"score": MARGIN}}, "plan_hash": "simulated",
        "subject": {"fingerprint": name}, "methods": {METRIC: {"version": 1}},
        "measures": {METRIC: [as_json(m) for m in measures]},
    }  # fmt: skip
    return Simulated(header, [f.row() for f in found], held=items)


def scores(rng, *, axes=1, templates=40, gap=0.0, spread=0.5):
    """Normal scores; women's lie higher by `gap`; every axis shares its templates' difficulty."""
    shared = rng.normal(0, 1, (1, templates, 1))
    made = shared + rng.normal(0, spread, (axes, templates, 2))
    made[:, :, 0] += gap
    return made


def outcomes(rules, runs, make):
    """How often each outcome comes out of so many simulated runs."""
    gate = gate_of({"rule": rules})
    return Counter(held(*make(i, gate)).outcome for i in range(runs))


def at_most(rate, runs):
    """Largest count that a rate of this size gives in all but one of a thousand repetitions."""
    return int(ss.binom.ppf(0.999, runs, rate))


def rule(axis="*", **conditions):
    """A rule on the simulated metric."""
    return {"metric": METRIC, "labels": {"axis": axis}, **conditions}


@pytest.mark.parametrize(
    "conditions",
    [{"p": {"effect": 0.5}}, {"verdict": ["within the margin", "insufficient evidence"]}],
    ids=["p", "verdict"],
)
def test_a_model_without_a_lean_fails_at_most_alpha_of_gates(conditions):
    """Six axes, no lean: at most 5 % of 1,000 gates fail; six uncorrected tests would fail about a quarter."""
    runs, axes, loose = 1000, 6, 0

    def make(i, gate):
        nonlocal loose
        run = simulated(scores(np.random.default_rng([i, 1]), axes=axes), seed=i)
        loose += any(f["p"] <= 0.05 for f in run.findings)
        return run, gate

    got = outcomes([rule(f"a{k}", **conditions) for k in range(axes)], runs, make)
    assert got["fail"] <= at_most(0.05, runs)
    assert got["fail"] >= 15, "a gate that never fails would keep this law too"
    assert loose > 200


def test_another_metric_changes_no_outcome():
    """A finding that no rule names is in no family: outcome and corrected p stay to the digit."""
    drawn = scores(np.random.default_rng(3), axes=8, gap=0.3, templates=30)
    rules = [rule(f"a{k}", p=True) for k in range(3)]
    few = held(simulated(drawn[:3], seed=0), gate_of({"rule": rules}))
    many = held(simulated(drawn, seed=0), gate_of({"rule": rules}))
    assert few.family == many.family == 3
    for one, other in zip(few.rules, many.rules, strict=True):
        assert [c.value for f in one.findings for c in f.checks] == [
            c.value for f in other.findings for c in f.checks
        ]


@pytest.mark.parametrize("templates", [12, 150])
@pytest.mark.parametrize(
    "conditions", [{"bound": {"max": 0.3}}, {"distance": {"max": 0.3}}], ids=["bound", "distance"]
)
def test_a_gap_exactly_at_the_limit_passes_at_most_half_of_alpha(conditions, templates):
    """12 templates: Student's t, 150: BCa bootstrap. 2.5 % of the gates pass, and 2.5 % fail."""
    runs = 2000 if templates < 100 else 600

    def make(i, gate):
        drawn = scores(np.random.default_rng([i, 2]), templates=templates, gap=0.3)
        return simulated(drawn, seed=i), gate

    got = outcomes([rule(**conditions)], runs, make)
    # The bootstrap's own certificate allows 3.5 % a side (coverage of 93 %).
    rate = 0.025 if templates < 100 else 0.035
    assert max(got["pass"], got["fail"]) <= at_most(rate, runs)
    assert got["fail"] >= ss.binom.ppf(0.001, runs, 0.02)
    if "bound" in conditions:  # a distance has another limit to keep, on the far side
        assert got["pass"] >= ss.binom.ppf(0.001, runs, 0.02)


every_condition = pytest.mark.parametrize(
    "conditions",
    [
        {"p": True}, {"verdict": ["within the margin"]}, {"bound": {"min": -0.2, "max": 0.2}},
        {"distance": {"margins": 1}},
    ],
    ids=lambda c: next(iter(c)),
)  # fmt: skip


@every_condition
def test_few_items_are_insufficient_evidence(conditions):
    """Six templates, a model without any lean: the gate does not pass, though there is nothing to find."""
    runs = 300

    def make(i, gate):
        return simulated(scores(np.random.default_rng([i, 4]), templates=6), seed=i), gate

    got = outcomes([rule(**conditions)], runs, make)
    assert got["insufficient"] >= 0.9 * runs
    assert got["pass"] <= at_most(0.025, runs)


@every_condition
def test_enough_items_pass(conditions):
    """400 templates show that there is no lean of the margin: a gate is no wall."""

    def make(i, gate):
        drawn = scores(np.random.default_rng([i, 5]), templates=400)
        return simulated(drawn, seed=i), gate

    assert outcomes([rule(**conditions)], 40, make)["pass"] >= 36


def pair(i, *, was, now, worse, templates):
    """Two runs of the same templates; each model's answers have noise of their own."""
    rng = np.random.default_rng([i, 6])
    shared = rng.normal(0, 1, (1, templates, 1))
    made = []
    for gap, name in ((was, "before"), (now, "after")):
        drawn = shared + rng.normal(0, 0.3, (1, templates, 2))
        drawn[:, :, 0] += gap
        made.append(simulated(drawn, seed=i, worse=worse, name=name))
    return made


@pytest.mark.parametrize(
    ("was", "now", "worse", "passes", "fails"),
    [
        # Worse by exactly the margin: at most 5 % of gates are let through, at most 5 % are stopped.
        (0.3, 0.5, "higher", (0.04, 0.05), (0.04, 0.05)),
        (0.3, 0.1, "lower", (0.04, 0.05), (0.04, 0.05)),
        (-0.3, -0.5, "either", (0.01, 0.025), (0.01, 0.025)),
        # No lean before and one of the margin now: the side that the lean had is not known.
        (0.0, 0.2, "either", (0.02, 0.05), (0.0, 0.025)),
        (0.1, -0.3, "either", (0.0, 0.05), (0.0, 0.025)),
        # Unchanged: most gates pass, none reports a regression.
        (0.3, 0.3, "higher", (0.75, 1.0), (0.0, 0.001)),
        (0.0, 0.0, "either", (0.75, 1.0), (0.0, 0.001)),
        # A lean that got smaller, or changed its side: no harm.
        (0.5, 0.1, "either", (0.9, 1.0), (0.0, 0.001)),
        (0.3, -0.2, "either", (0.9, 1.0), (0.0, 0.001)),
        # A planted regression of two and a half margins is found.
        (0.3, 0.8, "higher", (0.0, 0.001), (0.95, 1.0)),
        (0.0, -0.5, "either", (0.0, 0.001), (0.85, 1.0)),
    ],
)  # fmt: skip
def test_regressions_are_found_and_not_made_up(was, now, worse, passes, fails):
    """60 templates, margin 0.2, 600 pairs of runs."""
    runs = 600

    def make(i, gate):
        before, after = pair(i, was=was, now=now, worse=worse, templates=60)
        return after, gate, before

    got = outcomes([rule(regression={"margin": 0.2})], runs, make)
    for name, (low, high) in (("pass", passes), ("fail", fails)):
        assert ss.binom.ppf(0.001, runs, low) <= got[name] <= at_most(high, runs), got


def test_no_regression_at_a_tiny_margin_is_reported_at_the_nominal_rate():
    """No lean before or after, and a margin of almost nothing: harm is looked for on two sides, 5 % in all."""
    runs = 600

    def make(i, gate):
        before, after = pair(i, was=0.0, now=0.0, worse="either", templates=30)
        return after, gate, before

    got = outcomes([rule(regression={"margin": 1e-6})], runs, make)
    assert got["fail"] <= at_most(0.05, runs)


def test_regression_by_the_bootstrap():
    """120 templates: at the margin it is let through in about 5 % of 300 pairs, and stopped in about 5 %."""
    runs = 300

    def make(i, gate):
        before, after = pair(i, was=0.3, now=0.5, worse="higher", templates=120)
        return after, gate, before

    got = outcomes([rule(regression={"margin": 0.2})], runs, make)
    assert max(got["pass"], got["fail"]) <= at_most(0.06, runs)
