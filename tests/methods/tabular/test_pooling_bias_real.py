"""Real features and outcomes under a planted pool: the relevance model need not be logistic in truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from plumbline.data.judged_tables import JudgedTable
from plumbline.data.sets import compas
from plumbline.metrics.tabular import pooling_bias as method
from plumbline.stats.coupled_selection import soft_logistic


@pytest.fixture
def people(shared_data, monkeypatch):
    """COMPAS: age, priors and the risk decile, standardised; who was charged again within two years."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    monkeypatch.setenv("PLUMBLINE_OFFLINE", "1")
    table = compas.load()
    columns = [
        np.asarray(table.age, float),
        np.log1p(table.priors),
        np.asarray(table.decile, float),
    ]
    x = np.column_stack([(c - c.mean()) / c.std() for c in columns])
    return x, np.asarray(table.recidivated, bool)


def planted(x, truth, *, content, seeds=20):
    """Means over pools that follow the decile with slope 1: slope, its error, missed, truth, a plain fit's rate."""
    made = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 114])
        overlap = rng.standard_normal(truth.size)
        taken = rng.random(truth.size) < expit(x[:, 2] + 1.5 * overlap - 0.3)
        label = (truth & taken).astype(float)
        table = JudgedTable(
            query=rng.permutation(np.arange(truth.size) % (truth.size // 60)).astype(str), label=label, judged=None,
            content=x[:, :content], pool=np.column_stack([x[:, 2], overlap]),
            content_names=("age", "priors", "decile")[:content], pool_names=("pool_decile", "pool_overlap"),
        )  # fmt: skip
        items = method.scored(table).items
        slope, missed = (
            items.where({"part": p})["score"] for p in ("selection by pool_decile", method.MISSED)
        )
        line = soft_logistic(x[:, :content], label)
        plain = expit(line[0] + x[:, :content] @ line[1:]).mean()
        error = slope.std(ddof=1) / np.sqrt(slope.size)
        made.append([slope.mean(), error, missed.mean(), truth[label == 0].mean(), plain])
    return np.mean(made, axis=0)


def test_a_planted_pool_over_real_outcomes(people):
    """Age, priors and decile tell the outcome: slope 1 and the missed share come out within two standard errors.

    The labels alone put the rate of outcomes at half of what it is.
    """
    slope, error, missed, wanted, plain = planted(*people, content=3)
    assert abs(slope - 1) < 2 * error
    assert missed == pytest.approx(wanted, abs=0.05)
    assert plain < 0.6 * people[1].mean()


def test_a_pool_feature_that_tells_relevance_belongs_to_both_models(people):
    """The decile left out of the relevance features: what it tells of the outcome is charged to the pool.

    The slope is too large by a quarter: features of the pool that know more of relevance than the content
    features do must be named in both.
    """
    slope, *_ = planted(*people, content=2)
    assert slope > 1.15
