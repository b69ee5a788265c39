"""What the replies of an OpenAI-compatible server mean: text, top log-probabilities, echoes.

Two layouts of log-probabilities are read: that of chat (`content: [{token, logprob,
top_logprobs: [...]}]`, which llama.cpp sends for completions as well) and that of the older
completions interface (`tokens`, `token_logprobs`, `top_logprobs: [{token: logprob}]`,
`text_offset`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from plumbline.core.answers import Floats
from plumbline.core.errors import BadAnswer
from plumbline.models.openai_client import Garbled, said

REFUSED: Final = "refused"
EMPTY: Final = "empty answer"
TOO_LONG: Final = (
    "context_length_exceeded", "exceed_context_size", "context length", "context size",
    "maximum context", "too many tokens", "prompt is too long", "max_model_len",
)  # fmt: skip
FILTERED: Final = ("content_filter", "content management policy", "responsibleai")
UNLIKELY: Final = -9999.0
"""Servers write this (or the lowest float) where a probability is 0 in their precision."""
_HALF: Final = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Said:
    """One generated text, why it ended, and the row's status."""

    text: str = ""
    finish: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Tops:
    """The likeliest first tokens with their log-probabilities in nats, or a row status."""

    tokens: Mapping[str, float]
    ids: Mapping[int, float]
    status: str = ""


def row_status(body: Any) -> str:
    """The status of a row whose request was refused for its content; "" for other reasons."""
    text = str(body).lower()
    if any(mark in text for mark in TOO_LONG):
        return f"truncated: {said(body) or 'the prompt is longer than the context'}"
    return REFUSED if any(mark in text for mark in FILTERED) else ""


def read_text(body: Any) -> Said:
    """The text of a chat or completions reply."""
    choice = _choice(body)
    finish = choice.get("finish_reason") or ""
    message = choice.get("message")
    if isinstance(message, dict):
        text, refusal = _content(message.get("content")), message.get("refusal")
    elif "text" in choice:
        text, refusal = choice["text"] or "", None
    else:
        raise Garbled("the reply's choice has neither 'message' nor 'text'")
    if not isinstance(text, str) or not isinstance(finish, str):
        raise Garbled("the reply's text or finish_reason is not a string")
    if finish == "content_filter" or refusal:
        return Said(str(refusal or text), finish, REFUSED)
    return Said(text, finish, "" if text.strip() else EMPTY)


def read_tops(body: Any) -> Tops:
    """The first generated token's top log-probabilities; probabilities of equal texts add up.

    llama.cpp leaves them out where the token drawn is part of a character: `Garbled`, so that
    another token is drawn.
    """
    choice = _choice(body)
    if choice.get("finish_reason") == "content_filter":
        return Tops({}, {}, REFUSED)
    marks = choice.get("logprobs")
    if not isinstance(marks, dict):
        if _HALF in str(choice.get("text") or choice.get("message")):
            raise Garbled("no log-probabilities came with a token that is half a character")
        raise BadAnswer(
            "the server sends no log-probabilities; leave the setting logprobs out for this server"
        )
    tops = _first_tops(marks)
    if tops is None:
        return Tops({}, {}, EMPTY)
    tokens: dict[str, float] = {}
    ids: dict[int, float] = {}
    for top in tops:
        if not isinstance(top, dict) or not isinstance(top.get("token"), str):
            raise Garbled("a top log-probability has no token")
        text, value = top["token"], _nats(top.get("logprob"))
        if value <= UNLIKELY:
            continue
        tokens[text] = float(np.logaddexp(tokens.get(text, -math.inf), value))
        if isinstance(top.get("id"), int):
            ids[top["id"]] = value
    return Tops(tokens, ids, "" if tokens else "no log-probabilities for the first token")


def _first_tops(marks: Mapping[str, Any]) -> list[Any] | None:
    """What the first token could have been, in the layout of chat; None where nothing was generated."""
    rows = marks.get("content")
    if rows is None:
        older = marks.get("top_logprobs") or [None]
        first = older[0] if isinstance(older, list) else older
        if first is not None and not isinstance(first, dict):
            raise Garbled("top_logprobs is no list of tables")
        return [{"token": t, "logprob": v} for t, v in (first or {}).items()]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows[:1]):
        raise Garbled("the log-probabilities are no list of tables")
    if not rows:
        return None
    tops = rows[0].get("top_logprobs") or []
    if not isinstance(tops, list):
        raise Garbled("top_logprobs is no list")
    return tops


def read_echo(body: Any, context: str, text: str) -> tuple[Floats, Sequence[str]] | str:
    """Log-probabilities of the tokens of `text` beyond `context`, from an echoed prompt.

    A token that lies across the boundary belongs to the continuation. The first token of all
    has no log-probability on most servers: a row that needs it is not answered.
    """
    tokens, values = echoed(body)
    if not "".join(tokens).startswith(text):
        return "the server's tokens do not spell the text"
    ends = np.cumsum([len(token) for token in tokens])
    starts = ends - [len(token) for token in tokens]
    wanted = np.flatnonzero((ends > len(context)) & (starts < len(text)))
    if any(values[i] is None for i in wanted):
        return "no log-probability for the first token: the server puts no BOS before it"
    nats = np.array([_nats(values[i]) for i in wanted])
    if (nats <= UNLIKELY).any():
        return "the server gives no log-probability for a token that it finds impossible"
    return nats, [tokens[i] for i in wanted]


def echoed(body: Any) -> tuple[list[str], list[float | None]]:
    """Tokens and values of an echoed prompt; `Garbled` where the server did not echo."""
    marks = _choice(body).get("logprobs")
    tokens = marks.get("tokens") if isinstance(marks, dict) else None
    values = marks.get("token_logprobs") if isinstance(marks, dict) else None
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        raise Garbled("the reply has no tokens and token_logprobs of the prompt")
    return [str(token) for token in tokens], values


def _choice(body: Any) -> Mapping[str, Any]:
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Garbled("the reply has no list of 'choices'")
    return choices[0]


def _content(content: Any) -> Any:
    """A message's content: a string, nothing, or a list of parts."""
    if isinstance(content, list):
        return "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return "" if content is None else content


def _nats(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Garbled(f"a log-probability is a number; got {value!r:.60}")
    if not -sys.float_info.max <= value <= 1e-3:
        raise BadAnswer(
            f"the server sent {value!r:.60} as a log-probability, which is a number of at most 0. Serve "
            "the model in another precision, or ask without log-probabilities (logprobs, echo)"
        )
    return min(float(value), 0.0)
