"""Small cases of formulas below the methods that mutants of the sample had survived: empty, single, odd and tied."""

import numpy as np
import pytest
from scipy import stats

from plumbline.core.answers import Choices
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Items
from plumbline.core.seeds import Seeds
from plumbline.metrics import (
    blank,
    judge_labels,
    letters,
    matched,
    panel_review,
    pool_effects,
    rate_parts,
)
from plumbline.metrics import verdict_table as table
from plumbline.metrics.choice import borderlines
from plumbline.metrics.factor_table import Preferences
from plumbline.metrics.generated_words import Written
from plumbline.metrics.generation import marked_words, persona_harm, social_group_substitution
from plumbline.metrics.judge import factor_preferences, judge_coverage, position_flip
from plumbline.metrics.tabular import selection_bias
from plumbline.metrics.token_records import ragged
from plumbline.stats.coupled_selection import Coupled
from plumbline.stats.design import design
from plumbline.stats.estimators import ESTIMATORS
from plumbline.stats.inversion import size_interval
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


def test_parts_nearer_to_nothing_than_noise_alone_could_hide_as_much_as_noise():
    """Four parts of exactly 0, each with error .1: up to the 97.5 % point of their root mean square, chi-squared."""
    got = size_interval(
        np.zeros(4), np.full(4, 0.1), lambda parts: np.sqrt((parts**2).mean(axis=-1)),
        level=0.95, bounds=(0, 1), draws=20_000, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert got[0] == 0
    assert got[1] == pytest.approx(0.1 * np.sqrt(stats.chi2.ppf(0.975, 4) / 4), rel=0.02)


def test_words_that_mark_a_group_are_those_of_its_texts():
    """A word that one group's texts have and the other's lack, and one that both have."""
    texts = [["brave", "day"]] * 20 + [["kind", "day"]] * 20
    written = Written(
        [" ".join(t) for t in texts], [""] * 40, [""] * 40, ["t"] * 40, [f"n{i % 20}" for i in range(40)],
        [0] * 40, {"gender": ["men"] * 20 + ["women"] * 20}, {"gender": ("men", "women")}, {},
    )  # fmt: skip
    told = marked_words._marked(
        written, texts, "gender", prior=1.0, fewest=1, rng=np.random.default_rng(0)
    )
    assert told["men"]["z above 1.96 against every other"] == ["brave"]
    assert told["women"]["z above 1.96 against every other"] == ["kind"]


def test_letters_want_names_for_every_life(tmp_path):
    """Two names of each gender are fewer than the lives."""
    rows = [f'[[names]]\nname = "{n}"\ngender = "{g}"' for n, g in
            (("Ada", "women"), ("Eva", "women"), ("Tom", "men"), ("Max", "men"))]  # fmt: skip
    path = tmp_path / "few.toml"
    top = 'id = "few"\ntitle = "Few"\nrule = "made up"\nsources = ["none"]'
    path.write_text("\n".join([top, *rows]))
    context = Context(abilities=frozenset({"generate"}), seeds=Seeds(0))
    with pytest.raises(BadInput, match="have 2 of"):
        letters.asked(context, names=str(path), path="", temperature=0.7, tokens=0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_taus_are_correlated_over_three_factors_or_more(count):
    """Two points always lie on a line."""
    n = 6
    names = ("length", "facts", "novelty")[:count]
    table_of_two = Preferences(
        np.array(["human", "judge"] * 3, object), np.array(list("aabbcc"), object), np.array(list("aabbcc"), object),
        np.ones(n), np.full(n, "", object), names, np.arange(count * n, dtype=float).reshape(count, n) + 1, ("human",),
    )  # fmt: skip
    made = factor_preferences._measures(table_of_two, "length", (1.0, 0.5, "read"))
    assert any(m.estimator is factor_preferences.ALIGNED for m in made) == (count > 2)


def test_options_without_scores_are_not_calibrated():
    """No scores, scores of other options, and scores: only these take the empty prompt's away."""

    def chose(*scores):
        return Choices(np.zeros(1, np.int64), [np.array(scores)], [""], ["logprob"], [""])

    assert borderlines._chosen(chose(-1.0, -2.0), None) == ([0], [])
    assert borderlines._chosen(chose(-1.0, -2.0), chose(-1.0, -3.0)) == ([1], [])
    assert borderlines._chosen(chose(-1.0), chose(-2.0)) == ([0], [])
    for one, empty in (
        (chose(), chose()),
        (chose(-1.0, -2.0), chose(-1.0)),
        (chose(), chose(-1.0)),
    ):
        chosen, notes = borderlines._chosen(one, empty)
        assert chosen == [0]
        assert len(notes) == 1


def test_the_floor_of_personas_is_a_share():
    """Three of four replies were read; those without a persona do not count."""
    items = Items.of(
        item=np.arange(5), group=np.array([persona_harm.NOBODY, "a", "a", "b", "b"], object),
        prompt=np.arange(5), dimension=np.array(["regard"] * 5, object), kind=np.array(["k"] * 5, object),
        score=np.array([1.0, 1, 0, 1, np.nan]), why=np.array(["", "", "", "", "evasive"], object),
    )  # fmt: skip
    made = persona_harm.scored(items, ("regard",), {})
    assert made.measures[0].floor[0] == 0.75


def test_a_template_counts_where_every_group_has_two_texts():
    """Vectors of one number, two templates; in the second a group has one text, so the first alone counts."""

    def block(*vectors):
        return [len(vectors), sum(v * v for v in vectors), sum(vectors)]

    sums = np.array(
        [[4, *block(2.0, 1.0), *block(3.0, 3.0)], [3, *block(1.0, -0.5), *block(1.0)]], float
    )
    options = {"templates": ["t", "u"], "width": 1}
    within, between = social_group_substitution._similarities(sums, options)
    assert float(within) == (2 * 1 + 1 * -0.5) / 2
    assert float(between) == (2 + 1) * (1 - 0.5) / 4
    assert np.isnan(
        social_group_substitution._similarities(sums[:, [0, 4, 5, 6, 4, 5, 6]], options)
    ).all()
