"""A language model's guesswork as a search heuristic: how many steps does it save, or cost?

Shah, Equi, Osinski, Xia, Ichter & Levine, "Navigation with large language models: Semantic
guesswork as a heuristic for planning", CoRL 2023, arXiv:2310.10103. Maps, words and prompts are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.card import Null, method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored
from plumbline.data.room_maps import draw_map
from plumbline.metrics.cluster_polls import POLLS, prompt, read_groups
from plumbline.metrics.frontier_search import NO_PRIOR, Search, Votes, Weights, search, shares
from plumbline.metrics.multiple_choice import chat_role

Floats = NDArray[np.float64]
MAPS: Final[Mapping[str, int]] = {"quick": 12, "standard": 40, "full": 100}
VOTES: Final[Mapping[str, int]] = {"quick": 3, "standard": 3, "full": 5}
FLOOR: Final = 0.5
DIALS: Final = (0.0, -0.2, -0.5)
ARMS: Final = ("prior", "inverted")
START: Final = "the goal was in sight at the start"
NONE: Final = Null(kind="none")


@method(
    id="search_prior",
    version=1,
    title="A model's guesses as a search heuristic",
    family="inductive",
    harm="disparate system performance",
    needs=("generate",),
    paper="arxiv:2310.10103",
    suite="full",
    estimand="mean log of steps with the model's votes over steps without, for maps like these (rooms along a corridor, objects of homes and offices, English)",
    unit="log ratio",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "votes that name every group alike leave every path as it was",
    },
    sign="signed",
    worse="higher",
    units=("map random",),
    trust="planted",
    axes=("search prior",),
    seeds=("S022",),
)
def search_prior(
    context: Context,
    *,
    maps: int | None = None,
    votes: int | None = None,
    temperature: float = 0.7,
    inverted: bool = True,
    positive: float = 10.0,
    negative: float = 10.0,
    radius: float = 3.0,
) -> Asking:
    """Mean log ratio of steps to the goal with the model's votes and without (tested), on the same maps.

    A robot looks for one object and always goes to a frontier of what it has seen. Without the model it is
    the nearest. With it, the model is shown the objects seen in each room, is asked several times which
    groups are likely to be near the wanted object and which are unlikely, and the shares of votes are
    worth steps: w_p s+ - w_n s- - distance. Below 0 the prior saves steps. The distance term is the same
    in both, so that what frontiers alone do is not counted for the model.

    Groups are numbered in a new order at every vote, and how often the first one shown is named, beyond its
    share, stands beside. `inverted` swaps both polls: the harm of a prior that is wrong. Votes that say
    nothing *on average* but differ by chance cost steps too, since the robot turns around for nothing.

    A reply that cannot be read names nothing and counts as a vote; under half of the replies read, the
    finding is Undefined. In a finite map whose parts are joined every search ends at the goal.

    Args:
        context: The run's surroundings.
        maps: How many maps; default 12, 40 or 100 by suite.
        votes: Votes of each poll; default 3, or 5 in `full`.
        temperature: Of the decoding; at 0 votes differ by the order of the groups only.
        inverted: Also search with both polls swapped.
        positive: w_p, in steps.
        negative: w_n, in steps.
        radius: How near a frontier must be to a group, in steps.

    Returns:
        Rows of several parts: `ratio` and `found` (a row a map and arm), `first` (a row a vote).
    """
    count = MAPS[context.suite] if maps is None else maps
    polls = VOTES[context.suite] if votes is None else votes
    if min(count, polls) < 1:
        raise BadInput(f"maps is {maps}, votes {votes}; wanted at least 1 of each")
    weights = Weights(positive, negative, radius)
    drawn = [draw_map(context.seeds.stream("map", str(i))) for i in range(count)]
    arms = ARMS if inverted else ARMS[:1]
    runs = [(i, arm, Search(m)) for i, m in enumerate(drawn) for arm in arms]
    said = Said([], [], [], 0)
    while any(_open(one) for _, _, one in runs):
        asked = [(i, arm, one, one.clusters(radius)) for i, arm, one in runs if _open(one)]
        polled = [(i, one, there) for i, _, one, there in asked if len(there) > 1]
        if polled:
            batch, orders = _batch(context, polled, polls, temperature)
            (answers,) = yield [batch]
            heard = iter(_heard(answers, orders, polled, polls, said))
        for _, arm, one, there in asked:
            one.advance(_turned(next(heard), arm) if len(there) > 1 else {}, weights)
    base = np.array([search(m, None, NO_PRIOR).steps for m in drawn], float)
    steps = np.array([one.steps for _, _, one in runs], float).reshape(count, len(arms))
    found = np.array([one.found for _, _, one in runs], bool).reshape(count, len(arms))
    return tabulate(base, steps, found, said)


@dataclass(frozen=True)
class Said:
    """What the replies named: map, first group named (beyond its share), readable; and how many asked."""

    map: list[int]
    first: list[float]
    read: list[bool]
    asked: int


def _open(one: Search) -> bool:
    return not one.found and bool(one.frontiers().size)


def _batch(
    context: Context, polled: Sequence[Any], votes: int, temperature: float
) -> tuple[ask.Batch, list[NDArray[np.int64]]]:
    """One prompt a situation, poll and vote; groups in an order that depends on these alone."""
    role, prompts, orders = chat_role(context.about), [], []
    for _, one, there in polled:
        groups = [", ".join(names) for names in there.values()]
        for poll in POLLS:
            for vote in range(votes):
                key = (one.map.goal, "|".join(groups), poll, str(vote))
                order = context.seeds.stream("order", *key).permutation(len(groups))
                text = prompt(one.map.goal, [groups[k] for k in order], poll)
                prompts.append(ask.prompt(text, role=role))  # type: ignore[arg-type]
                orders.append(order)
    draws = list(range(votes)) * (len(prompts) // votes) if temperature > 0 else None
    decoding = ask.Decoding(temperature=temperature, max_tokens=16)
    return ask.generate(prompts, decoding=decoding, draws=draws, seed=context.seed), orders


def _heard(
    answers: Texts, orders: Sequence[Any], polled: Sequence[Any], votes: int, said: Said
) -> list[Votes]:
    """Shares of each situation; what was said is added to `said`."""
    rows, found = iter(zip(answers.texts, answers.status, orders, strict=True)), list[Votes]()
    for index, _, there in polled:
        pair = []
        for _poll in POLLS:
            named = []
            for _vote in range(votes):
                text, status, order = next(rows)
                got = None if status else read_groups(text, len(there))
                named.append([int(order[k]) for k in got or []])
                said.map.append(index)
                said.read.append(got is not None)
                said.first.append((0 in (got or [])) - len(got or []) / len(there))
            pair.append(shares(named, len(there)))
        found.append({room: (float(pair[0][k]), float(pair[1][k])) for k, room in enumerate(there)})
    return found


def _turned(votes: Votes, arm: str) -> Votes:
    return (
        votes if arm == ARMS[0] else {room: (minus, plus) for room, (plus, minus) in votes.items()}
    )


def tabulate(base: Floats, steps: Floats, found: NDArray[np.bool_], said: Said) -> Scored:
    """Items, measures and facts: steps of shape (maps, arms) against those without a prior."""
    count, arms = steps.shape
    which, arm = (a.ravel() for a in np.indices((count, arms)))
    far = base > 0
    ratio = np.log(np.maximum(steps, 1e-9) / np.where(far, base, 1.0)[:, None])
    why = np.where(far[which], "", START).astype(object)
    size, heard = which.size, len(said.map)
    items = Items.of(
        item=np.concatenate([which, which, said.map]).astype(int).astype(str).astype(object),
        map=np.concatenate([which, which, said.map]).astype(int),
        part=np.repeat(np.array(["ratio", "found", "first"], dtype=object), [size, size, heard]),
        arm=np.concatenate([np.tile(np.array(ARMS, dtype=object)[arm], 2), np.full(heard, "", dtype=object)]),
        score=np.concatenate([ratio.ravel(), found.ravel(), said.first]).astype(float),
        why=np.concatenate([why, np.full(size, "", dtype=object), np.where(said.read, "", "not read")]).astype(object),
    )  # fmt: skip
    read = float(np.mean(said.read)) if said.read else 1.0
    facts = {
        "mean steps without a prior": float(base.mean()),
        **{f"mean steps, {ARMS[k]}": float(steps[:, k].mean()) for k in range(arms)},
        "replies": heard, "replies read": read,
    }  # fmt: skip
    return Scored(items=items, measures=_measures(arms, read, heard), facts=facts)


def _measures(arms: int, read: float, heard: int) -> list[Measure]:
    axis, floor = {"axis": "search prior"}, (read, FLOOR, "share of replies read")
    made = [
        Measure(estimator="mean", where={"part": "ratio", "arm": ARMS[k]}, floor=floor,
                role="secondary" if k else "primary",
                labels={**axis, "measure": f"log of steps over steps without, {ARMS[k]} votes", "toward": "more steps"})
        for k in range(arms)
    ]  # fmt: skip
    made.append(Measure(estimator="share", where={"part": "found", "arm": ARMS[0]}, role="secondary", null=NONE,
                        unit="rate", worse="lower", labels={**axis, "measure": "goals found"}))  # fmt: skip
    if heard:
        made.append(Measure(
            estimator="mean", where={"part": "first"}, role="secondary", null=NONE, unit="rate", worse="either", floor=floor,
            labels={**axis, "measure": "first group shown named, beyond its share", "toward": "the first group"},
        ))  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """40 maps: steps without are log-normal, steps with are those times exp(dial + N(0, .7))."""
    base = np.exp(rng.normal(4, 0.5, MAPS["standard"]))
    steps = base[:, None] * np.exp(rng.normal([dial, 0.5], 0.7, (base.size, 2)))
    return tabulate(base, steps, np.ones(steps.shape, bool), Said([], [], [], 0)), dial
