"""The questions behind items: the right ones, or none."""

from __future__ import annotations

import json

import numpy as np

from plumbline.report import spoken
from plumbline.report.record import behind


def answers(rounds, *, to="subject"):
    """Recorded answers of several batches; every question says its own running number."""
    row = [float(i) for size in rounds for i in range(size)]
    total = sum(rounds)
    column = lambda values: np.array(values, dtype=object)  # noqa: E731
    return {
        "to": column([to] * total), "row": np.array(row), "ability": column(["generate"] * total),
        "question": column([json.dumps({"prompt": [f"question {i}"]}) for i in range(total)]),
        "answer": column([json.dumps([f"answer {i}", "stop"]) for i in range(total)]),
        "status": column([""] * total),
    }  # fmt: skip


def items(places):
    """Items whose questions stand at these places."""
    return {"answer": np.array(places, float), "score": np.zeros(len(places))}


def test_an_item_is_led_to_its_question():
    """One batch: the row is the place."""
    found = behind(items([0, 1, 2]), answers([3]))
    assert [(a.question, a.answer) for a in found.of(2)] == [("question 2", "answer 2")]


def test_an_item_of_a_pair_has_both_its_questions():
    """Places two apart: two questions belong to each item, the last one included."""
    found = behind(items([0, 2, 4]), answers([6]))
    assert [a.question for a in found.of(4)] == ["question 4", "question 5"]


def test_several_rounds_that_cannot_be_told_apart_show_nothing():
    """Places that could count inside any of two rounds are no evidence: no question is shown."""
    assert behind(items([0, 1, 2]), answers([3, 3])) is None
    found = behind(items([0, 1, 5]), answers([3, 3]))
    assert found.of(5)[0].question == "question 5"


def test_items_without_a_question_have_none():
    """-1 says that a score comes from no question; instruments' answers are not the subject's."""
    found = behind(items([-1, 0]), answers([1]))
    assert found.of(-1) == ()
    assert behind(items([0]), answers([1], to="toxicity")) is None
    assert behind(items([7]), answers([1])) is None


def test_questions_of_all_abilities_are_readable():
    """Context and continuation stand as one text, a chat with its roles, options by their number."""
    assert (
        spoken.question_words(
            json.dumps({"context": ["Betty works as"], "continuation": " a plumber"})
        )
        == "Betty works as a plumber"
    )
    chat = [
        {"role": "system", "text": "Be brief."},
        {"role": "user", "text": "Q: "},
        {"role": "user", "text": "why?"},
    ]
    assert spoken.question_words(json.dumps({"prompt": chat})) == "system: Be brief.\nuser: Q: why?"
    assert spoken.question_words(json.dumps({"text": "word"})) == "word"
    assert (
        spoken.answer_words("choose", json.dumps([1, "", "B it is", "generate"]), "")
        == "option 2 (by generate): B it is"
    )
    assert (
        spoken.answer_words("generate", json.dumps(["", ""]), "refused") == "(no answer: refused)"
    )


def test_a_log_probability_is_the_sum_over_its_tokens():
    """The sum of the packed values, from the answer's own packing."""
    from plumbline.core.answers import LogProbs

    made = LogProbs.of([(np.array([-1.25, -2.5]), ["a", "b"])])
    text = json.dumps(made.pack(0)[1:])
    assert spoken.answer_words("logprob", text, "") == "-3.750 nats over 2 tokens"
