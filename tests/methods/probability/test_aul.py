"""AUL and AULA: worked figures, a plain loop over a real model, planted preferences, simulations."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import ndtr

from plumbline.core.answers import LogProbs
from plumbline.core.results import Estimate
from plumbline.core.scored import Items, Scored
from plumbline.core.seeds import Seeds
from plumbline.data.sets import crows_pairs as public
from plumbline.data.sets.crows_pairs import Pair
from plumbline.metrics.probability import aul as method
from plumbline.models.abilities import ModelOptions
from plumbline.models.hf_open import open_hf
from plumbline.stats.infer import Settings, infer
from plumbline.testing.planted import Planted, normal

GOLDEN = tomllib.loads((Path(__file__).parents[2] / "golden" / "aul.toml").read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class Restores(Planted):
    """Mean score of a sentence: standard normal, plus `dial` where it is a liked one.

    So P(a liked sentence beats another) is the normal distribution at dial / sqrt(2).
    """

    dial: float = 0.0
    liked: frozenset[str] = frozenset()
    offers: ClassVar[frozenset[str]] = frozenset({"fill"})

    def _fill(self, batch) -> LogProbs:
        rows = []
        for text in batch.columns["text"]:
            mean = normal(self.seed, text, batch.settings["mode"]) + self.dial * (
                text in self.liked
            )
            rows.append((np.full(4, mean - 9.0), ["a", "b", "c", "d"]))
        return LogProbs.of(rows)


@pytest.fixture
def pairs(monkeypatch) -> list[Pair]:
    """Four hundred pairs of our own in place of the set."""
    made = [
        Pair(f"{i}", f"They are loud {i}.", f"You are loud {i}.", public.DIRECTIONS[i % 5 == 0], "age")
        for i in range(400)
    ]  # fmt: skip
    monkeypatch.setattr(method.pairs_set, "load", lambda: made)
    return made


def primary(run) -> dict:
    """The one primary finding."""
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    return main


def test_attention_received_and_means():
    """Golden: attention averaged over layers, heads and attending tokens; means over tokens."""
    torch = pytest.importorskip("torch")
    from plumbline.models.hf_unmasked import received

    layers = [torch.tensor(layer)[None] for layer in GOLDEN["attention"]]
    share = received(layers, torch.ones(1, 3)).numpy()[0]
    np.testing.assert_allclose(share, GOLDEN["received"], atol=1e-7)
    padded = [torch.nn.functional.pad(layer, (0, 1, 0, 1), value=0.0) for layer in layers]
    padded[0][:, :, 3, :] = 0.25  # what a padded position attends to does not count
    short = received(padded, torch.tensor([[1, 1, 1, 0]])).numpy()[0]
    np.testing.assert_allclose(short, [*GOLDEN["received"], 0.0], atol=1e-7)
    logs = np.array(GOLDEN["log_chances"])
    answers = LogProbs.of([(logs, ["a", "b"]), (logs * share[1:], ["a", "b"]), "empty"])
    got = method.mean_score(answers)
    np.testing.assert_allclose(got[:2], [GOLDEN["aul"], GOLDEN["aula"]], atol=1e-6)
    assert np.isnan(got[2])


def test_planted_preference_is_recovered(audited, scored, pairs):
    """End to end at the closed form 100 * Phi(dial / sqrt 2); no preference gives no finding."""
    liked = frozenset(p.more for p in pairs)
    truth, held = 100 * ndtr(0.6 / np.sqrt(2)), 0
    for seed in range(12):
        made = scored(method.aul, Restores(dial=0.6, liked=liked, seed=seed), suite="full")
        one = Scored(items=made.items, measures=made.measures[:1])
        got = infer(one, method.aul.card, seeds=Seeds(0), settings=Settings(draws=399))[0].outcome
        held += got.low <= truth <= got.high
        assert got.p < 0.05
    assert held >= 9  # 99.9 % of Binomial(12, .95)
    main = primary(audited(Restores(dial=0.6, liked=liked, seed=1), "aul", suite="full"))
    assert main["verdict"] == "leans"
    assert primary(audited(Restores(seed=1), "aul", suite="full"))["p"] > 0.001
    other = frozenset(p.less for p in pairs)
    back = primary(audited(Restores(dial=0.6, liked=other, seed=1), "aul", suite="full"))
    assert back["high"] < 50


def test_causal_models_have_none(audited):
    """A model without a mask is told so, not given a number."""
    from plumbline.testing import PlantedLM

    class Causal(PlantedLM):
        offers = frozenset({"logprob"})

    run = audited(Causal(), "aul")
    assert [f["status"] for f in run.findings] == ["not_applicable"]


def test_an_unanswered_sentence_leaves_its_pair_out(scored, pairs):
    """Whichever of the two it is; the reason stays."""

    class Short(Restores):
        def _fill(self, batch):
            whole = super()._fill(batch)
            texts = batch.columns["text"]
            return LogProbs.of([
                "truncated: too long" if t == "You are loud 7." else whole.row(i)
                for i, t in enumerate(texts)
            ])  # fmt: skip

    items = scored(method.aul, Short(seed=1), suite="full").items
    lost = items.where({"item": "7"})
    assert set(lost.where({"scoring": (method.AUL, method.AULA)})["why"]) == {"truncated: too long"}
    assert (items["why"] != "").sum() == 2


@pytest.mark.usefixtures("mirror")
def test_counts_of_the_set():
    """Kinds as `simulate` has them."""
    kinds = [p.bias_type for p in public.load()]
    assert {k: kinds.count(k) for k in set(kinds)} == method.KINDS


@pytest.mark.model
@pytest.mark.usefixtures("mirror")
def test_a_plain_loop_over_a_real_masked_model_agrees(packaged, scored):
    """Both scores of six of sixty pairs equal those of one plain pass a sentence."""
    import torch

    subject = open_hf(packaged("cognition") / "model", ModelOptions(dtype="float32"))
    made = scored(method.aul, subject, suite="quick")
    opened = subject.opened()
    by_id = {p.id: p for p in public.load()}
    opened.module.set_attn_implementation("eager")

    def both(text: str) -> tuple[float, float]:
        ids = torch.tensor([opened.tokenizer(text)["input_ids"]])
        with torch.inference_mode():
            out = opened.module(ids, output_attentions=True)
        own = out.logits[0].double().log_softmax(-1).gather(1, ids[0][:, None])[1:-1, 0]
        share = torch.cat(out.attentions).double().mean((0, 1, 2))[1:-1]
        return float(own.mean()), float((own * share).mean())

    for scoring, which in ((method.AUL, 0), (method.AULA, 1)):
        items = made.items.where({"scoring": scoring})
        assert len(items) == 60
        for i in range(0, 60, 10):
            pair = by_id[items["item"][i]]
            lead = both(pair.more)[which] - both(pair.less)[which]
            assert items["nats"][i] == pytest.approx(lead, abs=1e-4)
            assert items["score"][i] == (lead > 0)
    subject.close()


def test_swapping_the_sentences_mirrors_the_score():
    """More and less exchanged: x becomes 100 - x, for every measure."""
    made, _ = method.simulate(np.random.default_rng(3), dial=0.4)
    mirrored = Items({**made.items.columns, "score": 1 - made.items["score"]})
    few = Settings(draws=199)
    one, two = (
        infer(Scored(items=i, measures=made.measures), method.aul.card, seeds=Seeds(0), settings=few)
        for i in (made.items, mirrored)
    )  # fmt: skip
    for a, b in zip(one, two, strict=True):
        assert a.outcome.value == pytest.approx(100 - b.outcome.value, abs=1e-9)


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_preferences_are_recovered(dial):
    """Mean over 100 data sets is 100 * Phi(dial) within 4 Monte-Carlo errors; alarms nominal."""
    runs, few = 100, Settings(draws=199)
    values, covered, alarms = np.empty(runs), 0, 0
    for k in range(runs):
        made, truth = method.simulate(np.random.default_rng([k, 12]), dial=dial)
        one = Scored(items=made.items, measures=made.measures[:1])
        outcome = infer(one, method.aul.card, seeds=Seeds(k), settings=few)[0].outcome
        assert isinstance(outcome, Estimate)
        values[k] = outcome.value
        covered += outcome.low <= truth <= outcome.high
        alarms += outcome.p <= 0.05
    assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / np.sqrt(runs)
    # Binomial(100, .95): 99.9 % of them from 87 on; Binomial(100, .05): up to 13.
    assert covered >= 87
    if dial == 0:
        assert alarms <= 13


def test_unigram_means_by_hand():
    """A pair's own words do not count: of the other pair's two words and five kinds there are 7."""
    pairs = [
        Pair("0", "plum berry", "plum cherry", "stereo", "gender"),
        Pair("1", "plum", "damson", "stereo", "gender"),
    ]
    name, means, why = method._unigram(pairs[:1], pairs)
    assert name == method.UNIGRAM
    assert why == [""]
    assert means == pytest.approx(np.array([[(np.log(2 / 7) + np.log(1 / 7)) / 2] * 2]))
