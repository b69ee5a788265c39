"""Rankings in a table: a row for each voter and item, with the item's group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plumbline.core.errors import BadInput, NotRecorded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Columns = Mapping[str, NDArray[Any]]


SELECTED: Final = "selected"
_PREFIX: Final = "group:"


@dataclass(frozen=True, slots=True)
class RankingTable:
    """Whole rankings of m items by n voters.

    Attributes:
        voters: Names of the voters.
        items: Names of the items.
        ranks: (n, m) positions, 0 is best.
        axis: Name of the group column.
        names: Names of the groups, sorted.
        groups: (m,) codes of the items' groups.
        latent: (n, m) positions by the recorded latent quality, or None.
        selected: Indices of the items that are recorded as selected, or None.
        row_item: Index of the item in each row of the table.
        ties: Pairs of neighbours in a voter's ranking that had the same place; broken at random.
    """

    voters: tuple[str, ...]
    items: tuple[str, ...]
    ranks: Ints
    axis: str
    names: tuple[str, ...]
    groups: Ints
    latent: Ints | None
    selected: Ints | None
    row_item: Ints
    ties: int


def find(
    columns: Columns, name: str, about: Mapping[str, Any] | None = None
) -> NDArray[Any] | None:
    """The column of this name in the source, whatever role it has; None where there is none."""
    import numpy as np

    roles = (about or {}).get("roles", {})
    for key in (f"column:{name}", f"{_PREFIX}{name}"):
        if key in columns:
            return np.asarray(columns[key])
    by_role = [r for r, given in roles.items() if given == name and r in columns]
    if by_role:
        return np.asarray(columns[by_role[0]])
    # `item` is the row's number in recorded columns, never a column of the source.
    return np.asarray(columns[name]) if name in columns and name != "item" else None


def read_rankings(
    columns: Columns, *, rng: np.random.Generator, about: Mapping[str, Any] | None = None,
    voter: str = "voter", item: str = "item", rank: str = "rank", group: str = "", latent: str = "latent",
) -> RankingTable:  # fmt: skip
    """Rankings from recorded columns.

    Args:
        columns: As in `Records.columns`.
        rng: Breaks ties inside a voter's ranking.
        about: The subject's facts, which say which column of the source has which role.
        voter: Column that names the voter.
        item: Column that names the item.
        rank: Column of places, 1 is best; without it the column `score`, the largest is best.
        group: The group column; not needed where there is one only.
        latent: Column of latent quality, the largest is best; it may be absent.

    Raises:
        NotRecorded: A column is not there.
        BadInput: A voter does not rank every item once, an item has two groups or is selected by some
            rows only, or there are several group columns and none was named.
    """
    import numpy as np

    from plumbline.stats.committee import positions

    who, what = (_texts(_needed(columns, n, about), n) for n in (voter, item))
    voters, v = np.unique(who, return_inverse=True)
    items, i = np.unique(what, return_inverse=True)
    cells = np.full((voters.size, items.size), -1, np.int64)
    cells[v, i] = np.arange(who.size)
    if who.size != cells.size or (cells < 0).any():
        raise BadInput(
            f"{who.size} rows for {voters.size} voters and {items.size} items; wanted every item of every "
            "voter once. Leave out voters or items with gaps"
        )
    values, ties = _values(columns, rank, about, cells)
    axis, labels = _group(columns, group, about)
    names, codes = np.unique(_constant(labels, cells, axis), return_inverse=True)
    if names.size < 2:
        raise BadInput(f"all items are of one group, {names[0]!r}; wanted two groups or more")
    hidden = find(columns, latent, about)
    picked = find(columns, SELECTED, about)
    return RankingTable(
        voters=tuple(map(str, voters)), items=tuple(map(str, items)), ranks=positions(values, rng),
        axis=axis, names=tuple(map(str, names)), groups=codes.astype(np.int64),
        latent=None if hidden is None else positions(_numbers(hidden, latent)[cells], rng),
        selected=None if picked is None else _chosen(picked, cells), row_item=i.astype(np.int64), ties=ties,
    )  # fmt: skip


def _values(
    columns: Columns, rank: str, about: Mapping[str, Any] | None, cells: Ints
) -> tuple[NDArray[np.float64], int]:
    """What each voter sorts by, the largest first; and how many ties it has."""
    import numpy as np

    places = find(columns, rank, about)
    if places is not None:
        values = -_numbers(places, rank)[cells]
    else:
        given = find(columns, "score", about)
        if given is None:
            raise NotRecorded(
                f"no column {rank!r} and no score: rankings need a place or a number for every voter and "
                f"item; the table has {', '.join(columns)}"
            )
        values = _numbers(given, "score")[cells]
    return values, int((np.diff(np.sort(values, axis=1), axis=1) == 0).sum())


def _needed(columns: Columns, name: str, about: Mapping[str, Any] | None) -> NDArray[Any]:
    found = find(columns, name, about)
    if found is None:
        raise NotRecorded(
            f"no column {name!r} (a row for each voter and item); got {', '.join(columns)}"
        )
    return found


def _texts(values: NDArray[Any], name: str) -> NDArray[Any]:
    import numpy as np

    texts = values.astype(str)
    if (texts == "").any() or (texts == "nan").any():
        raise BadInput(f"column {name!r} has empty cells")
    return np.asarray(texts)


def _numbers(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    import numpy as np

    try:
        found = values.astype(float)
    except (TypeError, ValueError):
        raise BadInput(f"column {name!r} holds text; wanted numbers") from None
    if not np.isfinite(found).all():
        raise BadInput(f"column {name!r} has empty cells; every voter ranks every item")
    return np.asarray(found)


def _group(
    columns: Columns, group: str, about: Mapping[str, Any] | None
) -> tuple[str, NDArray[Any]]:
    axes = [n.removeprefix(_PREFIX) for n in columns if n.startswith(_PREFIX)]
    if group or len(axes) == 1:
        name = group or axes[0]
        return name, _texts(_needed(columns, name, about), name)
    raise BadInput(
        f"{len(axes)} group columns ({', '.join(axes)}): groups that overlap are not counted together. Name "
        "one with `group`, or cross them into one column"
    )


def _constant(values: NDArray[Any], cells: Ints, name: str) -> NDArray[Any]:
    """One value an item, the same in all rows."""
    import numpy as np

    table = values[cells]
    if not (table == table[0]).all():
        raise BadInput(f"column {name!r} differs between rows of one item; an item has one group")
    return np.asarray(table[0])


def _chosen(values: NDArray[Any], cells: Ints) -> Ints:
    import numpy as np

    flags = _constant(_numbers(values, SELECTED), cells, SELECTED)
    if not np.isin(flags, (0.0, 1.0)).all() or not flags.any():
        raise BadInput(
            f"column {SELECTED!r} is 1 for selected items, at least one, and 0 for others"
        )
    return np.flatnonzero(flags == 1)
