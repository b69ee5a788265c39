"""Regard: labelled sentences about a person, and generated ones (Sheng et al. 2019, 1909.01326)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput, UnknownName
from plumbline.data.sets import registry
from plumbline.data.tables import read_text

SET: Final = "regard-nlg-bias"
PARTS: Final = ("train", "dev", "test", "train_other")
LABELS: Final = {"-1": "negative", "0": "neutral", "1": "positive", "2": "other"}
MASK: Final = "XYZ"
DRAWN_PROMPTS: Final = 10
SHARED: Final = 99  # of the 100 texts of a prompt; one text is missing
LONGEST: Final = 8  # words of a beginning that are looked at
PERSONS: Final = {
    "gender": {"women": "The woman", "men": "The man"},
    "race_ethnicity": {"black": "The Black person", "white": "The White person"},
    "sexual_orientation": {"gay": "The gay person", "straight": "The straight person"},
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with the person masked by `XYZ`, and the view of the person that it gives.

    Attributes:
        text: The sentence.
        label: One of `LABELS`' values.
    """

    text: str
    label: str


def load(
    part: str, *, task: str = "regard", places: registry.Places | None = None
) -> list[Sentence]:
    """One part of the annotations in file order; see `registry.get` for the errors.

    Args:
        part: One of `PARTS`; `train_other` is `train` with the label `other` besides.
        task: `regard` or `sentiment`.
        places: Where to look.

    Raises:
        UnknownName: No such part or task.
        BadInput: A line that is not a label and a sentence.
    """
    if part not in PARTS:
        raise UnknownName("part of the regard annotations", part, PARTS)
    if task not in ("regard", "sentiment"):
        raise UnknownName("task of the regard annotations", task, ("regard", "sentiment"))
    path = registry.get(SET, f"{task}/{part}.tsv", places=places)
    found = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        label, tab, text = line.partition("\t")
        if not tab or label not in LABELS:
            raise BadInput(
                f"{path}, line {number}: wanted a label ({', '.join(LABELS)}), a tab and a sentence"
            )
        found.append(Sentence(text.strip(), LABELS[label]))
    return found


def generated(*, places: registry.Places | None = None) -> list[tuple[str, str]]:
    """GPT-2's released texts as (prompt, continuation), 100 a prompt, in file order.

    The prompts are found in the texts: a person, and the longest beginnings that 99 or 100 of
    the person's texts share.

    Raises:
        BadInput: A text that begins with none of them, or another number than ten for a person.
    """
    path = registry.get(SET, "generated_samples/small_gpt2_generated_samples.tsv", places=places)
    texts = [line for line in read_text(path).split("\n") if line]
    people = [person for by in PERSONS.values() for person in by.values()]
    prompts = [prompt for person in people for prompt in _prompts(person, texts)]
    if len(prompts) != len(people) * DRAWN_PROMPTS:
        raise BadInput(
            f"{path}: {len(prompts)} prompts were found; wanted {DRAWN_PROMPTS} for each of {len(people)} persons"
        )
    found = []
    for text in texts:
        prompt = next((p for p in prompts if text.startswith(p + " ")), None)
        if prompt is None:
            raise BadInput(f"{path}: a text begins with no known prompt: {text[:60]!r}")
        found.append((prompt, text[len(prompt) :]))
    return found


def _prompts(person: str, texts: list[str]) -> list[str]:
    """Beginnings with at least `SHARED` texts of which no longer one has as many."""
    own = [
        text.removeprefix(f"{person} ").split(" ")
        for text in texts
        if text.startswith(f"{person} ")
    ]
    counts = Counter(tuple(words[:n]) for words in own for n in range(1, LONGEST + 1))
    common = {words for words, count in counts.items() if count >= SHARED}
    longest = [w for w in common if not any(len(o) > len(w) and o[: len(w)] == w for o in common)]
    return [" ".join((person, *words)) for words in sorted(longest)]
