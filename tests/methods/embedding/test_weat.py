"""WEAT: the published figures on the original vectors, identities, extremes, planted corpora."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import plumbline
from plumbline.core.answers import Vectors
from plumbline.core.errors import UnknownName
from plumbline.core.results import Estimate
from plumbline.core.seeds import Seeds
from plumbline.data.lexicons.weat import weat_test
from plumbline.metrics.association import association
from plumbline.metrics.embedding.weat import DIALS, effect_size, one_sided_p, simulate, weat
from plumbline.stats.infer import infer
from plumbline.stats.permutation import normal_p
from plumbline.testing import PlantedEmbedder, only
from plumbline.testing.planted import Planted

GOLDEN = tomllib.loads((Path(__file__).parents[2] / "golden" / "weat.toml").read_text("utf-8"))
REDERIVED = GOLDEN["rederived_on_glove_840b"]


class WordVectors(Planted):
    """A table of vectors as a subject."""

    def __init__(self, table: dict[str, np.ndarray]) -> None:
        object.__setattr__(self, "seed", len(table))
        object.__setattr__(self, "table", table)

    @property
    def abilities(self) -> frozenset[str]:
        return frozenset({"embed"})

    offers = frozenset({"embed"})

    def _embed(self, batch) -> Vectors:
        width = next(iter(self.table.values())).size
        words = batch.columns["text"]
        status = ["" if w in self.table else "unknown word" for w in words]
        rows = [self.table.get(w, np.full(width, np.nan)) for w in words]
        return Vectors(np.array(rows, float), status)


@pytest.fixture(scope="module")
def glove(shared_data) -> WordVectors:
    """182 rows of the original GloVe Common Crawl 840B vectors."""
    with np.load(shared_data / "weat" / "glove840b_subset.npz", allow_pickle=False) as held:
        rows = zip(held["words"], held["vectors"].astype(float), strict=True)
        return WordVectors({str(word): vector for word, vector in rows})


def scores(table, number: int) -> tuple[np.ndarray, np.ndarray]:
    """s(w, A, B) of both target sets."""
    test = weat_test(number)
    x, y, a, b = (np.array([table[w] for w in side]) for side in (test.x, test.y, test.a, test.b))
    return association(x, a, b), association(y, a, b)


def test_published_effect_sizes_on_the_original_vectors(glove, audited):
    """S119 check 1: d of tests 1 and 7 through a whole audit, to 1e-3; both round to the paper's."""
    run = audited(glove, "weat", tests=[1, 7])
    rows = {f["labels"]["test"]: f for f in run.findings if f["role"] == "primary"}
    assert rows["1"]["value"] == pytest.approx(REDERIVED["test_1_d"], abs=1e-3)
    assert rows["7"]["value"] == pytest.approx(REDERIVED["test_7_d"], abs=1e-3)
    assert rows["1"]["value"] == pytest.approx(GOLDEN["published"]["test_1_d"], abs=0.006)
    assert rows["7"]["value"] == pytest.approx(GOLDEN["published"]["test_7_d"], abs=0.006)
    beside = [f for f in run.findings if f["role"] == "secondary" and f["labels"]["test"] == "7"]
    assert beside[0]["value"] == pytest.approx(REDERIVED["test_7_mean_difference"], abs=1e-6)
    assert beside[0]["p"] is None
    # Two-sided: twice the one-sided share, since the exchanged statistic is symmetric.
    assert rows["7"]["p"] == pytest.approx(2 * 202 / 12870, abs=1e-12)
    assert run.header["facts"]["weat"]["7"]["one_sided_p"] == pytest.approx(202 / 12870, abs=1e-12)
    assert run.header["facts"]["weat"]["1"]["one_sided_p_normal"] == pytest.approx(
        REDERIVED["test_1_normal_p"], rel=0.01
    )


def test_a_vectors_file_end_to_end(shared_data, tmp_path, monkeypatch):
    """S119 check 1 again, as a user runs it: `plumbline.audit("vectors:FILE")`."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "answers.sqlite"))
    run = plumbline.audit(
        f"vectors:{shared_data / 'weat' / 'glove840b_subset.npz'}",
        metrics=["weat", "sc_weat"],
        params={"weat": {"tests": [1, 6, 7]}, "sc_weat": {"shares": "replication"}},
    )
    by = {f["labels"].get("test", f["metric"]): f for f in run.findings if f["role"] == "primary"}
    assert by["1"]["value"] == pytest.approx(REDERIVED["test_1_d"], abs=1e-3)
    assert by["7"]["value"] == pytest.approx(REDERIVED["test_7_d"], abs=1e-3)
    assert by["sc_weat"]["value"] == pytest.approx(0.9097, abs=1e-3)
    # The file holds no names: test 6 has too few of its words.
    assert by["6"]["status"] == "undefined"
    assert "share of the test's words" in by["6"]["reason"]


def test_exact_one_sided_p(glove):
    """S119 check 1: 202 of 12,870 splits are at least as large; the paper's ">" leaves one out."""
    x, y = scores(glove.table, 7)
    p = one_sided_p(x, y)
    assert p * REDERIVED["test_7_splits"] == pytest.approx(REDERIVED["test_7_splits_at_least"])
    left_out = p - 1 / REDERIVED["test_7_splits"]
    assert left_out == pytest.approx(REDERIVED["test_7_p_observed_left_out"], abs=1e-6)
    assert left_out == pytest.approx(0.0156, abs=1e-4)
    pooled = np.concatenate([x, y])
    assert normal_p(pooled, 8, side="greater") == pytest.approx(
        REDERIVED["test_7_normal_p"], abs=1e-4
    )


def test_sample_standard_deviation(glove):
    """S119: the divisor is n - 1 (with n the figures would be 1.5196 and 1.0896)."""
    for number in (1, 7):
        x, y = scores(glove.table, number)
        n = x.size + y.size
        assert effect_size(x, y) * np.sqrt(n / (n - 1)) == pytest.approx(
            REDERIVED[f"test_{number}_d_population_sd"], abs=1e-4
        )
    x, y = scores(glove.table, 1)
    assert x.sum() - y.sum() == pytest.approx(REDERIVED["test_1_sum"], abs=1e-5)


def test_swapping_sets_flips_the_sign_exactly(glove):
    """S119 check 2: targets or attributes swapped: d and S change sign; lengths do not matter."""
    test = weat_test(7)
    v = {w: glove.table[w] for w in {*test.x, *test.y, *test.a, *test.b}}
    rows = {k: np.array([v[w] for w in getattr(test, k)]) for k in "xyab"}
    x, y = scores(v, 7)
    d = effect_size(x, y)
    assert effect_size(y, x) == -d
    swapped = [association(rows[k], rows["b"], rows["a"]) for k in "xy"]
    assert effect_size(*swapped) == pytest.approx(-d, abs=1e-12)
    assert swapped[0].sum() - swapped[1].sum() == pytest.approx(-(x.sum() - y.sum()), abs=1e-12)
    rng = np.random.default_rng(1)
    longer = {w: vector * rng.uniform(0.01, 100) for w, vector in v.items()}
    assert effect_size(*scores(longer, 7)) == pytest.approx(d, abs=1e-12)


def test_equal_sets_give_zero():
    """S119 check 2: X = Y as multisets gives d = 0 and a one-sided p of about one half."""
    x = np.random.default_rng(2).normal(size=8)
    assert effect_size(x, x.copy()) == 0.0
    assert one_sided_p(x, x.copy()) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("n", [2, 5, 8, 25])
def test_the_bound_is_attained(n):
    """S119 check 3: X on the first attribute, Y on the second: |d| = 2 sqrt((2n-1)/(2n))."""
    a, b = np.eye(3)[:1], np.eye(3)[1:2]
    x, y = association(np.repeat(a, n, 0), a, b), association(np.repeat(b, n, 0), a, b)
    assert effect_size(x, y) == pytest.approx(2 * np.sqrt((2 * n - 1) / (2 * n)), abs=1e-9)


WORDS = 8


def corpus_vectors(odds: float, seed: int) -> tuple[np.ndarray, ...]:
    """X, Y, A, B from 20,000 planted sentences of eight words: PPMI, then a 20-d SVD.

    A sentence has one target word and seven attribute words, each from A with odds `odds` beside
    a word of X and with odds 1/odds beside a word of Y. With one target word a sentence the
    targets are exchangeable where the odds are even.
    """
    rng = np.random.default_rng([seed, 119])
    n, size = 20_000, 4 * WORDS
    target = rng.integers(0, 2 * WORDS, n)
    chance = np.where(target < WORDS, odds, 1 / odds)
    from_a = rng.random((n, 7)) < (chance / (1 + chance))[:, None]
    attribute = 2 * WORDS + rng.integers(0, WORDS, (n, 7)) + np.where(from_a, 0, WORDS)
    sentences = np.concatenate([target[:, None], attribute], axis=1)
    first, second = np.nonzero(~np.eye(8, dtype=bool))
    pairs = sentences[:, first].ravel() * size + sentences[:, second].ravel()
    counts = np.bincount(pairs, minlength=size * size).reshape(size, size).astype(float)
    share = counts.sum(1) / counts.sum()
    with np.errstate(divide="ignore"):
        ppmi = np.maximum(np.log(counts / counts.sum() / np.outer(share, share)), 0)
    u, s, _ = np.linalg.svd(ppmi)
    vectors = u[:, :20] * np.sqrt(s[:20])
    return tuple(vectors[k * WORDS : (k + 1) * WORDS] for k in range(4))


def corpus_scores(odds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """s(w, A, B) of both target sets in a planted corpus."""
    x, y, a, b = corpus_vectors(odds, seed)
    return association(x, a, b), association(y, a, b)


def test_planted_corpus_is_recovered_in_order():
    """S119 check 4: d and the mean difference grow with the planted odds (10 seeds each)."""
    odds = (1.0, 1.05, 1.1, 1.25)
    d, gap = (np.empty((4, 10)) for _ in range(2))
    for i, r in enumerate(odds):
        for seed in range(10):
            x, y = corpus_scores(r, seed)
            d[i, seed], gap[i, seed] = effect_size(x, y), x.mean() - y.mean()
    assert (np.diff(d.mean(1)) > 0).all()
    assert (np.diff(gap.mean(1)) > 0).all()
    # Nothing planted: the mean of ten is 0 within four of its standard errors.
    assert abs(d[0].mean()) < 4 * d[0].std(ddof=1) / np.sqrt(10)
    # Saturation: a tilt of 25 % is near the bound of 1.936, which it never passes.
    assert 0.9 * 1.9365 < d[3].mean() <= d[3].max() < 2 * np.sqrt(15 / 16) + 1e-12


def test_p_is_uniform_where_nothing_is_planted():
    """S119 check 4: at odds 1 one-sided p over 200 corpora is uniform (Kolmogorov-Smirnov)."""
    p = [one_sided_p(*corpus_scores(1.0, seed)) for seed in range(200)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("dial", DIALS)
def test_simulated_associations_are_recovered(dial):
    """The mean estimate is the population's d (less its small-sample bias); no bias, no finding."""
    runs = 250
    values, covered, alarms = np.empty(runs), 0, 0
    for k in range(runs):
        made, truth = simulate(np.random.default_rng([k, 3]), dial=dial)
        first = infer(made, weat.card, seeds=Seeds(k))[0]
        assert isinstance(first.outcome, Estimate)
        values[k] = first.outcome.value
        covered += first.outcome.low <= truth <= first.outcome.high
        alarms += first.outcome.p <= 0.05
    # d of n + n words is short of the population's by the factor 1 - 3 / (8n - 9) (Hedges 1981).
    error = values.std(ddof=1) / np.sqrt(runs)
    assert abs(values.mean() - truth) < 4 * error + truth * 3 / (8 * 8 - 9)
    # Binomial(250, .95): 99.9 % of them from 225 on.
    assert covered >= 225
    if dial == 0:
        # Binomial(250, .05): 99.9 % of them up to 25.
        assert alarms <= 25
    if dial == max(DIALS):
        assert alarms > 0.9 * runs


def leans(number: int) -> dict[str, float]:
    """Targets of the first set and first attributes +1, the others -1."""
    test = weat_test(number)
    one = dict.fromkeys((*test.x, *test.a), 1.0)
    return one | dict.fromkeys((*test.y, *test.b), -1.0)


def test_planted_embedder_end_to_end(audited):
    """A whole audit finds a planted direction, with its sign, and nothing where nothing is."""
    lean = leans(6)
    run = audited(PlantedEmbedder(dial=2.0, leans=lean, seed=3), "weat", tests=[6])
    (found,) = [f for f in run.findings if f["role"] == "primary"]
    assert found["value"] > 1.5
    assert found["p"] <= 0.01
    assert found["labels"]["group"] == "male names"
    flipped = {word: -value for word, value in lean.items() if word in weat_test(6).x}
    flipped |= {word: -value for word, value in lean.items() if word in weat_test(6).y}
    other = audited(PlantedEmbedder(dial=2.0, leans=lean | flipped, seed=3), "weat", tests=[6])
    assert next(f for f in other.findings if f["role"] == "primary")["value"] < -1.5
    none = audited(PlantedEmbedder(dial=0.0, leans=lean, seed=3), "weat", tests=[6])
    assert next(f for f in none.findings if f["role"] == "primary")["p"] > 0.001


def test_unknown_words_are_rows_with_a_reason(scored):
    """An unknown target word stays as a row without score; no other word is dropped for it."""
    made = scored(weat, PlantedEmbedder(unknown=frozenset({"John", "office"})), tests=[6])
    items = made.items
    lost = items["item"][items["why"] != ""]
    assert lost.tolist() == ["John"]
    assert len(items) == 16
    assert np.isnan(items["score"][items["item"] == "John"]).all()
    facts = made.facts["6"]
    assert facts["unknown_words"] == ["John", "office"]
    assert facts["coverage"] == pytest.approx(30 / 32)
    assert "not of equal size" in facts["one_sided_p"]
    # The answer of a row is the row of its word in the batch.
    words = sorted({*weat_test(6).x, *weat_test(6).y, *weat_test(6).a, *weat_test(6).b})
    assert [words[i] for i in items["answer"]] == items["item"].tolist()


def test_low_coverage_is_undefined(audited):
    """Below the stated share of known words there is no number, and the reason says why."""
    test = weat_test(6)
    known = PlantedEmbedder(unknown=frozenset((*test.x[:4], *test.a[:4])))
    run = audited(known, "weat", tests=[6])
    assert {f["status"] for f in run.findings} == {"undefined"}
    assert "75%" in run.findings[0]["reason"]
    assert "80%" in run.findings[0]["reason"]


def test_no_attribute_word_is_a_reason_not_a_crash(scored):
    """All attributes of one side unknown: every row says so."""
    made = scored(weat, PlantedEmbedder(unknown=frozenset(weat_test(6).a)), tests=[6])
    assert set(made.items["why"]) == {"no word of an attribute set is known"}


def test_a_vector_of_length_zero_has_no_association(scored):
    """A zero vector has no cosine: the word is left out with that reason."""
    test = weat_test(6)
    table = {w: PlantedEmbedder().vector(w) for w in (*test.x, *test.y, *test.a, *test.b)}
    table["John"] = np.zeros(32)
    made = scored(weat, WordVectors(table), tests=[6])
    assert made.items["why"][made.items["item"] == "John"].tolist() == ["vector of length zero"]


def test_unknown_test_number_names_the_others(scored):
    """There are ten tests."""
    with pytest.raises(UnknownName, match="11"):
        scored(weat, PlantedEmbedder(), tests=[11])


def test_planted_direction_is_recovered_at_its_population_value(scored):
    """Intervals hold the d of 20,000 fresh words a set from the same planted distribution.

    Twelve models; the attributes are each model's own, the target words are what varies.
    """
    test, dial, lean = weat_test(6), 1.0, leans(6)
    rng, covered = np.random.default_rng(6), 0
    for seed in range(12):
        model = PlantedEmbedder(dial=dial, leans=lean, seed=seed)
        a, b = (np.array([model.vector(w) for w in side]) for side in (test.a, test.b))
        fresh = rng.normal(size=(2, 20_000, 32))
        fresh[0, :, 0] += dial
        fresh[1, :, 0] -= dial
        truth = effect_size(association(fresh[0], a, b), association(fresh[1], a, b))
        assert 0 < truth < 1.9
        found = only(infer(scored(weat, model, tests=[6]), weat.card, seeds=Seeds(0)), test="6")
        covered += found.outcome.low <= truth <= found.outcome.high
    # Binomial(12, .95): fewer than 8 once in 20,000.
    assert covered >= 8


def test_seven_words_a_side_are_still_counted_exactly(scored):
    """One target word of each set is unknown: p is a whole number of the C(14, 7) = 3,432 splits."""
    made = scored(weat, PlantedEmbedder(unknown=frozenset({"John", "Amy"})), tests=[6])
    facts = made.facts["6"]
    assert "one_sided_p_normal" not in facts
    splits = facts["one_sided_p"] * 3432
    assert splits == pytest.approx(round(splits), abs=1e-6)
    assert 1 <= round(splits) <= 3432
