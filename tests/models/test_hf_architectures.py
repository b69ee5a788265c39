"""Tiny models of many architectures: positions, caches, windows and heads that differ."""

import numpy as np
import pytest
from contract import LAWS, Case, ask
from tiny_models import CAUSAL, build

from plumbline.core import questions as q
from plumbline.core.questions import Decoding
from plumbline.models.hf_open import open_hf

STEM = "Once upon a time, in a small town by the sea, the nurse said that"


@pytest.fixture(scope="module", params=sorted(CAUSAL))
def tiny(request, tmp_path_factory, exact):
    """A tiny causal model of each architecture."""
    folder = build(tmp_path_factory.mktemp("tiny"), request.param, **CAUSAL[request.param])
    adapter = open_hf(folder, exact)
    yield adapter
    adapter.close()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, tiny):
    """Every architecture keeps the law."""
    law(Case(adapter=tiny))


def test_values_equal_the_naive_way(tiny):
    """Whatever stands before and behind the head, values are those of one full row."""
    import torch

    said = [" she", " he", " she was late because of the rain.", " one, two"]
    got = ask(tiny, q.logprob([STEM] * 4 + ["The king"], [*said, " is a doctor"]))
    opened = tiny.opened()
    for i, (context, text) in enumerate([*((STEM, s) for s in said), ("The king", " is a doctor")]):
        ids = [1, *opened.tokenizer(context + text, add_special_tokens=False)["input_ids"]]
        with torch.no_grad():
            chances = opened.module(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        values = got.row(i)[0]
        wanted = [float(chances[k - 1, ids[k]]) for k in range(len(ids) - len(values), len(ids))]
        np.testing.assert_allclose(values, wanted, atol=1e-4)


def test_greedy_text_equals_transformers(tiny):
    """Prompts of different lengths together are written as one by one by transformers."""
    import torch

    prompts = [STEM, "The king", "One", STEM]
    got = ask(tiny, q.generate(prompts, decoding=Decoding(max_tokens=10)))
    opened = tiny.opened()
    for prompt, text in zip(prompts, got.texts, strict=True):
        ids = torch.tensor([[1, *opened.tokenizer(prompt, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            for _ in range(10):
                # The plain way: the whole row again for every token, no cache.
                token = opened.module(ids).logits[0, -1].argmax()
                if int(token) == 2:
                    break
                ids = torch.cat([ids, token[None, None]], 1)
        written = opened.tokenizer.decode(ids[0], skip_special_tokens=True)[len(prompt) :]
        assert text == written


def test_prefixes_are_shared_where_it_is_safe(tiny):
    """Plain caches share; windows and recurrent states keep the plain way."""
    name = tiny.about()["architecture"]
    safe = {
        "GPT2LMHeadModel",
        "GPTJForCausalLM",
        "LlamaForCausalLM",
        "GPTNeoXForCausalLM",
        "OPTForCausalLM",
    }
    assert tiny.about()["shares_prefixes"] == (name in safe), name
