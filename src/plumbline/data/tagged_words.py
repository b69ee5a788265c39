"""Words with labels from a file of the user's: JSON Lines or CSV (see `plumbline.core.tagged`).

A row is either

- `words` (a list, or text with blanks between words) with `labels`: for each word a list of labels,
  or one label or several joined by `|`, such as `O`, `B-GEN|I-STEREO`; or
- `text` with `marked`: the words or phrases in it that are biased (a list, or phrases joined by `|`).
  Every place where one stands is marked with one entity.

A column `group` says what a row is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from plumbline.core.errors import BadInput
from plumbline.core.json_text import parse
from plumbline.core.tagged import OUTSIDE, Tagged, marked, split_words
from plumbline.data.tables import read_table

BIASED: Final = "BIASED"
"""The entity of words that are marked without saying as what."""
_JOIN: Final = "|"


def read_tagged(path: str | Path, *, entity: str = BIASED, group: str = "group") -> list[Tagged]:
    """Read a file of words with labels; the format follows its name (also `.gz`).

    Args:
        path: The file.
        entity: What marked words of `text` and `marked` are.
        group: Name of the column with groups; it may be absent.

    Raises:
        BadInput: Neither pair of columns, labels that do not fit their words, or unknown labels.
    """
    table = read_table(path)
    kinds = [pair for pair in (("words", "labels"), ("text", "marked")) if set(pair) <= set(table)]
    if len(kinds) != 1:
        raise BadInput(
            f"{path} has the columns {', '.join(table)}; wanted either words and labels, or text "
            "and marked"
        )
    first, second = (table[name] for name in kinds[0])
    about = table.get(group, [""] * len(first))
    made = []
    for number, (what, how, whom) in enumerate(zip(first, second, about, strict=True), start=1):
        try:
            made.append(
                _labelled(what, how, str(whom or ""))
                if kinds[0][0] == "words"
                else of_text(str(what), _parts(how), entity, str(whom or ""))
            )
        except BadInput as wrong:
            raise BadInput(f"{path}, row {number}: {wrong}") from None
    return made


def of_text(text: str, phrases: Sequence[str], entity: str = BIASED, group: str = "") -> Tagged:
    """A text in which phrases are marked wherever they stand, whatever their case.

    Quotation marks around a phrase do not count. A phrase that does not stand in the text marks
    nothing: see `unfound`.

    Raises:
        BadInput: The text has no word.
    """
    words = tuple(word for word, *_ in split_words(text))
    places = {i for phrase in phrases for i in _places(words, phrase)}
    return Tagged(words, tuple(marked(words, places, entity)), group)


def unfound(text: str, phrases: Sequence[str]) -> list[str]:
    """Phrases that do not stand in the text as whole words."""
    words = [word for word, *_ in split_words(text)]
    return [phrase for phrase in phrases if not _places(words, phrase)]


def _places(words: Sequence[str], phrase: str) -> list[int]:
    wanted = [w.lower() for w, *_ in split_words(phrase) if w not in '"“”']
    lower = [w.lower() for w in words]
    size = len(wanted)
    starts = range(len(words) - size + 1) if size else ()
    return [i + k for i in starts if lower[i : i + size] == wanted for k in range(size)]


def _labelled(words: Any, labels: Any, group: str) -> Tagged:
    own = _listed(words)
    if isinstance(labels, str):
        labels = _json_list(labels) if labels.lstrip().startswith("[") else labels.split()
    sets = [frozenset(_parts(one)) - {OUTSIDE} for one in labels or ()]
    return Tagged(tuple(own), tuple(sets), group)


def _listed(words: Any) -> list[str]:
    if isinstance(words, str):
        return _json_list(words) if words.lstrip().startswith("[") else words.split()
    return [str(word) for word in words or ()]


def _json_list(text: str) -> list[Any]:
    try:
        found = parse(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        # A sentence may begin with a bracket.
        return text.split()
    return found


def _parts(given: Any) -> list[str]:
    parts = given.split(_JOIN) if isinstance(given, str) else [str(p) for p in given or ()]
    return [part.strip() for part in parts if part.strip()]
