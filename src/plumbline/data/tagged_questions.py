"""Multiple-choice questions with a tag (culturally sensitive or not), in one language or several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.json_text import parse
from plumbline.data.sets import mcq
from plumbline.data.tables import Table, read_table
from plumbline.data.toml_rows import Fields, each_once, read_toml

SENSITIVE, AGNOSTIC = "sensitive", "agnostic"
SPELLED: Final[Mapping[str, str]] = {
    "cs": SENSITIVE, "culturally sensitive": SENSITIVE, "sensitive": SENSITIVE,
    "ca": AGNOSTIC, "culturally agnostic": AGNOSTIC, "agnostic": AGNOSTIC,
}  # fmt: skip
UNTAGGED: Final = ("", "-", "none", "null", "nan")
TAG: Final = "cultural_sensitivity_label"
_LETTERS: Final = "ABCDEFGHIJ"
_IDS: Final = ("sample_id", "id", "question_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """One question in one language.

    Attributes:
        id: The same in all languages.
        language: Code, "" where the file has none.
        subject: Questions of one subject are compared with each other.
        question, options, gold: As shown; `gold` is the right option's index.
        tag: `sensitive`, `agnostic`, or another tag of the file.
        region: What culture or region it is about, "" where none is given.
        dated: Whether the answer may change with time.
    """

    id: str
    language: str
    subject: str
    question: str
    options: tuple[str, ...]
    gold: int
    tag: str
    region: str = ""
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Questions with a tag, and how many had none."""

    questions: tuple[Tagged, ...]
    untagged: int


def shipped() -> Found:
    """Forty questions of ours in five subjects, in English."""
    top = Fields(
        read_toml(files("plumbline.data.templates").joinpath("tagged_knowledge.toml")),
        "the shipped questions",
    )
    top.mark("id", "title")
    found = tuple(_own(row) for row in top.rows("questions"))
    top.no_others()
    each_once((q.id for q in found), "the shipped questions: id")
    return Found(found, 0)


def _own(row: Fields) -> Tagged:
    found = Tagged(
        id=row.text("id"), language="en", subject=row.text("subject"), question=row.text("text"),
        options=row.texts("options"), gold=row.whole("gold"),
        tag=row.one_of("tag", (SENSITIVE, AGNOSTIC)), region=row.text("region", default=""),
    )  # fmt: skip
    row.no_others()
    return found


def read(path: str | Path, *, tag: str = TAG) -> Found:
    """Questions of a table (CSV, TSV, JSON Lines, Parquet) with the columns of Global MMLU.

    Wanted: `question`, `answer` (letter, index, or the option's text), options as `option_a`,
    `option_b`, ... or as a column `options` (a list, or JSON text of one), and the tag's column.
    Taken where there: `sample_id` (or `id`, `question_id`), `language`, `subject`, `region`,
    `time_sensitive`. `CS` and `CA` are read as sensitive and agnostic; rows whose tag is empty or
    "-" are counted and left out.

    Raises:
        BadInput: A column is missing, an answer is none of the options, or no row has a tag.
    """
    table = read_table(path, columns=("question", "answer", tag))
    options = _options(table, str(path))
    ids = next((table[name] for name in _IDS if name in table), None)
    found, untagged = [], 0
    for i, offered in enumerate(options):
        label = str(table[tag][i] or "").strip()
        if label.lower() in UNTAGGED:
            untagged += 1
            continue
        where = f"{path}, row {i + 1}"
        found.append(
            Tagged(
                id=str(ids[i] if ids is not None else i), language=_cell(table, "language", i),
                subject=_cell(table, "subject", i) or "all", question=str(table["question"][i]),
                options=offered, gold=_gold(table["answer"][i], offered, where),
                tag=SPELLED.get(label.lower(), label), region=_cell(table, "region", i),
                dated=_cell(table, "time_sensitive", i).lower() in ("yes", "true", "1"),
            )
        )  # fmt: skip
    if not found:
        raise BadInput(f"{path}: no row of {tag!r} has a tag; wanted CS, CA or words of your own")
    return Found(tuple(found), untagged)


def of_mcq(part: str, tags: str | Path, *, tag: str = TAG) -> Found:
    """Questions of ARC, CommonsenseQA or MMLU (`mcq.PARTS`) with tags from a table of their ids.

    The table has the columns `id` and the tag's, and may have `region` and `time_sensitive`.

    Raises:
        UnknownName: No such part; BadInput: the table names no question of it.
    """
    table = read_table(tags, columns=("id", tag))
    row = {str(name): i for i, name in enumerate(table["id"])}
    every = mcq.load(part)
    found = []
    for asked in every:
        i = row.get(asked.id)
        label = "" if i is None else str(table[tag][i] or "").strip()
        if i is None or label.lower() in UNTAGGED:
            continue
        found.append(
            Tagged(
                id=asked.id, language="en", subject=asked.subject, question=asked.question,
                options=asked.options, gold=asked.gold, tag=SPELLED.get(label.lower(), label),
                region=_cell(table, "region", i),
                dated=_cell(table, "time_sensitive", i).lower() in ("yes", "true", "1"),
            )
        )  # fmt: skip
    if not found:
        raise BadInput(f"{tags} tags no question of {part}; its ids read like {every[0].id!r}")
    return Found(tuple(found), len(every) - len(found))


def load(questions: str, *, tags: str = "", tag: str = TAG) -> Found:
    """`own`, a part of the multiple-choice set (then with `tags`), or a table."""
    if questions == "own":
        return shipped()
    if questions in mcq.PARTS:
        if not tags:
            raise BadInput(f"{questions} has no tags of its own: name a table of them, tags=FILE")
        return of_mcq(questions, tags, tag=tag)
    if not Path(questions).suffix:
        raise UnknownName("set of tagged questions", questions, ("own", *mcq.PARTS))
    return read(questions, tag=tag)


def _cell(table: Table, name: str, i: int) -> str:
    value = table[name][i] if name in table else ""
    text = str(value if value is not None else "").strip()
    return "" if text.lower() in UNTAGGED else text


def _options(table: Table, what: str) -> list[tuple[str, ...]]:
    """Options of every row, empty ones at the end left away."""
    if "options" in table:
        return [tuple(str(o) for o in _listed(value, what)) for value in table["options"]]
    names = [f"option_{c.lower()}" for c in _LETTERS if f"option_{c.lower()}" in table]
    if len(names) < 2:
        raise BadInput(f"{what} has no options: wanted columns option_a, option_b, ... or options")
    return [
        tuple(str(v) for v in row if v not in (None, ""))
        for row in zip(*(table[name] for name in names), strict=True)
    ]


def _listed(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, str):
        try:
            value = parse(value)
        except ValueError:
            value = None
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise BadInput(f"{what}: options are {value!r}; wanted a list of two or more")
    return value


def _gold(answer: Any, options: Collection[str], where: str) -> int:
    """Index of the right option: by text first, then by letter, then by number."""
    offered = list(options)
    text = str(answer).strip()
    if text in offered:
        return offered.index(text)
    if len(text) == 1 and text.upper() in _LETTERS[: len(offered)]:
        return _LETTERS.index(text.upper())
    if text.isdigit() and int(text) < len(offered):
        return int(text)
    raise BadInput(f"{where}: the answer is {answer!r}; the options are {', '.join(offered)}")
