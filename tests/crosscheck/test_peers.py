"""fairlearn's and WEFE's answers on closed data (stored by `bench/crosscheck/peers.py`), beside ours.

Where they differ, a closed form decides. The list for readers: `docs/guide/cross-checks.md`.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.metrics.embedding.weat import effect_size, one_sided_p
from plumbline.metrics.recorded import read
from plumbline.metrics.tabular import group_rates as method
from plumbline.stats.infer import infer
from plumbline.stats.permutation import exact_two_groups, permutation_p

FOLDER = Path(__file__).resolve().parents[2] / "bench" / "crosscheck"
KEPT = json.loads((FOLDER / "peers.json").read_text("utf-8"))
FAIRLEARN, WEFE = (KEPT[peer]["values"] for peer in ("fairlearn", "wefe"))
# What is known to be otherwise; everything else must agree.
WITHOUT_POSITIVES = {
    f"no positives in b: {name}"
    for name in (
        "true positive rate of b",
        "false negative rate of b",
        "equalized odds difference",
        "equal opportunity difference",
    )
}
BOOTSTRAP = {
    f"equal groups: {q} % point of the demographic parity difference" for q in ("2.5", "97.5")
}


@pytest.fixture(scope="module")
def peers():
    """The bench script, for our values under the peers' names."""
    spec = importlib.util.spec_from_file_location("crosscheck_peers", FOLDER / "peers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fairlearn_agrees_but_for_the_known(peers):
    """Rates of every group, parity difference and ratio, equalized odds, equal opportunity."""
    ours = peers.fairlearn_ours()
    agreeing = set(FAIRLEARN) - WITHOUT_POSITIVES - BOOTSTRAP
    assert len(agreeing) == 48
    for name in agreeing:
        assert ours[name] == pytest.approx(FAIRLEARN[name], abs=1e-12), name
    assert {n for n in FAIRLEARN if ours.get(n) is None} == WITHOUT_POSITIVES | BOOTSTRAP


def test_a_group_without_positives_has_no_true_positive_rate(peers):
    """The two rates of one group sum to 1 where they exist; fairlearn's sum to 0, ours are undefined."""
    for name in ("two groups", "three groups", "equal groups"):
        for group in "ab":
            rates = (f"{name}: {r} rate of {group}" for r in ("true positive", "false negative"))
            assert sum(FAIRLEARN[r] for r in rates) == pytest.approx(1)
    b = [f"no positives in b: {r} rate of b" for r in ("true positive", "false negative")]
    assert sum(FAIRLEARN[r] for r in b) == 0
    assert FAIRLEARN["no positives in b: equal opportunity difference"] == 0.75
    found = outcomes(peers, "no positives in b")
    assert isinstance(found["true positive rate"], Undefined)
    assert found["selection rate"].value == pytest.approx(10 / 50 - 42 / 100)


def test_an_interval_of_a_difference_holds_the_difference(peers):
    """Two equal groups differ by 0. Percentiles of the largest minus the smallest rate leave 0 out."""
    assert FAIRLEARN["equal groups: demographic parity difference"] == 0
    assert FAIRLEARN["equal groups: 2.5 % point of the demographic parity difference"] > 0
    got = outcomes(peers, "equal groups")["selection rate"]
    assert isinstance(got, Estimate)
    assert got.value == 0
    assert got.low == pytest.approx(-got.high)
    # The signed difference of two shares of 80 at 1/2 has the standard error sqrt(2 / 4 / 80); ours
    # comes from 58 random lots of rows, and a variance from 58 has a relative error of sqrt(2 / 57).
    assert got.high == pytest.approx(1.96 * sqrt(2 / 4 / 80), rel=2 * sqrt(2 / 57))
    assert got.p == pytest.approx(1)


def outcomes(peers, table: str) -> dict:
    """Contrast of b with a, by measure."""
    columns = read(peers.expanded(peers.INPUTS["tables"][table]))
    scored = method.tabulate(columns, np.random.default_rng(0), reference="a")
    found = infer(scored, method.group_rates.card, seeds=Seeds(0))
    return {
        f.labels["measure"]: f.outcome
        for f in found
        if (f.labels.get("group"), f.labels.get("against")) == ("b", "a")
    }


def test_wefe_statistic_agrees(peers):
    """The test statistic; its vectors are single precision."""
    ours = peers.wefe_ours()
    for name in ("X - Y", "Y - X"):
        assert ours[f"{name}: statistic"] == pytest.approx(WEFE[f"{name}: statistic"], abs=1e-6)


def test_wefe_divides_by_the_population_deviation(peers):
    """Larger by the root of n / (n - 1); the published figures follow from the sample's (`test_weat`)."""
    ours = peers.wefe_ours()["X - Y: effect size"]
    assert WEFE["X - Y: effect size"] == pytest.approx(ours * sqrt(8 / 7), abs=1e-6)
    # By hand: means +-1, squares around 0 sum to 4, so the deviations are sqrt(4 / 3) and 1.
    hand = np.ones(2), -np.ones(2)
    assert effect_size(*hand) == pytest.approx(2 / sqrt(4 / 3))


def test_permutation_p_counts_splits(peers):
    """Complete separation is 1 of C(2n, n) splits one-sided and 2 of them two-sided."""
    for n in (2, 4, 8):
        x = np.arange(1.0, n + 1)
        assert one_sided_p(x, -x) == pytest.approx(1 / comb(2 * n, n))
        sums = exact_two_groups(np.concatenate([x, -x]), n)
        two = permutation_p(sums, float(x.sum()), exact=True, side="two")
        assert two == pytest.approx(2 / comb(2 * n, n))
    # The stored words, by listing all 70 splits.
    x, y = peers.associations()
    pooled = np.concatenate([x, y])
    splits = [pooled[list(s)].sum() for s in itertools.combinations(range(8), 4)]
    at_least = np.sum(np.array(splits) >= x.sum() - 1e-9)
    assert peers.wefe_ours()["X - Y: right-sided p"] == pytest.approx(at_least / 70)


def test_wefe_draws_with_replacement(peers):
    """Its p is that of independent draws, which are more spread out than splits; four words a side."""
    x, y = peers.associations()
    pooled = np.concatenate([x, y])
    sums = np.sort(np.array([sum(c) for c in itertools.product(pooled, repeat=4)]))
    observed = x.sum() - y.sum()
    # P(first - second > observed) over all 8^4 x 8^4 pairs of draws.
    replaced = np.mean(np.searchsorted(sums, sums - observed - 1e-9, side="left")) / sums.size
    theirs = WEFE["X - Y: right-sided p"]
    assert theirs == pytest.approx(
        replaced, abs=4 * sqrt(replaced * (1 - replaced) / 500) + 1 / 501
    )
    split = peers.wefe_ours()["X - Y: right-sided p"]
    assert replaced < 0.75 * split
    assert theirs < split - 3 * sqrt(split * (1 - split) / 500)


def test_a_two_sided_p_does_not_depend_on_which_set_is_named_first(peers):
    """WEFE's is 1.0 whenever the statistic is negative: absolute draws against the signed statistic."""
    ours = peers.wefe_ours()
    assert ours["X - Y: two-sided p"] == pytest.approx(ours["Y - X: two-sided p"])
    assert WEFE["X - Y: two-sided p"] < 0.15
    assert WEFE["Y - X: two-sided p"] == 1.0
