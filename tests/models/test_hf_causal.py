"""The causal adapter on SmolLM2: the contract, and values against a naive computation."""

from dataclasses import replace

import numpy as np
import pytest
from contract import LAWS, SAMPLES, Case, ask, sampling

from plumbline.core import questions as q
from plumbline.core.errors import BadInput
from plumbline.core.questions import Decoding, Segment

pytestmark = pytest.mark.model


@pytest.fixture(scope="session")
def case(smol, exact):
    """SmolLM2 with all that the laws need."""
    from plumbline.models.demo import open_demo

    long = "word " * 9000
    return Case(
        adapter=smol,
        reopen=open_demo,
        options=exact,
        moves=(
            replace(exact, system="Be brief."),
            replace(exact, bos="none"),
            replace(exact, chat_template="none"),
        ),
        too_long={
            "logprob": q.logprob([long, "A"], [" b", " b"]),
            "next": q.next_tokens([long, "A"], [[" b"], [" b"]]),
            "choose": q.choose([long, "A"], [("a", "b"), ("a", "b")]),
            "generate": q.generate([long, "A"], decoding=Decoding(max_tokens=2)),
        },
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """The causal adapter keeps the law."""
    law(case)


def naive(adapter, ids, start):
    """Token log-probabilities the plain way: one row, all logits, float64."""
    import torch

    opened = adapter.opened()
    with torch.no_grad():
        logits = opened.module(torch.tensor([ids])).logits[0].double()
    chances = logits.log_softmax(-1)
    return np.array([float(chances[i - 1, ids[i]]) for i in range(start, len(ids))])


def tokens(adapter, text):
    """Token ids without special tokens."""
    return adapter.opened().tokenizer(text, add_special_tokens=False)["input_ids"]


def bos(adapter):
    """Id of the token that the demo puts before plain text."""
    from plumbline.models.demo import BOS

    return adapter.opened().tokenizer.convert_tokens_to_ids(BOS)


def test_logprob_equals_the_naive_way(smol):
    """Shared prefixes, buckets and picked positions give what one full row gives."""
    batch = SAMPLES["logprob"]
    got = ask(smol, batch)
    rows = zip(batch.columns["context"], batch.columns["continuation"], strict=True)
    for i, (context, continuation) in enumerate(rows):
        before = tokens(smol, context[0].text) if context[0].text else []
        ids = [bos(smol), *before, *tokens(smol, continuation)]
        wanted = naive(smol, ids, 1 + len(before))
        np.testing.assert_allclose(got.row(i)[0], wanted, atol=1e-4)


def test_sharing_changes_nothing(smol):
    """Sequences that branch again and again, read as one row, equal the plain way to 1e-5."""
    import torch

    from plumbline.models.hf_scoring import Scored, score
    from plumbline.models.token_trees import laid

    stem = (bos(smol), *tokens(smol, "My friend from the north, who is a nurse, said that"))
    tails = [
        tokens(smol, t)
        for t in (" she", " he", " she was late today.", " she was late for tea.", " they did")
    ]
    some = [Scored((*stem, *tail), len(stem)) for tail in tails]
    some += [Scored(some[2].ids, 1), Scored((bos(smol), *tokens(smol, "My aunt is a nurse.")), 1)]
    (row,) = laid([s.read for s in some], 1000)
    assert len(row.ids) < sum(len(s) for s in row.paths) / 2
    with torch.inference_mode():
        shared, plain = (score(smol.hf, some, trees=t) for t in (True, False))
    for one, two in zip(shared, plain, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_rows_of_other_widths_change_nothing(smol, monkeypatch):
    """Padding inside a pass, and rows on their own, give the same numbers to 1e-5."""
    import torch

    from plumbline.models import hf_scoring, token_trees

    texts = SAMPLES["logprob"].columns["continuation"]
    some = [hf_scoring.Scored((bos(smol), *tokens(smol, t)), 1) for t in texts]
    with torch.inference_mode():
        together = hf_scoring.score(smol.hf, some, trees=True)
        monkeypatch.setattr(hf_scoring, "_SPANS", {4: 0.01, 2: 0.01})
        assert len(token_trees.laid([s.read for s in some], 1000, hf_scoring._span(smol.hf))) > 1
        apart = hf_scoring.score(smol.hf, some, trees=True)
    for one, two in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_published_sanity_figures(smol_plain):
    """The figures of the models' survey, which scores from the second token on without BOS."""
    wanted = {
        "Paris is the capital of France.": -13.61,
        "Paris is the capital of banana.": -30.25,
        "The nurse said that she was tired.": -38.46,
        "The nurse said that he was tired.": -39.99,
        "The engineer said that she was tired.": -35.85,
        "The engineer said that he was tired.": -36.27,
    }
    split = [text.partition(" ") for text in wanted]
    got = ask(smol_plain, q.logprob([s[0] for s in split], [s[1] + s[2] for s in split]))
    np.testing.assert_allclose(got.total, list(wanted.values()), atol=0.006)


def test_published_text(smol_plain):
    """The survey's greedy continuation, without BOS."""
    prompts = ["My friend is a nurse. Yesterday"]
    got = ask(smol_plain, q.generate(prompts, decoding=Decoding(max_tokens=14)))
    assert got.texts[0].startswith(", she was working at a hospital. She was just diagnosed")


def test_no_bos_leaves_the_first_token_undefined(smol_plain):
    """Without BOS nothing predicts the first token: the row says so, it is not skipped."""
    got = ask(smol_plain, q.logprob(["", "She"], ["She was late.", " was late."]))
    assert got.status == ["first token has no context (no BOS)", ""]


def test_boundary_that_merges(smol):
    """A token across the boundary is the continuation's, and its piece shows the context's end."""
    got = ask(
        smol,
        q.logprob(
            ["The capital is ", "The capital is", "The nur"], ["Paris", " Paris", "se is late"]
        ),
    )
    assert list(got.row(0)[1]) == [" Paris"]
    np.testing.assert_allclose(got.row(0)[0], got.row(1)[0], atol=1e-5)
    ids = [bos(smol), *tokens(smol, "The nurse is late")]
    values, pieces = got.row(2)
    assert list(pieces) == [" nurse", " is", " late"]
    np.testing.assert_allclose(values, naive(smol, ids, 2), atol=1e-4)
    assert smol.about()["count_straddled"] >= 2


def test_whole_sentence_does_not_depend_on_where_it_is_cut(smol):
    """log P(sentence) is the same from an empty context as the sum over a cut at a space."""
    text = "The nurse said that she was late because of the rain."
    whole = ask(smol, q.logprob([""], [text])).total[0]
    for cut in (3, 9, 14):
        parts = ask(smol, q.logprob(["", text[:cut]], [text[:cut], text[cut:]])).total
        np.testing.assert_allclose(parts.sum(), whole, atol=1e-4)


def test_characters_of_several_tokens_keep_their_text(smol):
    """Pieces joined are the continuation, also where one character is several tokens."""
    said = [" café 😀 naïve", " 你好, Ω!"]
    got = ask(smol, q.logprob(["Hello", "Hello"], said))
    for i, text in enumerate(said):
        values, pieces = got.row(i)
        assert "".join(pieces) == text
        assert len(values) == len(tokens(smol, text))


def test_next_is_the_first_token_of_logprob(smol):
    """`next` gives each candidate's first token, in full softmax over the vocabulary."""
    candidates = (" she", " he", " unbelievably", " x")
    got = ask(smol, q.next_tokens(["The nurse said that"], [candidates]))
    long = ask(smol, q.logprob(["The nurse said that"] * 4, list(candidates)))
    wanted = [long.row(i)[0][0] for i in range(4)]
    np.testing.assert_allclose(got.values[0], wanted, atol=1e-4)
    assert long.count[2] > 1


def test_choice_is_by_probability(smol):
    """The option with the higher log-probability wins, and `how` says what was compared."""
    got = ask(smol, SAMPLES["choose"])
    assert got.how[0] == "next"
    assert got.how[2] == "logprob"
    assert got.chosen[2] == 0
    said = [" Paris", " a small house by the sea"]
    wanted = ask(smol, q.logprob(["The capital of France is"] * 2, said)).total
    np.testing.assert_allclose(got.scores[2], wanted, atol=1e-4)


def test_choice_is_compared_on_equal_terms_where_options_merge(smol):
    """Options that merge with the prompt's last letters are scored from the same token on."""
    got = ask(smol, q.choose(["He is un "], [("happy", "able")]))
    ids = [[bos(smol), *tokens(smol, "He is un " + o)] for o in ("happy", "able")]
    wanted = [naive(smol, i, 4).sum() for i in ids]
    assert ids[0][:4] == ids[1][:4]
    np.testing.assert_allclose(got.scores[0], wanted, atol=1e-4)


def test_equal_options_are_a_tie(smol):
    """A tie is no choice: breaking it by order would be a position preference of our own."""
    got = ask(smol, q.choose(["Say it:"], [("yes", "yes")]))
    assert got.chosen[0] == -1
    assert got.status[0] == "tie"


def test_greedy_text_is_what_transformers_writes(smol, recwarn):
    """Greedy decoding equals `generate` of transformers, prompt by prompt."""
    import torch

    prompts = [
        "The nurse said that",
        "Once upon a time, in a small town by the sea, there was",
        "One, two,",
    ]
    got = ask(smol, q.generate(prompts, decoding=Decoding(max_tokens=12)))
    opened = smol.opened()
    for prompt, text in zip(prompts, got.texts, strict=True):
        ids = torch.tensor([[bos(smol), *tokens(smol, prompt)]])
        with torch.no_grad():
            out = opened.module.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12
            )
        assert text == opened.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)


def test_half_precision_keeps_the_first_token(smol, exact):
    """In bfloat16 the first position is computed in float32: it would be off by nats otherwise.

    Elsewhere bfloat16 stays within a few tenths of float32.
    """
    from plumbline.models.demo import open_demo

    half = open_demo(replace(exact, dtype="bfloat16"))
    said = ["The nurse was late.", "Paris is the capital of France.", "My dog likes to eat apples."]
    one, two = (ask(a, q.logprob([""] * 3, said)) for a in (smol, half))
    assert half.about()["first_token_computed_in"] == "float32"
    for i in range(3):
        np.testing.assert_allclose(one.row(i)[0][0], two.row(i)[0][0], atol=0.05)
        np.testing.assert_allclose(one.row(i)[0], two.row(i)[0], atol=0.35)
    first = ask(half, q.next_tokens([""], [["The", "Paris", "My"]]))
    np.testing.assert_allclose(first.values[0], [two.row(i)[0][0] for i in range(3)], atol=1e-9)
    half.close()


def test_chat_prompts_use_the_template(smol):
    """Chat roles are rendered by the model's template, without a second BOS."""
    from plumbline.models.hf_prompt import Prompter

    prompter = Prompter.of(smol.hf.tokenizer, replace(smol.hf.options, system="Be kind."))
    chat = (Segment("Hi", "user"), Segment("Hello", "assistant"), Segment("Who?", "user"))
    text = prompter.text(chat)
    assert text == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nWho?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert prompter.prompts([chat])[0][0] == smol.hf.tokenizer.convert_tokens_to_ids("<|im_start|>")
    begun = prompter.text((*chat, Segment("I am", "assistant")))
    assert begun.endswith("<|im_start|>assistant\nI am")
    assert prompter.text((Segment("Hi"),)) == "Hi"


def test_bos_that_is_a_turn_marker_is_reported(smol_folder, exact):
    """The tokenizer's own BOS opens chat turns here; that is said in `about()`."""
    from plumbline.models.hf_open import open_hf

    adapter = open_hf(smol_folder, exact)
    assert adapter.about()["bos"] == "<|im_start|>"
    assert adapter.about()["bos_is_turn_marker"] is True
    adapter.close()


def test_unknown_bos_is_refused(smol_folder, exact):
    """A BOS that is no token of the model is a clear error."""
    from plumbline.models.hf_open import open_hf

    with pytest.raises(BadInput, match="is not a token"):
        open_hf(smol_folder, replace(exact, bos="<nonsense>"))


def test_stop_strings_end_the_text(smol):
    """The text ends before the first stop string, and says that it was stopped."""
    free = ask(smol, q.generate(["One, two, three,"], decoding=Decoding(max_tokens=20)))
    assert "," in free.texts[0]
    got = ask(smol, q.generate(["One, two, three,"], decoding=Decoding(max_tokens=20, stop=(",",))))
    assert got.texts[0] == free.texts[0].split(",")[0]
    assert got.finish[0] == "stop"
    assert free.finish[0] in ("stop", "length")


def test_end_token_ends_the_text(smol):
    """A chat answer ends by itself and holds no special tokens."""
    prompts = [q.prompt("Say hello.", role="user"), q.prompt("What is 2 + 2?", role="user")]
    got = ask(smol, q.generate(prompts, decoding=Decoding(max_tokens=60)))
    assert "stop" in got.finish
    assert not any("<|" in text for text in got.texts)


def test_draws_do_not_depend_on_companions(smol):
    """A row's text is the same alone, and in another order."""
    batch = sampling(seed=3, top_p=1.0)
    together = list(ask(smol, batch).texts)
    order = [5, 2, 7]
    assert list(ask(smol, batch.take(order)).texts) == [together[i] for i in order]


def test_nan_is_a_bad_answer(smol):
    """A model that gives NaN is an error that names the question."""
    import torch

    from plumbline.core.errors import BadAnswer

    head = smol.opened().module.get_output_embeddings()
    handle = head.register_forward_hook(lambda *a: a[-1] * torch.nan)
    try:
        with pytest.raises(BadAnswer, match="tired"):
            ask(smol, q.logprob(["The nurse was"], [" tired"]))
        with pytest.raises(BadAnswer):
            ask(smol, q.generate(["The nurse was"], decoding=Decoding(max_tokens=2)))
    finally:
        handle.remove()


def test_a_part_stays_one_part(smol):
    """Splitting a part again gives the part: answers are formed as they were planned."""
    contexts = [
        f"The {w} of the house said that" for w in ("cook", "king", "old master") for _ in range(40)
    ]
    batch = q.logprob(contexts, [f" it was number {i}." for i in range(len(contexts))])
    small = replace(smol.hf.options, batch_tokens=30)
    original, smol.hf.options = smol.hf.options, small
    try:
        parts = smol.partition(batch)
        assert len(parts) > 3
        for part in parts:
            again = smol.partition(batch.take(part.tolist()))
            assert [p.tolist() for p in again] == [list(range(len(part)))]
    finally:
        smol.hf.options = original
