"""Scored items of one finding, a page at a time, in the order that a reader asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.errors import BadInput, UnknownName
from plumbline.report import format as show
from plumbline.server import queries
from plumbline.server.paging import SIZE, Page

LONGEST = 400  # characters of one cell
ORDERS: Mapping[str, str] = {
    "worst": "worst first",
    "high": "highest score first",
    "low": "lowest score first",
    "item": "as they were asked",
}
_HIDDEN = frozenset({"metric"})


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A page of scored items.

    Attributes:
        names: Columns that hold anything on this page.
        page: Lines of cells, in the order of `names`.
        order: What "worst first" means here, in words.
    """

    names: Sequence[str]
    page: Page[Sequence[str]]
    order: str


def listing(
    path: Path, finding: Mapping[str, Any], where: Mapping[str, Any], *, order: str, number: int
) -> Listing:
    """Items that entered a finding.

    Args:
        path: `items.parquet`.
        finding: The stored row.
        where: Columns and values (or lists of values) that the finding's measure selects.
        order: One of `ORDERS`.
        number: The page, from 1.

    Raises:
        UnknownName: No such order.
        BadInput: A page below 1.
        StoreError: The file cannot be read.
    """
    if order not in ORDERS:
        raise UnknownName("order of items", order, ORDERS)
    if number < 1:
        raise BadInput(f"pages are numbered from 1; got {number}")
    known = queries.columns(path)
    condition, values = _condition(known, finding["metric"], where)
    chosen = f"select * from {queries.table(path, numbered=True)} where {condition}"  # noqa: S608 - quoted, bound
    query = f"select count(*), count(distinct item) from ({chosen})"  # noqa: S608
    total, items = queries.rows(query, values)[0]
    if not total:
        return Listing(names=(), page=Page(rows=(), number=number, total=0), order="")
    by, said = _order(order, finding["worse"], versions="group" in known and items < total)
    shown = [n for n in known if n not in _HIDDEN]
    query = f"""
        with chosen as ({chosen}) select {", ".join(map(queries.name, shown))} from chosen
        order by {by}, file_row_number limit {SIZE} offset {(number - 1) * SIZE}
    """  # noqa: S608 - names are quoted, values bound
    found = queries.rows(query, values)
    used = [i for i in range(len(shown)) if any(_cell(line[i]) for line in found)]
    lines = [tuple(_cell(line[i]) for i in used) for line in found]
    return Listing(
        names=[show.clean(shown[i]) for i in used],
        page=Page(rows=lines, number=number, total=int(total)),
        order=said,
    )


def _condition(
    known: Sequence[str], metric: str, where: Mapping[str, Any]
) -> tuple[str, list[Any]]:
    parts: list[str] = ["metric = ?"]
    values: list[Any] = [metric]
    for column, wanted in where.items():
        if column not in known:
            raise BadInput(f"the items have no column {show.clean(column)!r} to choose by")
        either = []
        for value in wanted if isinstance(wanted, list | tuple) else [wanted]:
            either.append(f"cast({queries.name(column)} as varchar) = ?")
            values.append(str(value))
            if isinstance(value, int | float):  # 1 is stored as 1.0
                either.append(f"try_cast({queries.name(column)} as double) = ?")
                values.append(float(value))
        parts.append(f"({' or '.join(either) or 'false'})")
    return " and ".join(parts), values


def _order(order: str, worse: str, *, versions: bool) -> tuple[str, str]:
    """SQL and words; which side is worse comes from the method's card."""
    if order != "worst":
        by = {"high": "score desc nulls last", "low": "score nulls last", "item": "file_row_number"}
        return by[order], ORDERS[order]
    if versions:
        spread = "max(score) over (partition by item) - min(score) over (partition by item)"
        return f"{spread} desc nulls last, item", "items whose versions score farthest apart first"
    if worse == "higher":
        return "score desc nulls last", "highest scores first: a higher number is worse here"
    if worse == "lower":
        return "score nulls last", "lowest scores first: a lower number is worse here"
    far = "abs(score - (select median(score) from chosen)) desc nulls last"
    return far, "farthest from the median score first: either side may be worse here"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, float):
        return "" if value != value else show.number(value)  # noqa: PLR0124 - NaN: no number
    return show.clip(value, LONGEST, lines=True)
