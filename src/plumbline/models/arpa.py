"""`arpa:FILE`: a backoff n-gram model in ARPA text format, and its log-probability of every word.

A word's probability after its history is that of the longest n-gram in the file that ends in it,
times the backoff weights of the histories that had to be shortened (Katz 1987; ARPA's format as
SRILM and KenLM write it). The file's logarithms have base 10; answers are in nats. The end of a
sentence is not scored: a continuation goes on.

A word that the file does not list has no probability of its own (that of `<unk>` is shared by all
of them), so a continuation that holds one is unanswered; in a context it is read as `<unk>`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from plumbline.core.answers import Answers, LogProbs
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.packed import gunzip
from plumbline.core.questions import Batch, Prompt
from plumbline.models.abilities import Cost, ModelOptions, Rows
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts, of_file
from plumbline.models.prompt_render import flattened, is_chat

KNOWN: Final[Mapping[str, Any]] = {"lower": False, "split": True}
"""`lower`: look words up in lower case. `split`: a punctuation mark is a word of its own."""
BOS: Final = "<s>"
UNKNOWN: Final = "<unk>"
LN10: Final = math.log(10.0)
_SPLIT: Final = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_BLANKS: Final = re.compile(r"\S+")
_COUNT: Final = re.compile(r"ngram\s+(\d+)\s*=\s*(\d+)")
_SECTION: Final = re.compile(r"\\(\d+)-grams:")

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NGrams:
    """A backoff model; logarithms have base 10, as in the file.

    Attributes:
        order: Longest n-gram.
        grams: Log-probability of each n-gram's last word after the others.
        backoff: Log-weight of each history; 0 where the file gives none.
    """

    order: int
    grams: Mapping[Gram, float]
    backoff: Mapping[Gram, float]

    def nats(self, history: Gram, word: str) -> float:
        """Natural log-probability of a listed word after these words."""
        weight = 0.0
        for start in range(max(0, len(history) - self.order + 1), len(history) + 1):
            kept = history[start:]
            if (*kept, word) in self.grams:
                return min(0.0, (weight + self.grams[(*kept, word)]) * LN10)
            weight += self.backoff.get(kept, 0.0)
        raise KeyError(word)


def read_arpa(path: Path) -> NGrams:
    """Read an ARPA file, plain or `.gz`.

    Raises:
        BadInput: No such file, or not ARPA: no counts, a line that is no n-gram of its section, a
            positive log-probability, counts that do not agree, or no end mark.
    """
    lines = [line.strip() for line in _text(path).splitlines()]
    wanted: dict[int, int] = {}
    grams: dict[Gram, float] = {}
    backoff: dict[Gram, float] = {}
    size = 0
    for number, line in enumerate(lines, start=1):
        if line == "\\end\\":
            break
        if found := _COUNT.fullmatch(line):
            wanted[int(found[1])] = int(found[2])
        elif found := _SECTION.fullmatch(line):
            size = int(found[1])
        elif size and line:
            gram, value, weight = _gram(line, size, f"{path}: line {number}")
            grams[gram] = value
            if weight is not None:
                backoff[gram] = weight
    else:
        raise BadInput(f"{path} is no whole ARPA file: it has no line \\end\\; was it cut off?")
    got = {n: sum(len(gram) == n for gram in grams) for n in wanted}
    if not wanted or got != wanted or max(map(len, grams), default=0) != max(wanted):
        raise BadInput(f"{path} announces n-grams {wanted} under \\data\\ and holds {got}")
    return NGrams(max(wanted), grams, backoff)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gunzip(raw, str(path)) if path.suffix == ".gz" else raw).decode("utf-8")
    except FileNotFoundError:
        raise BadInput(
            f"no file at {path}; arpa: wants an n-gram model in ARPA format, plain or .gz"
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path} cannot be read as ARPA text, plain or .gz: {problem}") from None


def _gram(line: str, size: int, where: str) -> tuple[Gram, float, float | None]:
    fields = line.split()
    try:
        numbers = [float(text) for text in (fields[0], *fields[size + 1 :])]
    except ValueError:
        numbers = []
    sound = len(fields) in (size + 1, size + 2) and all(map(math.isfinite, numbers))
    if not sound or not numbers or numbers[0] > 0:
        raise BadInput(
            f"{where}: wanted a log-probability of at most 0, {size} words and perhaps a backoff "
            f"weight; got {line[:80]!r}"
        )
    return tuple(fields[1 : size + 1]), numbers[0], numbers[1] if len(numbers) > 1 else None


class Arpa:
    """An n-gram model that gives log-probabilities of words."""

    remote = False
    abilities = frozenset({"logprob"})

    def __init__(self, path: Path, options: ModelOptions) -> None:
        extra = read_extra("arpa", options.extra, KNOWN)
        self.lower, self.split = extra["lower"], extra["split"]
        self.model = read_arpa(path)
        self.system, self.longest = options.system, options.max_context
        self.bos = _bos(self.model, options.bos)
        self.name = f"{path.name} ({self.model.order}-gram)"
        self.fingerprint = of_facts(
            form="arpa", file=of_file(path), bos=self.bos, system=self.system,
            longest=self.longest, settings=extra, words=[_SPLIT.pattern, _BLANKS.pattern],
        )  # fmt: skip

    def about(self) -> dict[str, Any]:
        """Facts for the record."""
        return {
            "form": "arpa",
            "precision": "float64",
            "device": "cpu",
            "bos": self.bos or "none",
            "template": "none",
            "order": self.model.order,
            "words": sum(len(gram) == 1 for gram in self.model.grams),
            "unknown words": "unanswered in a continuation, <unk> in a context",
            "end of sentence": "not scored",
            "lower": self.lower,
            "split": self.split,
        }

    def partition(self, batch: Batch) -> list[Rows]:
        """Everything at once: rows do not share any work."""
        return [np.arange(len(batch))] if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Log-probabilities in nats, one a word of the continuation."""
        if batch.ability != "logprob":
            raise AbilityError(f"{self.name} has no ability {batch.ability!r}, only 'logprob'")
        columns = (batch.columns["context"], batch.columns["continuation"])
        rows = [self._row(context, more) for context, more in zip(*columns, strict=True)]
        yield np.arange(len(batch)), LogProbs.of(rows)

    def cost(self, batch: Batch) -> Cost:
        """Words read."""
        texts = (f"{self._before(c)} {more}" for c, more in zip(
            batch.columns["context"], batch.columns["continuation"], strict=True))  # fmt: skip
        return Cost(tokens_in=sum(len(self._words(text)) for text in texts))

    def close(self) -> None:
        """Nothing is held."""

    def _before(self, context: Prompt) -> str:
        text = flattened(context, self.system)
        return f"{text}\n\n" if text and is_chat(context) else text

    def _words(self, text: str) -> list[tuple[int, int]]:
        pattern = _SPLIT if self.split else _BLANKS
        return [found.span() for found in pattern.finditer(text)]

    def _row(self, context: Prompt, more: str) -> tuple[np.ndarray[Any, Any], list[str]] | str:
        """Values and texts of the continuation's words, or why there are none."""
        before = self._before(context)
        text, border = before + more, len(before)
        spans = self._words(text)
        if any(start < border < end for start, end in spans):
            return "the continuation begins inside a word"
        first = sum(start < border for start, _ in spans)
        if first == len(spans):
            return "no word to score"
        if self.longest is not None and len(spans) > self.longest:
            return f"truncated: {len(spans)} words, {self.longest} fit"
        words = [self._listed(text[start:end]) for start, end in spans]
        if UNKNOWN in words[first:]:
            return "unknown word"
        history = ((self.bos,) if self.bos else ()) + tuple(words)
        skipped = len(history) - len(words)
        values = [
            self.model.nats(history[: skipped + k], words[k]) for k in range(first, len(words))
        ]
        ends = [border, *(end for _, end in spans[first:-1]), len(text)]
        return np.array(values), [text[a:b] for a, b in pairwise(ends)]

    def _listed(self, word: str) -> str:
        word = word.lower() if self.lower else word
        return word if (word,) in self.model.grams else UNKNOWN


def _bos(model: NGrams, given: str) -> str:
    """The token before the first word; "" for none."""
    if given == "none":
        return ""
    if given == "auto":
        return BOS if (BOS,) in model.grams else ""
    if (given,) not in model.grams:
        raise BadInput(f"--bos {given}: the file lists no such word; try auto or none")
    return given


def open_arpa(rest: str, options: ModelOptions) -> Arpa:
    """Open `arpa:FILE`; `rest` is what stands after the colon."""
    return Arpa(Path(rest), options)
