"""Models read by bytes: they keep the contract, score strings as bytes, and can be averaged."""

from __future__ import annotations

import char_grams
import numpy as np
import pytest
import tiny_models
from byte_chains import Chain, PushForward
from contract import LAWS, Case

from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError, BadInput
from plumbline.mitigate.postprocessing.byte_ensemble import byte_ensemble
from plumbline.mitigate.postprocessing.byte_level import byte_level
from plumbline.models.abilities import ModelOptions
from plumbline.models.byte_cover import END, ByteProcess, LongestMatch
from plumbline.models.byte_models import ByteModel
from plumbline.models.corrected import open_corrected
from plumbline.models.corrected_byte_level import ByteLevel, drawn
from plumbline.models.resolve import open_model
from plumbline.models.whole_batch import answered

pytest.importorskip("torch")
EXACT = ModelOptions(dtype="float32", device="cpu")
GIVEN = {"dtype": "float32", "device": "cpu"}
ALPHABET = "".join(chr(c) for c in range(32, 127)) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random Llama."""
    return tiny_models.build(
        tmp_path_factory.mktemp("tiny"),
        "LlamaForCausalLM",
        **tiny_models.CAUSAL["LlamaForCausalLM"],
    )


@pytest.fixture(scope="module")
def grams(tmp_path_factory):
    """A character trigram model of a few sentences."""
    path = tmp_path_factory.mktemp("grams") / "letters.arpa"
    return char_grams.write(path, "\n".join(tiny_models.TEXT), 3, ALPHABET)


@pytest.fixture(scope="module")
def case(folder, tmp_path_factory):
    """The corrected model with all that the laws need."""
    kept = tmp_path_factory.mktemp("kept")
    made = byte_level(open_model(f"hf:{folder}", EXACT))
    made.save(kept, base_spec=f"hf:{folder}", base_options=GIVEN)
    long = "word " * 200
    return Case(
        adapter=made,
        reopen=lambda options: open_corrected(kept, options),
        options=EXACT,
        too_long={"logprob": ask.logprob([long, "A"], [" b", " b"])},
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_contract(law, case):
    """A model read by bytes keeps the law."""
    law(case)


def test_a_text_is_the_sum_of_its_parts(case):
    """Chain rule over any cut, inside words too: log P(ab | x) = log P(a | x) + log P(b | xa).

    No token model that tokenises prompt and continuation together has that.
    """
    whole = answered(case.adapter, ask.logprob(["The nurse sa"], ["id that she was"])).total[0]
    for cut in (1, 2, 3, 6, 9, 10, 13):
        text = "id that she was"
        parts = answered(
            case.adapter,
            ask.logprob(["The nurse sa", f"The nurse sa{text[:cut]}"], [text[:cut], text[cut:]]),
        )
        assert parts.total.sum() == pytest.approx(whole, abs=2e-5)


def test_values_come_by_words(case):
    """A value a word, cut where tokens are settled; their sum is the walk over the bytes."""
    got = answered(case.adapter, ask.logprob(["The nurse sa"], ["id that she was"]))
    assert list(got.row(0)[1]) == ["id", " that", " she", " was"]
    model = case.adapter.models[0]
    lead, data, _ = model.begin(ask.prompt("The nurse sa"), "")
    walked = model.walk(lead, data, b"id that she was")
    assert walked.sum() == pytest.approx(got.total[0], abs=2e-5)
    assert walked.size == 15


def test_options_after_a_trailing_space(case):
    """A choice is the same after "is" and after "is ": the space is part of the text either way."""
    options = [("France", "the king")]
    without, spaced = (
        answered(case.adapter, ask.choose([f"Paris is{gap}"], options)) for gap in ("", " ")
    )
    gaps = [s[0] - s[1] for s in (without.scores[0], spaced.scores[0])]
    assert gaps[0] == pytest.approx(gaps[1], abs=2e-5)
    base = answered(case.adapter.base, ask.choose(["Paris is", "Paris is "], options * 2))
    assert base.scores[0][0] - base.scores[0][1] != pytest.approx(gaps[0], abs=1e-3)


def test_scores_by_length_are_nats_a_byte(case):
    """`score="mean"` divides by bytes."""
    batch = ask.choose(["Paris is"], [("the king", "a")])
    mean = ask.Batch(ability="choose", columns=batch.columns, settings={"score": "mean"})
    sums, means = (answered(case.adapter, b).scores[0] for b in (batch, mean))
    assert means == pytest.approx(sums / np.array([9, 2]))


def test_writing_takes_the_likeliest_byte(case):
    """Greedy text is the byte by byte argmax of the exact distribution; stop strings and lengths end it."""
    decoding = ask.Decoding(max_tokens=2)
    got = answered(case.adapter, ask.generate(["The nurse sa"], decoding=decoding))
    model, made = case.adapter.models[0], b""
    lead, data, _ = model.begin(ask.prompt("The nurse sa"), "")
    for _ in range(8):
        best = int(model.process.after(model.process.cover(lead, data + made))[0].argmax())
        if best == END:
            break
        made += bytes([best])
    assert got.texts[0] == made.decode("utf-8", "ignore")
    first = got.texts[0][0]
    stopped = ask.Decoding(max_tokens=2, stop=(first,))
    got = answered(case.adapter, ask.generate(["The nurse sa"], decoding=stopped))
    assert (got.texts[0], got.finish[0]) == ("", "stop")


def test_drawing_is_inverse_cumulative():
    """The nucleus keeps the likeliest; many draws have the tempered shares."""
    chances = np.zeros(257)
    chances[[65, 66, END]] = 0.5, 0.3, 0.2
    rng = np.random.default_rng(0)
    half = [drawn(chances, ask.Decoding(temperature=0.5), rng) for _ in range(20_000)]
    assert np.mean(np.array(half) == 65) == pytest.approx(0.25 / 0.38, abs=0.015)
    narrow = {drawn(chances, ask.Decoding(temperature=1, top_p=0.6), rng) for _ in range(200)}
    assert narrow == {65, 66}
    assert drawn(chances, ask.Decoding(), rng) == 65


def test_character_grams_are_read_by_bytes(grams):
    """Each character's conditional is the file's, renormalised over the listed ones."""
    base = open_model(f"arpa:{grams}")
    model = ByteModel.of(base)
    lead, data, status = model.begin(ask.prompt("The nur"), "")
    assert status == ""
    walked = model.walk(lead, data, b"se")
    history = ("u", "r")
    wanted = base.model.nats(history, "s")
    others = np.logaddexp.reduce([base.model.nats(history, g[0]) for g in base.model.grams if len(g) == 1])  # fmt: skip
    assert others == pytest.approx(0.0, abs=1e-9)
    assert walked[0] == pytest.approx(wanted, abs=1e-9)
    found, leaked = model.process.after(model.process.cover(lead, data))
    assert (found.sum(), leaked) == (pytest.approx(1.0, abs=1e-9), 0.0)
    assert model.begin(ask.prompt("\u4e2d"), "")[2] == "unknown character"


def test_an_ensemble_is_the_mean_of_its_members(folder, grams, tmp_path):
    """log P(text) = sum over bytes of log of the mean probability; it is saved and opened again."""
    base = open_model(f"hf:{folder}", EXACT)
    made = byte_ensemble(base, members=[f"arpa:{grams}"])
    got = answered(made, ask.logprob(["The nurse sa"], ["id that"]))
    walks = []
    for model in made.models:
        lead, data, _ = model.begin(ask.prompt("The nurse sa"), "")
        walks.append(np.exp(model.walk(lead, data, b"id that")))
    assert got.total[0] == pytest.approx(np.log(np.mean(walks, axis=0)).sum(), abs=1e-9)
    assert list(got.row(0)[1]) == ["id", " that"]
    text = answered(made, ask.generate(["The nurse sa"], decoding=ask.Decoding(max_tokens=2)))
    assert text.ok.all()
    made.save(tmp_path / "kept", base_spec=f"hf:{folder}", base_options=GIVEN)
    again = open_corrected(tmp_path / "kept", EXACT)
    assert again.fingerprint == made.fingerprint
    assert answered(again, ask.logprob(["The nurse sa"], ["id that"])).total == pytest.approx(
        got.total
    )
    grams_now = grams.read_text("utf-8")
    try:
        grams.write_text(grams_now.replace("ngram 1=", "ngram 1= "), "utf-8")
        with pytest.raises(BadInput, match="changed since"):
            open_corrected(tmp_path / "kept", EXACT)
    finally:
        grams.write_text(grams_now, "utf-8")


def test_an_ensemble_of_two_vocabularies_of_one_chain(folder):
    """S120 check 4 on the adapter: a chain's own log-probability, to 1e-9, from both members together."""
    chain = Chain()
    made = ByteLevel(open_model(f"hf:{folder}", EXACT), "byte_ensemble@1", {})
    made.models = []
    for pieces in ((b"A", b"B", b"AA", b"BAB", b"BB"), (b"A", b"B", b"AB", b"ABA", b"BB")):
        coding = LongestMatch(pieces)
        process = ByteProcess(coding, PushForward(chain, coding))
        made.models.append(
            ByteModel("chain", process, lambda p, _: ((), ask.plain(p).encode(), ""))
        )
    for before, text in (("A", "BBA"), ("ABB", "ABBA"), ("B", "A")):
        got = answered(made, ask.logprob([before], [text])).total[0]
        whole = chain.prob((before + text).encode()) / chain.prob(before.encode())
        assert got == pytest.approx(np.log(whole), abs=1e-9)


def test_what_cannot_be_read_is_refused(grams, tmp_path, folder):
    """A word n-gram model, no members, a model without weights: each says what was wanted."""
    words = tmp_path / "words.arpa"
    words.write_text("\\data\\\nngram 1=1\n\n\\1-grams:\n-1\tdoctor\n\n\\end\\\n")
    with pytest.raises(BadInput, match="over words"):
        byte_ensemble(open_model(f"hf:{folder}", EXACT), members=[f"arpa:{words}"])
    for members in ((), f"arpa:{grams}"):
        with pytest.raises(BadInput, match="MODEL forms"):
            byte_ensemble(open_model(f"arpa:{grams}"), members=members)
    from plumbline.testing import PlantedLM

    with pytest.raises(AbilityError, match="cannot be opened"):
        byte_level(PlantedLM(dial=0.0))
