"""JudgeBench: 620 pairs of answers of which one is correct, and decisions of seven judges.

Tan et al. 2025, arXiv:2410.12784.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.sets import registry
from plumbline.data.sets.verdict_rows import TIE, UNPARSED, Verdict
from plumbline.data.tables import read_table

SET: Final = "judgebench"
DECISIONS: Final = "judge_decisions.csv"
WRITERS: Final = ("gpt-4o-2024-05-13", "claude-3-5-sonnet-20240620")
RESPONSES: Final = ("response_A", "response_B")
_LABELS: Final = {"A>B": 0, "B>A": 1}
_PLACES: Final = {"A>B": "first", "B>A": "second", "A=B": TIE, "": UNPARSED}


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with two responses of one model.

    Attributes:
        id: As in the file.
        source: Where the question is from (`mmlu-pro-law`, `livebench-math`, ...).
        writer: The model that wrote both responses.
        question: The question.
        responses: Both responses.
        better: Index of the correct one.
    """

    id: str
    source: str
    writer: str
    question: str
    responses: tuple[str, str]
    better: int


def load(*, places: registry.Places | None = None) -> list[Pair]:
    """All 620 pairs, in the order of `WRITERS` and of their files; see `registry.get` for errors."""
    found = []
    for writer in WRITERS:
        path = registry.get(SET, f"pairs_{writer}.jsonl", places=places)
        wanted = ("pair_id", "source", "question", "response_A", "response_B", "label")
        table = read_table(path, columns=wanted)
        rows = zip(*(table[name] for name in wanted), strict=True)
        found += [
            Pair(name, source, writer, question, (a, b), _LABELS[label])
            for name, source, question, a, b, label in rows
        ]
    return found


def verdicts(*, places: registry.Places | None = None) -> list[Verdict]:
    """All 4,740 decisions; `part` is the question's source.

    In order 1 both responses were exchanged, and the decision is by place, as the judge gave it.

    Raises:
        BadInput: A decision or an order of another kind, or a label that is not the pair's.
    """
    known = {pair.id: pair for pair in load(places=places)}
    path = registry.get(SET, DECISIONS, places=places)
    wanted = ("pair_id", "source", "label", "judge_model", "order", "decision")
    table = read_table(path, columns=wanted)
    found = []
    for name, source, label, judge, order, decision in zip(
        *(table[column] for column in wanted), strict=True
    ):
        pair = known[name]
        if order not in ("0", "1") or decision not in _PLACES or _LABELS[label] != pair.better:
            raise BadInput(
                f"{path}: {name} has the order {order!r}, the decision {decision!r} and the label "
                f"{label!r}; wanted 0 or 1; A>B, B>A, A=B or nothing; the pair's own label"
            )
        shown = (0, 1) if order == "0" else (1, 0)
        found.append(
            Verdict(
                judge=judge, question=name, part=source, verdict=_PLACES[decision],
                first=RESPONSES[shown[0]], second=RESPONSES[shown[1]],
                better=RESPONSES[pair.better],
                lengths=(len(pair.responses[shown[0]]), len(pair.responses[shown[1]])),
            )
        )  # fmt: skip
    return found
