"""Feedback in conversations: signals of (dis)satisfaction, and preference pairs made of them.

Shi et al., "WildFeedback: Aligning LLMs with in-situ user interactions and feedback", 2024,
arXiv:2408.15549, name nine rubrics of satisfaction and nine of dissatisfaction, which a large model
labels. Here patterns of our own (English) label them: no model that labels, writes and judges alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from plumbline.core.errors import BadInput
from plumbline.data.toml_rows import Fields, read_toml

SATISFIED, DISSATISFIED, NEITHER = "satisfied", "dissatisfied", ""
ROLES: Final = ("user", "assistant")
SHORTEST: Final = 5  # letters of a word that is spelt right again where one letter is off
LONG: Final = 7  # letters from which another letter in one place is read as a misspelling
_WORD: Final = re.compile(r"[a-z']+")


@dataclass(frozen=True, slots=True)
class Signals:
    """What a user's turn says about the reply before it.

    Attributes:
        satisfied: Rubrics of satisfaction that it shows.
        dissatisfied: Rubrics of dissatisfaction.
    """

    satisfied: tuple[str, ...]
    dissatisfied: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`dissatisfied` goes before `satisfied`: thanks in a complaint are a courtesy."""
        if self.dissatisfied:
            return DISSATISFIED
        return SATISFIED if self.satisfied else NEITHER


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: who said what (`role` is `user` or `assistant`)."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two replies to one dialogue, of which the user's feedback prefers one.

    Attributes:
        prompt: The dialogue before the reply that drew the feedback.
        preference: The feedback, in the user's words.
        preferred: A reply that follows it.
        dispreferred: The reply that drew it.
        signals: Rubrics of dissatisfaction.
    """

    prompt: tuple[Turn, ...]
    preference: str
    preferred: str
    dispreferred: str
    signals: tuple[str, ...]


@cache
def _rubrics() -> dict[str, dict[str, tuple[re.Pattern[str], ...]]]:
    source = files("plumbline.data.lexicons").joinpath("feedback_signals.toml")
    top = Fields(read_toml(source), "the shipped signals")
    top.mark("id", "title", "note")
    found = {}
    for kind in (SATISFIED, DISSATISFIED):
        table = top.table(kind)
        found[kind] = {name: tuple(re.compile(p) for p in table.texts(name)) for name in table.data}
    top.no_others()
    return found


def rubrics(kind: str) -> tuple[str, ...]:
    """Names of the nine rubrics of `satisfied` or `dissatisfied`."""
    if kind not in _rubrics():
        raise BadInput(f"no kind {kind!r}; known: {SATISFIED}, {DISSATISFIED}")
    return tuple(_rubrics()[kind])


@cache
def _words() -> frozenset[str]:
    """Words of the patterns that are long enough to be recognised with one letter off."""
    found: set[str] = set()
    for patterns in _rubrics().values():
        for pattern in (p for group in patterns.values() for p in group):
            plain = re.sub(r"\\[bs]|\(\?[^)]*\)", " ", pattern.pattern)
            found |= {w for w in _WORD.findall(plain) if len(w) >= SHORTEST}
    return frozenset(found)


@cache
def _respelt() -> Mapping[str, str]:
    """A word with one letter missing, or two neighbours swapped, to the word of the patterns."""
    table: dict[str, str] = {}
    for word in sorted(_words()):
        for k in range(len(word)):
            table.setdefault(word[:k] + word[k + 1 :], word)
            table.setdefault(word[:k] + word[k + 1 : k + 2] + word[k] + word[k + 2 :], word)
    return table


def _repaired(word: str) -> str:
    if word in _words() or len(word) < SHORTEST - 1:
        return word
    table = _respelt()
    if word in table:
        return table[word]
    shorter = (word[:k] + word[k + 1 :] for k in range(len(word)))
    for one in shorter:
        # One letter too many, or one that is another letter.
        if one in _words() and len(one) >= SHORTEST:
            return one
        if one in table and len(table[one]) == len(word) >= LONG:
            return table[one]
    return word


def signals(text: str) -> Signals:
    """Rubrics that a user's turn shows; words with one letter off are read as the patterns' words."""
    plain = " ".join(text.casefold().replace("’", "'").split())
    repaired = _WORD.sub(lambda m: _repaired(m[0]), plain)
    shown_as = {plain, repaired}
    shown = {
        kind: tuple(
            name
            for name, patterns in table.items()
            if any(p.search(one) for p in patterns for one in shown_as)
        )
        for kind, table in _rubrics().items()
    }
    return Signals(shown[SATISFIED], shown[DISSATISFIED])


def preference_pairs(
    turns: Sequence[Turn], *, rewrite: Callable[[Sequence[Turn], str], str] | None = None
) -> list[Pair]:
    """Pairs of one conversation: the reply that drew a complaint, and a better one.

    The better reply is the one that followed the complaint, unless the user's next turn complains
    again; or what `rewrite` makes of the dialogue and the stated preference. Equal replies make no pair.

    Args:
        turns: The conversation in order, user and assistant in turn.
        rewrite: (dialogue, preference) to a reply, for instance by the model that is to be trained.

    Raises:
        BadInput: Another role, or two turns of one role in a row.
    """
    _checked(turns)
    found = []
    for k in range(2, len(turns)):
        said = signals(turns[k].text) if turns[k].role == "user" else None
        if said is None or said.kind != DISSATISFIED or turns[k - 1].role != "assistant":
            continue
        prompt, feedback = tuple(turns[: k - 1]), turns[k].text
        better = rewrite(prompt, feedback) if rewrite else _followed(turns, k)
        if better and better != turns[k - 1].text:
            found.append(Pair(prompt, feedback, better, turns[k - 1].text, said.dissatisfied))
    return found


def _followed(turns: Sequence[Turn], k: int) -> str:
    """The reply after the complaint at k, or "" where there is none or it drew a complaint too."""
    if k + 1 >= len(turns):
        return ""
    if k + 2 < len(turns) and signals(turns[k + 2].text).kind == DISSATISFIED:
        return ""
    return turns[k + 1].text


def _checked(turns: Sequence[Turn]) -> None:
    for before, turn in zip((None, *turns[:-1]), turns, strict=True):
        if turn.role not in ROLES:
            raise BadInput(f"a turn's role is {turn.role!r}; wanted one of {', '.join(ROLES)}")
        if before is not None and before.role == turn.role:
            raise BadInput(f"two turns of the {turn.role} stand in a row; join them first")


def write_pairs(pairs: Sequence[Pair], path: str | Path) -> Path:
    """Write pairs as JSON Lines: prompt (list of turns), preference, preferred, dispreferred, signals."""
    target = Path(path)
    lines = [json.dumps(asdict(pair), ensure_ascii=False) for pair in pairs]
    target.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return target
