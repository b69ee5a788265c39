"""Search for an object by going to frontiers, nearest first or with votes on what was seen.

Frontier-based exploration with the heuristic of Shah et al. 2023 (arXiv:2310.10103):

    h(f) = w_p s+ - w_n s- - distance(robot, f)

with s+ and s- the shares of votes for searching and for avoiding the cluster of objects nearest to
frontier f, as long as it is within a radius. Without weights it is plain nearest-frontier search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from plumbline.core.errors import BadInput
from plumbline.data.room_maps import RoomMap

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SIGHT: Final = 4  # cells, walked
Votes = Mapping[int, tuple[float, float]]  # room to (s+, s-)


@dataclass(frozen=True)
class Weights:
    """Steps that a full share of votes is worth, and how near a cluster must be to count.

    Attributes:
        positive: w_p.
        negative: w_n.
        radius: Largest walked distance between a frontier and its cluster.
    """

    positive: float = 10.0
    negative: float = 10.0
    radius: float = 3.0

    def __post_init__(self) -> None:
        if not (self.positive >= 0 and self.negative >= 0 and self.radius >= 0):
            raise BadInput(f"weights and radius are at least 0; got {self}")


NO_PRIOR: Final = Weights(0.0, 0.0)


class Search:
    """One search on one map: what was seen, where the robot is, how many steps it has gone."""

    def __init__(self, building: RoomMap) -> None:
        self.map = building
        cells = np.argwhere(building.free)
        number = np.full(building.free.shape, -1)
        number[building.free] = np.arange(len(cells))
        self._graph = _neighbours(number)
        self._rows, self._columns = self._graph.nonzero()
        self._reach = csgraph.dijkstra(self._graph, unweighted=True, limit=SIGHT) <= SIGHT
        self._room = building.room[building.free]
        self._objects = {int(number[cell]): name for cell, name in building.objects.items()}
        self._goal = int(number[building.goal_cell])
        self.known = np.zeros(len(cells), bool)
        self.path = [int(number[building.start])]
        self._look()

    @property
    def steps(self) -> int:
        """Steps gone so far."""
        return len(self.path) - 1

    @property
    def found(self) -> bool:
        """Whether the goal has been seen."""
        return bool(self.known[self._goal])

    def frontiers(self) -> Ints:
        """Seen cells beside a free cell that was not seen, in the map's order."""
        return np.flatnonzero(self.known & self._beside_unseen())

    def clusters(self, radius: float) -> dict[int, tuple[str, ...]]:
        """Room to the objects seen in it, for rooms whose objects are nearest to a frontier within the radius."""
        owner = self._owners(radius)
        rooms = sorted(set(owner.tolist()) - {-1})
        return {room: self._seen(room) for room in rooms}

    def advance(self, votes: Votes, weights: Weights) -> None:
        """Go to the best frontier, looking around at every step; stops where it is one no more.

        Raises:
            BadInput: No frontier is left, or the goal has been seen.
        """
        frontiers = self.frontiers()
        if self.found or not frontiers.size:
            raise BadInput("the search is over: the goal was seen, or no frontier is left")
        here = self.path[-1]
        away, before = csgraph.dijkstra(
            self._known_graph(), unweighted=True, indices=here, return_predecessors=True
        )
        value = -away[frontiers]
        if votes:
            owner = self._owners(weights.radius)
            value = value + [_bonus(votes.get(int(room)), weights) for room in owner]
        # argmax takes the first of equals: the map's order breaks ties in every arm alike.
        target = int(frontiers[np.argmax(value)])
        for step in _walk(before, here, target):
            self.path.append(step)
            self._look()
            if self.found or not self._beside_unseen()[target]:
                return

    def _beside_unseen(self) -> NDArray[np.bool_]:
        """Cells that share a side with a free cell that was not seen."""
        beside = np.zeros(self.known.size, bool)
        beside[self._rows[~self.known[self._columns]]] = True
        return beside

    def _look(self) -> None:
        self.known |= self._reach[self.path[-1]]

    def _seen(self, room: int) -> tuple[str, ...]:
        return tuple(n for c, n in self._objects.items() if self.known[c] and self._room[c] == room)

    def _known_graph(self) -> Any:
        """Adjacency among seen cells."""
        rows, columns = self._rows, self._columns
        seen = self.known[rows] & self.known[columns]
        ones = np.ones(int(seen.sum()))
        return sparse.csr_array((ones, (rows[seen], columns[seen])), shape=self._graph.shape)

    def _owners(self, radius: float) -> Ints:
        """Room of the seen object that is nearest to each frontier; -1 beyond the radius."""
        frontiers = self.frontiers()
        seen = np.array([c for c in self._objects if self.known[c]], np.int64)
        if not seen.size or not frontiers.size:
            return np.full(frontiers.size, -1)
        away, _, source = csgraph.dijkstra(
            self._known_graph(), unweighted=True, indices=seen, min_only=True,
            return_predecessors=True, limit=radius,
        )  # fmt: skip
        near = np.isfinite(away[frontiers])
        return np.where(near, self._room[np.where(near, source[frontiers], 0)], -1)


def _bonus(votes: tuple[float, float] | None, weights: Weights) -> float:
    if votes is None:
        return 0.0
    return weights.positive * votes[0] - weights.negative * votes[1]


def _neighbours(number: Ints) -> Any:
    """Sparse adjacency of free cells that share a side."""
    pairs = [
        (a[both], b[both])
        for a, b in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:]))
        for both in [(a >= 0) & (b >= 0)]
    ]
    rows, columns = (np.concatenate(side) for side in zip(*pairs, strict=True))
    size = int(number.max()) + 1
    half = sparse.coo_array((np.ones(rows.size), (rows, columns)), shape=(size, size))
    return (half + half.T).tocsr()


def _walk(before: Ints, here: int, target: int) -> list[int]:
    """Cells from the next one to the target, by predecessors."""
    path = [target]
    while path[-1] != here:
        path.append(int(before[path[-1]]))
    return path[-2::-1]


def shares(votes: Sequence[Sequence[int]], clusters: int) -> Floats:
    """Share of votes that name each cluster; votes outside 0..clusters-1 name nothing and count.

    Args:
        votes: The clusters that each vote names.
        clusters: How many there are.
    """
    if not votes:
        raise BadInput("no vote was cast; at least one is wanted")
    named = [i for vote in votes for i in set(vote) if 0 <= i < clusters]
    return np.bincount(np.array(named, np.int64), minlength=clusters) / len(votes)


Ask = Callable[[Search, dict[int, tuple[str, ...]]], Votes]


def search(building: RoomMap, ask: Ask | None, weights: Weights) -> Search:
    """A whole search with votes from a function; None asks nobody."""
    one = Search(building)
    while not one.found and one.frontiers().size:
        there = one.clusters(weights.radius)
        one.advance(ask(one, there) if ask is not None and len(there) > 1 else {}, weights)
    return one
