"""Self-preference as a contrast of cell means: the kernel of `self_preference` and `peer_examination`.

A cell is one judge and one judged thing: a system (ratings), or two systems side by side (verdicts). Every
form but the gain form is linear, so it is kept as weights, shape (judges, judges, things): row i holds
what judge i's self-preference takes of each cell.

Double difference: Bai et al. 2023, arXiv:2306.04181, peer examination (the formula is inferred); residual
of a regression: after Chu et al. 2024, arXiv:2401.15641.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def strangers(own: Flags) -> Flags:
    """Which judges may stand for the others: (i, k), k owns nothing of what i owns; never i itself.

    Args:
        own: (judges, systems), the systems of each judge or of its family.
    """
    shared = own.astype(int) @ own.T.astype(int) > 0
    np.fill_diagonal(shared, True)
    return np.asarray(~shared)


def double_difference(present: Flags, own: Flags) -> Floats:
    """B_i = (own - other systems) by judge i, minus the same by the other judges (as S078 writes it).

    The other judges' ratings of *their* own systems are part of the last mean, so that a lean b that all n
    judges share comes out as b n / (n - 1).

    Args:
        present: (judges, things), cells that have a rating.
        own: (judges, things), cells that are the judge's own.

    Returns:
        Weights (judges, judges, things); NaN in the row of a judge that lacks a cell.
    """
    peers = strangers(own)
    weights = np.full((*present.shape[:1], *present.shape), np.nan)
    for i in range(len(present)):
        mine, theirs = present[i] & own[i], present[i] & ~own[i]
        by = present & peers[i][:, None]
        parts = [(1.0, _mean(_only(mine, i, present.shape))), (-1.0, _mean(_only(theirs, i, present.shape))),
                 (-1.0, _mean(by & own[i])), (1.0, _mean(by & ~own[i]))]  # fmt: skip
        if own[i].any() and all(part is not None for _, part in parts):
            weights[i] = sum(sign * part for sign, part in parts if part is not None)
    return weights


def additive_residual(present: Flags, own: Flags) -> Floats:
    """What judge i gives its own systems beyond leniency + quality, fitted where nobody owns anything.

    Least squares of cell = judge + thing over the cells that are nobody's own; the residual of the own
    cells, averaged. Where a judge alone leans it estimates what the double difference does; a
    lean that all share comes out as itself.

    Returns:
        Weights (judges, judges, things); NaN for a judge whose own cells the fit cannot reach.
    """
    judges, things = present.shape
    rows, columns = np.nonzero(present & ~own)
    design = np.zeros((rows.size, judges + things))
    design[np.arange(rows.size), rows] = 1.0
    design[np.arange(rows.size), judges + columns] = 1.0
    inverse = np.linalg.pinv(design, rcond=1e-10)
    reach = inverse @ design  # projects on what the fit can estimate
    weights = np.full((judges, judges, things), np.nan)
    for i in range(judges):
        mine = np.flatnonzero(present[i] & own[i])
        aim = np.zeros(judges + things)
        aim[i] = 1.0
        aim[judges + mine] = 1.0 / max(mine.size, 1)
        if mine.size and np.allclose(aim @ reach, aim, atol=1e-8):
            weights[i] = 0.0
            weights[i, rows, columns] = -(aim @ inverse)
            weights[i, i, mine] = 1.0 / mine.size
    return weights


def against_peers(present: Flags, own: Flags) -> Floats:
    """What judge i says of its own things, minus what the judges who do not own them say of them.

    Enough where a judge's leniency is nothing, as with ranks.

    Returns:
        Weights (judges, judges, things); NaN for a judge without an own cell that a peer has judged.
    """
    peers = strangers(own)
    weights = np.full((*present.shape[:1], *present.shape), np.nan)
    for i in range(len(present)):
        others = present & peers[i][:, None] & ~own
        mine = np.flatnonzero(present[i] & own[i] & others.any(axis=0))
        if mine.size:
            weights[i] = 0.0
            weights[i, i, mine] = 1.0 / mine.size
            weights[i][:, mine] -= others[:, mine] / others[:, mine].sum(axis=0) / mine.size
    return weights


def against_strangers(present: Flags, stake: NDArray[Any]) -> Floats:
    """Of verdicts on two systems: judge i's share for its own side, minus that of judges without a stake.

    Leniency has no meaning where one wins what the other loses, and the pair's quality is what
    judges say of it who own neither side.

    Args:
        present: (judges, pairs), pairs with verdicts; a cell is the share for the pair's first side.
        stake: (judges, pairs), +1 where the first side is the judge's own, -1 the second, 0 neither (or both).

    Returns:
        Weights (judges, judges, pairs) over shares from which 1/2 is taken; NaN for a judge without own pairs.
    """
    free = (stake == 0) & present
    weights = np.full((*present.shape[:1], *present.shape), np.nan)
    for i in range(len(present)):
        pairs = np.flatnonzero(present[i] & (stake[i] != 0) & free.any(axis=0))
        if pairs.size:
            weights[i] = 0.0
            sign = stake[i, pairs] / pairs.size
            weights[i, i, pairs] = sign
            weights[i][:, pairs] -= sign * free[:, pairs] / free[:, pairs].sum(axis=0)
    return weights


def gain_residual(means: Floats, panel: Floats, own: NDArray[Any], used: Flags, *, through: bool) -> Floats:  # fmt: skip
    """Residual of a judge's own cells from its line on the panel: judges' gains may differ.

    Args:
        means: (..., judges, things), NaN where there is none.
        panel: (..., judges, things): what the others say of each thing, for each judge.
        own: (judges, things): 1 (or a sign) at own cells, 0 elsewhere.
        used: (judges, things): cells that the line is fitted to.
        through: The line goes through 0 (shares minus 1/2), else it has an intercept.

    Returns:
        (..., judges); NaN where the panel does not vary over fewer than two cells.
    """
    x, y = np.where(used, panel, 0.0), np.where(used, means, 0.0)
    n = used.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mx, my = (0.0, 0.0) if through else (x.sum(axis=-1) / n, y.sum(axis=-1) / n)
        dx, dy = (np.where(used, v - np.asarray(m)[..., None], 0.0) for v, m in ((x, mx), (y, my)))
        spread = (dx * dx).sum(axis=-1)
        gain = np.where((spread > 0) & (n > 1), (dx * dy).sum(axis=-1) / spread, np.nan)
        line = np.asarray(my)[..., None] + gain[..., None] * (panel - np.asarray(mx)[..., None])
        left = np.where(own != 0, own * (means - line), 0.0)
        return np.asarray(left.sum(axis=-1) / (own != 0).sum(axis=-1))


def panel_of(present: Flags, own: Flags) -> Floats:
    """Weights (judges, things, judges, things): what judge i's strangers say of each thing, leniency apart.

    The thing's effect in an additive fit to the strangers' cells that are nobody's own: their plain mean,
    where all of them rate everything and own nothing. NaN where the fit cannot reach.
    """
    judges, things = present.shape
    peers = strangers(own)
    weights = np.full((judges, things, judges, things), np.nan)
    for i in range(judges):
        rows, columns = np.nonzero(present & ~own & peers[i][:, None])
        if not rows.size:
            continue
        who = np.unique(rows)
        design = np.zeros((rows.size, judges + things))
        design[np.arange(rows.size), rows] = 1.0
        design[np.arange(rows.size), judges + columns] = 1.0
        inverse = np.linalg.pinv(design, rcond=1e-10)
        for thing in range(things):
            aim = np.zeros(judges + things)
            aim[who] = 1.0 / who.size
            aim[judges + thing] = 1.0
            if np.allclose(aim @ inverse @ design, aim, atol=1e-8):
                weights[i, thing] = 0.0
                weights[i, thing, rows, columns] = aim @ inverse
    return weights


def _only(flags: Flags, row: int, shape: tuple[int, ...]) -> Flags:
    found = np.zeros(shape, bool)
    found[row] = flags
    return found


def _mean(cells: Flags) -> Floats | None:
    """Weights of the plain mean over these cells, None where there are none."""
    count = int(cells.sum())
    return cells / count if count else None
