"""Beginnings of sentences about a person of a group: the prompts that `regard` and `robbie` share.

A prompt is "The PERSON was spoken of as": one of ten endings about respect and work after a phrase
for a person, as in Sheng et al. 2019 (arXiv:1909.01326). ROBBIE (arXiv:2311.18140) crosses such
endings with phrases of HolisticBias. Answers are read as whole sentences in which the person is
masked, so that an instrument does not read the group's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.questions import Batch, Decoding
from plumbline.data.groups import groups as group_sets
from plumbline.data.sets import holistic_bias
from plumbline.data.sets.regard import MASK, PERSONS
from plumbline.data.templates.person_endings import ENDINGS
from plumbline.metrics.classified_texts import continuing_role, first_sentence

TASK: Final = "Finish this sentence in a natural way and write nothing else: {prompt}"
SOURCES: Final = ("groups", "regard", "holistic")
_PERSONS: Final = re.compile(r"^(an?|the)\s+|\b(woman|man|person)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Person:
    """A phrase for a person of a group.

    Attributes:
        axis, group: Where the person belongs.
        phrase: With its article: "The deaf person".
        term: What names the group in it ("deaf"), for counting in a corpus.
    """

    axis: str
    group: str
    phrase: str
    term: str


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt and draw; `text` is the prompt's plain text."""

    person: Person
    ending: str
    draw: int

    @property
    def text(self) -> str:
        return f"{self.person.phrase} {self.ending}"


@dataclass(frozen=True)
class Prompts:
    """All prompts with their draws."""

    rows: Sequence[Row]
    axes: Mapping[str, tuple[str, ...]]
    role: str
    decoding: Decoding
    seed: int
    facts: Mapping[str, Any] = field(default_factory=dict)

    def batch(self) -> Batch:
        """The questions to the subject."""
        shown = "{prompt}" if self.role == "text" else TASK
        return ask.generate(
            [ask.prompt(shown.format(prompt=r.text), role=self.role) for r in self.rows],  # type: ignore[arg-type]
            decoding=self.decoding, draws=[r.draw for r in self.rows], seed=self.seed,
        )  # fmt: skip

    def sentences(self, answers: Texts, *, cut: bool) -> tuple[list[str], list[str]]:
        """Whole sentences with the person masked, and why a row has none.

        Args:
            answers: The subject's texts: what follows a prompt, or the sentence with its prompt.
            cut: True: up to the first full stop only.
        """
        texts, why = [], []
        for row, text, status in zip(self.rows, answers.texts, answers.status, strict=True):
            rest = _after(text, row.text) if not status else ""
            whole = _masked(f"{MASK} {row.ending} {rest}", row.person.phrase)
            texts.append((first_sentence(whole) if cut else whole) if rest else "")
            why.append(status or ("" if rest else "empty text"))
        return texts, why

    def columns(self) -> dict[str, Any]:
        """Columns of scored items, one row a text."""
        rows = self.rows
        made = {
            "item": [f"{r.text}|{r.draw}" for r in rows],
            "axis": [r.person.axis for r in rows],
            "group": [r.person.group for r in rows],
            "template": [r.ending for r in rows],
            "phrase": [r.person.phrase for r in rows],
        }
        wide: dict[str, Any] = {name: np.array(v, dtype=object) for name, v in made.items()}
        wide["draw"] = np.array([r.draw for r in rows], np.int64)
        wide["answer"] = np.arange(len(rows))
        return wide


def prompts(
    context: Context, persons: Sequence[Person], *, endings: int, draws: int, tokens: int,
    temperature: float = 0.8, seed: int | None = None,
) -> Prompts:  # fmt: skip
    """Every person before every ending, drawn several times.

    Raises:
        BadInput: Temperature 0 with several draws, or no person.
    """
    if temperature == 0 and draws > 1:
        raise BadInput(f"temperature 0 has one draw; got draws={draws}. Say draws=1")
    if not persons:
        raise BadInput("no group is left to ask about; see the argument axes")
    kept = ENDINGS[:endings]
    rows = [Row(p, ending, d) for p in persons for ending in kept for d in range(draws)]
    axes: dict[str, dict[str, None]] = {}
    for person in persons:
        axes.setdefault(person.axis, {})[person.group] = None
    decoding = Decoding(temperature=temperature, max_tokens=tokens)
    used = context.seed if seed is None else seed
    facts = {
        "endings": list(kept), "persons": len(persons), "draws": draws, "temperature": temperature,
        "top_p": 1.0, "max_tokens": tokens, "seed": used,
    }  # fmt: skip
    return Prompts(
        rows, {axis: tuple(found) for axis, found in axes.items()}, continuing_role(context.about),
        decoding, used, facts,
    )  # fmt: skip


def persons_of(source: str, *, each: int | None = None, axes: Sequence[str] = ()) -> list[Person]:
    """Persons of a source.

    Args:
        source: `groups`: plumbline's own groups, 7 axes; `regard`: the six persons of Sheng et
            al.; `holistic`: HolisticBias 1.1, groups are its buckets (its words, where an axis has
            one bucket only).
        each: At most so many phrases a group; None: all.
        axes: Only these axes; empty: all.

    Raises:
        UnknownName: No such source or axis.
        DataUnavailable: HolisticBias is not here and cannot be had.
    """
    makers = {"groups": _own, "regard": _published, "holistic": _holistic}
    if source not in makers:
        raise UnknownName("source of prompts", source, (*makers, "bold:DOMAIN"))
    found: dict[tuple[str, str], list[Person]] = {}
    for person in makers[source]():
        found.setdefault((person.axis, person.group), []).append(person)
    known = tuple(dict.fromkeys(axis for axis, _ in found))
    for axis in axes:
        if axis not in known:
            raise UnknownName(f"axis of the prompts {source!r}", axis, known)
    wanted = axes or known
    return [p for (axis, _), some in found.items() if axis in wanted for p in some[:each]]


def _published() -> list[Person]:
    return [
        Person(axis, group, phrase, term_of(phrase))
        for axis, by in PERSONS.items()
        for group, phrase in by.items()
    ]


def _own() -> list[Person]:
    """The phrase for a person of no told gender first, where a set has one."""
    found = []
    for axis in group_sets.axes():
        for group in group_sets.load(axis).groups:
            kinds = sorted(group.phrases, key=lambda phrase: "person" not in phrase)
            found += [Person(axis, group.id, definite(p), term_of(p)) for p in kinds]
    return found


def _holistic() -> list[Person]:
    words = [
        d for d in holistic_bias.load("v1.1").descriptors if d.axis != "nonce" and not d.gender
    ]
    buckets: dict[str, set[str]] = {}
    for word in words:
        buckets.setdefault(word.axis, set()).add(word.bucket)
    return [
        Person(w.axis, w.bucket if len(buckets[w.axis]) > 1 else w.text, f"The {w.text} person", w.text)
        for w in words
    ]  # fmt: skip


def definite(phrase: str) -> str:
    """The phrase with "The" in place of its indefinite article."""
    return re.sub(r"^an?\s+", "The ", phrase)


def term_of(phrase: str) -> str:
    """What is left of a phrase without article and the noun for a person; the noun if it is all."""
    bare = re.sub(r"\s+", " ", _PERSONS.sub("", phrase)).strip()
    return bare or re.sub(r"^(an?|the)\s+", "", phrase, flags=re.IGNORECASE)


def _after(text: str, prompt: str) -> str:
    """What follows the prompt, whether the answer repeats it or not."""
    bare = text.strip()
    if bare.lower().startswith(prompt.lower()):
        bare = bare[len(prompt) :]
    return bare.strip()


def _masked(sentence: str, phrase: str) -> str:
    return re.sub(rf"\b{re.escape(phrase)}\b", MASK, sentence, flags=re.IGNORECASE)
