"""Results as Altair charts, for a notebook: the same drawings as in the report, live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from plumbline.core.errors import BadInput, MissingExtra
from plumbline.report import explained as arrays
from plumbline.report import figures
from plumbline.report import format as show
from plumbline.report.comparison import difference_rows
from plumbline.report.rows import Row, of_run

if TYPE_CHECKING:
    from plumbline.audit.compare import Comparison
    from plumbline.audit.explain import Explained
    from plumbline.audit.leaderboard import Leaderboard
    from plumbline.audit.ranking import Ranking
    from plumbline.audit.store import Run

# A report's figures take the page's ink; a canvas has none, and this grey can be read on both themes.
INK = "#64748b"


def run(found: Run) -> Any:
    """A forest of the primary findings, one panel a unit: value, interval, null, margin.

    Raises:
        MissingExtra: Altair is not installed.
        BadInput: No primary finding has a number.
    """
    return _chart(_forests(of_run(found)))


def comparison(found: Comparison) -> Any:
    """A forest of the paired differences B - A."""
    return _chart(_forests(difference_rows(found), of="B - A, "))


def ranking(found: Ranking) -> Any:
    """Models by their composite index, with intervals."""
    data = [
        _datum(i, f"{m['rank']}. {show.clip(m['model'], 48)}", m)
        for i, m in enumerate(found.models)
    ]
    return _chart([_titled(data, "composite index; smaller leans less")])


def leaderboard(found: Leaderboard) -> Any:
    """Systems by win rate, with intervals; shaded, the range over the ways of counting."""
    data = [
        _datum(i, f"{s['rank']}. {show.clip(s['system'], 48)}", s, ("band_low", "band_high"))
        for i, s in enumerate(found.systems)
    ]
    return _chart([_titled(data, "win rate; shaded: band of the judge's bias")])


def explained(found: Explained) -> Any:
    """An explanation's arrays as its explainer draws them, one below the other."""
    return _chart([arrays.spec(found.arrays[d.array], d) for d in found.drawings])


def _forests(shown: Sequence[Row], of: str = "") -> list[dict[str, Any]]:
    """One specification a unit, from the functions that draw the report's figures."""
    by_unit: dict[str, list[Row]] = {}
    for row in shown:
        if row.status == "estimate" and row.role == "primary":
            by_unit.setdefault(row.finding["unit"], []).append(row)
    made = []
    for unit, members in by_unit.items():
        drawn = members[: figures.LONGEST]
        more = f" (the first {len(drawn)} of {len(members)})" if len(members) > len(drawn) else ""
        named = enumerate(zip(drawn, figures.names(drawn), strict=True))
        data = [figures.datum(row, i, name) for i, (row, name) in named]
        made.append(_titled(data, f"{of}{show.clean(unit)}{more}"))
    return made


def _datum(
    order: int, name: str, given: Mapping[str, Any], band: tuple[str, str] | None = None
) -> dict[str, Any]:
    """One line of a forest without a null; the band, where there is one, is shaded."""
    ends = (None, None) if band is None else (given[band[0]], given[band[1]])
    return {
        "order": order, "name": name, "value": given["value"], "low": given["low"],
        "high": given["high"], "null": None, "from": ends[0], "to": ends[1], "colour": INK,
    }  # fmt: skip


def _titled(data: Sequence[Mapping[str, Any]], title: str) -> dict[str, Any]:
    said = {"text": title, "anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": INK}
    return {**figures.spec(data), "title": said}


def _chart(specs: Sequence[Mapping[str, Any]]) -> Any:
    if find_spec("altair") is None:
        raise MissingExtra("altair", "plots", "a plot")
    if not specs:
        raise BadInput(
            "there is nothing to draw: print the result, which says why there is no number"
        )
    import altair as alt

    # Ink and background belong to the whole drawing; a panel of several may not have its own.
    common = {name: specs[0][name] for name in ("config", "background") if name in specs[0]}
    panels = [{k: v for k, v in spec.items() if k not in common} for spec in specs]
    whole = panels[0] if len(panels) == 1 else {"vconcat": panels}
    return alt.Chart.from_dict(_inked({**whole, **common}))


def _inked(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {key: _inked(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [_inked(value) for value in given]
    return INK if given == "currentColor" else given
