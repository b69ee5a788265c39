"""The tiny decoder is Llama's arithmetic, and it learns."""

import numpy as np
import pytest
import torch

from plumbline.core.errors import BadInput
from plumbline.models.tiny_decoder import Sizes, TinyDecoder


def test_it_is_llama_in_float64():
    """The same weights in transformers give the same logits (its norms and angles are float32)."""
    import transformers

    sizes = Sizes(vocabulary=40, hidden=32, heads=4, layers=2, inner=48)
    ours = TinyDecoder.random(sizes, seed=1)
    config = transformers.LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, rms_norm_eps=1e-6, tie_word_embeddings=False,
    )  # fmt: skip
    theirs = transformers.LlamaForCausalLM(config).double().eval()
    names = {
        "query": "self_attn.q_proj", "key": "self_attn.k_proj", "value": "self_attn.v_proj",
        "out": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
        "before_attention": "input_layernorm", "before_mlp": "post_attention_layernorm",
    }  # fmt: skip
    state = {
        "model.embed_tokens.weight": ours.weights["embed"], "model.norm.weight": ours.weights["norm"],
        "lm_head.weight": ours.weights["head"].T,
    }  # fmt: skip
    for name, weight in ours.weights.items():
        layer, _, part = name.partition(".")
        if part:
            state[f"model.layers.{layer}.{names[part]}.weight"] = (
                weight.T if weight.ndim == 2 else weight
            )
    theirs.load_state_dict(state)
    ids = torch.tensor([[3, 9, 1, 39, 0, 22, 7, 7], [5, 5, 5, 4, 3, 2, 1, 0]])
    with torch.no_grad():
        wanted = theirs(ids).logits
    torch.testing.assert_close(ours.logits(ids), wanted, atol=1e-5, rtol=0)


def test_it_learns_and_leaves_what_it_was_alone():
    """Say the first of six tokens: chance is one in eight, and the fresh decoder is not changed."""
    rng = np.random.default_rng(0)

    def draw(rows):
        ids = torch.from_numpy(rng.integers(8, size=(rows, 6)))
        return ids, ids[:, 0]

    fresh = TinyDecoder.random(Sizes(vocabulary=8, hidden=16, heads=2), seed=0, dtype="float32")
    before = fresh.weights["head"].clone()
    learnt = fresh.fit(draw, steps=120, rate=1e-2)
    ids, targets = draw(400)
    assert (learnt.logits(ids)[:, -1].argmax(-1) == targets).double().mean() > 0.9
    assert torch.equal(fresh.weights["head"], before)
    assert not any(w.requires_grad for w in learnt.weights.values())


def test_shapes_that_cannot_be_are_refused():
    """A head of odd width, no layer."""
    for wrong in ({"hidden": 20, "heads": 4}, {"layers": 0}, {"heads": 0}):
        with pytest.raises(BadInput, match="a decoder wants"):
            Sizes(vocabulary=5, **wrong)
