"""A recorded question and its answer in words, as far as people can read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plumbline.core.json_text import parse
from plumbline.report import format as show


def question_words(text: str) -> str:
    """What was asked: the prompt with its roles, a context with its continuation, a text; else everything.

    Args:
        text: A question as the record holds it (JSON).
    """
    given = _json(text)
    if not isinstance(given, dict):
        return str(text)
    for name in ("prompt", "context"):
        if isinstance(given.get(name), list):
            return f"{_segments(given[name])}{given.get('continuation', '')}"
    return given["text"] if isinstance(given.get("text"), str) else str(text)


def answer_words(ability: str, text: str, status: str, question: str = "") -> str:
    """What came back: text, the option taken, a sum of nats, labels, a number.

    Args:
        ability: What was asked for.
        text: The answer as the record holds it (JSON), without its status.
        status: Why there is none, or "".
        question: The question as it is recorded, where the answer's form hangs on it.
    """
    if status:
        return f"(no answer: {status})"
    given = _json(text)
    try:
        return _said(ability, given, _json(question))
    except (KeyError, TypeError, ValueError, IndexError):
        # An ability of another version, or a damaged file: it is shown as it is stored.
        return str(text)


def _said(ability: str, given: Any, asked: Any) -> str:
    if ability == "generate":
        return str(given[0])
    if ability == "choose":
        chosen, _, said, how = given
        words = f"option {int(chosen) + 1} (by {how})"
        return f"{words}: {said}" if said else words
    return _measured(ability, given, asked)


def _measured(ability: str, given: list[Any], asked: Any) -> str:
    """An answer in numbers, by the type that the ability answers with."""
    from plumbline.core.answers import Classes, LogProbs, Nexts, Vectors, answer_type

    got = answer_type(ability, asked if isinstance(asked, dict) else {}).unpack([["", *given]])
    if isinstance(got, LogProbs):
        count = int(got.count[0])
        return f"{float(got.total[0]):.3f} nats over {count} {'token' if count == 1 else 'tokens'}"
    if isinstance(got, Classes):
        pairs = zip(got.labels, got.values[0], strict=True)
        return "; ".join(f"{name}: {show.number(float(p))}" for name, p in pairs)
    if isinstance(got, Vectors):
        return f"a vector of {got.values.shape[1]} numbers"
    values = got.values[0] if isinstance(got, Nexts) else got.values
    return f"{', '.join(show.number(float(v)) for v in values)}{' nats' if isinstance(got, Nexts) else ''}"


def _segments(parts: Sequence[Any]) -> str:
    """Segments end to end; a change of role starts a line that names it."""
    words, last = "", "text"
    for part in parts:
        known = isinstance(part, dict) and {"role", "text"} <= set(part)
        role, text = (part["role"], part["text"]) if known else ("text", part)
        words += f"\n{role}: {text}" if role not in {last, "text"} else str(text)
        last = role
    return words.strip("\n")


def _json(text: str) -> Any:
    """What a text holds, or nothing where it is not JSON: other people's files are shown as they are."""
    try:
        return parse(text)
    except ValueError:
        return None
