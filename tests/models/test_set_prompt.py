"""Prompts with an exchange set as tokens: what belongs to a document, and where the tokens are cut."""

import pytest
from tiny_models import tokenizer

from plumbline.core.errors import AbilityError
from plumbline.core.questions import Segment
from plumbline.data.templates.multiple_choice import shown
from plumbline.metrics.judged_pairs import judged
from plumbline.models.abilities import ModelOptions
from plumbline.models.set_prompt import (
    CHANGED,
    EMPTY,
    NOTHING_BEHIND,
    UNEQUAL,
    OnePrompt,
    SetPrompter,
    with_labels,
)

CHAT = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TRIMS = CHAT.replace("m['content']", "m['content'].strip()")


@pytest.fixture(scope="module")
def prompter():
    """Of a tiny byte-level tokenizer."""
    return SetPrompter.of(tokenizer(), ModelOptions())


def chatty(template=CHAT, system=""):
    """The same with a chat template."""
    return SetPrompter.of(tokenizer(), ModelOptions(chat_template=template, system=system))


def test_letters_go_with_the_judge_s_answers(prompter):
    """Of the shipped judge's prompt: the question stays in front, the verdict's wording behind."""
    prompt = judged("Is A better?", ("One.", "Two."), role="text", ties=False)
    parts = prompter.parts(prompt, "answers")
    assert parts.system == "Somebody asked: Is A better?"
    assert parts.documents == ("\n\nAnswer A: One.", "\n\nAnswer B: Two.")
    assert parts.suffix.startswith("\n\nWhich answer helps")


def test_letters_and_dashes_of_options(prompter):
    """Lettered options keep their letters, bare ones a dash each."""
    lettered = prompter.parts(shown("Which?", ["x", "y", "z"]), "options")
    assert lettered.documents == ("\nA. x", "\nB. y", "\nC. z")
    assert lettered.system == "Question: Which?"
    bare = prompter.parts(shown("Which?", ["x", "y"], lettered=False), "options")
    assert bare.documents == ("\n- x", "\n- y")


def test_closing_labels_go_along():
    """What closes a place belongs to it, as "[end of A]"; the last one is cut from what follows."""
    found = with_labels(
        "Judge.\n[start of A]\n", ["x", "y", "z"],
        ["\n[end of A]\n[start of B]\n", "\n[end of B]\n[start of C]\n"], "\n[end of C]\nWhich?", "ABC",
    )  # fmt: skip
    assert found.documents == tuple(
        f"\n[start of {n}]\n{t}\n[end of {n}]" for n, t in zip("ABC", "xyz", strict=True)
    )
    assert (found.system, found.suffix) == ("Judge.", "\nWhich?")


def test_a_set_whose_places_are_framed_unequally_is_refused(prompter):
    """Numbers that nobody declared as labels, or other words between two places: no document could take them along."""
    assert with_labels("1) ", ["x", "y"], ["\n2) "], "", ("", "")) is None
    assert with_labels("1) ", ["x", "y"], ["\n2) "], "\n", ("1", "2")).documents == ("1) x\n", "2) y\n")  # fmt: skip
    assert with_labels("- ", ["x", "y", "z"], ["\n- ", "\nor - "], "\n", ("", "", "")) is None
    prompt = (
        Segment("1) "),
        Segment("x", exchange="o"),
        Segment(" 2) "),
        Segment("y", exchange="o"),
        Segment("?"),
    )
    assert prompter.parts(prompt, "o") == UNEQUAL


def test_parts_are_tokenised_one_by_one(prompter):
    """A document's tokens are the same at every place, and all parts are the prompt's text."""
    texts = ["the nurse", "Paris is a house", "one"]
    first = prompter.laid_out(shown("Which?", texts, lettered=False), "options")
    other = prompter.laid_out(shown("Which?", texts[::-1], lettered=False), "options")
    system = first.layout.system
    assert first.lead[:system] == other.lead[:system]
    assert first.lead[0] == prompter.tokenizer.bos_token_id

    def documents(laid):
        at = laid.layout.offsets()
        return [laid.lead[a : a + n] for a, n in zip(at, laid.layout.documents, strict=True)]

    assert documents(first) == documents(other)[::-1]
    assert [prompter.tokenizer.decode(d) for d in documents(first)] == [f"\n- {t}" for t in texts]
    (ids,) = OnePrompt.at(prompter, first).prompts([()])
    text = prompter.tokenizer.decode(ids[1:])
    assert text == prompter.text(shown("Which?", texts, lettered=False))


def test_a_token_across_a_bound_is_cut_and_told(prompter):
    """Of "th" + "e", which would be one token: the bound wins, the ordinary tokenisation differs, and that is said."""
    prompt = (
        Segment("Say th"), Segment("e nurse", exchange="o"), Segment(" th"), Segment("e king", exchange="o"), Segment("?"),
    )  # fmt: skip
    assert prompter.parts(prompt, "o").documents == (" the nurse", " the king")
    cut = (*prompt[:1], *prompt[1:2], Segment("th"), *prompt[3:])
    laid = prompter.laid_out(cut, "o")
    assert prompter.parts(cut, "o").documents == ("the nurse", "the king")
    assert laid.straddles
    assert not laid.status
    assert not prompter.laid_out(shown("Which?", ["x", "y"]), "options").straddles


def test_the_chat_template_stays_around():
    """System prompt and turn marks belong to SYS and SUFFIX; a template that trims inside the set is refused."""
    prompt = shown("Which?", ["x", "y"], role="user", lettered=False)
    parts = chatty(system="Be brief.").parts(prompt, "options")
    assert parts.system == "<system>Be brief.\n<user>Question: Which?"
    assert parts.documents == ("\n- x", "\n- y")
    assert parts.suffix.endswith("Answer:\n<assistant>")
    assert chatty(TRIMS).parts(prompt, "options").documents == ("\n- x", "\n- y")
    edge = (Segment(" x", "user", "o"), Segment("|", "user"), Segment(" y", "user", "o"))
    assert chatty(TRIMS).parts(edge, "o") == CHANGED


def test_a_first_token_behind_a_document_is_refused(prompter):
    """Where no suffix token stands before what is scored, it would be foretold by whichever document is last."""
    prompt = shown("Which?", ["x", "y"], lettered=False)
    assert prompter.laid_out(prompt[:-1], "options").status == NOTHING_BEHIND
    laid = prompter.laid_out((*prompt[:-1], Segment(" th")), "options")
    (coded,) = OnePrompt.at(prompter, laid).together([()], ["e nurse"])
    assert coded.status == NOTHING_BEHIND
    (coded,) = OnePrompt.at(prompter, laid).together([()], [""])
    assert coded.status.startswith("empty continuation")
    assert prompter.laid_out(shown("Which?", ["x", ""], lettered=False), "options").status == EMPTY


def test_which_exchange_set_is_read_as_a_set(prompter):
    """The first one with two places, or the one that is named; a calibration's own text is none."""
    one = (Segment("a", exchange="x"), Segment("b", exchange="y"), Segment("c", exchange="y"))
    assert prompter.exchanged(one) == "y"
    assert prompter.exchanged(one, "x") == ""
    assert prompter.exchanged((*one, Segment("d", exchange="x")), "y") == "y"
    assert (
        prompter.exchanged((Segment("a", exchange="input"), Segment("b", exchange="input"))) == ""
    )


def test_a_tokenizer_that_spaces_every_text_is_refused():
    """Sentencepiece's mark in front of every text would stand inside the prompt k times."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer(models.WordLevel({"<unk>": 0, "\u2581c": 1}, unk_token="<unk>"))
    own.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    spaced = PreTrainedTokenizerFast(tokenizer_object=own, unk_token="<unk>")
    with pytest.raises(AbilityError, match="space in front of every text"):
        SetPrompter.of(spaced, ModelOptions())
