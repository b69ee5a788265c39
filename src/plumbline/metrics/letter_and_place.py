"""What part of a preference among options is the letter's and what part the place's: `label_position`'s kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.scored import Items
from plumbline.stats.estimators import Estimator, item_weights

Floats = NDArray[np.float64]
SCHEMES: Final = ("contents", "labels", "both")
"""Letter and place together, the letter alone, the place alone; see `presentations`."""


def excess(
    item: NDArray[np.int64], index: NDArray[Any], size: NDArray[np.int64], widest: int
) -> Floats:
    """By item: share of its rows at each index, minus an equal share; shape (items, widest).

    Args:
        item: Item of each row; ascending, all orders of it.
        index: Letter or place chosen in each row.
        size: Number of options of each row.
        widest: Most options.
    """
    items = int(item.max()) + 1
    options = np.zeros(items, np.int64)
    options[item] = size
    at = (np.arange(widest) == index[:, None]).astype(float)
    shares = np.zeros((items, widest))
    np.add.at(shares, item, at)
    rows = np.bincount(item, minlength=items)
    equal = np.where(np.arange(widest) < options[:, None], 1 / options[:, None], 0.0)
    return shares / rows[:, None] - equal


def column(scheme: str, index: int) -> str:
    """Name of the column that holds an item's excess at an index."""
    return f"{scheme} {index}"


def crossed(one: Floats, two: Floats) -> float:
    """Inner product of two mean vectors without the products of an item with itself.

    Noise of an item that both share would otherwise count as preference.
    """
    n = len(one)
    return float((one.sum(0) @ two.sum(0) - (one * two).sum()) / (n * (n - 1)))


def strength(together: Floats) -> float:
    """Length of the preference when letter and place act together; 0 where it is noise."""
    return float(np.sqrt(max(crossed(together, together), 0.0)))


def _features(items: Items, options: Mapping[str, Any]) -> Floats:
    """Weight; each scheme's excess; products of the joint one with the letter's and the place's."""
    widest = int(options["widest"])
    joint, letter, place = (
        np.stack([items[column(scheme, j)].astype(float) for j in range(widest)], axis=1) for scheme in SCHEMES
    )  # fmt: skip
    products = np.stack([(joint * letter).sum(1), (joint * place).sum(1)], axis=1)
    made = np.concatenate([np.ones((len(items), 1)), joint, letter, place, products], axis=1)
    return np.asarray(item_weights(items)[:, None] * made)


def _part(which: int) -> Any:
    def value(sums: Floats, options: Mapping[str, Any]) -> Floats:
        widest = int(options["widest"])
        row = sums[..., 0, :]
        joint, letter, place = (row[..., 1 + i * widest : 1 + (i + 1) * widest] for i in range(3))
        along = np.stack(
            [(joint * letter).sum(-1) - row[..., -2], (joint * place).sum(-1) - row[..., -1]], axis=-1
        )  # fmt: skip
        total = along.sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(total > 0, along[..., which] / total, np.nan)

    return value


LETTER_PART: Final = Estimator("letter_part", _features, _part(0))
PLACE_PART: Final = Estimator("place_part", _features, _part(1))
