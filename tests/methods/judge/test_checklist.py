"""Judging by the user's checklist: check 4 of card S014."""

from __future__ import annotations

import re

import numpy as np

from plumbline.core.answers import Choices
from plumbline.core.questions import plain
from plumbline.metrics.judged_pairs import answer_named, in_both_orders, judged, verdicts_of

WANTS = "an example"


def planted(batch, rng) -> Choices:
    """A judge that likes length, and what a checklist asks for where one is shown; Gumbel noise makes it fickle."""
    chosen = []
    for prompt in batch.columns["prompt"]:
        text = plain(prompt)
        answers = re.findall(r"Answer [AB]: (.*?)\n", text)
        utility = np.array([len(a) / 40 for a in answers])
        if f"- {WANTS}" in text:
            utility += [2.5 * ("for instance" in a) for a in answers]
        chosen.append(int((utility + rng.gumbel(size=2)).argmax()))
    n = len(chosen)
    return Choices(np.array(chosen), [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)


def test_a_checklist_turns_a_taste_for_length():
    """S014 check 4: without a checklist the long answer wins at least 65 %, with it the wanted one at least 60 %.

    The short answer (0) holds the example that the user wants, the long one (1) does not: with
    utilities 1.0 and 2.4 the long one wins with 1 / (1 + exp(-1.4)) = .80, with 2.5 more for the example
    the short one with 1 / (1 + exp(-1.1)) = .75.
    """
    short, long = "for instance".ljust(40, "."), "on and on".ljust(96, ".")
    pairs = [(f"question {k}?", (short, long)) for k in range(400)]
    shares = {}
    for name, lists in (("without", ()), ("with", [(WANTS,)] * len(pairs))):
        batch = in_both_orders(pairs, role="text", ties=False, checklists=lists)
        verdicts, _ = verdicts_of(planted(batch, np.random.default_rng(4)))
        shares[name] = float((answer_named(verdicts) == 1).mean())
    assert shares["without"] >= 0.65
    assert abs(shares["without"] - 0.80) < 0.05
    assert 1 - shares["with"] >= 0.60
    assert abs(1 - shares["with"] - 0.75) < 0.05


def test_without_a_checklist_the_prompt_is_what_it_was():
    """No points, no words about them; the points stand between question and answers."""
    bare = plain(judged("Why?", ("a", "b"), role="text", ties=True))
    assert bare.startswith("Somebody asked: Why?\n\nAnswer A: a\n\nAnswer B: b\n\nWhich answer")
    told = plain(judged("Why?", ("a", "b"), role="text", ties=True, checklist=("x", "y")))
    assert told.startswith(
        "Somebody asked: Why?\n\nWhoever asked wants this of an answer:\n- x\n- y\n\nAnswer A: a"
    )
