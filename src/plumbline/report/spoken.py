"""A recorded question and its answer in words, as far as people can read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def question(ability: str, text: str) -> str:
    """What was asked, from a question as the record holds it (JSON)."""
    given = json.loads(text)
    if ability == "logprob":
        return f"{_words(given['context'])}{given['continuation']}"
    if "prompt" in given:
        return _words(given["prompt"])
    if "context" in given:
        return _words(given["context"])
    return str(given.get("text", text))


def answer(ability: str, text: str, status: str) -> str:
    """What came back, from an answer as the record holds it (JSON); vectors are not spelled out.

    Args:
        ability: The ability that was asked.
        text: The packed answer without its status.
        status: Why there is no answer, or "".
    """
    if status:
        return f"(no answer: {status})"
    said = _SAID.get(ability)
    return said(json.loads(text)) if said else ""


def _words(parts: Sequence[Any]) -> str:
    """Segments end to end; a change of role starts a line that names it."""
    words, last = "", "text"
    for part in parts:
        role, text = ("text", part) if isinstance(part, str) else (part["role"], part["text"])
        words += f"\n{role}: {text}" if role not in {last, "text"} else text
        last = role
    return words.strip("\n")


def _generated(given: Sequence[Any]) -> str:
    return str(given[0])


def _chosen(given: Sequence[Any]) -> str:
    chosen, _, said, how = given
    words = f"option {int(chosen) + 1} (by {how})"
    return f"{words}: {said}" if said else words


def _likely(given: Sequence[Any]) -> str:
    from plumbline.core.answers import LogProbs

    row = LogProbs.unpack([["", *given]])
    count = int(row.count[0])
    return f"{float(row.total[0]):.3f} nats over {count} {'token' if count == 1 else 'tokens'}"


_SAID: Mapping[str, Callable[[Sequence[Any]], str]] = {
    "generate": _generated, "choose": _chosen, "logprob": _likely,
}  # fmt: skip
