"""`infer` against textbook tests, and the laws of Undefined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.card import Card
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Items, Measure, Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.infer import Settings, draws_for, infer
from plumbline.stats.scales import slope
from plumbline.stats.undefined import UndefinedStatistic


def card(**changes):
    """A card with a point null at 0 and clusters of templates, changed as asked."""
    base = dict(
        id="toy", version=1, title="t", family="social", harm="stereotyping", needs=("embed",),
        paper="arxiv:0", suite="quick", estimand="e", unit="rate", sign="signed", worse="either",
        trust="formula", null={"kind": "point", "value": 0.0}, units=("template random", "item random"),
    )  # fmt: skip
    return Card.read({**base, **changes})


def one(items, measure, **changes):
    """The only finding's outcome."""
    level = changes.pop("level", 0.95)
    got = infer(
        Scored(items=items, measures=[measure]),
        card(**changes),
        seeds=Seeds(1),
        settings=Settings(level=level),
    )
    return got[0].outcome


def test_few_clusters_give_the_textbook_t_interval():
    """A balanced mean over 8 templates is the one-sample t-test of template means."""
    rng = np.random.default_rng(0)
    means = rng.normal(0.3, 1, 8)
    template = np.repeat(np.arange(8), 5)
    within = rng.normal(0, 0.1, (8, 5))
    score = (means[:, None] + within - within.mean(axis=1, keepdims=True)).ravel()
    got = one(
        Items.of(item=np.arange(40), template=template, score=score), Measure(estimator="mean")
    )
    want = ss.ttest_1samp(means, 0)
    low, high = want.confidence_interval(0.95)
    assert got.value == pytest.approx(means.mean(), abs=1e-12)
    assert (got.low, got.high, got.p) == pytest.approx((low, high, want.pvalue), rel=1e-10)
    assert (got.units, got.df) == (8, 7)


def test_two_independent_groups_of_names_give_welch():
    """Names nested in groups are resampled inside them: Welch's t-test, Satterthwaite's df."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 1, 12), rng.normal(0, 2, 9)
    items = Items.of(
        item=np.arange(21), name=np.arange(21), group=["a"] * 12 + ["b"] * 9, score=np.r_[a, b]
    )
    got = one(items, Measure(estimator="difference", groups=("a", "b")), units=("name random",))
    want = ss.ttest_ind(a, b, equal_var=False)
    low, high = want.confidence_interval(0.95)
    assert (got.low, got.high, got.p, got.df) == pytest.approx(
        (low, high, want.pvalue, want.df), rel=1e-10
    )


def test_groups_crossed_with_templates_give_the_paired_test():
    """Each template speaks of both groups: the paired t-test of template differences."""
    rng = np.random.default_rng(2)
    base = rng.normal(0, 5, 10)
    a, b = base + rng.normal(0.5, 1, 10), base + rng.normal(0, 1, 10)
    items = Items.of(
        item=np.tile(np.arange(10), 2), template=np.tile(np.arange(10), 2),
        group=["a"] * 10 + ["b"] * 10, score=np.r_[a, b],
    )  # fmt: skip
    got = one(items, Measure(estimator="difference", groups=("a", "b")))
    want = ss.ttest_rel(a, b)
    assert (got.value, got.p) == pytest.approx((float((a - b).mean()), want.pvalue), rel=1e-9)


def test_exchanging_words_gives_the_exact_two_sided_permutation_p():
    """8 + 8 words: all 12,870 splits, as SciPy counts them."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.8, 1, 8), rng.normal(0, 1, 8)
    items = Items.of(item=np.arange(16), group=["x"] * 8 + ["y"] * 8, score=np.r_[x, y])
    null = {"kind": "exchangeable", "labels": "group", "unit": "item"}
    got = one(
        items, Measure(estimator="difference", groups=("x", "y")), null=null, units=("item random",)
    )
    want = ss.permutation_test(
        (x, y), lambda p, q, axis: p.mean(axis) - q.mean(axis), n_resamples=np.inf, vectorized=True
    )
    assert got.p == pytest.approx(want.pvalue, abs=1e-12)
    assert "all 12870" in got.test


def test_exchanging_inside_templates_is_the_sign_flip_test():
    """Whole (template, group) cells trade places: 2^10 flips of template differences."""
    rng = np.random.default_rng(4)
    d = rng.normal(0.5, 1, 10)
    items = Items.of(
        item=np.tile(np.arange(20), 2), template=np.tile(np.repeat(np.arange(10), 2), 2),
        group=["a"] * 20 + ["b"] * 20, score=np.r_[np.repeat(d, 2), np.zeros(20)],
    )  # fmt: skip
    null = {"kind": "exchangeable", "labels": "group", "within": "template"}
    got = one(
        items,
        Measure(estimator="difference", groups=("a", "b")),
        null=null,
        units=("template random",),
    )
    signs = np.array(np.meshgrid(*[[-1, 1]] * 10)).reshape(10, -1)
    flips = (signs * d[:, None]).mean(axis=0)
    assert got.p == pytest.approx(np.mean(np.abs(flips) >= abs(d.mean()) - 1e-12), abs=1e-12)


def test_exchanging_a_covariate_agrees_with_scipys_permutation():
    """The correlation's p is the share of shuffled covariates that correlate as strongly."""
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, 25)
    y = 0.4 * x + rng.normal(0, 1, 25)
    items = Items.of(item=np.arange(25), score=y, share=x)
    null = {"kind": "exchangeable", "labels": "share", "unit": "item"}
    got = one(
        items,
        Measure(estimator="correlation", options={"covariate": "share"}),
        null=null,
        units=("item random",),
    )
    assert got.value == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    exact = ss.pearsonr(
        x, y, method=ss.PermutationMethod(n_resamples=40_000, rng=np.random.default_rng(0))
    )
    # Two Monte-Carlo p-values: 4 standard errors of the coarser one (1,999 draws).
    assert (
        abs(got.p - exact.pvalue) < 4 * np.sqrt(exact.pvalue * (1 - exact.pvalue) / 1999) + 1 / 2000
    )


def test_swapping_the_groups_flips_every_signed_number():
    """Value, interval and nothing else change sign; p stays."""
    rng = np.random.default_rng(6)
    items = Items.of(
        item=np.arange(60), template=np.tile(np.arange(30), 2), group=["a"] * 30 + ["b"] * 30,
        score=rng.normal(0, 1, 60),
    )  # fmt: skip
    ab = one(items, Measure(estimator="difference", groups=("a", "b"), labels={"s": "1"}))
    ba = one(items, Measure(estimator="difference", groups=("b", "a"), labels={"s": "1"}))
    # The BCa bootstrap of the mirrored statistic draws the same clusters, so it mirrors exactly
    # but for the quantile's rounding to one of 1,999 draws.
    assert ab.value == -ba.value
    assert (ab.low, ab.high) == pytest.approx((-ba.high, -ba.low), abs=0.01 * (ab.high - ab.low))


def test_swapping_the_groups_leaves_an_unsigned_number():
    """The range of group means, its expectation under exchange and its p do not move."""
    rng = np.random.default_rng(7)
    score, template = rng.normal(0, 1, 60), np.tile(np.arange(20), 3)
    null = {"kind": "exchangeable", "labels": "group", "within": "template"}
    got = []
    for names in (["a", "b", "c"], ["c", "a", "b"]):
        items = Items.of(
            item=np.arange(60), template=template, group=np.repeat(names, 20), score=score
        )
        got.append(
            one(
                items,
                Measure(estimator="range"),
                null=null,
                sign="unsigned",
                units=("template random",),
            )
        )
    assert got[0].value == pytest.approx(got[1].value, abs=1e-12)
    assert got[0].expected > 0.1
    assert got[0].p > 0.05


def test_a_proportion_that_is_all_ones_gets_the_exact_binomial_interval():
    """12 clusters, all 1: Clopper-Pearson, not [1, 1]."""
    items = Items.of(item=np.arange(12), template=np.arange(12), score=np.ones(12))
    got = one(items, Measure(estimator="share"), null={"kind": "point", "value": 0.5})
    low, high = ss.binomtest(12, 12).proportion_ci(0.95, "exact")
    assert (got.low, got.high) == pytest.approx((low, high), abs=1e-12)
    assert got.p == pytest.approx(2 * 0.5**12)


def test_clusters_that_all_agree_inside_the_bounds_get_a_bounded_interval():
    """20 clusters at exactly 1/4: no evidence against 1/4, and room for the few that may differ."""
    score = np.tile([1.0, 0, 0, 0], 20)
    items = Items.of(item=np.arange(80), template=np.repeat(np.arange(20), 4), score=score)
    got = one(items, Measure(estimator="share"), null={"kind": "point", "value": 0.25})
    q = 1 - 0.025 ** (1 / 20)
    assert (got.low, got.high) == pytest.approx((0.25 - q * 0.25, 0.25 + q * 0.75))
    assert got.p == 1.0


def test_a_statistic_that_hangs_on_one_cluster_is_undefined():
    """Only one template's answers name a person: without it s_DIS does not exist, and no interval is made up."""
    known = np.r_[np.ones(4), np.zeros(36)]
    items = Items.of(
        item=np.arange(40), template=np.repeat(np.arange(10), 4), score=known, biased=known, known=known,
        right=1 - known,
    )  # fmt: skip
    got = one(items, Measure(estimator="bbq_disambiguated"))
    assert isinstance(got, Undefined)
    assert "when one cluster is left out" in got.reason


def test_a_perfect_correlation_is_not_an_average_that_agrees():
    """r = 1 in every leave-out: no variation to make an interval from, so Undefined."""
    x = np.arange(12.0)
    items = Items.of(item=x, score=2 * x, share=x)
    null = {"kind": "point", "value": 0.0}
    measure = Measure(estimator="correlation", options={"covariate": "share"})
    got = one(items, measure, null=null, units=("item random",))
    assert isinstance(got, Undefined)


@pytest.mark.parametrize(
    ("items", "measure", "reason"),
    [
        (dict(item=range(8), template=range(8), score=[1.0] * 8), Measure(estimator="mean"), "no variation"),
        (dict(item=range(4), template=range(4), score=[1.0, 2, 3, 4]), Measure(estimator="mean"), "fewer than 6"),
        (
            dict(item=range(8), template=range(8), score=[np.nan] * 8, why=["refused"] * 8),
            Measure(estimator="mean"), "no item was answered",
        ),
        (
            dict(item=range(8), template=range(8), group=["a"] * 8, score=np.arange(8.0)),
            Measure(estimator="difference", groups=("a", "b")), "group 'b' has no answered item",
        ),
        (
            dict(item=range(9), template=range(9), group=["a"] * 8 + ["b"], score=np.arange(9.0)),
            Measure(estimator="difference", groups=("a", "b")), "group 'b' has one item",
        ),
        (
            dict(item=range(8), template=range(8), score=np.arange(8.0)),
            Measure(estimator="mean", floor=(0.4, 0.5, "share of verdicts that could be read")),
            "share of verdicts that could be read: 40%, at least 50%",
        ),
        (
            dict(item=range(8), template=range(8), score=[1.0, 2.0] + [np.nan] * 6,
                 why=["", ""] + ["refused"] * 2 + ["unparsed"] * 4),
            Measure(estimator="mean", floor=(0.25, 0.5, "share of verdicts that could be read")),
            "25%, at least 50% is needed; most often: unparsed",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_undefined_with_its_reason(items, measure, reason):
    """Never 0, NaN or None."""
    got = one(Items.of(**{k: np.asarray(list(v)) for k, v in items.items()}), measure)
    assert isinstance(got, Undefined)
    assert reason in got.reason


def test_a_score_of_nan_needs_a_reason():
    """NaN without `why` never enters scored items."""
    with pytest.raises(Exception, match="without a reason"):
        Items.of(item=["a"], score=[np.nan])


def test_refused_items_are_left_out_and_said():
    """A third of the items refused: n falls, and a note says so."""
    score = np.r_[np.arange(12.0), [np.nan] * 6]
    why = [""] * 12 + ["refused"] * 6
    items = Items.of(item=np.arange(18), template=np.arange(18), score=score, why=why)
    (found,) = infer(
        Scored(items=items, measures=[Measure(estimator="mean")]), card(), seeds=Seeds(0)
    )
    assert found.outcome.n == 12
    assert found.notes[0] == "6 of 18 items have no answer and are left out"


def test_few_templates_are_fixed_and_the_finding_says_so():
    """Four templates are not a sample of templates: items are resampled, 'for these templates'."""
    rng = np.random.default_rng(8)
    items = Items.of(
        item=np.arange(40), template=np.repeat(np.arange(4), 10), score=rng.normal(0, 1, 40)
    )
    (found,) = infer(
        Scored(items=items, measures=[Measure(estimator="mean")]), card(), seeds=Seeds(0)
    )
    assert isinstance(found.outcome, Estimate)
    assert found.outcome.units == 40
    assert "for these templates" in found.notes


def test_two_way_clusters_are_wider_than_either_way_alone():
    """Templates and names both random: the crossed interval holds both sources of variance."""
    rng = np.random.default_rng(9)
    t, n = np.divmod(np.arange(400), 20)
    score = rng.normal(0, 1, 20)[t] + rng.normal(0, 1, 20)[n] + rng.normal(0, 0.1, 400)
    items = Items.of(item=np.arange(400), template=t, name=n, score=score)
    both = one(items, Measure(estimator="mean"), units=("template random", "name random crossed"))
    alone = one(items, Measure(estimator="mean"), units=("template random",))
    assert both.se > 1.2 * alone.se
    # The textbook estimator of a balanced two-way random-effects mean, by hand.
    grid = score.reshape(20, 20)
    residual = grid - grid.mean(axis=1, keepdims=True) - grid.mean(axis=0) + grid.mean()
    v_rows, v_columns = (grid.mean(axis=a).var(ddof=1) / 20 for a in (1, 0))
    v_residual = (residual**2).sum() / 19 / 19 / 400
    assert both.se == pytest.approx(np.sqrt(v_rows + v_columns - v_residual), rel=1e-9)
    satterthwaite = both.se**4 / (v_rows**2 / 19 + v_columns**2 / 19)
    assert both.df == pytest.approx(satterthwaite, rel=1e-9)


def test_the_same_items_give_the_same_finding_to_the_last_bit():
    """Streams are named, so nothing depends on what else was inferred before."""
    rng = np.random.default_rng(10)
    items = Items.of(item=np.arange(80), template=np.arange(80), score=rng.exponential(1, 80))
    alone = one(items, Measure(estimator="mean", labels={"m": "1"}))
    measures = [
        Measure(estimator="mean", labels={"m": "0"}),
        Measure(estimator="mean", labels={"m": "1"}),
    ]
    second = infer(Scored(items=items, measures=measures), card(), seeds=Seeds(1))[1].outcome
    assert (alone.low, alone.high, alone.p) == (second.low, second.high, second.p)


def test_weights_count_as_repeated_items():
    """A weight of 3 is the item three times over, as long as clusters are the same."""
    rng = np.random.default_rng(11)
    score, weight = rng.normal(0, 1, 10), rng.integers(1, 4, 10)
    light = Items.of(item=np.arange(10), template=np.arange(10), score=score, weight=weight)
    heavy = Items.of(
        item=np.arange(weight.sum()),
        template=np.repeat(np.arange(10), weight),
        score=np.repeat(score, weight),
    )
    a, b = (one(i, Measure(estimator="mean")) for i in (light, heavy))
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-12)


def test_wasserstein_is_scipys():
    """W1 of two samples, exact when every distinct score is a threshold."""
    rng = np.random.default_rng(12)
    a, b = rng.normal(0, 1, 40), rng.normal(0.5, 2, 40)
    items = Items.of(
        item=np.arange(80),
        template=np.tile(np.arange(40), 2),
        group=["a"] * 40 + ["b"] * 40,
        score=np.r_[a, b],
    )
    null = {"kind": "exchangeable", "labels": "group", "within": "template"}
    got = one(
        items,
        Measure(estimator="wasserstein", groups=("a", "b")),
        null=null,
        sign="unsigned",
        units=("template random",),
    )
    assert got.value == pytest.approx(ss.wasserstein_distance(a, b), abs=1e-12)


def test_published_bbq_and_icat_formulas():
    """0 of 40 stereotyped answers gives -1, never 0; iCAT of S083: (100,50)=100, (50,50)=50, (x,0)=0."""
    from plumbline.stats.estimators import ESTIMATORS

    def sums(biased, known, right, weight):
        return np.array([[[float(weight), biased, known, right]]])

    assert ESTIMATORS["bbq_disambiguated"].value(sums(0, 40, 0, 40), {})[0] == -1
    assert ESTIMATORS["bbq_disambiguated"].value(sums(1, 40, 0, 40), {})[0] == pytest.approx(-0.95)
    assert ESTIMATORS["bbq_ambiguous"].value(sums(0, 0, 40, 40), {})[0] == 0
    assert ESTIMATORS["bbq_ambiguous"].value(sums(30, 40, 60, 100), {})[0] == pytest.approx(
        0.4 * 0.5
    )
    icat = ESTIMATORS["icat"].value
    for lms, ss_, want in ((100, 50, 100), (50, 50, 50), (80, 0, 0), (80, 100, 0), (90, 60, 72)):
        assert icat(np.array([[[1.0, lms / 100, ss_ / 100]]]), {})[0] == pytest.approx(want)


def test_draws_resolve_the_smallest_adjusted_p():
    """At least 20 x family / alpha Monte-Carlo draws."""
    assert draws_for(1) == 1999
    assert draws_for(50) + 1 == 20_000


@pytest.mark.parametrize("name", ["fisher", "half fisher", "logit", "log"])
def test_an_end_of_a_scale_is_undefined_not_a_crash(name):
    """A statistic at an end of its range has no slope there, and the reason says so."""
    end = {"fisher": -1.0, "half fisher": 2.0, "logit": 1.0, "log": 0.0}[name]
    with pytest.raises(UndefinedStatistic, match="at an end of its range"):
        slope(name, end)


@pytest.mark.parametrize(("part", "reason"), [({"part": "b"}, "refused"), ({}, "unparsed")])
def test_the_most_frequent_reason_is_of_the_measures_own_rows(part, reason):
    """Part a is mostly unparsed and larger; part b is refused."""
    items = Items.of(
        item=range(9), template=range(9), part=["a"] * 6 + ["b"] * 3, score=[np.nan] * 9,
        why=["unparsed"] * 6 + ["refused"] * 3,
    )  # fmt: skip
    got = one(items, Measure(estimator="mean", where=part, floor=(0.0, 0.5, "share that was read")))
    assert got.reason.endswith(f"most often: {reason}")
