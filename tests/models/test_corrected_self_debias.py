"""Self-debiasing: the formula's identities, the contract, and what a strength of 0 and 50 does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from contract import LAWS, Case, ask
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import CAUSAL, TEXT, build

from plumbline.core import questions as q
from plumbline.core.errors import AbilityError, BadInput
from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_self_debias import SelfDebias, reweighted, with_warning
from plumbline.models.hf_open import open_hf
from plumbline.testing import PlantedWriter

WARNING = "A rude remark."
STRONG = 5000.0  # next tokens of a random model have chances of some .003
PROMPTS = ["The nurse said that", "Once upon a time, in a small town", "Paris is"]


def shares(draw_from: list[float]) -> torch.Tensor:
    """Positive numbers as probabilities."""
    given = torch.tensor(draw_from, dtype=torch.float64)
    return given / given.sum()


positive = st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6)


@given(positive, positive, st.floats(0.0, 100.0))
def test_formula(plain, warned, strength):
    """S006 check 4: sums to 1; strength 0 changes nothing; tokens with delta >= 0 keep their odds."""
    p, w = shares(plain), shares(warned)
    got = reweighted(p, w[None], strength)
    assert float(got.sum()) == pytest.approx(1.0)
    assert torch.allclose(reweighted(p, w[None], 0.0), p)
    kept = (p >= w).nonzero()[:, 0]
    odds = got[kept] / p[kept]
    assert torch.allclose(odds, odds[:1].expand_as(odds))
    lowered = (p < w).nonzero()[:, 0]
    assert bool((got[lowered] / p[lowered] <= odds[0] + 1e-12).all())


def test_factor_in_closed_form():
    """Equations 2 and 3: p .5 and .5, behind the warning .7 and .3, strength 50: odds exp(-50 * .2)."""
    p, w = (
        torch.tensor([0.5, 0.5], dtype=torch.float64),
        torch.tensor([[0.7, 0.3]], dtype=torch.float64),
    )
    got = reweighted(p, w, 50.0)
    assert float(got[0] / got[1]) == pytest.approx(np.exp(-10.0))
    # Of two warnings the one that raises a token most counts.
    two = torch.tensor([[0.7, 0.3], [0.2, 0.8]], dtype=torch.float64)
    got = reweighted(p, two, 50.0)
    assert float(got[0] / got[1]) == pytest.approx(np.exp(-10.0) / np.exp(-15.0))


@pytest.fixture(scope="module", params=["LlamaForCausalLM", "GPT2LMHeadModel"])
def folder(request, tmp_path_factory):
    """A tiny random causal model."""
    return build(tmp_path_factory.mktemp("tiny"), request.param, **CAUSAL[request.param])


@pytest.fixture
def base(folder, exact):
    """It, opened in float32."""
    return open_hf(folder, exact)


def made(base, strength=50.0, warnings=(WARNING,)):
    """The model after mitigation."""
    return SelfDebias(base, "self_debias@1", {"warnings": list(warnings), "strength": strength})


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, base, folder, exact, tmp_path):
    """It keeps the laws of every adapter."""
    model = made(base)
    model.save(tmp_path / "kept", base_spec=f"hf:{folder}", base_options={})
    law(
        Case(
            adapter=model,
            reopen=lambda options: open_corrected(tmp_path / "kept", options),
            options=exact,
            too_long={
                "generate": q.generate(["word " * 200, "A"], decoding=q.Decoding(max_tokens=4))
            },
        )
    )


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_strength_0_writes_what_the_base_writes(base, temperature):
    """S006 check 4: lambda = 0 returns the original distribution, so the same draws."""
    batch = q.generate(PROMPTS, decoding=q.Decoding(temperature=temperature, max_tokens=12), seed=3)
    assert ask(made(base, 0.0), batch).texts == ask(base, batch).texts


def test_first_token_is_the_formulas(exact, tmp_path):
    """Greedy: the first token is the most probable one after reweighting the model's own probabilities."""
    base = open_hf(build(tmp_path, "LlamaForCausalLM", **CAUSAL["LlamaForCausalLM"]), exact)
    opened = base.opened()
    tokenizer = opened.tokenizer

    def after(prompts):
        rows = [(tokenizer.bos_token_id, *tokenizer(p)["input_ids"]) for p in prompts]
        with torch.no_grad():
            logits = [opened.module(torch.tensor([r])).logits[0, -1].double() for r in rows]
        return torch.stack(logits).softmax(-1)

    plain = after(PROMPTS)
    # Most warnings lower what the model would say first; one that raises it is wanted.
    for warning in sorted({word for text in TEXT for word in text.split()}):
        warned = after([f"{warning}\n{p}" for p in PROMPTS])
        pairs = zip(plain, warned, strict=True)
        chosen = [int(reweighted(p, w[None], STRONG).argmax()) for p, w in pairs]
        if chosen != plain.argmax(-1).tolist():
            break
    else:
        pytest.fail("no warning moves anything")
    batch = q.generate(PROMPTS, decoding=q.Decoding(max_tokens=1))
    got = ask(made(base, STRONG, (warning,)), batch).texts
    assert got == [tokenizer.decode([t], skip_special_tokens=True) for t in chosen]


def test_drawn_shares_follow_the_reweighted_distribution(base):
    """4,000 first tokens at temperature 1: the total variation from the formula is that of sampling."""
    opened = base.opened()
    tokenizer = opened.tokenizer
    rows = [tokenizer(t)["input_ids"] for t in (PROMPTS[0], f"{WARNING}\n{PROMPTS[0]}")]
    with torch.no_grad():
        chances = torch.stack([
            opened.module(torch.tensor([[tokenizer.bos_token_id, *r]])).logits[0, -1].double().softmax(-1)
            for r in rows
        ])  # fmt: skip
    wanted = reweighted(chances[0], chances[1:], STRONG)
    batch = q.generate(
        [PROMPTS[0]] * 4000, decoding=q.Decoding(temperature=1.0, max_tokens=1), draws=range(4000)
    )
    texts = ask(made(base, STRONG), batch).texts
    top = wanted.topk(3).indices.tolist()
    for token in top:
        said = tokenizer.decode([token], skip_special_tokens=True)
        same = [
            i for i in range(len(wanted)) if tokenizer.decode([i], skip_special_tokens=True) == said
        ]
        share = float(wanted[same].sum())
        seen = np.mean([t == said for t in texts])
        assert abs(seen - share) < 4 * np.sqrt(share * (1 - share) / 4000)


def test_where_the_warning_goes():
    """Behind a system message, in the first turn's role; plain text stays plain."""
    chat = (q.Segment("Be brief.", "system"), q.Segment("Hello", "user"))
    assert [p.role for p in with_warning(chat, WARNING)] == ["system", "user", "user"]
    assert q.plain(with_warning(q.prompt("Hello"), WARNING)) == f"{WARNING}\nHello"


def test_what_it_is_not_for(base):
    """No other subject, no warning, no negative strength, no other ability."""
    with pytest.raises(AbilityError, match="causal transformers models only"):
        made(PlantedWriter(dial=0.0, leans={}))
    with pytest.raises(BadInput, match="strength of at least 0"):
        made(base, -1.0)
    with pytest.raises(BadInput, match="wants warnings"):
        made(base, 50.0, ())
    assert made(base).abilities == frozenset({"generate"})
