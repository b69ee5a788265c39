"""Questions with one known answer, each asked for in several wordings: bare number to long sentence.

Every question is asked in every wording, so that the length of the answer is independent of how hard
the question is, by design. All texts are plumbline's own; questions are made by rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.seeds import Seeds

JUDGED, CALIBRATION = "judged", "calibration"
FORMS: Final = ("bare", "short", "restated", "long")
END: Final = "\n"
"""What ends an answer; it is scored with it."""
_NUMBER: Final = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question.

    Attributes:
        asks: The question, with places {a} and {b}.
        restated, long: Answers in a sentence, with places {a}, {b} and {c}, the answer, at the end.
        first, second: Ranges of the operands.
        solve: The answer.
    """

    asks: str
    restated: str
    long: str
    first: range
    second: range
    solve: Callable[[int, int], int]


KINDS: Final[Mapping[str, Kind]] = {
    "small sum": Kind(
        "What is {a} plus {b}?", "The sum of {a} and {b} is {c}",
        "If we start with {a} and then add {b} to it, the number that we end up with is {c}",
        range(1, 13), range(1, 13), lambda a, b: a + b,
    ),
    "sum": Kind(
        "What is {a} plus {b}?", "The sum of {a} and {b} is {c}",
        "If we start with {a} and then add {b} to it, the number that we end up with is {c}",
        range(11, 60), range(11, 40), lambda a, b: a + b,
    ),
    "difference": Kind(
        "What is {a} minus {b}?", "The difference of {a} and {b} is {c}",
        "If we start with {a} and then take {b} away from it, the number that we are left with is {c}",
        range(30, 90), range(3, 28), lambda a, b: a - b,
    ),
    "larger": Kind(
        "Which is larger, {a} or {b}?", "The larger of {a} and {b} is {c}",
        "If we compare {a} with {b} and keep only the larger one, the number that we keep is {c}",
        range(10, 99), range(10, 99), max,
    ),
    "count": Kind(
        "Which number comes {b} after {a}?", "The number {b} after {a} is {c}",
        "If we stand at {a} and count up by {b} from there, the number that we arrive at is {c}",
        range(10, 90), range(1, 4), lambda a, b: a + b,
    ),
    "product": Kind(
        "What is {a} times {b}?", "The product of {a} and {b} is {c}",
        "If we take the number {a} and then take it {b} times, the number that we end up with is {c}",
        range(3, 13), range(2, 13), lambda a, b: a * b,
    ),
}  # fmt: skip
_SHOWN: Final = 3
_PARTS: Final = 24  # questions of a kind in each part


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one wording of its answer.

    Attributes:
        id: The question, the same in all wordings.
        kind: See `KINDS`.
        form: See `FORMS`.
        prompt: Three solved questions of the kind in that wording, and the question.
        gold: The right number.
        answer: The answer in the wording, with the space in front.
    """

    id: str
    kind: str
    form: str
    prompt: str
    gold: int
    answer: str

    def read(self, text: str) -> int | None:
        """The last number of an answer, None where it has none."""
        found = _NUMBER.findall(text)
        return int(found[-1]) if found else None


def asked(count: int, *, part: str = JUDGED, forms: tuple[str, ...] = FORMS) -> tuple[Asked, ...]:
    """Questions in all wordings, those of one question side by side.

    Args:
        count: Questions of each kind, 1 to 24; fewer are the first of more.
        part: `judged`, which metrics ask, or `calibration`, which no metric asks.
        forms: The wordings.

    Raises:
        BadInput: More questions than there are.
        UnknownName: No such part or wording.
    """
    if part not in (JUDGED, CALIBRATION):
        raise UnknownName("part of the questions", part, (JUDGED, CALIBRATION))
    for form in forms:
        if form not in FORMS:
            raise UnknownName("wording", form, FORMS)
    if not 1 <= count <= _PARTS:
        raise BadInput(f"wanted 1 to {_PARTS} questions of a kind; got {count}")
    made = []
    for name, kind in KINDS.items():
        drawn = _operands(name)
        start = _SHOWN + (0 if part == JUDGED else _PARTS)
        shown = drawn[:_SHOWN]
        made += [
            _one(name, kind, form, shown, pair)
            for pair in drawn[start : start + count]
            for form in forms
        ]
    return tuple(made)


def _operands(name: str) -> list[tuple[int, int]]:
    """Operands of a kind in a fixed random order: those shown, the judged, those for calibration.

    Of two pairs that are each other turned round only one is taken: 5 + 8 would give 8 + 5 away.
    """
    first, second = KINDS[name].first, KINDS[name].second
    pairs = [
        (a, b)
        for a in first
        for b in second
        if a != b and not (a > b and b in first and a in second)
    ]
    order = Seeds(54).stream("worded answers", name).permutation(len(pairs))
    return [pairs[i] for i in order[: _SHOWN + 2 * _PARTS]]


def _one(
    name: str, kind: Kind, form: str, shown: list[tuple[int, int]], pair: tuple[int, int]
) -> Asked:
    solved = "".join(_turn(kind, a, b) + _said(kind, form, a, b) + END for a, b in shown)
    a, b = pair
    return Asked(
        id=f"{name} {a} {b}", kind=name, form=form, prompt=solved + _turn(kind, a, b),
        gold=kind.solve(a, b), answer=_said(kind, form, a, b),
    )  # fmt: skip


def _turn(kind: Kind, a: int, b: int) -> str:
    return f"Question: {kind.asks.format(a=a, b=b)}\nAnswer:"


def _said(kind: Kind, form: str, a: int, b: int) -> str:
    c = kind.solve(a, b)
    text = {
        "bare": "{c}", "short": "It is {c}", "restated": kind.restated, "long": kind.long,
    }[form]  # fmt: skip
    return " " + text.format(a=a, b=b, c=c)
