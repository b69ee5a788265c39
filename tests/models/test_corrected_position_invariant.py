"""Position-invariant answers of transformers models: exact over all orders, in prefill and in decoding."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from contract import LAWS, Case, ask
from tiny_models import CAUSAL, SMALL, build

from plumbline.core import questions as q
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Segment
from plumbline.data.templates.multiple_choice import letters, shown
from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_position_invariant import OFFERED, PositionInvariant
from plumbline.models.corrected_weights import CorrectedWeights
from plumbline.models.hf_open import open_hf
from plumbline.models.resolve import open_model
from plumbline.models.set_passes import SetModule
from plumbline.models.set_prompt import NOTHING_BEHIND
from plumbline.testing import PlantedChooser

METHOD = "position_invariant@1"
TEXTS = ("the nurse is late", "Paris is a house of the king", "one, two")
ORDERS = list(permutations(range(3)))
KNOWN = {
    "LlamaForCausalLM": SMALL,
    "Qwen2ForCausalLM": {k: v for k, v in SMALL.items() if k != "head_dim"},
    "Qwen3ForCausalLM": SMALL,
    "MistralForCausalLM": SMALL | {"sliding_window": None},
}


def asked(order, *, lettered=False, role="text"):
    """Three options in this order."""
    texts = [TEXTS[i] for i in order]
    return shown("Which is a fruit?", texts, role=role, lettered=lettered)


def corrected(base, how="pine", exchange=""):
    """The base after the correction."""
    return PositionInvariant(base, METHOD, {"how": how, "exchange": exchange})


@pytest.fixture(scope="module", params=list(KNOWN))
def any_base(request, tmp_path_factory, exact):
    """A tiny random model of each architecture that is known."""
    return open_hf(build(tmp_path_factory.mktemp("m"), request.param, **KNOWN[request.param]), exact)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random Llama."""
    return build(tmp_path_factory.mktemp("llama"), "LlamaForCausalLM", **SMALL)


@pytest.fixture(scope="module")
def base(folder, exact):
    """It, opened."""
    return open_hf(folder, exact)


ONE = asked((0, 1, 2))
SETS = {
    "logprob": q.logprob([ONE, asked((2, 1, 0)), "The nurse said that", ONE], [" yes", " no way", " she was late.", " yes"]),
    "next": q.next_tokens([ONE, "Paris is", asked((1, 0, 2)), ONE], [[" yes", " no"], [" a", " the"], [" yes"], [" yes", " no"]]),
    "choose": q.choose([ONE, "Is it wet?", asked((1, 2, 0)), ONE], [("yes", "a small house"), ("yes", "no"), TEXTS, ("yes", "a small house")]),
    "generate": q.generate([ONE, "The nurse said that", asked((1, 2, 0), role="user"), ONE], decoding=q.Decoding(max_tokens=6)),
}  # fmt: skip


@pytest.fixture(scope="module", params=["plain prompts", "prompts with a set"])
def case(request, base, folder, exact, tmp_path_factory):
    """A corrected model with all that the laws need."""
    kept = tmp_path_factory.mktemp("kept")
    corrected(base).save(kept, base_spec=f"hf:{folder}", base_options={})
    long = shown("word " * 200, ["x", "y"])
    more = {} if request.param == "plain prompts" else {"samples": SETS}
    return Case(
        adapter=corrected(base),
        reopen=lambda options: open_corrected(kept, options),
        options=exact,
        too_long={"logprob": q.logprob([long, ONE], [" b", " b"])},
        **more,
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """Asked about sets or not, it keeps the law."""
    law(case)


def in_all_orders(model, **how):
    """Answers of each ability in all orders of the options: (log-probabilities, texts)."""
    prompts = [asked(o, **how) for o in ORDERS]
    numbers = [
        ask(model, q.logprob(prompts, [" the nurse was here"] * 6)).total,
        *np.transpose([*ask(model, q.choose(prompts, [("yes", "no way")] * 6)).scores]),
        *np.transpose([*ask(model, q.next_tokens(prompts, [(" yes", " no")] * 6)).values]),
    ]
    texts = ask(model, q.generate(prompts, decoding=q.Decoding(max_tokens=12))).texts
    return np.array(numbers), texts


def test_all_abilities_are_blind_to_the_order(any_base):
    """Every known architecture, prefill and decoding: one answer in 3! orders (float32, 1e-5 nats); before, several."""
    before, said = in_all_orders(any_base)
    after, texts = in_all_orders(corrected(any_base))
    assert np.ptp(before, axis=1).min() > 1e-2
    assert len(set(said)) > 1
    assert np.ptp(after, axis=1).max() < 1e-5
    assert len(set(texts)) == 1


@pytest.mark.parametrize("how", ["mask", "positions", "nia"])
def test_what_is_only_half_the_method_is_not(base, how):
    """S048 check 2 on transformers: either change alone, and NIA, leave differences above 1e-4."""
    numbers, _ = in_all_orders(corrected(base, how))
    assert np.ptp(numbers, axis=1).min() > 1e-4


def test_parallel_windows_are_blind_too_and_answer_otherwise(base):
    """PCW hides documents from each other: no order is left, nor is the method's answer."""
    numbers, _ = in_all_orders(corrected(base, "pcw"))
    assert np.ptp(numbers, axis=1).max() < 1e-5
    assert np.abs(numbers - in_all_orders(corrected(base))[0]).max() > 1e-3


@pytest.mark.parametrize("name", list(KNOWN))
def test_exact_in_float64(name, tmp_path_factory, exact):
    """S048 check 1 on transformers, k = 3: below 1e-8 over all orders against above 1e-3."""
    hf = open_hf(build(tmp_path_factory.mktemp("m"), name, **KNOWN[name]), exact).hf
    hf.model = hf.module.double()
    module = SetModule(hf.module, "pine")
    prompter = corrected_prompter(hf)

    def logits(order, call):
        laid = prompter.laid_out(asked(order), "options")
        ids = torch.tensor([[*laid.lead, *prompter.pieces(laid.suffix)]])
        with torch.no_grad():
            return call(laid.layout, ids)[0, -1].numpy()

    def invariant(layout, ids):
        with module.attending(layout):
            return module(input_ids=ids).logits

    plain = [logits(o, lambda _, ids: hf.module(input_ids=ids).logits) for o in ORDERS]
    ours = [logits(o, invariant) for o in ORDERS]
    assert np.ptp(plain, axis=0).max() > 1e-3
    assert np.ptp(ours, axis=0).max() < 1e-8


def corrected_prompter(hf):
    """Tokenises sets for a loaded model."""
    from plumbline.models.set_prompt import SetPrompter

    return SetPrompter.of(hf.tokenizer, hf.options)


def test_replaced_attention_is_the_model_s_own_where_nothing_is_a_set(any_base):
    """`causal` through the replaced attention gives the model's own logits; the model is as it was afterwards."""
    hf = any_base.hf
    laid = corrected_prompter(hf).laid_out(ONE, "options")
    ids = torch.tensor([[*laid.lead, 5, 6, 7]])
    before = hf.module.config._attn_implementation
    module = SetModule(hf.module, "causal")
    with torch.no_grad(), module.attending(laid.layout):
        got = module(input_ids=ids).logits
    with torch.no_grad():
        torch.testing.assert_close(got, hf.module(input_ids=ids).logits, atol=5e-5, rtol=0)
    assert hf.module.config._attn_implementation == before
    with pytest.raises(BadInput, match="right only"), module.attending(laid.layout):
        module(input_ids=ids[:, :2], attention_mask=torch.tensor([[0, 1]]))


def test_prompts_without_a_set_are_answered_by_the_base(base):
    """S048 check 4: k = 1 is the identity, to the bit; one place is no set; other questions beside it do not matter."""
    model = corrected(base)
    single = (Segment("- "), Segment("the nurse", exchange="options"), Segment(" said"))
    batch = q.logprob(["The nurse said that", single, ONE], [" she was late.", " yes", " yes"])
    plain = ask(base, batch.take([0, 1])).total
    after = ask(model, batch).total
    assert after[:2].tolist() == plain.tolist()
    assert abs(after[2] - ask(base, batch).total[2]) > 1e-3
    named = ask(corrected(base, exchange="elsewhere"), batch).total
    assert named.tolist() == ask(base, batch).total.tolist()


def test_letters_stay_with_their_contents(base):
    """Documents with their labels may stand anywhere; under other letters they are other documents."""
    model = corrected(base)

    def total(parts):
        return ask(model, q.logprob([parts], [" yes"])).total[0]

    plain = asked((0, 1, 2), lettered=True)
    head, a, _, b, _, c, tail = plain
    lead = replace(head, text=head.text.removesuffix("A. "))
    turned = (
        replace(lead, text=lead.text + "C. "), c, Segment("\nA. "), a, Segment("\nB. "), b, tail,
    )  # fmt: skip
    assert [p.option for p in turned if p.exchange] == ["C", "A", "B"]
    assert abs(total(plain) - total(turned)) < 1e-5
    assert abs(total(plain) - total(asked((2, 0, 1), lettered=True))) > 1e-3
    assert letters(3) == ("A", "B", "C")


def test_shared_beginnings_and_whole_passes_agree(base):
    """Continuations from the cache (plain keys) and each in a pass of its own: the same log-probabilities."""
    model = corrected(base)
    said = [" yes", " the nurse was here", " no way, said the king", " yes, yes"]
    together = ask(model, q.logprob([ONE] * 4, said)).total
    alone = [ask(model, q.logprob([ONE], [text])).total[0] for text in said]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_decoding_from_the_cache_is_what_whole_passes_write(base):
    """Greedy text token by token: each token is the likeliest one after a pass over all before it."""
    model = corrected(base)
    (text,) = ask(model, q.generate([ONE], decoding=q.Decoding(max_tokens=8))).texts
    hf = base.hf
    laid = corrected_prompter(hf).laid_out(ONE, "options")
    ids = [*laid.lead, *corrected_prompter(hf).pieces(laid.suffix)]
    first = len(ids)
    module = SetModule(hf.module, "pine")
    with torch.no_grad(), module.attending(laid.layout):
        for _ in range(8):
            ids.append(int(module(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    assert hf.tokenizer.decode(ids[first:], skip_special_tokens=True) == text


def test_what_cannot_be_laid_out_has_its_reason(base):
    """A status, never a number, in every ability."""
    model, bare = corrected(base), ONE[:-1]
    for batch in (
        q.logprob([bare], [" yes"]), q.next_tokens([bare], [(" yes",)]), q.choose([bare], [("yes", "no")]),
        q.generate([bare], decoding=q.Decoding(max_tokens=2)),
    ):  # fmt: skip
        assert ask(model, batch).status == [NOTHING_BEHIND]


def test_parameters_are_part_of_it_and_it_opens_again(base, folder, exact, tmp_path):
    """Another way or another set is another model; `corrected:DIR` answers the same; `open` is not kept."""
    models = [corrected(base, how) for how in OFFERED] + [corrected(base, exchange="options")]
    assert len({base.fingerprint, *(m.fingerprint for m in models)}) == len(models) + 1
    options = {"dtype": "float32", "device": "cpu"}
    models[0].save(tmp_path / "m", base_spec=f"hf:{folder}", base_options=options)
    again = open_model(f"corrected:{tmp_path / 'm'}")
    assert again.fingerprint == models[0].fingerprint
    batch = q.logprob([ONE], [" yes"])
    assert ask(again, batch).total.tolist() == ask(models[0], batch).total.tolist()
    assert models[0].abilities == {"logprob", "next", "choose", "generate"}
    met = again.about()
    assert met["count_sets"] == 1
    assert met["corrected_by"] == METHOD


def test_changed_weights_can_be_a_base(base):
    """Stacked on corrected weights it reads the changed model."""
    name = "model.layers.1.mlp.down_proj.weight"
    weight = dict(base.hf.module.named_parameters())[name].detach()
    changed = CorrectedWeights(base, {name: weight * 2}, "made_up@1", {})
    batch = q.logprob([ONE], [" yes"])
    one, two = (ask(corrected(b), batch).total[0] for b in (base, changed))
    assert abs(one - two) > 1e-3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("GPT2LMHeadModel", "not known to compute attention as Llama does"),
        ("MistralForCausalLM", "sliding window"),
        ("Gemma2ForCausalLM", "not known"),
    ],
)
def test_other_architectures_are_refused(name, message, tmp_path, exact):
    """One clear error each, before anything is asked."""
    with pytest.raises(AbilityError, match=message):
        corrected(open_hf(build(tmp_path, name, **CAUSAL[name]), exact))


def test_other_models_and_ways_are_refused(base, tmp_path, exact):
    """Angles that depend on the length, half-turned heads, models without torch, an unknown way."""
    dynamic = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    odd = build(tmp_path, "LlamaForCausalLM", **SMALL, rope_parameters=dynamic)
    with pytest.raises(AbilityError, match="depend on the length"):
        corrected(open_hf(odd, exact))
    with pytest.raises(AbilityError, match="transformers models only"):
        PositionInvariant(PlantedChooser(), METHOD, {"how": "pine"})
    with pytest.raises(BadInput, match="how is one of"):
        corrected(base, "causal")
