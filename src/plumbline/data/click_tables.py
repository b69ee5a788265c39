"""Clicks on documents of queries: a row for each query, document and rank at which it was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.data.judged_tables import numbers
from plumbline.data.ranking_tables import find

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Columns = Mapping[str, NDArray[Any]]


CALIBRATED: Final = "calibrated"
BEHAVIOUR: Final = "behaviour_"


@dataclass(frozen=True, slots=True)
class ClickTable:
    """Rows of shown documents.

    Attributes:
        query: Query of each row, as text.
        document: Query and document, as text: equal for the same document at several ranks.
        rank: Place, 1 is first.
        clicks: How often it was clicked there.
        impressions: How often it was shown there.
        human: Label by people, NaN where there is none.
        bait: 1 for documents known as bait, or None.
        behaviour: (n, k) what users did after a click.
        behaviour_names: Names of those columns.
        calibrated: Relevance that `click_calibration` wrote, or None.
    """

    query: NDArray[Any]
    document: NDArray[Any]
    rank: Floats
    clicks: Floats
    impressions: Floats
    human: Floats
    bait: Floats | None
    behaviour: Floats
    behaviour_names: tuple[str, ...]
    calibrated: Floats | None

    def take(self, rows: NDArray[Any]) -> ClickTable:
        """The rows under a mask or at these indices."""
        import numpy as np

        made = {n: getattr(self, n) for n in self.__slots__}
        return ClickTable(**{n: v[rows] if isinstance(v, np.ndarray) else v for n, v in made.items()})  # fmt: skip

    @property
    def swapped(self) -> NDArray[np.bool_]:
        """Rows whose document was shown at more than one rank of its query."""
        import numpy as np

        _, code = np.unique(self.document, return_inverse=True)
        low, high = np.full(code.max() + 1, np.inf), np.full(code.max() + 1, -np.inf)
        np.minimum.at(low, code, self.rank)
        np.maximum.at(high, code, self.rank)
        return np.asarray((high > low)[code])


def read_clicks(
    columns: Columns, *, about: Mapping[str, Any] | None = None, query: str = "query", document: str = "document",
    rank: str = "rank", click: str = "click", impressions: str = "impressions", human: str = "human",
    bait: str = "bait", behaviour: Sequence[str] = (),
) -> ClickTable:  # fmt: skip
    """Check the columns.

    Args:
        columns: As in `Records.columns`.
        about: The subject's facts, which say which column of the source has which role.
        query: Column that names the query.
        document: Column that names the document.
        rank: Column of places, 1 is first.
        click: Column of 0 and 1, or of counts.
        impressions: Column of how often the row was shown; without it once.
        human: Column of labels by people, empty where there is none; it may be absent.
        bait: Column of 1 and 0; it may be absent.
        behaviour: Columns of what users did; empty: all columns called behaviour_NAME.

    Raises:
        NotRecorded: No query, document, rank or clicks.
        BadInput: A column that does not hold what it should.
    """
    import numpy as np

    def given(name: str) -> NDArray[Any] | None:
        return find(columns, name, about)

    def needed(name: str) -> NDArray[Any]:
        found = given(name)
        if found is None:
            raise NotRecorded(
                f"no column {name!r} (a row for each query, document and rank); got {', '.join(columns)}"
            )
        return found

    def full(name: str, values: NDArray[Any]) -> Floats:
        import numpy as np

        made = numbers(values, name)
        if not np.isfinite(made).all():
            raise BadInput(f"column {name!r} has empty cells; write 0 where a document was not clicked")  # fmt: skip
        return made

    place, clicks = (full(name, needed(name)) for name in (rank, click))
    if (place < 1).any() or (clicks < 0).any():
        raise BadInput(f"{rank!r} is 1 for the first place, and {click!r} is not negative")
    shown = given(impressions)
    who, what = (needed(name).astype(str) for name in (query, document))
    pair = np.array([f"{q}\x1f{d}" for q, d in zip(who, what, strict=True)], dtype=object)
    said, lure, made = given(human), given(bait), given(CALIBRATED)
    bare = [name.partition(":")[2] or name for name in columns]
    names = tuple(behaviour) or tuple(n for n in bare if n.startswith(BEHAVIOUR))
    empty = np.zeros((place.size, 0))
    return ClickTable(
        query=who, document=pair, rank=place, clicks=clicks,
        impressions=np.ones(place.size) if shown is None else full(impressions, shown),
        human=np.full(place.size, np.nan) if said is None else numbers(said, human),
        bait=None if lure is None else full(bait, lure),
        behaviour=np.column_stack([empty, *(full(n, needed(n)) for n in names)]), behaviour_names=names,
        calibrated=None if made is None else full(CALIBRATED, made),
    )  # fmt: skip
