"""Documents of queries with the labels of a judgement pool: a row for each query and document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.data.ranking_tables import find

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Columns = Mapping[str, NDArray[Any]]


RELEVANCE: Final = "relevance"
CONTENT: Final = "content_"
POOL: Final = "pool_"


@dataclass(frozen=True, slots=True)
class JudgedTable:
    """Rows of queries and documents.

    Attributes:
        query: Query of each row, as text.
        label: 1 where labelled relevant, else 0.
        judged: 1 where somebody judged the document, or None where only positives are known.
        content: (n, k) relevance features.
        pool: (n, k) selection features.
        content_names: Names of the relevance features.
        pool_names: Names of the selection features.
        rank: Place of the document, 1 is first, or None.
        deep: Relevance by deep judgement, NaN where there is none, or None.
        target: Estimated relevance that `coupled_relevance` wrote, or None.
    """

    query: NDArray[Any]
    label: Floats
    judged: Floats | None
    content: Floats
    pool: Floats
    content_names: tuple[str, ...]
    pool_names: tuple[str, ...]
    rank: Floats | None = None
    deep: Floats | None = None
    target: Floats | None = None


def read_judged(
    columns: Columns, *, about: Mapping[str, Any] | None = None, content: Sequence[str] = (),
    pool: Sequence[str] = (), query: str = "query", label: str = "label", judged: str = "judged",
    rank: str = "rank", deep: str = "deep",
) -> JudgedTable:  # fmt: skip
    """Check the columns.

    Args:
        columns: As in `Records.columns`.
        about: The subject's facts, which say which column of the source has which role.
        content: Relevance features; empty: all columns called content_NAME.
        pool: Selection features; empty: all columns called pool_NAME.
        query: Column that names the query.
        label: Column that is above 0 where the document was labelled relevant; empty counts as 0.
        judged: Column of 1 and 0; it may be absent.
        rank: Column of places, 1 is first; it may be absent.
        deep: Column of deep judgements, empty where there is none; it may be absent.

    Raises:
        NotRecorded: No query, label or features.
        BadInput: A column that does not hold what it should.
    """
    import numpy as np

    who = _needed(columns, query, about).astype(str)
    marks = numbers(_needed(columns, label, about), label)
    names = {start: tuple(given) or _starting(columns, start) for start, given in ((CONTENT, content), (POOL, pool))}  # fmt: skip
    for start, found in names.items():
        if not found:
            raise NotRecorded(
                f"no columns {start}NAME: relevance features (content_) and selection features (pool_) are told "
                f"apart by name, or named in the arguments; the table has {', '.join(columns)}"
            )
    flags = _optional(columns, judged, about)
    if flags is not None and not np.isin(flags, (0.0, 1.0)).all():
        raise BadInput(f"column {judged!r} is 1 for judged documents and 0 for all others")
    target = _optional(columns, RELEVANCE, about)
    return JudgedTable(
        query=who, label=(marks > 0).astype(float), judged=flags,
        content=_features(columns, names[CONTENT], about), pool=_features(columns, names[POOL], about),
        content_names=names[CONTENT], pool_names=names[POOL], rank=_optional(columns, rank, about),
        deep=_optional(columns, deep, about), target=target,
    )  # fmt: skip


def numbers(values: NDArray[Any], name: str) -> Floats:
    """A column as numbers, NaN where nothing stands.

    Raises:
        BadInput: A cell that is no number.
    """
    import numpy as np

    try:
        return np.array([np.nan if v is None or v == "" else float(v) for v in values.tolist()])
    except (TypeError, ValueError):
        raise BadInput(f"column {name!r} holds text; wanted numbers") from None


def _needed(columns: Columns, name: str, about: Mapping[str, Any] | None) -> NDArray[Any]:
    found = find(columns, name, about)
    if found is None:
        raise NotRecorded(
            f"no column {name!r} (a row for each query and document); got {', '.join(columns)}"
        )
    return found


def _optional(columns: Columns, name: str, about: Mapping[str, Any] | None) -> Floats | None:
    found = find(columns, name, about)
    return None if found is None else numbers(found, name)


def _starting(columns: Columns, start: str) -> tuple[str, ...]:
    bare = [name.partition(":")[2] or name for name in columns]
    return tuple(name for name in bare if name.startswith(start))


def _features(columns: Columns, names: Sequence[str], about: Mapping[str, Any] | None) -> Floats:
    import numpy as np

    made = [numbers(_needed(columns, name, about), name) for name in names]
    for name, values in zip(names, made, strict=True):
        if not np.isfinite(values).all():
            raise BadInput(f"column {name!r} has empty cells; a feature has a number in every row")
    return np.column_stack(made)
