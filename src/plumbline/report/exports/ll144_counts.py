"""Applicants and selected ones by sex and race, from a run's items or straight from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.core.errors import BadInput

if TYPE_CHECKING:
    from plumbline.audit.store import Run

METHOD = "group_rates"
SEX = ("sex", "gender")
RACE = (
    "race",
    "ethnicity",
    "race/ethnicity",
    "race_ethnicity",
    "race_or_ethnicity",
    "ethnic_group",
)
UNKNOWN = (
    "not stated",
    "unknown",
    "prefer not to say",
    "prefer not to answer",
    "declined to state",
    "n/a",
)
Cells = Mapping[tuple[str, str], tuple[int, int]]


@dataclass(frozen=True)
class Counts:
    """What the rule counts.

    Attributes:
        what: `selection rate`, `scoring rate`, or `selection rate of CLASS`.
        cells: (sex, race) -> applicants, and those selected (scored above the median).
        unknown: Individuals of unknown sex or race, who are in no cell.
        unknown_labels: What such individuals are labelled in the data.
        source: Where the rows came from.
    """

    what: str
    cells: Cells
    unknown: int
    unknown_labels: tuple[str, ...]
    source: str


def of_run(
    run: Run, *, sex: str = "", race: str = "", unknown: Sequence[str] = UNKNOWN
) -> list[Counts]:
    """Counts from the items of `group_rates`, one for each rate that the rule asks for.

    Args:
        run: A stored run of a `table:` or a data frame.
        sex: Name of the column; common names are found without being told.
        race: Likewise.
        unknown: Labels, in any case, of individuals whose category is unknown.

    Raises:
        BadInput: The run has no such items, no such columns, did not cross them, or has weights.
    """
    from plumbline.metrics.rate_parts import CONTRAST

    if METHOD not in {f["metric"] for f in run.findings}:
        raise BadInput(
            f"the rule's tables are made from {METHOD}, which this run does not have: audit the decisions "
            f"with `plumbline audit table:FILE --metrics {METHOD}`"
        )
    items = run.items(METHOD)
    if "axis" not in items:
        raise BadInput(f"{METHOD} scored nothing in this run; its reasons are in the report")
    axes = list(dict.fromkeys(items["axis"].tolist()))
    single = [a for a in axes if " x " not in a]
    pair = _pair(single, sex, race)
    axis, turned = _crossed(axes, pair)
    names = {a: _names(items, a) for a in pair}
    found = []
    for kind, said in _kinds(items):
        rows = (items["axis"] == axis) & (items["rate"] == kind) & (items["use"] == CONTRAST)
        cells: dict[tuple[str, str], tuple[int, int]] = {}
        for label in dict.fromkeys(items["group"][rows].tolist()):
            here = rows & (items["group"] == label)
            cells[_parted(label, names, pair, turned=turned)] = _whole(items, here)
        found.append(_counts(said, cells, unknown, run.header["subject"]["name"]))
    return found


def of_table(
    source: Any, *, sex: str = "", race: str = "", unknown: Sequence[str] = UNKNOWN,
    positive: str = "", columns: Mapping[str, Any] | None = None,
) -> list[Counts]:  # fmt: skip
    """Counts from a table (a path), a data frame, or arrays by name, without an audit.

    Args:
        source: CSV or Parquet, or anything that `table:` runs and data frames take.
        sex: As for `of_run`.
        race: As for `of_run`.
        unknown: As for `of_run`.
        positive: The class of the decision that counts as selected.
        columns: Roles of the columns, as `--set` of a `table:` subject.
    """
    from pathlib import Path

    from plumbline.metrics.recorded import read
    from plumbline.models.abilities import ModelOptions
    from plumbline.models.corrected_records import recorded
    from plumbline.models.resolve import open_model, wrap

    options = ModelOptions(extra=dict(columns or {}))
    path = isinstance(source, Path | str)
    subject = open_model(f"table:{source}", options) if path else wrap(source, options=options)
    data = read(recorded(subject), positive=positive, intersections=())
    if data.task == "numbers":
        raise BadInput("the decision is a number; give it as a score, and the median decides")
    if (data.weight != 1).any():
        raise BadInput("the rule counts individuals: the table has weights that are not 1")
    pair = _pair([g.axis for g in data.groupings], sex, race)
    groups = {g.axis: np.array(g.names, dtype=object)[g.codes] for g in data.groupings}
    found = []
    for hit, said in _hits(data):
        cells: dict[tuple[str, str], tuple[int, int]] = {}
        for who in dict.fromkeys(
            zip(groups[pair[0]].tolist(), groups[pair[1]].tolist(), strict=True)
        ):
            here = (groups[pair[0]] == who[0]) & (groups[pair[1]] == who[1])
            cells[who] = (int(here.sum()), int(hit[here].sum()))
        found.append(_counts(said, cells, unknown, subject.name))
    return found


def _hits(data: Any) -> list[tuple[Any, str]]:
    if data.from_score:
        return [(data.decision == 1, "scoring rate")]
    if data.task == "binary":
        return [(data.decision == 1, "selection rate")]
    return [(data.decision == i, f"selection rate of {c}") for i, c in enumerate(data.classes)]


def _kinds(items: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rates of the items that the rule asks for, and what it calls them."""
    from plumbline.metrics.rate_parts import SCORING, SELECTION

    rates = dict.fromkeys(items["rate"].tolist())
    if SCORING in rates:
        return [(SCORING, "scoring rate")]
    found = [(r, r) for r in rates if r == SELECTION or r.startswith(f"{SELECTION} of ")]
    if not found:
        raise BadInput("the run's decisions are numbers; the rule wants decisions, or scores")
    return found


def _pair(axes: Sequence[str], sex: str, race: str) -> tuple[str, str]:
    """The columns of sex and race, told or found by common names."""
    found = []
    for role, told, common in (("sex", sex, SEX), ("race", race, RACE)):
        if told and told not in axes:
            raise BadInput(f"{role}={told}: the run has no such column; it has {', '.join(axes)}")
        here = [told] if told else [a for a in axes if a.casefold() in common]
        if len(here) != 1:
            raise BadInput(
                f"which column holds {role}? The run has {', '.join(axes)}; say --set {role}=COLUMN"
            )
        found.append(here[0])
    return found[0], found[1]


def _crossed(axes: Sequence[str], pair: tuple[str, str]) -> tuple[str, bool]:
    for axis, turned in ((" x ".join(pair), False), (" x ".join(reversed(pair)), True)):
        if axis in axes:
            return axis, turned
    raise BadInput(
        f"the run did not cross {pair[0]} and {pair[1]}, which the rule wants: audit again without the "
        f"argument intersections, or with one that holds them"
    )


def _names(items: Mapping[str, Any], axis: str) -> list[str]:
    return list(dict.fromkeys(items["group"][items["axis"] == axis].tolist()))


def _parted(
    label: str, names: Mapping[str, Sequence[str]], pair: tuple[str, str], *, turned: bool
) -> tuple[str, str]:
    """Sex and race of a crossed group's label."""
    made = [(s, r) for s in names[pair[0]] for r in names[pair[1]]
            if label == (f"{r} & {s}" if turned else f"{s} & {r}")]  # fmt: skip
    if len(made) != 1:
        raise BadInput(f"the group {label!r} cannot be told apart into sex and race")
    return made[0]


def _whole(items: Mapping[str, Any], rows: Any) -> tuple[int, int]:
    """Rows of a group and how many of them were selected."""
    weight = items["weight"][rows].astype(float) if "weight" in items else items["rows"][rows]
    count = items["rows"][rows].astype(float)
    if not np.allclose(weight, count):
        raise BadInput("the rule counts individuals: the table has weights that are not 1")
    return int(count.sum()), round(float((items["score"][rows].astype(float) * count).sum()))


def _counts(what: str, cells: Cells, unknown: Sequence[str], source: str) -> Counts:
    gone = {u.casefold() for u in unknown}
    known = {who: n for who, n in cells.items() if not {w.casefold() for w in who} & gone}
    labels = sorted({w for who in cells for w in who if w.casefold() in gone})
    lost = sum(n for who, (n, _) in cells.items() if who not in known)
    if not known:
        raise BadInput("no individual has both a known sex and a known race")
    return Counts(what, dict(sorted(known.items())), lost, tuple(labels), source)
