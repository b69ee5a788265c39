"""Cascades keep the contract, send what is unsure to the large model, and open again as they were."""

from __future__ import annotations

import numpy as np
import pytest
from contract import LAWS, Case, ask
from tiny_models import CAUSAL, build

from plumbline.core import questions as q
from plumbline.core.answers import Choices, LogProbs, Texts
from plumbline.core.errors import AbilityError, BadInput
from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_cascade import Cascade, scores
from plumbline.models.hf_open import open_hf
from plumbline.testing import PlantedChooser, PlantedTalker
from plumbline.testing.planted import Planted

WORST = {"rule": "quantile", "quantile": 0.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny GPT-2 and a tiny Llama with random weights."""
    return [
        build(tmp_path_factory.mktemp(name), name, **CAUSAL[name])
        for name in ("GPT2LMHeadModel", "LlamaForCausalLM")
    ]


def cascade(folders, exact, **thresholds):
    """Of the two tiny models; thresholds by ability."""
    small, large = (open_hf(f, exact) for f in folders)
    params = {
        "large": f"hf:{folders[1]}", "large_fingerprint": large.fingerprint,
        "large_options": {"dtype": "float32", "device": "cpu"},
        "rules": {a: {**WORST, "threshold": t} for a, t in thresholds.items()},
    }  # fmt: skip
    return Cascade(small, "deferral_rule@1", params, large)


@pytest.fixture(scope="module")
def case(folders, exact, tmp_path_factory):
    """A cascade with all that the laws need; thresholds between the samples' scores."""
    from contract import SAMPLES

    small = open_hf(folders[0], exact)
    middle = {}
    for ability in ("generate", "choose"):
        batch = SAMPLES[ability]
        got = np.unique(scores(small, batch, ask(small, batch), WORST))
        middle[ability] = float(got[:2].mean())
    model = cascade(folders, exact, **middle)
    kept = tmp_path_factory.mktemp("kept")
    model.save(kept, base_spec=f"hf:{folders[0]}", base_options={})
    return Case(
        adapter=model, options=exact, reopen=lambda options: open_corrected(kept, options),
        too_long={"generate": q.generate(["word " * 200, "A"], decoding=q.Decoding(max_tokens=4))},
    )  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """A cascade keeps the law."""
    law(case)


def test_thresholds_at_both_ends_are_the_two_models(folders, exact):
    """Nothing deferred: the small model's answers; everything: the large one's. Both are counted."""
    from contract import SAMPLES

    for edge, at in ((-np.inf, 0), (0.1, 1)):
        model = cascade(folders, exact, generate=edge, choose=edge)
        alone = open_hf(folders[at], exact)
        for ability in ("generate", "choose"):
            batch = SAMPLES[ability]
            one, two = ask(model, batch), ask(alone, batch)
            assert [one.pack(i) for i in range(len(batch))] == [
                two.pack(i) for i in range(len(batch))
            ]
        sent = model.about()["answered_by_large"]
        assert sent == {a: len(SAMPLES[a]) * at for a in ("generate", "choose")}
        assert model.about()["asked"] == {a: len(SAMPLES[a]) for a in ("generate", "choose")}


def test_the_large_model_is_part_of_the_fingerprint(folders, exact, tmp_path):
    """Another threshold or large model is another cascade; a large model that changed is refused."""
    one, two = (cascade(folders, exact, generate=t) for t in (-1.0, -2.0))
    swapped = cascade(folders[::-1], exact, generate=-1.0)
    assert len({one.fingerprint, two.fingerprint, swapped.fingerprint}) == 3
    with pytest.raises(BadInput, match="changed since"):
        Cascade(one.base, "d@1", {**one.params, "large_fingerprint": "0"}, one.large)
    nameless = Cascade(one.base, "d@1", {**one.params, "large": ""}, one.large)
    with pytest.raises(BadInput, match="MODEL form"):
        nameless.save(tmp_path / "x", base_spec="", base_options={})


def test_models_that_cannot(folders, exact):
    """A small model without `logprob`, or two that share nothing."""
    rules = {"generate": {**WORST, "threshold": -1.0}}
    for small, large in ((PlantedChooser(), PlantedChooser()), (PlantedTalker(), PlantedChooser())):
        params = {
            "large": "",
            "large_options": {},
            "large_fingerprint": large.fingerprint,
            "rules": rules,
        }
        with pytest.raises(AbilityError):
            Cascade(small, "d@1", params, large)


class Scripted(Planted):
    """Says what it is given, and scores by the number of exclamation marks."""

    offers = frozenset({"generate", "logprob", "choose"})
    said = ("fine", "hm!!", "", "refused", "so!")

    def _generate(self, batch):
        status = ["refused" if t == "refused" else "" for t in self.said]
        rows = [int(p[0].text) for p in batch.columns["prompt"]]
        return Texts([self.said[r] for r in rows], ["stop"] * len(rows), [status[r] for r in rows])

    def _choose(self, batch):
        n = len(batch)
        chosen = [int(p[0].text) % 2 for p in batch.columns["prompt"]]
        return Choices(np.array(chosen), [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)

    def _logprob(self, batch):
        self.heard.append(list(batch.columns["continuation"]))
        return LogProbs.of(
            [(np.array([-1.0 - t.count("!"), -0.5]), ["a", "b"]) for t in self.heard[-1]]
        )


class Other(Planted):
    """The large model."""

    offers = frozenset({"generate", "choose"})

    def _generate(self, batch):
        n = len(batch)
        return Texts(["large"] * n, ["stop"] * n, [""] * n)

    def _choose(self, batch):
        n = len(batch)
        return Choices(np.full(n, 2), [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)


def test_what_has_no_score_is_deferred_and_ends_are_scored():
    """Empty and refused answers go to the large model; the stop string is part of what is scored."""
    Scripted.heard = []
    small, large = Scripted(), Other()
    rules = {a: {**WORST, "threshold": -1.5} for a in ("generate", "choose")}
    params = {
        "large": "",
        "large_options": {},
        "large_fingerprint": large.fingerprint,
        "rules": rules,
    }
    model = Cascade(small, "d@1", params, large)
    decoding = q.Decoding(stop=("\n",))
    got = ask(model, q.generate([str(i) for i in range(5)], decoding=decoding))
    assert list(got.texts) == ["fine", "large", "large", "large", "large"]
    assert Scripted.heard[0] == ["fine\n", "hm!!\n", "so!\n"]
    options = [("yes", "no!", "other")] * 4
    chosen = ask(model, q.choose([str(i) for i in range(4)], options)).chosen
    assert chosen.tolist() == [0, 2, 0, 2]
    assert Scripted.heard[1] == [" yes", " no!", " yes", " no!"]
    assert model.about()["answered_by_large"] == {"generate": 4, "choose": 2}
    assert model.cost(q.generate(["0"], decoding=decoding)).tokens_in == 4


def taught(folder, *, width: int, steps: int, share: float):
    """A causal model of this width that was taught a share of the sums of two digits, as `7+8=15`."""
    import torch
    from tiny_models import save, tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tok = tokenizer()
    config = LlamaConfig(
        vocab_size=len(tok), hidden_size=width, intermediate_size=2 * width, num_hidden_layers=1,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=32, pad_token_id=0,
        bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    texts = [f"{a}+{b}={a + b}\n" for a in range(10) for b in range(10)]
    texts = [t for t, u in zip(texts, torch.rand(100), strict=True) if u < share]
    rows = [[1, *tok(t, add_special_tokens=False).input_ids] for t in texts]
    most = max(map(len, rows))
    ids = torch.tensor([r + [0] * (most - len(r)) for r in rows])
    labels = torch.where(ids == 0, -100, ids)
    # Only what stands behind the sign is taught.
    labels[:, :5] = -100
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # matrices this small only wait for one another
    for _ in range(steps):
        loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    torch.set_num_threads(threads)
    return save(folder, model.eval(), tok)


@pytest.fixture(scope="module")
def adders(tmp_path_factory):
    """An adder that was taught 40 % of the sums, and one that was taught all."""
    return (
        taught(tmp_path_factory.mktemp("small"), width=64, steps=150, share=0.4),
        taught(tmp_path_factory.mktemp("large"), width=64, steps=150, share=1.0),
    )


def test_two_trained_models(adders, exact, tmp_path):
    """Two adders, one of which knows less: the cascade is right more often than deferring as many at random would be.

    Calibrated on half of the sums, judged on the other half; opened again by `corrected:` it answers the same.
    """
    from plumbline.mitigate.postprocessing.deferral_rule import deferral_rule

    sums = [(a, b) for a in range(10) for b in range(10)]
    shown, judged = ([s for s in sums if (s[0] + 3 * s[1]) % 2 == k] for k in (0, 1))
    small, large = (open_hf(f, exact) for f in adders)
    model = deferral_rule(
        small, large=f"hf:{adders[1]}", rate=0.4, prompts=[f"{a}+{b}=" for a, b in shown],
        abilities=["generate"], max_tokens=4, large_options={"dtype": "float32", "device": "cpu"},
    )  # fmt: skip
    batch = q.generate(
        [f"{a}+{b}=" for a, b in judged], decoding=q.Decoding(max_tokens=4, stop=("\n",))
    )

    def right(adapter):
        got = ask(adapter, batch)
        return np.mean(
            [t.strip() == str(a + b) for t, (a, b) in zip(got.texts, judged, strict=True)]
        )

    one, two, both = right(small), right(large), right(model)
    sent = model.about()["answered_by_large"]["generate"] / len(batch)
    assert 0.1 < one < 0.9
    assert two > 0.95
    assert 0.2 < sent < 0.6
    assert both > one + sent * (two - one) + 0.03
    given = {"dtype": "float32", "device": "cpu"}
    model.save(tmp_path / "after", base_spec=f"hf:{adders[0]}", base_options=given)
    again = open_corrected(tmp_path / "after", exact)
    assert again.fingerprint == model.fingerprint
    assert list(ask(again, batch).texts) == list(ask(model, batch).texts)
