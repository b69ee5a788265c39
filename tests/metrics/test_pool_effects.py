"""Statistics of a judgement pool: values in closed form, influences as derivatives by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from plumbline.data.judged_tables import JudgedTable
from plumbline.metrics.pool_effects import selection_slope, trained_ndcg

POOL = np.array([[1.0, 4.0], [2.0, -1.0], [4.0, 0.5], [9.0, 2.5]])


def fit(influence):
    """Three coefficients of relevance, then an intercept and two slopes of selection."""
    return SimpleNamespace(
        relevance=np.zeros(3), selection=np.array([7.0, 0.5, -2.0]), influence=influence
    )


@pytest.mark.parametrize("feature", [0, 1])
def test_the_slope_is_of_a_standard_deviation(feature):
    """Coefficient times the deviation; with a known coefficient, rows count through the deviation alone."""
    x = POOL[:, feature]
    beta = (0.5, -2.0)[feature]
    value, influence = selection_slope(SimpleNamespace(pool=POOL), fit(np.zeros((4, 6))), feature)
    assert value == pytest.approx(beta * x.std())

    def weighted(row: int, more: float) -> float:
        weight = np.full(4, 0.25) * (1 - more)
        weight[row] += more
        centre = weight @ x
        return beta * np.sqrt(weight @ (x - centre) ** 2)

    # A row's influence is the derivative of the value to that row's weight, over n.
    step = 1e-6
    wanted = [(weighted(i, step) - weighted(i, -step)) / (2 * step) / 4 for i in range(4)]
    assert influence == pytest.approx(wanted, abs=1e-8)
    assert influence.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("feature", [0, 1])
def test_a_coefficients_own_error_counts_times_the_deviation(feature):
    """Of six columns of influence, relevance first, only the feature's own is used."""
    columns = np.arange(24.0).reshape(4, 6)
    table = SimpleNamespace(pool=POOL)
    _, with_error = selection_slope(table, fit(columns), feature)
    _, without = selection_slope(table, fit(np.zeros((4, 6))), feature)
    assert with_error - without == pytest.approx(POOL[:, feature].std() * columns[:, 4 + feature])


def test_a_ranker_never_saw_the_queries_that_it_ranks():
    """Turning the labels of every second query leaves their own ranking alone and changes the others'."""
    rng = np.random.default_rng(2)
    queries, documents = 30, 12
    content = rng.normal(size=(queries * documents, 2))
    relevant = (content[:, 0] + 0.3 * rng.normal(size=len(content)) > 0.5) * 1.0
    query = np.repeat([f"q{i:02}" for i in range(queries)], documents).astype(object)

    def by_query(label):
        table = JudgedTable(
            query=query, label=label, judged=None, content=content, pool=content,
            content_names=("a", "b"), pool_names=("a", "b"), deep=relevant,
        )  # fmt: skip
        return trained_ndcg(table, k=5)

    even = np.repeat(np.arange(queries) % 2 == 0, documents)
    plain, turned = by_query(relevant), by_query(np.where(even, 1 - relevant, relevant))
    assert turned[::2] == pytest.approx(plain[::2])
    assert plain[1::2].mean() > 0.9
    assert turned[1::2].mean() < 0.5
