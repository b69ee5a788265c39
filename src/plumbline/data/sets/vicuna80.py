"""Vicuna80: pairwise verdicts on 80 questions by five models, in both orders, and by people.

Li, Patel and Du 2023 (PRD), arXiv:2307.02762.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.sets import registry
from plumbline.data.sets.verdict_rows import TIE, Verdict
from plumbline.data.tables import read_table

SET: Final = "vicuna80-judgments"
FILE: Final = "judgments.csv"
QUESTIONS: Final = "vicuna_questions.jsonl"
HUMAN: Final = "human"
WRITERS: Final = ("bard", "claude", "gpt35", "gpt4", "vicuna-13b")
_VERDICTS: Final = {"1": "first", "2": "second", "3": "tie"}


@dataclass(frozen=True, slots=True)
class Judgment:
    """One verdict.

    Attributes:
        reviewer: `bard`, `claude`, `gpt35`, `gpt4`, `vicuna-13b` or `human` (about three an item).
        first: The model whose answer stood first; people's rows are not counterbalanced.
        second: The model whose answer stood second.
        question: 1 to 80; rows of one question are not independent.
        verdict: `first`, `second` or `tie`.
    """

    reviewer: str
    first: str
    second: str
    question: int
    verdict: str


def load(*, places: registry.Places | None = None) -> list[Judgment]:
    """All 15,040 verdicts in file order, without the reviews' texts.

    Raises:
        BadInput: A score is not 1, 2 or 3; and the errors of `registry.get`.
    """
    path = registry.get(SET, FILE, places=places)
    wanted = ("reviewer", "model1", "model2", "question_id", "score")
    table = read_table(path, columns=wanted)
    strange = set(table["score"]) - _VERDICTS.keys()
    if strange:
        raise BadInput(f"{path}: scores {sorted(strange)}; wanted 1 (first), 2 (second), 3 (tie)")
    return [
        Judgment(reviewer, first, second, int(question), _VERDICTS[score])
        for reviewer, first, second, question, score in zip(
            *(table[name] for name in wanted), strict=True
        )
    ]


def questions(*, places: registry.Places | None = None) -> dict[int, tuple[str, str]]:
    """Question number to (category, text)."""
    path = registry.get(SET, QUESTIONS, places=places)
    table = read_table(path, columns=("question_id", "category", "text"))
    rows = zip(table["question_id"], table["category"], table["text"], strict=True)
    return {int(number): (category, text) for number, category, text in rows}


def answers(model: str, *, places: registry.Places | None = None) -> dict[int, str]:
    """Question number to the answer of one of `WRITERS`; the guanaco answers are not in the set."""
    path = registry.get(SET, f"generations/answer_{model}.jsonl", places=places)
    table = read_table(path, columns=("question_id", "text"))
    rows = zip(table["question_id"], table["text"], strict=True)
    return {int(number): text for number, text in rows}


def verdicts(*, places: registry.Places | None = None) -> list[Verdict]:
    """All verdicts; `part` is `people` or `models`.

    The better answer of a model's row is what most people said of that pair (in whichever order they
    saw it); "" where nobody was asked or no answer has most votes. People's own rows have none.
    """
    rows = load(places=places)
    people = _majorities(row for row in rows if row.reviewer == HUMAN)
    lengths = {
        (model, number): len(text)
        for model in WRITERS
        for number, text in answers(model, places=places).items()
    }
    found = []
    for row in rows:
        sizes = [lengths.get((who, row.question)) for who in (row.first, row.second)]
        known = (sizes[0], sizes[1]) if sizes[0] is not None and sizes[1] is not None else None
        here = row.reviewer == HUMAN
        low, high = sorted((row.first, row.second))
        found.append(
            Verdict(
                judge=row.reviewer, question=str(row.question), first=row.first, second=row.second,
                verdict=row.verdict, lengths=known, part="people" if here else "models",
                better="" if here else people.get((row.question, low, high), ""),
            )
        )  # fmt: skip
    return found


def _majorities(rows: Iterable[Judgment]) -> dict[tuple[int, str, str], str]:
    """(question, both systems in alphabetical order) to what more votes name than anything else."""
    votes: dict[tuple[int, str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        low, high = sorted((row.first, row.second))
        named = {"first": row.first, "second": row.second, TIE: TIE}[row.verdict]
        votes[row.question, low, high][named] += 1
    found = {}
    for pair, count in votes.items():
        most = max(count.values())
        top = [name for name, votes_of in count.items() if votes_of == most]
        if len(top) == 1:
            found[pair] = top[0]
    return found
