"""Small cases of formulas below the methods that mutants of the sample had survived: empty, single, odd and tied."""

import numpy as np
import pytest
from scipy import stats

from plumbline.core.errors import BadInput
from plumbline.core.scored import Items
from plumbline.metrics import blank, judge_labels, matched, panel_review, pool_effects, rate_parts
from plumbline.metrics import verdict_table as table
from plumbline.metrics.judge import judge_coverage, position_flip
from plumbline.metrics.tabular import selection_bias
from plumbline.metrics.token_records import ragged
from plumbline.stats.coupled_selection import Coupled
from plumbline.stats.design import design
from plumbline.stats.estimators import ESTIMATORS
from plumbline.stats.latent_space import confusion_matrix
from plumbline.stats.power import units_to_settle
from plumbline.stats.weighting import inverse_probability


def test_a_token_of_two_signs_is_itself():
    """BERT's mark is taken off a word piece, and "##" alone is a text."""
    assert [blank._plain(p) for p in ("##", "##s", "#")] == ["##", "s", "#"]


def test_people_who_labelled_other_items_are_compared_where_both_did():
    """Rows 2, 3 and 5 by hand: F1 is 2/3 for either class and either order of the two people."""
    humans = np.array([[1, np.nan], [0, 0], [1, 1], [np.nan, 1], [0, 1]], float)
    assert judge_labels._between(humans) == pytest.approx(2 / 3)


def test_no_matched_subject_is_no_number():
    """One subject for each group and none for both: nothing to compare, which is not a gap of 0."""
    sums = np.array([[3.0, 3, 0, 2, 0], [4.0, 0, 4, 0, 1]])
    options = {"subjects": ["a", "b"]}
    assert np.isnan(matched._matched(sums, options))
    both = np.array([[3.0, 3, 0, 2, 0], [4.0, 4, 0, 1, 0]])
    assert matched._matched(both, options) == pytest.approx(2 / 3 - 1 / 4)


def test_an_unread_verdict_is_no_point_for_anybody():
    """Two games: one won, one unread."""

    class Two:
        systems, pairs = ("a", "b"), [(0, 1)]

    points, games = panel_review.won(Two, np.array([[1.0, np.nan]]))
    assert points.tolist() == [[1, 0], [0, 0]]
    assert games.tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize(("content", "feature"), [(1, 0), (1, 1), (2, 1), (3, 1)])
def test_a_slope_takes_its_own_column_of_influences(content, feature):
    """Relevance first with its intercept, then the selection's, then its features."""

    class Table:
        pool = np.array([[0.0, 1], [2, 1], [4, 5], [6, 5]])

    width = content + 1 + 3
    influence = np.arange(4 * width, dtype=float).reshape(4, width)
    none = np.zeros(4)
    fit = Coupled(
        relevance=np.zeros(content + 1), selection=np.zeros(3), g=none, h=none, influence=influence,
        log_likelihood=0.0, mirrored=False, steps=1, converged=True,
    )  # fmt: skip
    value, moved = pool_effects.selection_slope(Table, fit, feature)
    assert value == 0
    spread = Table.pool[:, feature].std()
    np.testing.assert_allclose(moved, spread * influence[:, content + 1 + 1 + feature])


def test_which_rows_are_too_few():
    """Fewer than six are too few; six that differ are not."""

    class Part:
        names, rows = ("few", "enough"), np.array([[3, 2], [3, 3]])

        @staticmethod
        def agree(_):
            return False

    share, wanted, why = rate_parts.too_few(Part, ["enough", "few"])
    assert (share, wanted) == (5 / 6, 1.0)
    assert why == "'few' has 5 of the 6 rows wanted for this rate"
    assert rate_parts.too_few(Part, ["enough"]) is None


@pytest.mark.parametrize("names", [["x"], ["x", "y"]])
def test_a_covariate_is_a_column(names):
    """Weights by one covariate, and by two, are those of as many columns."""
    rng = np.random.default_rng(1)
    columns = {"x": rng.normal(size=300), "y": rng.normal(size=300)}
    made = {"kept": rng.random(300) < 1 / (1 + np.exp(-columns["x"]))}
    facts = selection_bias._weighted(made, columns, names)
    assert facts["overlap"] is True
    x = np.column_stack([columns[n] for n in names])
    np.testing.assert_array_equal(made["weighted"], inverse_probability(made["kept"], x).weight)


def test_a_list_of_tables_is_no_list_of_numbers():
    """JSON that parses and holds no numbers."""
    with pytest.raises(BadInput, match="column 'p', row 1 holds"):
        ragged(np.array(['[{"a": 1}]'], object), "p")


def test_each_true_class_of_a_confusion_matrix_sums_to_one():
    """By hand, with rows of other totals."""
    np.testing.assert_allclose(confusion_matrix([[8, 2], [10, 30]], 2), [[0.8, 0.2], [0.25, 0.75]])


@pytest.mark.parametrize("room", [0.05, 0.2, 0.6, 1.0])
def test_units_to_settle_are_the_fewest(room):
    """SciPy's noncentral t with n - 1 degrees of freedom, n by n."""
    shift = room / (0.1 * np.sqrt(20))
    n = np.arange(2, 3000)
    reached = stats.nct.sf(stats.t.isf(0.05, n - 1), n - 1, shift * np.sqrt(n)) >= 0.8
    assert units_to_settle(room, se=0.1, units=20, alpha=0.05) == n[reached][0]


def test_ends_of_bounded_statistics():
    """A percentage, and the effect size of two groups of equal size (Caliskan et al. 2017: -2 to 2)."""
    assert ESTIMATORS["percent"].bounds == (0, 100)
    assert ESTIMATORS["effect_size"].bounds == (-2, 2)
    assert ESTIMATORS["effect_size"].groups == 2


def test_a_fixed_factor_is_named_and_a_random_one_is_resampled():
    """What a finding holds for only."""
    from plumbline.core.card import Factor

    items = Items.of(
        item=np.arange(16), template=np.arange(16) // 8, name=np.arange(16) % 8, score=np.ones(16)
    )
    factors = (Factor("name", random=True), Factor("template", random=False))
    plan = design(items, np.zeros(16, np.int64), factors)
    assert plan.fixed == ("template",)
    assert plan.rows.size == 8


def recorded_pairs():
    """Two questions judged in both orders, each time for the answer x; known is: x is better, and a tie."""
    shown = [("q1", "x", "y"), ("q1", "y", "x"), ("q2", "x", "y"), ("q2", "y", "x")]
    question, first, second = (np.array(c, object) for c in zip(*shown, strict=True))
    for_x = [table.FIRST, table.SECOND] * 2
    return table.Verdicts(
        judge=np.full(4, "j", object), question=question, first=first, second=second,
        verdict=np.array(for_x), why=np.full(4, "", object), better=np.array([*for_x[:2], table.TIE, table.TIE]),
        lengths=np.full((2, 4), np.nan), difficulty=np.full(4, np.nan),
    )  # fmt: skip


def test_a_known_tie_has_no_better_answer():
    """Only the pair with a better answer is counted for it, and rightly."""
    flips = position_flip.recorded(recorded_pairs()).items
    right = flips.take(flips["part"] == "better")
    assert right["question"].tolist() == ["q1", "q1"]  # a row an order
    assert right["score"].tolist() == [1, 1]
    cover = judge_coverage.recorded(recorded_pairs())
    assert cover.facts["with a better answer"] == 1
    for part, question in (("right", "q1"), ("similar", "q2")):
        assert cover.items.take(cover.items["part"] == part)["question"].tolist() == [question]
