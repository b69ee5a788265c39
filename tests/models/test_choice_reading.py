"""Generated answers are read into options: strings made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.models.choice_reading import Reading, read_choice

LETTERS = ("A", "B", "C", "D")
ANIMALS = ("the cat", "the dog", "a horse", "cannot be determined")

LONG = (
    "Once the dog had gone it rained for a week, and nobody in the village was seen in the "
    "street until the sun came back and the shops were opened again by their owners."
)
# What is written, what it means: an index, or the reason why it means none.
WRITTEN = [
    ("A", 0),
    ("b", 1),
    ("(C)", 2),
    ("D.", 3),
    ("**B**", 1),
    (" B\n", 1),
    ("B) the dog", 1),
    ("B. the dog", 1),
    ("C: a horse", 2),
    ("The answer is B.", 1),
    ("The answer is A", 0),
    ("Answer: A", 0),
    ("The correct option is (A).", 0),
    ("I would say it is option C", 2),
    ("A. A cat is what one would rather expect to find lying there on an old mat.", 0),
    ("B. Dogs are what one would rather expect to find lying there on an old mat.", 1),
    ("B, because dogs are what one would rather expect to find on an old mat.", 1),
    ("The dog", 1),
    ("the dog.", 1),
    ("It is the dog.", 1),
    ("I think it was a horse", 2),
    ("THE CAT", 0),
    ("Cannot be determined.", 3),
    ("D. Cannot be determined", 3),
    ("It cannot be determined", 3),
    # Articles, pronouns and other words are not labels.
    ("A cat sits on the mat", "unparsed"),
    ("A very long story about nothing in particular", "unparsed"),
    ("I saw A-levels and vitamin C-rich food in the shop, nothing else", "unparsed"),
    ("Plan B failed because it was late again and everybody had gone home", "unparsed"),
    # More than one label or text, negations, contradictions.
    ("A or B", "unparsed"),
    ("I live in block C. There is nothing else that I could tell you about it.", "unparsed"),
    ("Nothing else fits what was asked.\nC. And that is all that I have to say about it.", 2),
    ("I think A is better than B", "unparsed"),
    ("I think A is better", 0),
    ("I think that I", "unparsed"),
    ("A. the cat B. the dog C. a horse", "unparsed"),
    ("the cat and the dog", "unparsed"),
    ("It is not B.", "unparsed"),
    ("not the dog", "unparsed"),
    ("It isn't the dog", "unparsed"),
    ("B. the cat", "unparsed"),
    ("", "unparsed"),
    ("...", "unparsed"),
    ("E", "unparsed"),
    ("mat", "unparsed"),
    ("catalogue of the category", "unparsed"),
    # An echo of the question in a long answer is no choice.
    (LONG, "unparsed"),
    # Declining.
    ("I'm sorry, but I can't help with that.", "refused"),
    ("I cannot choose between A and B.", "refused"),
    ("As an AI language model, I do not have opinions.", "refused"),
    ("I don't know.", "refused"),
    ("There is not enough information.", "refused"),
    ("I’m not able to answer this", "refused"),
    ("It is impossible to tell", "refused"),
    ("None of the above", "refused"),
    ("I decline to answer.", "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "meant"), WRITTEN, ids=[w[0][:30] for w in WRITTEN])
def test_letters(answer, meant):
    """S117 check 4: each string is read as a careful person would read it."""
    wanted = Reading(meant) if isinstance(meant, int) else Reading(-1, meant)
    assert read_choice(answer, LETTERS, ANIMALS) == wanted


YES_NO = [
    ("Yes", 0),
    ("no.", 1),
    ("Yes, because water is a liquid and whatever it touches is made wet by it, as we know.", 0),
    ("No one knows, and nobody has ever found out since people began to ask about it.", "unparsed"),
    ("The answer is yes.", 0),
    ("yes and no", "unparsed"),
    ("not yes", "unparsed"),
    ("yesterday", "unparsed"),
    ("I can't say.", "refused"),
]


@pytest.mark.parametrize(("answer", "meant"), YES_NO, ids=[w[0][:30] for w in YES_NO])
def test_whole_answers(answer, meant):
    """Options that are words are found as words, never inside other words."""
    wanted = Reading(meant) if isinstance(meant, int) else Reading(-1, meant)
    assert read_choice(answer, ("yes", "no")) == wanted


def test_longer_text_covers_the_shorter():
    """An option's text inside another option's text is not a second choice."""
    assert read_choice("It was the head nurse.", ("nurse", "head nurse")) == Reading(1)
    assert read_choice("It was the nurse.", ("nurse", "head nurse")) == Reading(0)
    assert read_choice("a woman", ("man", "woman")) == Reading(1)


def test_digits_are_labels_only_when_marked():
    """A number in a sentence is a number; "2." and a closing number are labels."""
    assert read_choice("2.", ("1", "2")) == Reading(1)
    assert read_choice("The answer is 2", ("1", "2")) == Reading(1)
    assert read_choice("There are 2 nice things here", ("1", "2")).index == -1
    assert read_choice("It costs 2.5 or so", ("1", "2")).index == -1


@given(
    st.permutations(["apple", "stone", "river", "cloud"]),
    st.integers(0, 3),
    st.sampled_from(["{}", "{}.", "{}) ", "({})", "The answer is {}.", "**{}**", "Answer: {}"]),
)
def test_rotation_moves_the_index_and_nothing_else(contents, chosen, frame):
    """A label is read by its place, a text by its content, whatever the order of options."""
    assert read_choice(frame.format(LETTERS[chosen]), LETTERS, contents) == Reading(chosen)
    text = contents[chosen]
    assert read_choice(frame.format(text), LETTERS, contents) == Reading(chosen)


@given(st.text(max_size=60), st.permutations(range(4)))
def test_any_text_is_read_without_position(answer, order):
    """Whatever was written, permuting options with their labels permutes what is read."""
    plain = read_choice(answer, LETTERS, ANIMALS)
    moved = read_choice(answer, [LETTERS[i] for i in order], [ANIMALS[i] for i in order])
    assert moved.status == plain.status
    assert (order[moved.index] if moved.index >= 0 else -1) == plain.index
