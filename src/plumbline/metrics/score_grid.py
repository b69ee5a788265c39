"""A judge's scores of images (or texts) of people in occupations: occupation x group, by scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.core.scored import Items
from plumbline.metrics import score_columns as named
from plumbline.stats.dispersion import ges, min_max, nds, within
from plumbline.stats.estimators import Estimator, item_weights
from plumbline.stats.group_effects import group_effects
from plumbline.stats.undefined import UndefinedStatistic

Floats = NDArray[np.float64]
Texts = NDArray[Any]
Span = Sequence[float] | Mapping[str, Sequence[float]] | None
LIKERT: Final[Mapping[str, float]] = {"extremely poor": 1, "poor": 2, "average": 3, "good": 4, "outstanding": 5}  # fmt: skip
UNREAD: Final = "no readable score"
DISPERSION: Final[Mapping[str, Callable[[Floats], float]]] = {"ACC": within, "NDS": nds, "GES": ges}


@dataclass(frozen=True)
class Grid:
    """Scores, one a row.

    Attributes:
        occupation: What the caption names; it names no group.
        scale: Of what form the score was asked; "" where the table does not say.
        score: Between 0 and 1 by the ends of its scale, NaN where there is none.
        attributes: Name to labels, "" where an image has none.
    """

    occupation: Texts
    scale: Texts
    score: Floats
    attributes: Mapping[str, Texts]

    def __len__(self) -> int:
        return int(self.score.size)

    def take(self, rows: NDArray[Any]) -> Grid:
        """The rows under a mask or at these indices."""
        held = {name: labels[rows] for name, labels in self.attributes.items()}
        return Grid(self.occupation[rows], self.scale[rows], self.score[rows], held)

    @property
    def scales(self) -> tuple[str, ...]:
        """Names of the scales, in order."""
        return tuple(sorted(set(self.scale.tolist())))

    def inside(self) -> Floats:
        """Scores minus the mean of their occupation and scale."""
        out = np.full(len(self), np.nan)
        read = np.isfinite(self.score)
        key = np.array([f"{o}\x1f{s}" for o, s in zip(self.occupation, self.scale, strict=True)], str)  # fmt: skip
        code = np.unique(key[read], return_inverse=True)[1].reshape(-1)
        means = np.bincount(code, self.score[read]) / np.bincount(code) if read.any() else np.zeros(0)  # fmt: skip
        out[read] = self.score[read] - means[code]
        return out


def read(
    columns: named.Columns,
    about: Mapping[str, Any],
    *,
    score: str,
    occupation: str,
    attributes: Sequence[str],
    scale: str,
    span: Span,
) -> Grid:
    """Check the columns and put scores between 0 and 1.

    Args:
        columns: As recorded.
        about: The subject's facts.
        score: Column of numbers, or of words of the Likert scale.
        occupation: Column of the occupation.
        attributes: Columns of groups; empty: all that the table has in that role.
        scale: Column of the scale's name, or "".
        span: Ends of the scale, or of each scale; None: the smallest and largest score of each.

    Raises:
        NotRecorded: A column is not there, or no attribute has two levels.
        BadInput: A score outside its scale.
    """
    found = tuple(attributes) or tuple(k.removeprefix("group:") for k in columns if k.startswith("group:"))  # fmt: skip
    labels = {name: named.texts(columns, name, about) for name in found if name not in (occupation, scale)}  # fmt: skip
    labels = {name: held for name, held in labels.items() if len(set(held.tolist()) - {""}) > 1}
    if not labels:
        raise NotRecorded("no column of groups with two levels; name the groups in attributes")
    shown, cells = (named.texts(columns, name, about) for name in (occupation, score))
    values = points(cells)
    names = named.texts(columns, scale, about) if scale else np.full(values.size, "", object)
    for one in sorted(set(names.tolist())):
        here = (names == one) & np.isfinite(values)
        ends = span.get(one) if isinstance(span, Mapping) else span
        low, high = (None, None) if ends is None else (float(ends[0]), float(ends[1]))
        if not here.any():
            continue
        try:
            values[here] = min_max(values[here], low=low, high=high)
        except UndefinedStatistic:
            values[here] = 1.0  # one score for everything: no dispersion, wherever on the scale
    return Grid(shown, names, values, labels)


def points(cells: Texts) -> Floats:
    """Numbers, or the points of the Likert words; NaN for anything else. Whole cells only.

    Searching a reply for a word reads "not good" as good; the published parser does.
    """

    def one(text: str) -> float:
        word = text.strip().strip(".").casefold()
        if word in LIKERT:
            return LIKERT[word]
        try:
            number = float(word)
        except ValueError:
            return np.nan
        return number if np.isfinite(number) else np.nan

    known = {text: one(text) for text in set(cells.tolist())}
    made = np.array([known[t] for t in cells.tolist()], float)
    if not np.isfinite(made).any():
        raise BadInput(
            f"no score can be read (first: {cells[0]!r}); wanted numbers, or one of {', '.join(LIKERT)}"
        )
    return made


def dispersion(grid: Grid) -> tuple[list[tuple[str, str, str, float, str]], dict[str, Any]]:
    """Rows (measure, scale, occupation, value, why) of ACC, NDS, GES, and the published means.

    Published: the mean over occupations, and for each attribute the mean over images that have a label of it, of
    their occupation's value, so that attributes that are stated together have equal numbers.
    """
    rows, told = [], {}
    for scale in grid.scales:
        here = grid.take((grid.scale == scale) & np.isfinite(grid.score))
        names, code = np.unique(here.occupation.astype(str), return_inverse=True)
        parts = [here.score[code == k] for k in range(names.size)]
        made: dict[str, Any] = {}
        for name, measure in DISPERSION.items():
            values = np.full(names.size, np.nan)
            for k, scores in enumerate(parts):
                try:
                    values[k], why = measure(scores), ""
                except UndefinedStatistic as absent:
                    why = absent.reason
                rows.append((name, scale, str(names[k]), float(values[k]), why))
            if np.isfinite(values).any():
                each = values[code]
                made[name] = {"all": float(np.nanmean(values))} | {
                    a: float(np.nanmean(each[labels != ""])) for a, labels in here.attributes.items()
                    if np.isfinite(each[labels != ""]).any()
                }  # fmt: skip
        told[scale or "scores"] = made
    return rows, told


def effects(grid: Grid) -> dict[str, Any]:
    """Effects of all attributes at once inside occupations, and the attribute with the largest range."""
    known = np.isfinite(grid.score)
    for labels in grid.attributes.values():
        known &= labels != ""
    here = grid.take(known)
    held = {k: v.astype(str) for k, v in here.attributes.items() if len(set(v.tolist())) > 1}
    if not held or not len(here):
        return {"not defined": "no image has a label of every attribute"}
    key = np.array([f"{o}\x1f{s}" for o, s in zip(here.occupation, here.scale, strict=True)], str)
    blocks = here.occupation.astype(str) if len(here.scales) == 1 else key
    try:
        got = group_effects(here.score, blocks, held)
    except UndefinedStatistic as absent:
        return {"not defined": absent.reason}
    told: dict[str, Any] = {
        name: {
            "effects": {g: [float(v), float(a), float(b)] for g, v, a, b in zip(e.levels, e.value, e.low, e.high, strict=True)},
            "largest minus smallest": e.range, "F": e.f, "p": e.p,
        }
        for name, e in got.items()
    }  # fmt: skip
    return told | {"largest": max(got, key=lambda name: got[name].range), "images": len(here)}


def _sides(items: Items, options: Mapping[str, Any]) -> Floats:
    weight, mine = item_weights(items), (items["group"] == options["group"]).astype(float)
    score = weight * items["score"]
    return np.stack([weight, weight * mine, score * mine, weight * (1 - mine), score * (1 - mine)], axis=1)  # fmt: skip


def _apart(sums: Floats, _: Mapping[str, Any]) -> Floats:
    _, n, s, m, r = np.moveaxis(sums[..., 0, :], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(s / n - r / m)


AGAINST_REST: Final = Estimator("against_the_rest", _sides, _apart)
"""Mean of the group named in the option `group` minus the mean of all other groups."""
