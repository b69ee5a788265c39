"""FairEval's and PandaLM's pairs of answers, with verdicts by people and by two models.

Wang et al. 2023, arXiv:2305.17926 (FairEval); Wang et al. 2023, arXiv:2306.05087 (PandaLM).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from plumbline.core.errors import BadInput
from plumbline.data.sets import registry
from plumbline.data.sets.verdict_rows import TIE, UNPARSED, Verdict
from plumbline.data.tables import read_json, read_table, read_text

SET: Final = "faireval-pandalm"
ANNOTATORS: Final = ("annotator1", "annotator2", "annotator3")
_PLACES: Final = {"1": "first", "2": "second", "0": TIE, "Tie": TIE, "garbage": UNPARSED}
_FAIREVAL: Final = {"CHATGPT": "gpt35", "VICUNA13B": "vicuna-13b", "TIE": TIE}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question with two answers and people's label.

    Attributes:
        question_id: 1 to 80, the questions of `vicuna80`.
        question: Its text.
        answers: By ChatGPT (`gpt35`) and by Vicuna-13B (`vicuna-13b`).
        better: `gpt35`, `vicuna-13b` or `tie`, the majority of three people.
    """

    question_id: int
    question: str
    answers: tuple[str, str]
    better: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of PandaLM's test set.

    Attributes:
        question: Number of the distinct instruction with its input; 170 of them.
        instruction: Instruction and input.
        systems: Who wrote the first and the second response.
        responses: Both.
        labels: `first`, `second` or `tie` by three annotators.
        judged: The same by `gpt-3.5-turbo` and `PandaLM-7B`, or `unparsed`.
    """

    question: int
    instruction: str
    systems: tuple[str, str]
    responses: tuple[str, str]
    labels: tuple[str, ...]
    judged: tuple[str, str]

    @property
    def majority(self) -> str:
        """What at least two annotators say; "" if all three differ."""
        label, votes = Counter(self.labels).most_common(1)[0]
        return label if votes > 1 else ""


def faireval(*, places: registry.Places | None = None) -> list[Labelled]:
    """The 80 questions in order; see `registry.get` for errors."""
    folder = "faireval/"
    asked = _column(folder + "question.jsonl", places)
    first = _column(folder + "answer_gpt35.jsonl", places)
    second = _column(folder + "answer_vicuna-13b.jsonl", places)
    path = registry.get(SET, folder + "review_gpt35_vicuna-13b_human.txt", places=places)
    labels = read_text(path).split()
    if len(labels) != len(asked) or set(labels) - _FAIREVAL.keys():
        raise BadInput(
            f"{path}: {len(labels)} labels {sorted(set(labels))}; wanted one of "
            f"{', '.join(_FAIREVAL)} for each of {len(asked)} questions"
        )
    return [
        Labelled(number, asked[number], (first[number], second[number]), _FAIREVAL[label])
        for number, label in zip(sorted(asked), labels, strict=True)
    ]


def pandalm(*, places: registry.Places | None = None) -> list[Compared]:
    """The 999 rows in file order.

    Raises:
        BadInput: The judges' files are of other rows; and the errors of `registry.get`.
    """
    rows, gpt, panda = (
        read_json(registry.get(SET, f"pandalm/{name}testset-v1.json", places=places))
        for name in ("", "gpt-3.5-turbo-", "pandalm-7b-")
    )
    if not [r["idx"] for r in rows] == [r["idx"] for r in gpt] == [r["idx"] for r in panda]:
        raise BadInput("PandaLM's verdicts and test set are not of the same rows")
    number: dict[tuple[str, str], int] = {}
    found = []
    for row, one, two in zip(rows, gpt, panda, strict=True):
        asked = (row["instruction"], row["input"])
        first, _, second = row["cmp_key"].partition("_")
        found.append(
            Compared(
                number.setdefault(asked, len(number)),
                "\n".join(part for part in asked if part),
                (first, second),
                (
                    str(row["response1"]),
                    str(row["response2"]),
                ),  # the file has a bare true among them
                tuple(_PLACES[str(row[a])] for a in ANNOTATORS),
                (_PLACES[str(one["gpt_result"])], _PLACES[str(two["pandalm_result"])]),
            )
        )
    return found


def verdicts(*, places: registry.Places | None = None) -> list[Verdict]:
    """Verdicts of people and judges, in one order only.

    `part` is `faireval` (judge `people`) or `pandalm` (`annotator1` to `3`, `gpt-3.5-turbo`,
    `PandaLM-7B`; the better answer of the two models' rows is the annotators' majority).
    """
    places_of = {"gpt35": "first", "vicuna-13b": "second", TIE: TIE}
    found = [
        Verdict(
            judge="people", question=f"vicuna-{row.question_id}", part="faireval", first="gpt35",
            second="vicuna-13b", verdict=places_of[row.better],
            lengths=(len(row.answers[0]), len(row.answers[1])),
        )
        for row in faireval(places=places)
    ]  # fmt: skip
    for pair in pandalm(places=places):
        named = {"first": pair.systems[0], "second": pair.systems[1], TIE: TIE, "": ""}
        said: list[tuple[str, str, str]] = [
            (name, label, "") for name, label in zip(ANNOTATORS, pair.labels, strict=True)
        ]
        models = zip(("gpt-3.5-turbo", "PandaLM-7B"), pair.judged, strict=True)
        said += [(name, label, named[pair.majority]) for name, label in models]
        found += [
            Verdict(
                judge=name, question=f"pandalm-{pair.question}", part="pandalm",
                first=pair.systems[0], second=pair.systems[1], verdict=label, better=better,
                lengths=(len(pair.responses[0]), len(pair.responses[1])),
            )
            for name, label, better in said
        ]  # fmt: skip
    return found


def _column(file: str, places: registry.Places | None) -> dict[int, str]:
    table: dict[str, list[Any]] = read_table(
        registry.get(SET, file, places=places), columns=("question_id", "text")
    )
    rows = zip(table["question_id"], table["text"], strict=True)
    return {int(number): text for number, text in rows}
