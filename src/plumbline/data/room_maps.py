"""Maps of rooms with objects, drawn from a table of rooms and objects: where a prior can help.

Rooms lie on both sides of a corridor and open into it, some into each other too. An object mostly stands
in its own room, and the goal always does, so that a look through the door says whether the goal may
be there. Most rooms are dead ends: passing one by costs nothing if it is the wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from plumbline.core.errors import BadInput
from plumbline.data.toml_rows import Fields, each_once, read_toml

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


COLUMNS: Final = 4  # rooms on either side of the corridor
SIZE: Final = 7  # cells along a room
WIDTH: Final = 2  # cells across the corridor
OBJECTS: Final = 8  # objects of a room
STRAYS: Final = 0.15  # chance that an object belongs to another room
MORE_DOORS: Final = 0.2  # chance of a door between neighbours on one side


@dataclass(frozen=True)
class RoomMap:
    """A building.

    Attributes:
        free: Cells that are no wall, shape (H, W).
        room: Number of each cell's room, -1 for walls and doors, shape (H, W).
        kinds: Kind of each room, by number.
        objects: Cell (row, column) to the object that stands there, the goal among them.
        goal: The object that is looked for; it stands once.
        start: Where the search begins, in another room than the goal's.
    """

    free: NDArray[np.bool_]
    room: NDArray[np.int64]
    kinds: tuple[str, ...]
    objects: dict[tuple[int, int], str]
    goal: str
    start: tuple[int, int]

    @property
    def goal_cell(self) -> tuple[int, int]:
        """Where the goal stands."""
        return next(cell for cell, name in self.objects.items() if name == self.goal)


@cache
def rooms() -> dict[str, tuple[str, ...]]:
    """Kind of room to its objects; an object belongs to one kind."""
    source = files("plumbline.data.templates").joinpath("room_objects.toml")
    top = Fields(read_toml(source), "the shipped rooms")
    top.mark("id", "title", "note")
    found = {}
    for row in top.rows("rooms"):
        found[row.text("id")] = row.texts("objects")
        row.no_others()
    top.no_others()
    each_once((o for objects in found.values() for o in objects), "the shipped rooms: object")
    return found


def room_of(thing: str) -> str:
    """The kind of room that an object belongs to.

    Raises:
        BadInput: No such object.
    """
    for kind, objects in rooms().items():
        if thing in objects:
            return kind
    raise BadInput(f"no object {thing!r} in the table of rooms")


def draw_map(rng: np.random.Generator) -> RoomMap:
    """One building."""
    import numpy as np

    kinds = tuple(rng.permutation(list(rooms()))[: 2 * COLUMNS].tolist())
    free, room = _walls(rng)
    goal_room = int(rng.integers(len(kinds)))
    goal = str(rng.choice(rooms()[kinds[goal_room]]))
    objects: dict[tuple[int, int], str] = {}
    for number, kind in enumerate(kinds):
        names = _names(rng, kind, goal, count=OBJECTS - (number == goal_room))
        names += [goal] if number == goal_room else []
        cells = np.argwhere(room == number)
        for cell, name in zip(rng.permutation(cells), names, strict=False):
            objects[int(cell[0]), int(cell[1])] = name
    other = [n for n in range(len(kinds)) if n != goal_room]
    start = rng.permutation(np.argwhere(room == rng.choice(other)))[0]
    return RoomMap(free, room, kinds, objects, goal, (int(start[0]), int(start[1])))


def _names(rng: np.random.Generator, kind: str, goal: str, *, count: int) -> list[str]:
    """Objects of a room without the goal, each from another kind of room with chance `STRAYS`."""
    table = rooms()
    own = [o for o in rng.permutation(table[kind]).tolist() if o != goal]
    foreign = [o for k, objects in table.items() if k != kind for o in objects if o != goal]
    return [
        str(rng.choice(foreign)) if rng.random() < STRAYS else own[i % len(own)]
        for i in range(count)
    ]


def _walls(rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Free cells and rooms: two rows of rooms, a corridor between them, and doors."""
    import numpy as np

    pitch = SIZE + 1
    free = np.zeros((2 * pitch + WIDTH + 2, COLUMNS * pitch + 1), bool)
    room = np.full(free.shape, -1)
    free[pitch + 1 : pitch + 1 + WIDTH, 1:-1] = True
    for number in range(2 * COLUMNS):
        side, column = divmod(number, COLUMNS)
        r, c = 1 + side * (pitch + WIDTH + 1), 1 + pitch * column
        free[r : r + SIZE, c : c + SIZE] = True
        room[r : r + SIZE, c : c + SIZE] = number
        free[pitch + side * (WIDTH + 1), c + int(rng.integers(SIZE))] = True
        if column and rng.random() < MORE_DOORS:
            free[r + int(rng.integers(SIZE)), c - 1] = True
    return free, room
