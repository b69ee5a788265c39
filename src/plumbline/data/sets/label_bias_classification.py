"""Eight small text classifications, as collected for the study of label bias in context.

Fei et al. 2023 (arXiv:2305.19148), whose files go back to Zhao et al. 2021 (arXiv:2102.09690): SST-2 (Socher
et al. 2013), customer reviews (Hu and Liu 2004), movie reviews (Pang and Lee 2005), MPQA (Wiebe et al.
2005), TREC questions (Li and Roth 2002), AG News (Zhang et al. 2015), CommitmentBank (de Marneffe et al. 2019)
and RTE.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from plumbline.core.errors import BadInput, UnknownName
from plumbline.data.sets import registry
from plumbline.data.tables import read_text

SET: Final = "label-bias-classification"
_POLARITY: Final = {"0": "negative", "1": "positive"}
_QUESTIONS: Final = {
    "ABBR": "abbreviation", "DESC": "description", "ENTY": "entity", "HUM": "person",
    "LOC": "location", "NUM": "number",
}  # fmt: skip
_TOPICS: Final = {"1": "world", "2": "sports", "3": "business", "4": "technology"}
_INFERENCE: Final = {"entailment": "true", "contradiction": "false", "neutral": "unclear"}
_ENTAILED: Final = {"entailment": "true", "not_entailment": "unclear"}

Rows = Iterator[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Example:
    """A classified text.

    Attributes:
        id: Task, file and row.
        texts: One text, or premise and hypothesis.
        label: One of the task's labels.
    """

    id: str
    texts: tuple[str, ...]
    label: str

    @property
    def worded(self) -> bool:
        """Every text has a letter or a digit."""
        return all(any(c.isalnum() for c in text) for text in self.texts)


@dataclass(frozen=True, slots=True)
class Task:
    """A classification.

    Attributes:
        id: Its name here.
        title: For people.
        kind: What is classified: `sentiment`, `question`, `topic` or `inference`; prompts follow it.
        names: The files' own labels and the words we use for them, in the order of the options.
        pool: File to take demonstrations and calibration texts from.
        audited: File of the texts that are classified; the same as `pool` where there is but one.
        form: How the files are written: `lines`, `rows`, `questions`, `news` or `pairs`.
    """

    id: str
    title: str
    kind: str
    names: Mapping[str, str]
    pool: str
    audited: str
    form: str

    @property
    def labels(self) -> tuple[str, ...]:
        """What a model may say."""
        return tuple(self.names.values())

    @property
    def places(self) -> int:
        """Texts of one example."""
        return 2 if self.form == "pairs" else 1


def _tasks() -> dict[str, Task]:
    sst2 = ("sst2_stsa.binary.dev.txt", "sst2_stsa.binary.test.txt", "lines")
    trec = ("trec_train.txt", "trec_test.txt", "questions")
    rows = (
        ("sst2", "SST-2, film reviews", "sentiment", _POLARITY, *sst2),
        ("cr", "CR, customer reviews", "sentiment", _POLARITY, "cr_train.csv", "cr_test.csv", "rows"),
        ("mr", "MR, film reviews", "sentiment", _POLARITY, "mr_test.csv", "mr_test.csv", "rows"),
        ("mpqa", "MPQA, fragments of news", "sentiment", _POLARITY, "mpqa_train.csv", "mpqa_test.csv", "rows"),
        ("trec", "TREC, kinds of questions", "question", _QUESTIONS, *trec),
        ("agnews", "AG News, topics", "topic", _TOPICS, "agnews_test.csv", "agnews_test.csv", "news"),
        ("cb", "CommitmentBank, inference", "inference", _INFERENCE, "cb_train.jsonl", "cb_val.jsonl", "pairs"),
        ("rte", "RTE, inference", "inference", _ENTAILED, "rte_train.jsonl", "rte_val.jsonl", "pairs"),
    )  # fmt: skip
    return {row[0]: Task(*row) for row in rows}


TASKS: Final[Mapping[str, Task]] = _tasks()


def task(name: str) -> Task:
    """The task of that name.

    Raises:
        UnknownName: There is none.
    """
    if name not in TASKS:
        raise UnknownName("classification task", name, TASKS)
    return TASKS[name]


def load(name: str, file: str, *, places: registry.Places | None = None) -> list[Example]:
    """All labelled rows of one of a task's files, in file order.

    Raises:
        UnknownName: No such task.
        BadInput: A row is damaged or its label unknown; and the errors of `registry.get`.
    """
    wanted = task(name)
    path = registry.get(SET, file, places=places)
    found = []
    for number, (label, texts) in enumerate(_READERS[wanted.form](read_text(path)), start=1):
        if label not in wanted.names:
            known = ", ".join(wanted.names)
            raise BadInput(f"{path}, row {number}: label {label!r}; wanted one of {known}")
        found.append(Example(f"{name}/{file}/{number}", texts, wanted.names[label]))
    return found


def audited(name: str, *, places: registry.Places | None = None) -> list[Example]:
    """The texts that are classified: each once, none without a word.

    Where a task has one file, every second row of it.
    """
    wanted = task(name)
    rows = load(name, wanted.audited, places=places)
    return _distinct(rows[1::2] if wanted.pool == wanted.audited else rows, frozenset())


def pool(name: str, *, places: registry.Places | None = None) -> list[Example]:
    """What demonstrations and calibration texts come from: no text that is audited."""
    wanted = task(name)
    rows = load(name, wanted.pool, places=places)
    taken = frozenset(example.texts for example in audited(name, places=places))
    return _distinct(rows[::2] if wanted.pool == wanted.audited else rows, taken)


def _distinct(rows: list[Example], taken: frozenset[tuple[str, ...]]) -> list[Example]:
    kept: dict[tuple[str, ...], Example] = {}
    for row in rows:
        if row.worded and row.texts not in taken:
            kept.setdefault(row.texts, row)
    return list(kept.values())


def _lines(text: str) -> Rows:
    """`LABEL text`."""
    for line in text.split("\n"):
        if line.strip():
            label, _, said = line.partition(" ")
            yield label, (said.strip(),)


def _questions(text: str) -> Rows:
    """`COARSE:fine text`."""
    for label, said in _lines(text):
        yield label.partition(":")[0], said


def _rows(text: str) -> Rows:
    """`label,text` without a header."""
    for row in csv.reader(io.StringIO(text, newline="")):
        if len(row) != 2:
            raise BadInput(f"a row holds {len(row)} fields; wanted label and text: {row[:1]}")
        yield row[0], (row[1].strip(),)


def _news(text: str) -> Rows:
    """Class, title and description, with a header; title and description are one text."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        # The files write a line break as a backslash.
        said = f"{row['Title']}. {row['Description']}".replace("\\", " ")
        yield row["Class Index"], (" ".join(said.split()),)


def _pairs(text: str) -> Rows:
    """JSON Lines with premise, hypothesis and label."""
    for line in text.split("\n"):
        if line.strip():
            row = json.loads(line)
            premise, hypothesis = (" ".join(row[k].split()) for k in ("premise", "hypothesis"))
            yield row["label"], (premise, hypothesis)


_READERS: Final[Mapping[str, Callable[[str], Rows]]] = {
    "lines": _lines, "questions": _questions, "rows": _rows, "news": _news, "pairs": _pairs,
}  # fmt: skip
