"""Corrected models: they keep the contract, leave their base alone, and open again as they were."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from contract import LAWS, Case, ask
from tiny_models import CAUSAL, build

from plumbline.core import questions as q
from plumbline.core.errors import AbilityError, BadInput
from plumbline.models.abilities import ModelOptions, open_live
from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_affine_embedding import AffineEmbedding
from plumbline.models.corrected_weights import CorrectedWeights
from plumbline.models.hf_open import open_hf
from plumbline.models.resolve import open_model
from plumbline.testing import PlantedEmbedder

LAYER = "transformer.h.1.mlp.c_proj.weight"
ASKED = q.logprob(["The nurse said that", "Paris is"], [" she was late.", " the capital"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random GPT-2."""
    return build(tmp_path_factory.mktemp("tiny"), "GPT2LMHeadModel", **CAUSAL["GPT2LMHeadModel"])


def changed(base, by=0.5, name=LAYER):
    """The base after one tensor was stretched."""
    own = dict(open_live(base).module.named_parameters())[name]
    return CorrectedWeights(base, {name: own.detach() * (1 + by)}, "made_up@1", {"by": by})


@pytest.fixture(scope="module")
def case(folder, exact, tmp_path_factory):
    """A corrected model with all that the laws need."""
    base = open_hf(folder, exact)
    kept = tmp_path_factory.mktemp("kept")
    changed(base).save(kept, base_spec=f"hf:{folder}", base_options={})
    long = "word " * 200
    return Case(
        adapter=changed(base),
        reopen=lambda options: open_corrected(kept, options),
        options=exact,
        too_long={"logprob": q.logprob([long, "A"], [" b", " b"])},
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """A model with corrected weights keeps the law."""
    law(case)


def test_it_can_all_that_its_base_can(folder, exact):
    """The same abilities, `open` among them, and another fingerprint and name."""
    base = open_hf(folder, exact)
    model = changed(base)
    assert model.abilities == base.abilities
    assert model.fingerprint != base.fingerprint
    assert model.name.endswith("after made_up@1")
    facts = model.about()
    assert facts["corrected_by"] == "made_up@1"
    assert facts["changed_tensors"] == [LAYER]
    assert open_live(model).module is not open_live(base).module


def test_the_base_is_left_alone_and_shares_all_but_the_change(folder, exact):
    """Both can be asked, in any order; memory is taken by the changed tensor only."""
    base = open_hf(folder, exact)
    before = ask(base, ASKED).total
    model = changed(base)
    after = ask(model, ASKED).total
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_array_equal(ask(base, ASKED).total, before)
    one, two = (dict(open_live(m).module.named_parameters()) for m in (base, model))
    assert [n for n in one if one[n].data_ptr() != two[n].data_ptr()] == [LAYER]


def test_answers_are_those_of_a_model_saved_with_the_change(folder, exact, tmp_path):
    """The same numbers as weights that transformers itself wrote and read."""
    base = open_hf(folder, exact)
    model = changed(base)
    live = open_live(model)
    live.module.save_pretrained(tmp_path)
    live.tokenizer.save_pretrained(tmp_path)
    np.testing.assert_allclose(
        ask(open_hf(tmp_path, exact), ASKED).total, ask(model, ASKED).total, atol=1e-6
    )


def test_tied_weights_stay_tied(folder, exact):
    """A changed embedding is the changed head, too."""
    model = changed(open_hf(folder, exact), name="transformer.wte.weight")
    module = open_live(model).module
    assert module.get_output_embeddings().weight is module.get_input_embeddings().weight


def test_it_opens_again_as_it_was(folder, exact, tmp_path):
    """`corrected:DIR` gives the same fingerprint and the same numbers, with the base's options."""
    base = open_hf(folder, replace(exact, bos="none"))
    model = changed(base)
    model.save(tmp_path / "m", base_spec=f"hf:{folder}", base_options={"bos": "none", "dtype": "float32", "device": "cpu"})  # fmt: skip
    again = open_model(f"corrected:{tmp_path / 'm'}")
    assert again.fingerprint == model.fingerprint
    np.testing.assert_array_equal(ask(again, ASKED).total, ask(model, ASKED).total)


def test_corrections_can_be_stacked(folder, exact):
    """A corrected model is a base like any other: what both changed is changed twice."""
    base = open_hf(folder, exact)
    twice = changed(changed(base), by=0.25)
    own = (dict(open_live(m).module.named_parameters())[LAYER] for m in (base, twice))
    one, two = own
    assert torch.allclose(two, one * 1.5 * 1.25)
    assert twice.fingerprint != changed(base, by=0.875).fingerprint


def test_a_base_that_changed_is_noticed(folder, exact, tmp_path):
    """Another base under the same name: the correction does not open."""
    changed(open_hf(folder, exact)).save(tmp_path, base_spec=f"hf:{folder}", base_options={})
    with pytest.raises(BadInput, match="changed since the correction was made"):
        open_corrected(tmp_path, replace(exact, bos="none"))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "correction.json").unlink(), "no correction.json"),
        (lambda f: (f / "correction.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "correction.json").write_text('{"kind": "magic"}'), "unknown kind"),
        (
            lambda f: (f / "weights.safetensors").write_bytes(b"12345678junk"),
            "not a whole safetensors file",
        ),
    ],
)
def test_damaged_folders_are_one_clear_error(break_it, message, folder, exact, tmp_path):
    """Nothing is guessed."""
    changed(open_hf(folder, exact)).save(tmp_path, base_spec=f"hf:{folder}", base_options={})
    break_it(tmp_path)
    with pytest.raises(BadInput, match=message):
        open_corrected(tmp_path, exact)


def test_only_weights_that_are_there_can_be_changed(folder, exact):
    """A wrong name or shape, and a model without torch weights, are refused."""
    base = open_hf(folder, exact)
    with pytest.raises(BadInput, match="no parameter nowhere"):
        CorrectedWeights(base, {"nowhere": torch.zeros(2)}, "made_up@1", {})
    with pytest.raises(BadInput, match="of shape"):
        CorrectedWeights(base, {LAYER: torch.zeros(2)}, "made_up@1", {})
    with pytest.raises(AbilityError, match="transformers models only"):
        CorrectedWeights(PlantedEmbedder(), {}, "made_up@1", {})


def test_corrected_vectors_open_again(tmp_path):
    """The affine kind: map and offset are kept exactly."""
    words = ["doctor", "nurse", "king", "queen"]
    rng = np.random.default_rng(0)
    lines = [" ".join([w, *(f"{v:.4f}" for v in rng.normal(size=3))]) for w in words]
    (tmp_path / "v.txt").write_text("\n".join(lines), "utf-8")
    base = open_model(f"vectors:{tmp_path / 'v.txt'}")
    model = AffineEmbedding(base, np.diag([1.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.0]), "made_up@1")
    model.save(tmp_path / "m", base_spec=f"vectors:{tmp_path / 'v.txt'}", base_options={})
    again = open_corrected(tmp_path / "m", ModelOptions())
    assert again.fingerprint == model.fingerprint
    got = ask(again, q.embed(words, words=True)).values
    assert (got[:, 1] == 2.0).all()
    with pytest.raises(AbilityError, match="cannot be opened"):
        open_live(again)
