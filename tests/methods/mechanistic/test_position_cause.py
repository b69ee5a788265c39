"""Mask or positions: models in which only one of the two can carry the order are told apart (card S048)."""

from __future__ import annotations

import json

import numpy as np
import pytest

import plumbline
from plumbline.core.errors import AbilityError, BadInput
from plumbline.explain.mechanistic.position_cause import AS, left
from plumbline.models.abilities import ModelOptions, open_live
from plumbline.models.resolve import open_model
from plumbline.testing import PlantedChooser

EXACT = ModelOptions(dtype="float32", device="cpu")
TEXTS = (("bread", "a bridge", "two candles"), ("the north", "one", "a house by the sea"))


def random_llama(folder, layers):
    """Random weights, tokens are bytes."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    marks = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    own = Tokenizer(models.BPE({c: i for i, c in enumerate(marks)}, []))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(4)
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return open_model(f"hf:{folder}", EXACT)


def written(file, texts):
    """A file of questions with these options."""
    rows = [
        f'[[questions]]\nid = "q{i}"\naxis = "position"\ntext = "Which?"\n'
        f"options = {json.dumps(list(t))}\ngold = 0\n"
        for i, t in enumerate(texts)
    ]
    file.write_text('id = "few"\ntitle = "few"\nnote = "few"\n' + "\n".join(rows), "utf-8")
    return str(file)


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """Two questions with three options each."""
    return written(tmp_path_factory.mktemp("q") / "few.toml", TEXTS)


def explained(model, questions, **settings):
    """The explainer on these questions."""
    return plumbline.explain(
        model, using="position_cause", settings={"questions": questions, **settings}
    )


def means(found):
    """What is left on average, by kind of attention."""
    return {name: found.arrays["left"].at(attention=name, over="mean") for name in AS}


def test_ranges_in_closed_form():
    """Two ways, two orders, two tokens."""
    largest, mean = left(np.array([[[1.0, 5.0], [2.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]]))
    assert largest.tolist() == [3.0, 0.0]
    assert mean.tolist() == [2.0, 0.0]


def test_both_causes_in_two_layers(questions, tmp_path):
    """S048 checks 1 and 2 as an explanation: each repair alone leaves a part, both leave rounding."""
    found = explained(random_llama(tmp_path, 2), questions, orders="all")
    got = means(found)
    assert got["as it is"] > 1e-2
    assert got["without mask"] > 1e-3
    assert got["without positions"] > 1e-3
    assert got["without both"] < 1e-5
    assert found.facts["left_of_the_whole"]["as it is"] == 1.0
    assert found.arrays["questions"].dims == ("question", "attention")
    assert "once both are" in str(found)


def test_one_layer_has_no_cause_but_positions(questions, tmp_path):
    """Planted: in one layer keys and values are single tokens', so the mask cannot carry any order to the last token."""
    got = means(explained(random_llama(tmp_path, 1), questions))
    assert got["as it is"] > 1e-2
    assert got["without positions"] < 1e-5
    np.testing.assert_allclose(got["without mask"], got["as it is"], rtol=1e-3)


def test_without_rotary_positions_the_mask_is_the_only_cause(questions, tmp_path):
    """Planted: rotary angles of 0. Repairing the mask takes all, repairing positions nothing."""
    model = random_llama(tmp_path, 2)
    open_live(model).module.model.rotary_emb.inv_freq.zero_()
    got = means(explained(model, questions))
    assert got["as it is"] > 1e-3
    assert got["without mask"] < 1e-5
    np.testing.assert_allclose(got["without positions"], got["as it is"], rtol=1e-3)


def test_turning_the_file_s_order_round_leaves_the_number(questions, tmp_path):
    """Unsigned: over all orders it does not matter which order the file has."""
    model = random_llama(tmp_path / "m", 2)
    turned = written(tmp_path / "turned.toml", [t[::-1] for t in TEXTS])
    one, two = (means(explained(model, file, orders="all")) for file in (questions, turned))
    assert all(np.isclose(one[name], two[name], atol=1e-5) for name in AS)


def test_findings_have_the_means_and_no_p(tmp_path):
    """One a kind of attention, described by an interval and never tested."""
    words = ("bread", "a bridge", "one", "candles", "the sea", "two", "a nurse", "the king")
    file = written(tmp_path / "more.toml", [(w, words[i - 1]) for i, w in enumerate(words)])
    found = explained(random_llama(tmp_path / "m", 2), file)
    values = {f["labels"]["measure"].split("attention ")[1]: f for f in found.findings}
    for name, mean in means(found).items():
        assert np.isclose(values[name]["value"], mean)
        assert 0 <= values[name]["low"] <= mean <= values[name]["high"]
        assert values[name]["p"] is None


def test_bad_calls_are_clear(questions, tmp_path, anchored):
    """Unknown orders, another architecture, a model without torch."""
    with pytest.raises(BadInput, match="orders is one of"):
        explained(random_llama(tmp_path, 1), questions, orders="some")
    with pytest.raises(AbilityError, match="not known to compute attention"):
        explained(open_model(f"hf:{anchored.folder}", EXACT), questions)
    with pytest.raises(AbilityError, match="needs open"):
        explained(PlantedChooser(), questions)
