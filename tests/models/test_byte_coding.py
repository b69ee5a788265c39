"""Byte-level BPE as a coding: tokens, settled cuts, validity; and a transformer read byte by byte."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tiny_models

from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError, BadInput
from plumbline.models.abilities import ModelOptions
from plumbline.models.byte_coding import BytePairs, byte_alphabet
from plumbline.models.byte_cover import END, followed, total_variation
from plumbline.models.byte_models import ByteModel
from plumbline.models.resolve import open_model
from plumbline.models.whole_batch import answered

pytest.importorskip("torch")
EXACT = ModelOptions(dtype="float32", device="cpu")
TEXTS = (
    "The nurse said that she was late.", "a  b", "x\n\n y 12,3 def f(x):\n    return 1", "don't 'tis",
    "na\u00efve \u4e2d\u56fd \U0001f642 ok", "Paris is the capital of ", "three!  ", "\u00a0a",
)  # fmt: skip


@pytest.fixture(scope="module")
def coding():
    """The tokenizer of the tiny models."""
    tok = tiny_models.tokenizer()
    return BytePairs(tok, len(tok)), tok


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A tiny model with random weights, opened."""
    folder = tiny_models.build(
        tmp_path_factory.mktemp("tiny"),
        "LlamaForCausalLM",
        **tiny_models.CAUSAL["LlamaForCausalLM"],
    )
    return open_model(f"hf:{folder}", EXACT)


def test_the_alphabet_is_gpt2s():
    """Every byte has one character; the space is written U+0120 and the newline U+010A."""
    letters = byte_alphabet()
    assert sorted(letters.values()) == list(range(256))
    assert (letters["\u0120"], letters["\u010a"], letters["A"]) == (32, 10, 65)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_the_tokenizers_own(coding, text):
    """Encoding agrees with the tokenizer and decodes to the bytes again."""
    own, tok = coding
    found = own.encode(text.encode())
    assert list(found) == tok(text, add_special_tokens=False)["input_ids"]
    assert own.vocabulary.text(found) == text.encode()


@pytest.mark.parametrize("text", TEXTS)
def test_a_settled_beginning_stays_tokenised_as_it_is(coding, text):
    """S120 pitfall, known-valid split points: whatever follows, the settled part has the same tokens."""
    own, _ = coding
    data = text.encode()
    for end in range(1, len(data) + 1):
        try:
            at = own.settled(data[:end])
        except BadInput:
            continue
        assert at < end
        front = own.encode(data[:at])
        for more in ("", "s late", " x", "\n\n", "12", "'ll", "..", "\u00e9", "\U0001f642", "   "):
            assert (
                own.encode(data[:end].decode("utf-8", "ignore").encode() + more.encode())[
                    : len(front)
                ]
                == front
            )


@pytest.mark.parametrize("tail", ["", "The nur", "said ", "x  ", "the", "na\u00ef", "12", "It'"])
def test_all_tokens_at_once_is_one_by_one(coding, tail):
    """Validity of the whole vocabulary in one batch, with its short cut, equals encoding each text."""
    own, _ = coding
    ids = np.flatnonzero(own.vocabulary.length > 0)
    spoken = np.array([v for v in ids if own._texts[v] is not None])
    one_by_one = followed(own, tail.encode(), spoken)
    assert own.follows(tail.encode(), ids)[np.isin(ids, spoken)].tolist() == one_by_one.tolist()
    assert 0 < one_by_one.sum() <= len(spoken)


def test_half_a_character_is_half_a_text(coding):
    """Bytes of a character that is not whole are tokens; bytes that begin no text are refused."""
    own, _ = coding
    data = "na\u00efve".encode()
    found = own.encode(data[:3])
    assert own.vocabulary.text(found) == data[:3]
    second = own.vocabulary.pieces.index(data[3:4])
    letter = own.vocabulary.pieces.index(b"v")
    assert own.follows(data[:3], np.array([second, letter])).tolist() == [True, False]
    with pytest.raises(BadInput, match="no UTF-8"):
        own.encode(b"a\xff\xffb")


def test_walking_is_searching_on_a_transformer(llama):
    """S120 method on a real path: byte by byte gives the covers that a search from scratch gives."""
    model = ByteModel.of(llama)
    lead, data, status = model.begin(ask.prompt("The nurse said th"), "")
    assert status == ""
    assert data == b" th"
    more = b"at she"
    walked = model.walk(lead, data, more)
    process = model.process
    for k in range(1, len(more) + 1):
        searched = process.log_prob(lead, data + more[:k]) - process.log_prob(lead, data)
        assert walked[:k].sum() == pytest.approx(searched, abs=1e-5)


def test_nothing_is_lost_on_a_transformer(llama):
    """S120 check 2: next bytes, the end and what leaks sum to 1; each byte is P(x b) / P(x)."""
    model = ByteModel.of(llama)
    lead, data, _ = model.begin(ask.prompt("Paris is the ki"), "")
    cover = model.process.cover(lead, data)
    found, leaked = model.process.after(cover)
    assert found.sum() + leaked == pytest.approx(1.0, abs=1e-5)
    assert 0 < leaked < 1
    assert found[END] > 0
    for byte in b"n .z":
        grown = model.process.log_prob(lead, data + bytes([byte]))
        assert np.log(found[byte]) == pytest.approx(grown - cover.total, abs=1e-4)


def test_a_trailing_space_changes_the_tokens_and_not_the_bytes(llama):
    """S120 check 3: P(next word) after "... of " against " ..." after "... of", by tokens and by bytes.

    P("of " then "France") is P("of" then " France") as bytes; the token reading is another one.
    """
    model = ByteModel.of(llama)
    words = ["France", "the", "a"]
    without = model.begin(ask.prompt("Paris is the capital of"), "")[:2]
    spaced = model.begin(ask.prompt("Paris is the capital of "), "")[:2]
    process = model.process

    def exact(place, text):
        lead, data = place
        return process.log_prob(lead, data + text) - process.log_prob(lead, data)

    opens = exact(without, b" ")
    for word in words:
        after = exact(spaced, word.encode())
        assert after == pytest.approx(exact(without, b" " + word.encode()) - opens, abs=1e-5)
    naive = process.token_conditioned(*spaced)
    found, leaked = process.after(process.cover(*spaced))
    assert total_variation(naive, found / (1 - leaked)) > 0.1


def test_what_is_scored_is_what_the_adapter_scores(llama):
    """Where every cut is settled the two agree: a chain of whole words after whole words."""
    model = ByteModel.of(llama)
    lead, data, _ = model.begin(ask.prompt("The nurse said"), "")
    tokens = model.encode(data + b" that she")
    of_tokens = answered(llama, ask.logprob(["The nurse said"], [" that she"])).total[0]
    start = len(model.encode(data))
    assert model.process.chain(lead + tokens[:start], tokens[start:]) == pytest.approx(
        of_tokens, abs=1e-4
    )


def test_other_tokenizers_are_refused(tmp_path):
    """SentencePiece's kind, normalizers, and masked models say what was wanted."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0})))
    with pytest.raises(BadInput, match="not BPE"):
        BytePairs(words, 1)
    fallback = Tokenizer(models.BPE({"a": 0}, [], byte_fallback=True))
    fallback.decoder = decoders.ByteFallback()
    with pytest.raises(BadInput, match="SentencePiece"):
        BytePairs(PreTrainedTokenizerFast(tokenizer_object=fallback), 1)
    for change, told in (
        (lambda t: setattr(t, "normalizer", normalizers.NFC()), "normalizer"),
        (
            lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=True)),
            "space in front",
        ),
    ):
        tok = tiny_models.tokenizer()
        change(tok.backend_tokenizer)
        with pytest.raises(BadInput, match=told):
            BytePairs(tok, len(tok))
    seq2seq = tiny_models.build(tmp_path, "T5ForConditionalGeneration", **tiny_models.T5)
    with pytest.raises(AbilityError, match="causal"):
        ByteModel.of(open_model(f"hf:{seq2seq}", EXACT))


def test_texts_of_all_lengths_agree_with_their_tokens(coding):
    """Random strings over letters, blanks and marks: no encoding differs from the tokenizer's."""
    own, tok = coding
    rng = np.random.default_rng(3)
    alphabet = list("aethn  \n.,'1\u00e9")
    for _ in range(200):
        text = "".join(rng.choice(alphabet, 12))
        assert list(own.encode(text.encode())) == tok(text, add_special_tokens=False)["input_ids"]
    assert list(itertools.islice(own.encode(b""), 1)) == []
