"""Public sets of judged answers: rows, meanings of winners and labels, figures of their papers."""

from __future__ import annotations

from collections import Counter

import pytest

from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.data.answer_twins import KINDS
from plumbline.data.sets import (
    alpacaeval,
    faireval_pandalm,
    judgebench,
    judgement_bias,
    llmbar,
    verdict_rows,
    vicuna80,
)


def test_llmbar_winners_are_by_content(places):
    """In the swapped order the winner still names an output: GPT-4 is as right as in the original one."""
    rows = llmbar.verdicts(places=places)
    assert Counter(p.subset for p in llmbar.load(places=places)) == {
        "Natural": 100, "Adversarial/Neighbor": 134, "Adversarial/GPTInst": 92, "Adversarial/GPTOut": 47,
        "Adversarial/Manual": 46,
    }  # fmt: skip
    right = {"output_1": [], "output_2": []}
    for row in rows:
        if row.judge == "GPT-4/Vanilla" and row.verdict != "unparsed":
            right[row.first].append((row.first, row.second)[row.verdict == "second"] == row.better)
    # Counted from the upstream columns: winner == label in 347 and 361 of 419 verdicts.
    assert [sum(r) for r in right.values()] == [347, 361]


def test_judgebench_decisions_are_by_place(places):
    """o1-mini is right in 248 and 261 of 350 decisions; read by content it would be right in fewer."""
    rows = [r for r in judgebench.verdicts(places=places) if r.judge.startswith("o1-mini")]
    right = Counter()
    for row in rows:
        won = {"first": row.first, "second": row.second}.get(row.verdict)
        right[row.first] += won == row.better
    assert right == {"response_A": 248, "response_B": 261}
    assert Counter(p.writer for p in judgebench.load(places=places)) == {
        "gpt-4o-2024-05-13": 350, "claude-3-5-sonnet-20240620": 270,
    }  # fmt: skip


def test_pandalm_has_the_papers_counts(places):
    """Wins by majority of bloom-7b against llama-7b: 28 to 72 with 11 ties (arXiv:2306.05087)."""
    rows = faireval_pandalm.pandalm(places=places)
    assert len(rows) == 999
    assert len({r.question for r in rows}) == 170
    count = Counter(r.majority for r in rows if r.systems == ("bloom-7b", "llama-7b"))
    assert count == {"first": 28, "second": 72, "tie": 11}
    # The label distribution that the repository's README states: 105, 422, 472.
    assert Counter(r.majority for r in rows) == {"tie": 105, "first": 422, "second": 472}


def test_faireval_is_of_the_answers_in_vicuna80(places):
    """The same 80 questions and the same answers: FairEval's labels can stand beside vicuna80's judges."""
    rows = faireval_pandalm.faireval(places=places)
    assert Counter(r.better for r in rows) == {"gpt35": 41, "vicuna-13b": 25, "tie": 14}
    for row in rows:
        assert row.answers[0] == vicuna80.answers("gpt35", places=places)[row.question_id]


def test_twins_differ_from_their_controls(places):
    """142 twins a kind; on two questions both answers are one and the same text."""
    for kind in KINDS:
        twins = judgement_bias.load(kind, places=places)
        assert len({t.id for t in twins}) == 142
        assert all(t.control != t.perturbed for t in twins)
        assert {t.id for t in twins if t.other == t.control} == {
            "Remembering_15",
            "Remembering_27",
        }


def test_alpacaeval_boards(places):
    """211 models with and without length control; other boards may lack the second."""
    rows = alpacaeval.leaderboard(places=places)
    assert len(rows) == 211
    assert all(r.length_controlled is not None for r in rows)
    old = alpacaeval.leaderboard("data_AlpacaEval/claude_leaderboard.csv", places=places)
    assert {r.length_controlled for r in old} == {None}
    with pytest.raises(BadInput, match="no column 'Arena'"):
        alpacaeval.benchmarks("Arena", places=places)


def test_majorities_of_people(places):
    """By hand: a pair with two of three votes for one system has it, whatever order was shown."""
    row = vicuna80.Judgment
    votes = [row("human", "x", "y", 1, "first"), row("human", "y", "x", 1, "second"),
             row("human", "x", "y", 1, "second"), row("human", "x", "y", 2, "first"),
             row("human", "x", "y", 2, "tie"), row("human", "x", "y", 3, "tie")]  # fmt: skip
    assert vicuna80._majorities(votes) == {(1, "x", "y"): "x", (3, "x", "y"): "tie"}
    # Counted from the file by a plain loop: 1,488 of GPT-4's 1,600 verdicts are on pairs with a majority.
    rows = vicuna80.verdicts(places=places)
    judged = [r for r in rows if r.judge == "gpt4"]
    assert Counter(bool(r.better) for r in judged) == {True: 1488, False: 112}


def test_tables_are_found_by_name(tmp_path):
    """A set without verdicts is told apart; a file that cannot be written is a storage error."""
    with pytest.raises(UnknownName, match="vicuna80-judgments"):
        verdict_rows.table_of("vicuna80")
    with pytest.raises(StoreError, match="cannot write"):
        verdict_rows.write([], tmp_path / "none" / "v.csv")
