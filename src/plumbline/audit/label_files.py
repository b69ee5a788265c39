"""Files of a validation: the blinded sample, its key, and the labels that come back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.audit.shapes import KEY_FILE, checked
from plumbline.core.errors import BadInput, StoreError
from plumbline.core.json_text import parse, written

FORMATS = (".csv", ".jsonl")
# What begins a formula; a tab or a line break before one is dropped by spreadsheets.
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\n", "\r")
YES, NO = {"1", "yes", "y", "true"}, {"0", "no", "n", "false"}
KEY = "validation-key"


def key_file(folder: Path, metric: str, seed: int) -> Path:
    """Where the key of a sample stands."""
    return folder / f"{KEY}-{metric.replace('/', '--')}-{seed}.json"


def write_sample(file: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write CSV or JSON Lines; `StoreError` where that cannot be done."""
    if file.suffix == ".jsonl":
        text = "".join(f"{written(r)}\n" for r in rows)
    else:
        sink = io.StringIO()
        # Everything in quotes: a lone carriage return would otherwise begin a row of its own.
        writer = csv.DictWriter(sink, list(rows[0]), lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows({name: _inert(value) for name, value in row.items()} for row in rows)
        text = sink.getvalue()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Half of a surrogate pair, which no file can hold, becomes "?".
        file.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"could not write {file}: {error}. Choose another --out") from error


def _inert(text: str) -> str:
    """A model's answer that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def read_key(folder: Path, ids: Sequence[str], file: Path) -> dict[str, Any]:
    """The key that knows all of these ids."""
    for path in sorted(folder.glob(f"{KEY}-*.json")):
        try:
            loaded: dict[str, Any] = checked(parse(path.read_bytes()), KEY_FILE, path.name)
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} is no whole key of a validation: {error}") from None
        if set(ids) <= set(loaded["items"]):
            return loaded
    raise BadInput(
        f"no key in {folder} knows the ids of {file}: was it exported from this run, and are its "
        "ids as they were?"
    )


def read_label(value: Any, row: int) -> bool | None:
    """True for yes, False for no, None where nothing was written; `BadInput` otherwise."""
    text = "" if value is None else str(value).strip().lower()
    text = text.removesuffix(".0")
    if text in YES | NO:
        return text in YES
    if text:
        raise BadInput(f"label {value!r} in row {row} is not yes/no, 1/0 or true/false")
    return None
