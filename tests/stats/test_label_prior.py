"""Priors over labels: every check of card S027 on its simulated bag of words, and the exact laws."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special

from plumbline.core.errors import BadInput
from plumbline.metrics.label_probabilities import macro_f1
from plumbline.stats.label_prior import (
    divided,
    from_uniform,
    mean_prior,
    normalised,
    total_variation,
)

GOLDEN = tomllib.loads(
    (Path(__file__).parents[1] / "golden" / "label_bias.toml").read_text("utf-8")
)["simulation"]
SEEDS, TEXTS, DRAWS, LENGTH = 20, 1_000, 20, 20


def spread_of_logits() -> float:
    """The spread at which logits around 3.0 have a mean probability with log-odds 1.9 (check 4)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def gap(spread: float) -> float:
        mean = weights @ special.expit(GOLDEN["planted_log_odds"] + spread * nodes)
        return float(special.logit(mean) - GOLDEN["arithmetic_log_odds"])

    return float(optimize.brentq(gap, 0.1, 6))


SPREAD = spread_of_logits()


def logs(logits: np.ndarray) -> np.ndarray:
    """Two labels whose log-odds these are."""
    return normalised(np.stack([np.zeros_like(logits), logits], axis=-1))


def world(seed: int, *, pull: float, vanilla: float) -> dict[str, np.ndarray]:
    """The card's design: evidence words in pairs of +s and -s, a domain pull, a vanilla pull.

    The card leaves the size of the evidence open. It follows from two of its own figures: s / sqrt(20)
    from the shrinkage of check 4, and how often a text uses the word of its own label from the
    macro-F1 of .841 without bias. English words have neither pull nor evidence: with evidence the DLB
    of a vanilla pull alone would be .05, not the card's .12.
    """
    rng = np.random.default_rng([27, seed])
    s = SPREAD * np.sqrt(LENGTH)
    lean = special.ndtri(GOLDEN["raw_without_bias"]) * SPREAD / s
    gold = np.arange(TEXTS) % 2
    agrees = rng.random((TEXTS, LENGTH)) < (1 + lean) / 2
    text = s * np.where(agrees == gold[:, None], 1.0, -1.0).mean(axis=1)

    def random_words(count: int) -> np.ndarray:
        return s * rng.choice([-1.0, 1.0], size=(count, LENGTH)).mean(axis=1)

    return {
        "gold": gold, "texts": text + pull + vanilla, "domain": random_words(DRAWS) + pull + vanilla,
        "english": np.full(DRAWS, vanilla), "empty": np.full(3, vanilla),
    }  # fmt: skip


def figures(*, pull: float, vanilla: float) -> dict[str, float]:
    """Mean DLB and macro-F1 raw, after CC and after DC, over 20 seeds."""
    found: dict[str, list[float]] = {"dlb": [], "raw": [], "cc": [], "dc": []}
    for seed in range(SEEDS):
        made = world(seed, pull=pull, vanilla=vanilla)
        priors = {k: mean_prior(logs(made[k])) for k in ("domain", "english", "empty")}
        found["dlb"].append(
            float(total_variation(np.exp(priors["english"]), np.exp(priors["domain"])))
        )
        answers = logs(made["texts"])
        for name, prior in (("cc", priors["empty"]), ("dc", priors["domain"])):
            found[name].append(macro_f1(made["gold"], divided(answers, prior).argmax(1), 2))
        found["raw"].append(macro_f1(made["gold"], answers.argmax(1), 2))
    return {name: float(np.mean(values)) for name, values in found.items()}


def test_domain_pull():
    """S027 check 1: pull 3: DLB >= .25, CC - raw < .02, DC - raw >= .12; the card's figures within .03."""
    got = figures(pull=3.0, vanilla=0.0)
    assert got["dlb"] >= 0.25
    assert got["cc"] - got["raw"] < 0.02
    assert got["dc"] - got["raw"] >= 0.12
    for name, value in GOLDEN["domain"].items():
        assert got[name] == pytest.approx(value, abs=0.03), name


@pytest.mark.parametrize("case", ["vanilla", "both", "none"])
def test_vanilla_pull_both_and_neither(case):
    """S027 check 2: figures of the card within .03; without bias |DC - raw| < .01.

    "Both (3, 1)": pull 3 and vanilla 1. A vanilla pull alone has a DLB of .12, though no word pulls:
    domain words scatter the logit and draw the mean probability toward uniform, English ones do not.
    """
    pull, vanilla = {"vanilla": (0.0, 2.0), "both": (3.0, 1.0), "none": (0.0, 0.0)}[case]
    got = figures(pull=pull, vanilla=vanilla)
    for name, value in GOLDEN[case].items():
        assert got[name] == pytest.approx(value, abs=0.03), name
    if case == "none":
        assert abs(got["dc"] - got["raw"]) < 0.01


def test_a_class_rescaled_everywhere_changes_nothing():
    """S027 check 3: one class times a constant, in texts and random texts alike, rows not renormalised: DC equal."""
    rng = np.random.default_rng(3)
    raw, blank = rng.random((400, 4)), rng.random((20, 4))
    scale = np.array([1.0, 7.5, 1.0, 1.0])

    def predictions(texts: np.ndarray, random: np.ndarray) -> np.ndarray:
        return divided(np.log(texts), np.log(random.mean(axis=0))).argmax(1)

    assert (predictions(raw, blank) == predictions(raw * scale, blank * scale)).all()
    assert (predictions(raw, blank) != predictions(raw * scale, blank)).any()


def test_a_geometric_mean_cancels_a_constant_of_normalised_rows_too():
    """With the log mean the invariance of check 3 holds for renormalised rows as well; exact to rounding."""
    rng = np.random.default_rng(4)
    texts, blank = rng.normal(size=(400, 3)), rng.normal(size=(20, 3))
    moved = np.array([0.0, 2.0, -1.0])
    kept = divided(normalised(texts), mean_prior(normalised(blank), mean="log"))
    after = divided(normalised(texts + moved), mean_prior(normalised(blank + moved), mean="log"))
    assert after == pytest.approx(kept, abs=1e-12)


def test_a_uniform_prior_leaves_predictions_as_they_are():
    """S027 check 3: exact, and the probabilities are equal to rounding."""
    rng = np.random.default_rng(5)
    answers = normalised(rng.normal(size=(1_000, 5)))
    after = divided(answers, mean_prior(normalised(np.zeros((20, 5)))))
    assert (after.argmax(1) == answers.argmax(1)).all()
    assert after == pytest.approx(answers, abs=1e-12)


def test_shrinkage():
    """S027 check 4: arithmetic prior has log-odds 1.9 where 3.0 is planted; the log mean 3.0 +- .3.

    A single prior of 20 texts scatters by .4 around 3.0, so the check is one of the mean over 20 seeds.
    """
    found: dict[str, list[float]] = {"arithmetic": [], "log": []}
    for seed in range(SEEDS):
        blank = logs(world(seed, pull=GOLDEN["planted_log_odds"], vanilla=0.0)["domain"])
        for mean, values in found.items():
            prior = mean_prior(blank, mean=mean)
            values.append(float(prior[1] - prior[0]))
    assert np.mean(found["arithmetic"]) == pytest.approx(GOLDEN["arithmetic_log_odds"], abs=0.2)
    assert np.mean(found["log"]) == pytest.approx(GOLDEN["planted_log_odds"], abs=0.3)
    assert np.mean(found["arithmetic"]) < np.mean(found["log"]) - 0.7


def test_closed_forms():
    """Division, distances and macro-F1 by hand."""
    answers, prior = np.log([[0.6, 0.4]]), np.log([0.8, 0.2])
    assert np.exp(divided(answers, prior))[0] == pytest.approx([0.75 / 2.75, 2 / 2.75])
    assert total_variation([0.5, 0.5, 0], [0, 0.5, 0.5]) == pytest.approx(0.5)
    assert from_uniform([1.0, 0, 0, 0]) == pytest.approx(0.75)
    # TP, FP, FN of label 0: 1, 1, 1; of label 1: 1, 1, 1; label 2 is neither right nor taken.
    gold, taken = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])
    assert macro_f1(gold, taken, 3) == pytest.approx(0.5)


def test_macro_f1_is_that_of_scikit_learn():
    """Against sklearn's, over labels that occur."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(6)
    gold, taken = rng.integers(0, 5, 300), rng.integers(0, 4, 300)
    assert macro_f1(gold, taken, 6) == pytest.approx(
        metrics.f1_score(gold, taken, average="macro", zero_division=0)
    )


def test_a_zero_prior_is_floored():
    """A label that no calibration text gave any probability: 1e-12, so no infinity."""
    blank = normalised(np.array([[0.0, -np.inf], [0.0, -np.inf]]))
    prior = mean_prior(blank)
    assert prior[1] == pytest.approx(np.log(1e-12))
    assert np.isfinite(divided(np.log([[0.5, 0.5]]), prior)).all()
    assert np.isfinite(mean_prior(blank, mean="log")).all()


def test_bad_means():
    """An unknown mean, and no row."""
    with pytest.raises(BadInput, match="harmonic"):
        mean_prior(np.zeros((2, 2)), mean="harmonic")
    with pytest.raises(BadInput, match="0 rows"):
        mean_prior(np.zeros((0, 2)))
