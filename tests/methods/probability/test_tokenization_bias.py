"""Tokenization bias: found where a chain's tokens hide it, 0 where tokens are bytes (card S120)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import plumbline
from plumbline.core.errors import AbilityError, BadInput
from plumbline.metrics import prompt_ends as method
from plumbline.metrics.probability.tokenization_bias import QUICK
from plumbline.models.abilities import ModelOptions
from plumbline.models.byte_coding import byte_alphabet
from plumbline.models.byte_cover import ByteProcess, LongestMatch
from plumbline.models.byte_models import ByteModel
from plumbline.models.resolve import open_model
from plumbline.testing import PlantedLM

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
import tiny_models
from byte_chains import Chain, PushForward

EXACT = ModelOptions(dtype="float32", device="cpu")
CUTS = [method.Cut(text, method.GIVEN, text) for text in ("A", "B", "AB", "BB", "ABB", "BAB")]


def readings(pieces):
    """Readings of a chain's texts under a vocabulary."""
    coding = LongestMatch(pieces)
    process = ByteProcess(coding, PushForward(Chain(), coding))
    model = ByteModel("chain", process, lambda p, _: ((), p[0].text.encode(), ""))
    return method.readings_of(model, CUTS)


def test_the_planted_distance_is_found():
    """S120 check 1: after "B" the tokens say A with certainty and the chain says .3: a distance of .7.

    After "BB" a token has ended, so nothing is hidden; after "A" the tokens never say A (AA would
    be one token), where the chain says .6.
    """
    found = dict(
        zip([c.prompt for c in CUTS], readings((b"A", b"B", b"AA", b"BAB", b"BB")), strict=True)
    )
    assert found["B"].distance == pytest.approx(0.7, abs=1e-9)
    assert found["A"].distance == pytest.approx(0.6, abs=1e-9)
    assert found["BB"].distance == pytest.approx(0.0, abs=1e-9)
    assert (found["B"].tokens, found["B"].bytes) == (ord("A"), ord("B"))
    assert found["B"].leaked == pytest.approx(0.0, abs=1e-12)
    # P(B is its own token | text begins with B): not followed by B, nor by AB.
    assert found["B"].exact == pytest.approx(0.3 * 0.6, abs=1e-9)


def test_no_distance_where_tokens_are_bytes():
    """S120 check 3: a byte-only vocabulary has TV 0 at every prompt, and all mass on its own tokens."""
    for found in readings((b"A", b"B")):
        assert found.distance < 1e-12
        assert found.exact == pytest.approx(1.0)
        assert found.tokens == found.bytes


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny random model with merges, and one whose tokens are bytes."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    merged = tiny_models.build(
        tmp_path_factory.mktemp("merged"),
        "LlamaForCausalLM",
        **tiny_models.CAUSAL["LlamaForCausalLM"],
    )
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    own = Tokenizer(models.BPE({c: i for i, c in enumerate(letters)}, []))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    tok = transformers.PreTrainedTokenizerFast(
        tokenizer_object=own, bos_token="<s>", pad_token="<pad>", eos_token="</s>"
    )
    torch.manual_seed(5)
    config = transformers.PhiConfig(
        vocab_size=len(tok), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=128, bos_token_id=tok.bos_token_id,
        eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id,
    )  # fmt: skip
    model = transformers.PhiForCausalLM(config).eval()
    # A random model says bytes that begin no UTF-8 text; what it says of them leaks. This one does not.
    beyond = [i for c, i in tok.get_vocab().items() if byte_alphabet().get(c, 0) > 127]
    with torch.no_grad():
        model.lm_head.bias[beyond] = -100.0
    return merged, tiny_models.save(tmp_path_factory.mktemp("bytes"), model, tok)


def explained(folder, **settings):
    """What is found in a model."""
    return plumbline.explain(
        open_model(f"hf:{folder}", EXACT), using="tokenization_bias", settings=settings
    )


def test_through_the_verb(folders):
    """A model with merges has distances after a space and inside words; one of bytes has none anywhere."""
    merged, of_bytes = (explained(f) for f in folders)
    for end in (method.SPACE, method.INSIDE):
        assert merged.array.at(end=end) > 0.1
    assert merged.facts["texts"] == QUICK
    assert max(v for _, v in of_bytes.arrays["prompts"].cells()) < 1e-5
    assert max(v for _, v in of_bytes.arrays["leaked"].cells()) < 1e-6
    rows = [f for f in merged.findings if f["labels"]["measure"].startswith("distance")]
    assert [f["labels"]["group"] for f in rows] == [method.WORD, method.SPACE, method.INSIDE]
    assert rows[1]["value"] == pytest.approx(merged.array.at(end=method.SPACE))
    words = [f for f in of_bytes.findings if f["labels"]["measure"].startswith("log")]
    assert [abs(f["value"]) < 1e-4 for f in words] == [True] * 3


def test_own_prompts(folders):
    """Prompts of a caller's own are judged as they end; none, or a bare string, is refused."""
    found = explained(folders[0], prompts=["def main(", "The nurse sa"])
    assert found.arrays["prompts"].coords["prompt"] == ("def main(", "The nurse sa")
    assert found.array.dims == ("end",)
    for wrong in ([], "The nurse", [""]):
        with pytest.raises(BadInput):
            explained(folders[0], prompts=wrong)


def test_a_model_that_cannot_be_opened():
    """The refusal says what is needed."""
    with pytest.raises(AbilityError, match="open"):
        plumbline.explain(PlantedLM(dial=0.0), using="tokenization_bias")


def test_texts_are_cut_in_threes():
    """Each text ends at a word, after the space, and inside the next word; what goes on joins it again."""
    cuts = method.cuts_of(method.TEXTS)
    assert len(cuts) == 3 * len(method.TEXTS) == 72
    assert {c.prompt + c.word for c in cuts} == {f"{a} {b}" for a, b in method.TEXTS}
    assert len({a for a, _ in method.TEXTS}) == 24
    assert np.all([c.prompt[-1] != " " for c in cuts if c.end != method.SPACE])
