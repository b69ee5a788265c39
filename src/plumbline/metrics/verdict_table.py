"""Recorded verdicts of pairwise judges: who said which of two answers is better, in which order.

One row a verdict: judge, question, the system whose answer was shown first, the one shown second, and
the verdict by place. Where it is known, the better answer (a system's name, or a tie) and both answers'
lengths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, NotRecorded, UnknownName
from plumbline.core.questions import Batch
from plumbline.metrics.cell_texts import cell_texts, named
from plumbline.metrics.recorded import column_called

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[Any]
FIRST: Final = 0
SECOND: Final = 1
TIE: Final = 2
NONE: Final = -1
WORDS: Final[Mapping[str, int]] = {
    "first": FIRST, "1": FIRST, "a": FIRST, "a>b": FIRST,
    "second": SECOND, "2": SECOND, "b": SECOND, "b>a": SECOND,
    "tie": TIE, "0": TIE, "3": TIE, "c": TIE, "a=b": TIE,
}  # fmt: skip
"""How verdicts are written; case does not matter."""
EMPTY: Final = frozenset({"", "nan", "none", "not stated"})
REASONS: Final = frozenset({"refused", "unparsed", "truncated", "error", "garbage"})
"""Cells that say that there is no verdict, and why."""
NEEDED: Final = ("judge", "question", "first", "second", "verdict")
OPTIONAL: Final = ("better", "first_length", "second_length", "difficulty")


@dataclass(frozen=True)
class Verdicts:
    """Verdicts as arrays of one length.

    Attributes:
        judge, question, first, second: Text.
        verdict: `FIRST`, `SECOND`, `TIE`, or `NONE`.
        why: "" or why there is no verdict.
        better: The better answer by its place in this row, `TIE`, or `NONE` where it is not known.
        lengths: Lengths of both answers as shown, shape (2, n); NaN where not known.
        difficulty: Of the question, by somebody else's measure; NaN where not known.
    """

    judge: Texts
    question: Texts
    first: Texts
    second: Texts
    verdict: Ints
    why: Texts
    better: Ints
    lengths: Floats
    difficulty: Floats

    def __len__(self) -> int:
        return int(self.verdict.size)

    def take(self, rows: NDArray[Any]) -> Verdicts:
        """The rows under a mask or at these indices."""
        moved = {f.name: getattr(self, f.name)[..., rows] for f in fields(self)}
        return replace(self, **moved)

    @property
    def judges(self) -> tuple[str, ...]:
        """Names of the judges, in alphabetical order."""
        return tuple(sorted(set(self.judge.tolist())))

    @property
    def parsed(self) -> float:
        """Share of rows with a verdict."""
        return float((self.why == "").mean())

    def unread(self) -> dict[str, int]:
        """How many rows have no verdict, by reason."""
        return dict(Counter(w for w in self.why.tolist() if w))

    def by(self, judge: str) -> Verdicts:
        """One judge's verdicts.

        Raises:
            UnknownName: No row is that judge's.
        """
        if judge not in self.judges:
            raise UnknownName("judge", judge, self.judges)
        return self.take(self.judge == judge)


def given(
    context: Context,
    names: Mapping[str, str] | None,
    where: Mapping[str, str] | None,
    one_judge: str,
) -> Generator[Sequence[Batch], Sequence[Any], Verdicts | None]:
    """The subject's recorded verdicts; None where it has to be asked instead.

    A subject that can do both (recorded answers) is asked unless its columns are those of verdicts.
    """
    if "records" not in context.abilities:
        return None
    (answers,) = yield [ask.records()]
    if "choose" in context.abilities and not holds(answers.columns, names):
        return None
    return read(answers.columns, context.about, names=names, where=where, one_judge=one_judge)


def holds(columns: Mapping[str, NDArray[Any]], names: Mapping[str, str] | None = None) -> bool:
    """Whether recorded columns look like verdicts: both systems and the verdict are there.

    Args:
        columns: As recorded.
        names: As in `read`.
    """
    wanted = {(names or {}).get(n, n) for n in ("first", "second")}
    return wanted <= {key.partition(":")[2] or key for key in columns}


def read(
    columns: Mapping[str, NDArray[Any]],
    about: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    one_judge: str = "",
) -> Verdicts:
    """Check and code the columns.

    Args:
        columns: As recorded.
        about: The subject's facts, which say what a column with a role is called.
        names: What the table calls our columns, where it is not what we call them:
            `{"judge": "reviewer"}`. An empty name leaves an optional column out.
        where: Only rows whose columns have these values: `{"subset": "Natural"}`.
        one_judge: Only this judge's rows.

    Raises:
        NotRecorded: A column that is needed is not there.
        BadInput: A verdict, a better answer or a length that cannot be read; a row without a judge,
            question or system; a system is compared with itself; no row is left.
    """
    called = _names(names)
    found = {n: named(_column(columns, about, called[n]), called[n]) for n in NEEDED[:-1]}
    said = cell_texts(_column(columns, about, called["verdict"]))
    rows = np.ones(found["judge"].size, bool)
    for name, value in (where or {}).items():
        rows &= cell_texts(_column(columns, about, name)) == str(value)
    if not rows.any():
        raise BadInput(f"no row has {', '.join(f'{k} = {v!r}' for k, v in (where or {}).items())}")
    verdict, why = _verdicts(said, called["verdict"])
    same = found["first"] == found["second"]
    if same.any():
        row = int(np.argmax(same))
        raise BadInput(f"row {row + 1} compares {found['first'][row]!r} with itself")
    has = {n: called[n] for n in OPTIONAL if called[n] and _there(columns, about, called[n])}
    better = _better(columns, about, has.get("better"), found)
    one, two, hard = (_numbers(columns, about, has.get(n), rows.size) for n in OPTIONAL[1:])
    table = Verdicts(
        found["judge"], found["question"], found["first"], found["second"], verdict, why, better,
        np.stack([one, two]), hard,
    ).take(rows)  # fmt: skip
    return table.by(one_judge) if one_judge else table


def _names(given: Mapping[str, str] | None) -> dict[str, str]:
    known = (*NEEDED, *OPTIONAL)
    strange = sorted(set(given or {}) - set(known))
    if strange:
        raise UnknownName("column of a verdict table", strange[0], known)
    return {name: (given or {}).get(name, name) for name in known}


def _there(columns: Mapping[str, NDArray[Any]], about: Mapping[str, Any], name: str) -> bool:
    roles = about.get("roles", {})
    return name in {key.partition(":")[2] or key for key in columns} | {
        str(v) for v in roles.values() if isinstance(v, str) and v
    }


def _column(
    columns: Mapping[str, NDArray[Any]], about: Mapping[str, Any], name: str
) -> NDArray[Any]:
    if not _there(columns, about, name):
        if name == "verdict" and "prediction" in columns:
            return np.asarray(columns["prediction"])  # whatever the table calls what was predicted
        plain = sorted(
            {key.partition(":")[2] or key for key in columns} - {"prediction", "label", "item"}
        )
        raise NotRecorded(
            f"no column {name!r} of verdicts; the table has {', '.join(plain)}. Name it in the "
            "argument columns"
        )
    return column_called(columns, name, about)


def _verdicts(cells: Texts, name: str) -> tuple[Ints, Texts]:
    levels, where = np.unique(cells.astype(str), return_inverse=True)
    codes, reasons = [], []
    for level in levels.tolist():
        word = level.casefold()
        if word not in WORDS and word not in EMPTY | REASONS:
            raise BadInput(
                f"column {name!r} holds {level!r}; a verdict is first, second or tie (or A, B, C; 1, "
                f"2, 0 or 3), or why there is none: empty, {', '.join(sorted(REASONS))}"
            )
        codes.append(WORDS.get(word, NONE))
        reasons.append("" if word in WORDS else "empty" if word in EMPTY else word)
    return np.array(codes, np.int64)[where], np.array(reasons, dtype=object)[where]


def _better(
    columns: Mapping[str, NDArray[Any]],
    about: Mapping[str, Any],
    name: str | None,
    found: Mapping[str, Texts],
) -> Ints:
    """The better answer's place: the column names a system (contents), or a tie."""
    if name is None:
        return np.full(found["first"].size, NONE, np.int64)
    cells = cell_texts(_column(columns, about, name))
    folded = np.array([c.casefold() for c in cells.tolist()], dtype=object)
    place = np.full(cells.size, -2, np.int64)
    place[np.isin(folded, list(EMPTY))] = NONE
    place[folded == "tie"] = TIE
    place[cells == found["second"]] = SECOND
    place[cells == found["first"]] = FIRST
    if (place == -2).any():
        row = int(np.argmax(place == -2))
        raise BadInput(
            f"column {name!r}, row {row + 1}: {cells[row]!r} is neither {found['first'][row]!r} nor "
            f"{found['second'][row]!r} nor tie; it names the better system, not a place"
        )
    return place


def _numbers(
    columns: Mapping[str, NDArray[Any]], about: Mapping[str, Any], name: str | None, count: int
) -> Floats:
    if name is None:
        return np.full(count, np.nan)
    try:
        return np.array(
            [float(t) if t else np.nan for t in cell_texts(_column(columns, about, name))]
        )
    except ValueError as wrong:
        raise BadInput(f"column {name!r} must hold numbers: {wrong}") from None


@dataclass(frozen=True)
class Pairs:
    """Verdicts on one pair in both orders, by one judge.

    Answer 0 is the one whose system's name comes first in the alphabet.

    Attributes:
        rows: Rows of the table, shape (2, pairs): answer 0 shown first, answer 1 shown first.
        one_order: Rows whose pair the judge saw in one order only.
    """

    rows: Ints
    one_order: Ints

    def names(self, table: Verdicts) -> list[str]:
        """Identity of each pair: judge, question, both systems, number."""
        shown = table.take(self.rows[0])
        cells = zip(shown.judge, shown.question, shown.first, shown.second, strict=True)
        return [" | ".join((*four, str(k))) for k, four in enumerate(cells)]


def both_orders(table: Verdicts) -> Pairs:
    """Join the two orders of one (judge, question, pair of systems).

    Where a judge gave several verdicts on one presentation, the k-th in one order is joined with the
    k-th in the other, in the order of the table; what is left over counts as seen in one order.
    """
    turned = (table.first > table.second).astype(np.int64)
    low = np.where(turned == 1, table.second, table.first)
    high = np.where(turned == 1, table.first, table.second)
    pair = _code(table.judge, table.question, low, high)
    seen = pair * 2 + turned
    order = np.argsort(seen, kind="stable")
    starts = np.concatenate(([True], np.diff(seen[order]) > 0))
    run = np.arange(len(table)) - np.maximum.accumulate(np.where(starts, np.arange(len(table)), 0))
    rank = np.empty(len(table), np.int64)
    rank[order] = run
    key = pair * (int(rank.max()) + 1) + rank
    straight, other = np.flatnonzero(turned == 0), np.flatnonzero(turned == 1)
    _, at, also = np.intersect1d(key[straight], key[other], assume_unique=True, return_indices=True)
    by_table = np.argsort(np.minimum(straight[at], other[also]), kind="stable")
    rows = np.stack([straight[at][by_table], other[also][by_table]])
    return Pairs(rows, np.setdiff1d(np.arange(len(table)), rows.ravel()))


def _code(*columns: Texts) -> Ints:
    """One integer for each distinct combination of values."""
    code = np.zeros(columns[0].size, np.int64)
    for values in columns:
        levels, here = np.unique(values.astype(str), return_inverse=True)
        code = np.unique(code * levels.size + here, return_inverse=True)[1].astype(np.int64)
    return code.reshape(-1)
