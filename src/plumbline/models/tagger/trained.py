"""A trained tagger: its folder, what it says of texts, and the instrument made of it.

It says nothing where its check failed: `TooWeak` then holds the figures. Words and sentences have a
check each, since a tagger may find words well and still tell no more of a sentence than a bag of
words does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, TooWeak
from plumbline.core.json_text import parse
from plumbline.core.tagged import entity_of, split_words
from plumbline.models.fingerprints import of_facts, of_file
from plumbline.models.instruments.identity_sentences import FRAMES, GROUPS
from plumbline.models.instruments.text_instrument import TextInstrument
from plumbline.models.tagger.check import THRESHOLD, Check, on_curve, summary
from plumbline.models.tagger.encoder import Encoder
from plumbline.models.tagger.linear import Linear
from plumbline.stats.tagging import merged

Floats = NDArray[np.float64]
FILE: Final = "tagger.json"
FORMAT: Final = 1
RECIPES: Final = {"linear": Linear, "encoder": Encoder}
HEADLINE: Final = "UNFAIR"


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a text that carry an entity.

    Attributes:
        start: Place of its first character.
        end: Place behind its last.
        entity: Such as `UNFAIR`.
        probability: Mean over its words.
    """

    start: int
    end: int
    entity: str
    probability: float


@dataclass(frozen=True, eq=False)
class Tagger:
    """What training made.

    Attributes:
        recipe: How.
        labels: O, and B- and I- of each entity.
        model: The recipe's model.
        curves: Entity to the line from its words to the sentence; see `check.on_curve`.
        check: Figures on groups held out.
        about: Further facts: sentences, groups, `group_swap`.
    """

    recipe: Linear | Encoder
    labels: tuple[str, ...]
    model: Any = field(repr=False)
    curves: Mapping[str, Sequence[float]]
    check: Check
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def entities(self) -> tuple[str, ...]:
        """Its entities, the columns of what it gives."""
        return tuple(dict.fromkeys(e for e in map(entity_of, self.labels) if e))

    def require(self, level: str) -> None:
        """Raise `TooWeak` with the figures unless the check of `words` or `sentences` passed."""
        found = getattr(self.check, level)
        if not found.passed:
            raise TooWeak(
                f"this tagger is not used on {level}: on {self.check.sentences_held_out} sentences "
                f"of {self.check.groups_held_out} held-out groups it has {found}. Train it on more "
                "sentences, or on other ones"
            )

    def words(self, sentences: Sequence[Sequence[str]]) -> list[Floats]:
        """Probability of each entity for each word; for each sentence shape (words, entities).

        Raises:
            TooWeak: The check of words failed.
        """
        self.require("words")
        return [self._merged(table) for table in self.model.probabilities(sentences)]

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """Runs of words at .5 or above; a word that is rather B than I begins a new one.

        Raises:
            TooWeak: The check of words failed.
        """
        self.require("words")
        cut = [split_words(text) for text in texts]
        tables = self.model.probabilities([[w for w, *_ in words] for words in cut])
        return [
            sorted(self._spans(words, table), key=lambda s: (s.start, s.end, s.entity))
            for words, table in zip(cut, tables, strict=True)
        ]

    def sentences(self, texts: Sequence[str]) -> Floats:
        """Probability that each text holds each entity; shape (texts, entities).

        Raises:
            TooWeak: The check of sentences failed.
        """
        self.require("sentences")
        return self.unchecked(texts)

    def unchecked(self, texts: Sequence[str]) -> Floats:
        """As `sentences`, for judging the tagger itself: whatever its check says."""
        if not texts:
            return np.empty((0, len(self.entities)))
        cut = [[w for w, *_ in split_words(text)] for text in texts]
        seen = [summary(self._merged(t)) for t in self.model.probabilities(cut)]
        return on_curve(np.array(seen), [self.curves[e] for e in self.entities])

    def save(self, folder: Path) -> None:
        """Write the tagger; nothing in the folder is a pickle.

        Raises:
            BadInput: The folder holds something already.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{folder} is there and not empty; name a new folder for the tagger")
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder)
        name = next(n for n, kind in RECIPES.items() if isinstance(self.recipe, kind))
        held = {
            "format": FORMAT, "recipe": {"name": name, **asdict(self.recipe)},
            "labels": list(self.labels), "curves": {e: list(c) for e, c in self.curves.items()},
            "check": self.check.facts(), "about": dict(self.about),
        }  # fmt: skip
        (folder / FILE).write_text(json.dumps(held, indent=1, ensure_ascii=False), "utf-8")

    def _merged(self, table: Floats) -> Floats:
        return np.asarray(merged(table, self.labels, self.entities), float)

    def _spans(self, words: Sequence[tuple[str, int, int]], table: Floats) -> list[Span]:
        found = []
        for entity in self.entities:
            first, inner = (table[:, self.labels.index(f"{m}-{entity}")] for m in "BI")
            chances = np.maximum(first, inner)
            runs: list[list[int]] = []
            for i in np.flatnonzero(chances >= THRESHOLD).tolist():
                if runs and runs[-1][-1] == i - 1 and first[i] <= inner[i]:
                    runs[-1].append(i)
                else:
                    runs.append([i])
            found += [
                Span(words[r[0]][1], words[r[-1]][2], entity, float(chances[r].mean()))
                for r in runs
            ]
        return found


@dataclass(frozen=True, eq=False)
class TaggerInstrument(TextInstrument):
    """The instrument `tagger:FOLDER`: sentences' probabilities, and `tagger.spans` for words."""

    tagger: Tagger | None = field(default=None, repr=False, kw_only=True)


def group_swap(tagger: Tagger) -> dict[str, dict[str, float]]:
    """How far an entity's probability moves when the group in a sentence of nothing unkind is swapped.

    Returns:
        Entity to the mean absolute difference over all pairs of 27 groups and five sentences, and
        the largest difference between the means of two groups.
    """
    texts = [frame.format(phrase) for phrase in GROUPS.values() for frame in FRAMES]
    table = tagger.unchecked(texts).reshape(len(GROUPS), len(FRAMES), -1)
    one, other = np.triu_indices(len(GROUPS), 1)
    moved = np.abs(table[one] - table[other]).mean(axis=(0, 1))
    widest = np.ptp(table.mean(axis=1), axis=0)
    return {
        e: {"mean change": float(moved[i]), "widest gap of two groups": float(widest[i])}
        for i, e in enumerate(tagger.entities)
    }


def load_tagger(folder: str | Path) -> Tagger:
    """Read a tagger; `Tagger.require` says whether it may be used.

    Raises:
        BadInput: The folder holds no whole tagger.
        MissingExtra: Its recipe's packages are not installed.
    """
    folder = Path(folder)
    try:
        held = parse((folder / FILE).read_bytes())
        if held["format"] != FORMAT:
            raise BadInput(f"{folder / FILE} has the format {held['format']}; known is {FORMAT}")
        given = dict(held["recipe"])
        recipe = RECIPES[given.pop("name")](**given)
        check = Check.of(held["check"])
        parts = tuple(held["labels"]), held["curves"], held["about"]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise BadInput(
            f"{folder} holds no tagger that can be read ({type(wrong).__name__}: {wrong}); wanted a "
            "folder that train_tagger wrote"
        ) from None
    labels, curves, about = parts
    model = recipe.new(labels)
    model.load(folder)
    return Tagger(recipe, labels, model, curves, check, about)


def open_tagger(folder: str | Path) -> TaggerInstrument:
    """The instrument `tagger:FOLDER`, which offers `classify`: a probability for each entity.

    Raises:
        TooWeak: Its check of sentences failed; the message holds the figures.
        BadInput: The folder holds no whole tagger.
        MissingExtra: Its recipe's packages are not installed.
    """
    folder = Path(folder)
    tagger = load_tagger(folder)
    tagger.require("sentences")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "README.md")
    return TaggerInstrument(
        name=f"tagger:{folder.name}",
        fingerprint=of_facts(
            instrument="tagger",
            files={p.relative_to(folder).as_posix(): of_file(p) for p in files},
        ),
        ability="classify",
        read=tagger.sentences,
        unreadable=lambda text: tagger.model.unreadable([w for w, *_ in split_words(text)]),
        headline=HEADLINE if HEADLINE in tagger.entities else tagger.entities[0],
        labels=tagger.entities,
        facts={
            "scale": "probability that a text holds the entity; entities do not exclude each other",
            "made_from": "sentences that the user supplied: see trained_on",
            "licence": "the user's",
            "paper": "arxiv:2410.08388 (recipe)",
            "check": tagger.check.facts(),
            **tagger.about,
            "limits": ["reads what its annotators marked, in texts like theirs: transfer is poor"],
        },
        tagger=tagger,
    )
