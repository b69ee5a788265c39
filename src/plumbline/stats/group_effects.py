"""Effects of several attributes on a score at once, inside blocks: least squares, errors by block.

score = block + sum over attributes of the level's effect; effects of an attribute sum to 0. Cluster-robust
covariance with the factor G / (G - 1) * (n - 1) / (n - k), blocks counted in k (Cameron & Miller 2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as ss

from plumbline.core.errors import BadInput
from plumbline.stats.arrays import Floats, Integers, codes, fraction, vector
from plumbline.stats.undefined import UndefinedStatistic


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of one attribute.

    Attributes:
        levels: Names.
        value, low, high: One a level; they sum to 0.
        f, p: Wald test that all are 0, F(levels - 1, blocks - 1).
    """

    levels: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats
    f: float
    p: float

    @property
    def range(self) -> float:
        """Largest minus smallest effect."""
        return float(np.ptp(self.value))


def group_effects(
    score: ArrayLike,
    blocks: ArrayLike,
    attributes: Mapping[str, ArrayLike],
    *,
    level: float = 0.95,
) -> dict[str, Effects]:
    """Effects of every attribute, each with the others held.

    Args:
        score: (n,).
        blocks: (n,) labels; each block has a level of its own and is a cluster.
        attributes: Name to (n,) labels.
        level: Confidence level of single effects, Student's t with blocks - 1.

    Raises:
        BadInput: No attribute.
        UndefinedStatistic: An attribute with one level, attributes that cannot be told apart, or too
            few blocks.
    """
    y = vector(score, "score")
    block = codes(blocks, "blocks", length=y.size)
    if not attributes:
        raise BadInput("no attribute whose effect could be told")
    names, columns = zip(*(_coded(k, v, y.size) for k, v in attributes.items()), strict=True)
    x = _inside(np.column_stack(columns), block)
    count, width = int(block.max()) + 1, x.shape[1]
    if np.linalg.matrix_rank(x, tol=1e-9) < width:
        raise UndefinedStatistic("these attributes cannot be told apart inside the blocks")
    if count <= width or y.size <= count + width:
        raise UndefinedStatistic(f"{count} blocks and {y.size} scores for {width} effects: too few")
    target = _inside(y[:, None], block)[:, 0]
    fitted: Floats = np.asarray(np.linalg.lstsq(x, target, rcond=None)[0], np.float64)
    covariance = _covariance(x, target - x @ fitted, block)
    t = float(ss.t.ppf(0.5 + fraction(level, "level") / 2, count - 1))
    made, start = {}, 0
    for name, levels in zip(attributes, names, strict=True):
        part = slice(start, start + len(levels) - 1)
        made[name] = _effects(levels, fitted[part], covariance[part, part], t=t, df=count - 1)
        start = part.stop
    return made


def _coded(name: str, labels: ArrayLike, length: int) -> tuple[tuple[str, ...], Floats]:
    """Levels, and sum-coded columns: 1 for the level, -1 for the last one."""
    code = codes(labels, name, length=length)
    levels = tuple(np.unique(np.asarray(labels).astype(str)).tolist())
    if len(levels) < 2:
        raise UndefinedStatistic(f"attribute {name!r} has one level")
    full = np.eye(len(levels))[code]
    return levels, full[:, :-1] - full[:, -1:]


def _inside(columns: Floats, block: Integers) -> Floats:
    """Columns minus their means by block."""
    size = np.bincount(block).astype(float)
    means = np.column_stack([np.bincount(block, c) / size for c in columns.T])
    return np.asarray(columns - means[block])


def _covariance(x: Floats, rest: Floats, block: Integers) -> Floats:
    count, (n, width) = int(block.max()) + 1, x.shape
    inverse = np.linalg.inv(x.T @ x)
    sums = np.column_stack([np.bincount(block, c, minlength=count) for c in (x * rest[:, None]).T])
    factor = count / (count - 1) * (n - 1) / (n - width - count)
    return np.asarray(factor * inverse @ (sums.T @ sums) @ inverse)


def _effects(levels: tuple[str, ...], fitted: Floats, covariance: Floats, *, t: float, df: int) -> Effects:  # fmt: skip
    spread = np.vstack([np.eye(fitted.size), -np.ones(fitted.size)])
    value = spread @ fitted
    half = t * np.sqrt(np.diag(spread @ covariance @ spread.T))
    if half.max() <= 1e-12 * max(1.0, float(np.abs(value).max())):
        return Effects(
            levels, value, value, value, np.inf, 0.0
        )  # no residual: nothing to test against
    f = float(fitted @ np.linalg.solve(covariance, fitted)) / fitted.size
    return Effects(levels, value, value - half, value + half, f, float(ss.f.sf(f, fitted.size, df)))
