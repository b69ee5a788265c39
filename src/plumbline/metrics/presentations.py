"""Items shown in several orders: which contents and labels stand where, and what an answer then names.

Three ways of moving keep apart what a preference for "the first option" may be made of (cards S044, S048,
S093, S117): `contents` move under fixed labels (a place keeps its label, so letter and place act
together), `labels` move while the contents stay (the letter alone), or `both` move together (every
content keeps its letter: the place alone).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.exchange import reordered
from plumbline.core.questions import Prompt
from plumbline.data.perturb import order as orders
from plumbline.data.perturb.labels import relabelled

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
T = TypeVar("T")
SCHEMES: Final = ("swap", "rotation", "permutation", "shuffle")
MOVES: Final = ("contents", "labels", "both")
NOTHING: Final = -1


def every(item: Ints, flags: NDArray[Any]) -> Flags:
    """By item: the flag holds in all of its rows; shape (items,)."""
    sizes = np.bincount(item)
    return np.asarray(np.bincount(item, weights=flags) == sizes)


@dataclass(frozen=True)
class Presentations:
    """One row a presentation; rows of an item stand side by side, or see `by_order`.

    Attributes:
        item: Index of the item.
        number: Number of the order within its item, from 0.
        size: The item's number of places.
        content: Which content (by its place in the item's own prompt) stands at each place; shape
            (rows, widest), -1 beyond the item's size.
        label: Which label (likewise) stands at each place.
    """

    item: Ints
    number: Ints
    size: Ints
    content: Ints
    label: Ints

    @classmethod
    def of(
        cls, sizes: Sequence[int], scheme: str, *, moves: str = "contents", draws: int = 1,
        streams: Callable[[int], np.random.Generator] | None = None,
    ) -> Presentations:  # fmt: skip
        """Items with these numbers of places under a scheme.

        Args:
            sizes: Places of each item.
            scheme: `swap` (as it came and reversed), `rotation` (every content at every place
                once), `permutation` (all orders), or `shuffle` (random ones).
            moves: `contents`, `labels` or `both`; see the module.
            draws: Shuffles an item.
            streams: Random stream of an item by its index, for `shuffle`: an item's orders must not
                depend on which items are asked with it.

        Raises:
            UnknownName: No such scheme or way of moving.
            BadInput: Shuffles without streams.
        """
        if scheme not in SCHEMES:
            raise UnknownName("scheme of orders", scheme, SCHEMES)
        if scheme == "shuffle":
            if streams is None:
                raise BadInput("shuffles draw from a random stream of each item; got none")
            given = [orders.shuffles(n, draws, rng=streams(i)) for i, n in enumerate(sizes)]
        else:
            one = {
                "swap": orders.swaps, "rotation": orders.rotations,
                "permutation": orders.permutations,
            }[scheme]  # fmt: skip
            known = {n: one(n) for n in set(sizes)}
            given = [known[n] for n in sizes]
        return cls.given(given, moves=moves)

    @classmethod
    def given(cls, found: Sequence[NDArray[Any]], *, moves: str = "contents") -> Presentations:
        """Items in these orders: for each item an array of shape (orders, places)."""
        if moves not in MOVES:
            raise UnknownName("way of moving", moves, MOVES)
        counts = [len(rows) for rows in found]
        sizes = np.array([rows.shape[1] for rows in found], np.int64)
        item = np.repeat(np.arange(len(found)), counts)
        number = np.arange(item.size) - np.repeat(np.cumsum(counts) - counts, counts)
        widest = int(sizes.max()) if sizes.size else 0
        moved = np.full((item.size, widest), NOTHING, np.int64)
        for size in set(sizes.tolist()):
            rows = [r for r in found if r.shape[1] == size]
            moved[sizes[item] == size, :size] = np.concatenate(rows)
        still = np.where(moved >= 0, np.arange(widest), NOTHING)
        return cls(
            item, number.astype(np.int64), sizes[item],
            still if moves == "labels" else moved, still if moves == "contents" else moved,
        )  # fmt: skip

    def __len__(self) -> int:
        return self.item.size

    def take(self, rows: NDArray[Any]) -> Presentations:
        """These rows, in this order."""
        return Presentations(
            self.item[rows], self.number[rows], self.size[rows], self.content[rows], self.label[rows]
        )  # fmt: skip

    def by_order(self) -> Presentations:
        """All items in their first order, then all in their second, and so on."""
        return self.take(np.lexsort((self.item, self.number)))

    def prompts(self, given: Sequence[Prompt], name: str) -> list[Prompt]:
        """The prompt of each row.

        Args:
            given: Each item's own prompt.
            name: The exchange set whose places are meant.
        """
        made = []
        rows = zip(self.item, self.size, self.content, self.label, strict=True)
        for i, size, content, label in rows:
            one = reordered(given[i], name, content[:size].tolist())
            here = label[:size].tolist()
            made.append(one if here == list(range(size)) else relabelled(one, name, here))
        return made

    def behind_labels(self, texts: Sequence[Sequence[T]]) -> list[tuple[T, ...]]:
        """What each label stands for in each row, in the labels' own order."""
        behind = np.take_along_axis(self.content, _inverse(self.label), axis=1)
        rows = zip(self.item, self.size, behind, strict=True)
        return [tuple(texts[i][k] for k in row[:size]) for i, size, row in rows]

    def place_of(self, chosen: NDArray[Any]) -> Ints:
        """Place of the chosen label in each row; -1 (none chosen, or no label of a place) stays -1."""
        return _picked(_inverse(self.label), chosen, self.size)

    def content_of(self, chosen: NDArray[Any]) -> Ints:
        """Content behind the chosen label in each row; -1 likewise."""
        return _picked(self.content, self.place_of(chosen), self.size)

    def place_with(self, content: NDArray[Any]) -> Ints:
        """Place at which a content (one an item) stands in each row."""
        return self.place_with_row(np.asarray(content)[self.item])

    def place_with_row(self, content: NDArray[Any]) -> Ints:
        """Place at which a content (one a row) stands; -1 for none."""
        return _picked(_inverse(self.content), content, self.size)

    def table(self, values: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Values of the rows by item and order; shape (items, most orders), `fill` where there is none."""
        items, most = (int(a.max()) + 1 if a.size else 0 for a in (self.item, self.number))
        made = np.full((items, most), fill, dtype=np.asarray(values).dtype)
        made[self.item, self.number] = values
        return made

    def whole(self, answered: Flags) -> Flags:
        """By item: all of its orders were answered."""
        return every(self.item, answered)

    def consistent(self, named: NDArray[Any]) -> Flags:
        """By item: all orders name the same (a content, a tie)."""
        first = np.zeros(int(self.item.max()) + 1, np.asarray(named).dtype)
        first[self.item[self.number == 0]] = named[self.number == 0]
        return every(self.item, named == first[self.item])

    def shares(self, index: NDArray[Any], rows: Flags) -> NDArray[np.float64]:
        """Share of these rows' answers at each index (a place, a label, a content)."""
        counted = np.bincount(index[rows & (index >= 0)], minlength=self.content.shape[1])
        return np.asarray(counted / max(int(rows.sum()), 1))


def _inverse(table: Ints) -> Ints:
    """`_inverse(content)[row, c]` is the place of content c; columns beyond an item's size come last."""
    beyond = np.where(table < 0, table.shape[1], table)
    return np.argsort(beyond, axis=1, kind="stable").astype(np.int64)


def _picked(table: Ints, index: NDArray[Any], size: Ints) -> Ints:
    """One entry a row; -1 where the index is none of the item's."""
    index = np.asarray(index, np.int64)
    fits = (index >= 0) & (index < size)
    taken = np.take_along_axis(table, np.where(fits, index, 0)[:, None], axis=1)[:, 0]
    return np.where(fits, taken, NOTHING)
