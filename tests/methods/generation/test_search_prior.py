"""Votes as a search heuristic: every check of card S022, planner, maps, planted scouts."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.errors import BadInput
from plumbline.core.results import Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data import room_maps
from plumbline.metrics import frontier_search as kernel
from plumbline.metrics.cluster_polls import read_groups
from plumbline.metrics.generation import search_prior as method
from plumbline.stats.infer import infer
from plumbline.testing import PlantedScout

WEIGHTS = kernel.Weights()


def maps(count: int, stream: int = 22) -> list[room_maps.RoomMap]:
    """Maps of a stream."""
    return [room_maps.draw_map(np.random.default_rng([stream, i])) for i in range(count)]


def table(scout: PlantedScout, seed: int, votes: int = 5):
    """A table as language model: polls answered without prompts, at random with chance `guesses`."""
    rng = np.random.default_rng(seed)

    def ask(one, there):
        groups, found = [list(names) for names in there.values()], []
        for likely in (True, False):
            known = scout.named(one.map.goal, groups, likely=likely)
            cast = [
                [int(rng.integers(len(groups)))] if rng.random() < scout.guesses else known
                for _ in range(votes)
            ]
            found.append(kernel.shares(cast, len(groups)))
        return {room: (found[0][k], found[1][k]) for k, room in enumerate(there)}

    return ask


def steps(buildings, scout: PlantedScout | None, weights=WEIGHTS) -> np.ndarray:
    """Steps to the goal on each map; every search ends at it."""
    asked = [None if scout is None else table(scout, k) for k in range(len(buildings))]
    done = [kernel.search(m, a, weights) for m, a in zip(buildings, asked, strict=True)]
    assert all(one.found for one in done)
    return np.array([one.steps for one in done])


@pytest.fixture(scope="module")
def two_hundred():
    """200 maps with their steps to the nearest frontier, a right prior and its inverse."""
    buildings = maps(200)
    return (
        buildings,
        steps(buildings, None, kernel.NO_PRIOR),
        steps(buildings, PlantedScout()),
        steps(buildings, PlantedScout(wrong=True)),
    )


def test_an_informative_prior_saves_steps(two_hundred):
    """S022 check 1: 200 maps: mean steps at least 15 % lower than nearest-frontier search, paired test."""
    _, base, right, _ = two_hundred
    assert right.mean() < 0.85 * base.mean()
    assert ss.wilcoxon(right, base, alternative="less").pvalue < 1e-6


def test_an_inverted_prior_costs_a_bounded_number_of_steps(two_hundred):
    """S022 check 2: inverted scores: more steps, success stays 100 %, and no path beats full coverage.

    Every leg between two frontiers is at most as long as the map has cells, and every leg's end shows a new cell.
    """
    buildings, base, _, wrong = two_hundred
    assert wrong.mean() > 1.15 * base.mean()
    cells = np.array([m.free.sum() for m in buildings])
    assert (wrong <= cells * (cells - 1)).all()
    # Far below that bound in fact: no search walks every cell three times.
    assert (wrong <= 3 * cells).all()


def test_without_weights_the_path_is_the_baselines():
    """S022 check 3: w_p = w_n = 0 gives exactly the baseline's trajectory, whatever is voted."""
    for building in maps(10, 5):
        plain = kernel.search(building, None, kernel.NO_PRIOR)
        voted = kernel.search(building, table(PlantedScout(wrong=True), 0), kernel.NO_PRIOR)
        silent = kernel.search(building, None, WEIGHTS)
        assert plain.path == voted.path == silent.path


def test_regret_grows_with_the_share_of_uniform_votes(two_hundred):
    """S022 check 4: mean steps over those at q = 0 grow with q (the first 100 maps, q of 1/2 and 1)."""
    buildings, _, right, _ = two_hundred
    means = [right[:100].mean()]
    means += [steps(buildings[:100], PlantedScout(guesses=q)).mean() for q in (0.5, 1.0)]
    assert means == sorted(means)
    assert means[-1] - means[0] > 20


def test_nearest_frontier_against_a_search_written_apart():
    """Every leg of the baseline goes to a frontier at the smallest walked distance (plain BFS)."""
    building = maps(1, 9)[0]
    one = kernel.Search(building)
    cells = [tuple(c) for c in np.argwhere(building.free).tolist()]
    while not one.found:
        before, start = one.known.copy(), one.path[-1]
        frontier = set(one.frontiers().tolist())
        gone = one.steps
        one.advance({}, kernel.NO_PRIOR)
        away = breadth_first(cells, before, start)
        nearest = min(away[f] for f in frontier)
        # It may stop short where a look around settles the frontier.
        assert one.steps - gone <= nearest
        assert one.steps > gone


def breadth_first(cells, known, start) -> dict[int, int]:
    """Walked distance of every seen cell."""
    number = {cell: k for k, cell in enumerate(cells)}
    away, line = {start: 0}, deque([start])
    while line:
        here = line.popleft()
        r, c = cells[here]
        for cell in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            k = number.get(cell, -1)
            if k >= 0 and known[k] and k not in away:
                away[k] = away[here] + 1
                line.append(k)
    return away


def test_paths_are_walks_and_see_what_is_near():
    """Consecutive cells share a side; seen is what lies within the sight of the path."""
    building = maps(1, 3)[0]
    one = kernel.search(building, table(PlantedScout(), 1), WEIGHTS)
    cells = np.argwhere(building.free)
    moves = np.abs(np.diff(cells[one.path], axis=0)).sum(axis=1)
    assert (moves == 1).all()
    listed = [tuple(c) for c in cells.tolist()]
    seen = set()
    for place in one.path:
        away = breadth_first(listed, np.ones(len(listed), bool), place)
        seen |= {k for k, d in away.items() if d <= kernel.SIGHT}
    assert set(np.flatnonzero(one.known).tolist()) == seen
    with pytest.raises(BadInput, match="over"):
        one.advance({}, WEIGHTS)


def test_vote_shares_need_not_sum_to_one():
    """S022 pitfall: a vote may name several groups or nothing; numbers beyond the groups are dropped."""
    got = kernel.shares([[0, 1], [0], [], [7]], 3)
    assert got.tolist() == [0.5, 0.25, 0]
    with pytest.raises(BadInput, match="no vote"):
        kernel.shares([], 3)
    with pytest.raises(BadInput, match="at least 0"):
        kernel.Weights(positive=-1)


def test_maps_hold_the_goal_once_and_are_joined():
    """The goal stands once, in its own kind of room, the start in another; all cells can be reached."""
    for building in maps(40, 4):
        assert list(building.objects.values()).count(building.goal) == 1
        kind = building.kinds[building.room[building.goal_cell]]
        assert kind == room_maps.room_of(building.goal)
        assert building.room[building.start] != building.room[building.goal_cell]
        cells = [tuple(c) for c in np.argwhere(building.free).tolist()]
        assert len(breadth_first(cells, np.ones(len(cells), bool), 0)) == len(cells)
    objects = [o for b in maps(40, 4) for c, o in b.objects.items() if o != b.goal]
    rooms = [b.kinds[b.room[c]] for b in maps(40, 4) for c, o in b.objects.items() if o != b.goal]
    own = np.mean([room_maps.room_of(o) == r for o, r in zip(objects, rooms, strict=True)])
    assert own == pytest.approx(1 - room_maps.STRAYS, abs=0.03)
    with pytest.raises(BadInput, match="no object"):
        room_maps.room_of("unicorn")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("2", [1]),
        (" 1, 3\n2", [0, 2]),
        ("none", []),
        ("\nGroups 2 and 9", [1]),
        ("the sofa", None),
        ("", None),
    ],
)
def test_replies_are_read(text, named):
    """Numbers of the first line with words; beyond the groups dropped; no number is no answer."""
    assert read_groups(text, 3) == named


def found(scored: Scored) -> dict[str, object]:
    """Outcome by measure."""
    findings = infer(scored, method.search_prior.card, seeds=Seeds(1))
    return {f.labels["measure"]: f.outcome for f in findings}


PRIOR = "log of steps over steps without, prior votes"
INVERTED = "log of steps over steps without, inverted votes"


def test_a_knowing_scout_is_found_with_both_signs(scored):
    """Right: fewer steps with the prior, more with it inverted; wrong: the other way round.

    Log ratios of single maps scatter by about .75, so 100 maps tell .3 from 0 with a power of 98 %.
    """
    right = found(scored(method.search_prior, PlantedScout(), maps=100))
    assert right[PRIOR].high < 0 < right[INVERTED].low
    wrong = found(scored(method.search_prior, PlantedScout(wrong=True), maps=100))
    assert wrong[INVERTED].high < 0 < wrong[PRIOR].low
    # The inverse of the wrong scout is the right one: same votes, same paths.
    assert wrong[INVERTED].value == pytest.approx(right[PRIOR].value, abs=1e-12)


def test_planted_value_agrees_with_many_maps(scored, two_hundred):
    """The interval of 30 maps through prompts holds the mean of 200 maps by the table alone."""
    _, base, right, _ = two_hundred
    there = base > 0
    truth = np.log(right[there] / base[there]).mean()
    got = found(scored(method.search_prior, PlantedScout(), maps=30, seed=4, inverted=False))[PRIOR]
    assert got.low <= truth <= got.high


def test_a_silent_scout_changes_nothing(scored):
    """Nobody is named: every path is the baseline's, the log ratios are 0; unread replies make it Undefined."""
    got = scored(method.search_prior, PlantedScout(mute=1.0), maps=12)
    ratio = got.items.where({"part": "ratio"}).answered()["score"]
    assert (ratio == 0).all()
    assert got.facts["replies read"] == 0
    assert isinstance(found(got)[PRIOR], Undefined)
    assert "replies read" in found(got)[PRIOR].reason


def test_a_habit_for_the_first_number_is_told(scored):
    """S022 pitfall: groups change places between votes, so naming the first shown is seen apart from what it holds."""
    habit = found(scored(method.search_prior, PlantedScout(first=0.5), maps=15))
    none = found(scored(method.search_prior, PlantedScout(), maps=15))
    measure = "first group shown named, beyond its share"
    assert habit[measure].low > 0.1
    assert none[measure].low <= 0 <= none[measure].high


def test_temperature_zero_and_bad_numbers(scored):
    """Greedy votes differ by order only; no maps is the caller's error."""
    got = scored(method.search_prior, PlantedScout(), maps=8, temperature=0.0, inverted=False)
    assert len(got.measures) == 3
    with pytest.raises(BadInput, match="maps"):
        scored(method.search_prior, PlantedScout(), maps=-1)
    with pytest.raises(BadInput, match="maps is 0"):
        scored(method.search_prior, PlantedScout(), maps=0)


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_ratio_is_recovered(dial):
    """Mean over 300 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    values, covered = [], 0
    for seed in range(300):
        got, truth = method.simulate(np.random.default_rng([seed, 22]), dial=dial)
        one = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(one, method.search_prior.card, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
    assert abs(np.mean(values) - dial) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
