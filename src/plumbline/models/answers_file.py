"""`answers:FILE`: prompts with the answers that you already have, in JSONL, CSV or Parquet.

A question is answered by the recorded answer of the same prompt, compared as plain text
(segments joined, roles left out), and of the same draw. A question without a record is
unanswered: nothing is asked of anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from plumbline.core.answers import Answers, Records, Texts
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.json_text import parse
from plumbline.core.questions import Batch, plain
from plumbline.models import choose_derived
from plumbline.models.abilities import Cost, ModelOptions, Rows
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts, of_file
from plumbline.models.recorded import NO_GROUP
from plumbline.models.table_files import PARQUET, read_columns, read_csv

SETTINGS: Final[dict[str, Any]] = {"prompt": "", "answer": "", "draw": "", "groups": ()}
"""Names of the columns with prompt, answer and draw, and of group columns for `records`."""
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("prompt", "question", "input", "messages"),
    "answer": ("answer", "response", "output", "completion", "generation", "text"),
    "draw": ("draw", "sample"),
}
_LAST_DRAW: Final = 2**31 - 1
NONE: Final = "no recorded answer"
EMPTY: Final = "empty answer"


@final
class RecordedAnswers:
    """Recorded answers: `generate`, `choose` (by reading them) and `records`.

    Several answers to one prompt are its draws 0, 1, ... in the file's order, unless a column
    numbers them. `records` gives `item`, `prompt`, `answer`, `draw`, `group:NAME` and
    `column:NAME`, one row an answer.

    Args:
        path: The file.
        options: `SETTINGS` in `extra`.
    """

    remote = False
    abilities = frozenset({"generate", "choose", "records"})

    def __init__(self, path: Path, options: ModelOptions) -> None:
        given = read_extra("answers", options.extra, SETTINGS)
        rows = _read(path)
        names = {role: _column(path, rows[0], given[role], role) for role in _KNOWN}
        self._rows, self._groups = rows, _groups(path, rows[0], given["groups"])
        self._prompts = [_prompt(path, i, row[names["prompt"]]) for i, row in enumerate(rows)]
        self._answers = [_answer(path, i, row[names["answer"]]) for i, row in enumerate(rows)]
        self._draws = _draws(path, rows, names["draw"], self._prompts)
        self._found: dict[tuple[str, int], str | None] = {}
        for key, answer in zip(
            zip(self._prompts, self._draws, strict=True), self._answers, strict=True
        ):
            if key in self._found:
                raise BadInput(
                    f"{path}: two answers to draw {key[1]} of the prompt {key[0][:60]!r}"
                )
            self._found[key] = answer
        self._names = names
        self.name = path.stem
        self.fingerprint = of_facts(form="answers", file=of_file(path), **names)

    def about(self) -> dict[str, Any]:
        """Facts for the record."""
        counts = Counter(self._prompts)
        return {
            "form": "answers",
            "rows": len(self._rows),
            "prompts": len(counts),
            "draws": max(counts.values()),
            "columns": dict(self._names),
            "groups": list(self._groups),
            "decoding": "as recorded; what a question asks for is not looked at",
        }

    def partition(self, batch: Batch) -> list[Rows]:
        """One part."""
        return [np.arange(len(batch))] if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Look the answers up; `no recorded answer` where there is none."""
        rows = np.arange(len(batch))
        if batch.ability == "generate":
            yield rows, self._texts(batch)
        elif batch.ability == "choose":
            asked = choose_derived.generate_batch(batch)
            yield rows, choose_derived.by_text(batch, self._texts(asked))
        elif batch.ability == "records":
            yield rows, self._records()
        else:
            raise AbilityError(f"{self.name} holds recorded answers: it cannot {batch.ability}")

    def cost(self, batch: Batch) -> Cost:  # noqa: ARG002 - the protocol's signature
        """Recorded answers cost nothing."""
        return Cost()

    def close(self) -> None:
        """Nothing is held open."""

    def _texts(self, batch: Batch) -> Texts:
        keys = zip(map(plain, batch.columns["prompt"]), batch.columns["draw"], strict=True)
        found = [self._found.get((text, int(draw))) for text, draw in keys]
        status = [NONE if t is None else ("" if t.strip() else EMPTY) for t in found]
        return Texts([t or "" for t in found], ["recorded"] * len(found), status)

    def _records(self) -> Records:
        columns: dict[str, Any] = {
            "item": np.arange(1, len(self._rows) + 1),
            "prompt": np.array(self._prompts, object),
            "answer": np.array([a or "" for a in self._answers], object),
            "draw": np.array(self._draws, np.int64),
        }
        for name in self._rows[0]:
            values = np.array([_plain(row.get(name)) for row in self._rows], object)
            if name in self._groups:
                columns[f"group:{name}"] = np.where(values == "", NO_GROUP, values).astype(str)
            elif name not in self._names.values():
                columns[f"column:{name}"] = values
        return Records(columns)


def open_answers(path: str, options: ModelOptions) -> RecordedAnswers:
    """Open a file of recorded answers; see `RecordedAnswers`."""
    return RecordedAnswers(Path(path), options)


def _read(path: Path) -> list[dict[str, Any]]:
    """The file's rows as dictionaries of equal keys."""
    if not path.is_file() or path.stat().st_size == 0:
        raise BadInput(f"{path} is not there or empty; answers: wants JSONL, CSV or Parquet")
    with path.open("rb") as file:
        start = file.read(4)
    if start == PARQUET:
        columns = read_columns(path)
        cells = [
            [None if gone else v for v, gone in zip(c.values, c.missing, strict=True)]
            for c in columns.values()
        ]
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]
    elif path.suffix in (".jsonl", ".ndjson", ".json") or start[:1] == b"{":
        rows = _json_lines(path)
    else:
        header, *lines = read_csv(path)
        rows = [dict(zip(header, line, strict=True)) for line in lines]
    if not rows:
        raise BadInput(f"{path} has no rows")
    return rows


def _json_lines(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = parse(line.decode("utf-8"))
            except UnicodeDecodeError as wrong:
                raise BadInput(f"{path}, line {number}: not UTF-8 (byte {wrong.start})") from None
            except ValueError as wrong:
                raise BadInput(
                    f"{path}, line {number}: not a JSON object ({wrong}); was it cut short?"
                ) from None
            if not isinstance(row, dict):
                raise BadInput(f"{path}, line {number}: wanted a JSON object; got {row!r:.60}")
            rows.append(row)
    names = {name for row in rows for name in row}
    return [{name: row.get(name) for name in sorted(names)} for row in rows]


def _column(path: Path, row: Mapping[str, Any], given: str, role: str) -> str:
    known = (given,) if given else _KNOWN[role]
    found = [name for name in known if name in row]
    if found or (role == "draw" and not given):
        return found[0] if found else ""
    raise BadInput(
        f"{path} has the columns {', '.join(row)}; wanted is {' or '.join(known)}. Name the "
        f"column with the setting {role!r}"
    )


def _groups(path: Path, row: Mapping[str, Any], given: Sequence[str]) -> tuple[str, ...]:
    absent = [name for name in given if name not in row]
    if absent:
        raise BadInput(f"{path} has the columns {', '.join(row)}; wanted {', '.join(absent)}")
    return tuple(given)


def _prompt(path: Path, row: int, value: Any) -> str:
    """A prompt's text: a string, or chat messages joined as they stand."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(m, dict) and "content" in m for m in value):
        return "".join(str(m["content"]) for m in value)
    raise BadInput(
        f"{path}, row {row + 1}: a prompt is text or a list of messages; got {value!r:.60}"
    )


def _answer(path: Path, row: int, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return str(value)
    raise BadInput(f"{path}, row {row + 1}: an answer is text; got {value!r:.60}")


def _draws(
    path: Path, rows: Sequence[Mapping[str, Any]], column: str, prompts: Sequence[str]
) -> list[int]:
    """Each row's draw: as numbered, else in the order of the file."""
    if not column:
        seen: Counter[str] = Counter()
        draws = []
        for text in prompts:
            draws.append(seen[text])
            seen[text] += 1
        return draws
    try:
        draws = [int(row[column]) for row in rows]
    except (TypeError, ValueError, OverflowError) as wrong:
        raise BadInput(
            f"{path}: the column {column!r} must number draws 0, 1, ...: {str(wrong)[:120]}"
        ) from None
    if not all(0 <= draw <= _LAST_DRAW for draw in draws):
        raise BadInput(
            f"{path}: the column {column!r} must number draws 0, 1, ... up to {_LAST_DRAW}"
        )
    return draws


def _plain(value: Any) -> Any:
    return "" if value is None else value
