"""Change points: found where a shift was planted, and rare where nothing moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.audit.changes import INDEX, changes
from plumbline.audit.compare import compare
from plumbline.audit.index import composite
from plumbline.audit.measures import as_json
from plumbline.audit.store import Run
from plumbline.core.card import Null
from plumbline.core.catalog import find
from plumbline.core.errors import BadInput
from plumbline.core.scored import Items, Measure, Scored
from plumbline.core.seeds import Seeds
from plumbline.stats.infer import infer

CARD = find("crows_pairs").card
ZERO = Null(kind="point", value=0.0, says="made for this test")


@pytest.fixture(autouse=True)
def one_catalog(monkeypatch):
    """The catalog is read once: a thousand comparisons would read it a thousand times."""
    monkeypatch.setattr("plumbline.audit.compare.find", cache(find))


@dataclass(frozen=True)
class Held(Run):
    """A run whose items are in memory."""

    held: dict = field(default_factory=dict)

    def items(self, metric=None):
        return self.held


def made(scores: dict[str, np.ndarray], place: int, *, plan: str = "one") -> Held:
    """A run: items of each axis with their scores, what was inferred from them, and the index."""
    measures = [
        Measure(estimator="mean", labels={"axis": a}, where={"axis": a}, null=ZERO, unit="nats")
        for a in scores
    ]
    items = Items.of(
        item=[f"{axis} {i}" for axis, s in scores.items() for i in range(len(s))],
        axis=np.array([axis for axis, s in scores.items() for _ in s], dtype=object),
        score=np.concatenate(list(scores.values())),
    )
    columns = {**items.columns, "item": items["item"].astype(object)}
    findings = infer(Scored(items=Items(columns), measures=measures), CARD, seeds=Seeds(0))
    header = {
        "plan_hash": plan, "started": f"2026-11-{place + 1:02d}T06:00:00+00:00", "subject": {"model": "m"},
        "measures": {CARD.id: [as_json(m) for m in measures]}, "index": composite(findings, seeds=Seeds(0)),
    }  # fmt: skip
    return Held(header, [f.row() for f in findings], None, {}, columns)


def history(rng, *, runs=6, items=40, axes=2, noise=0.5, shift=0.0, at=3, drift=0.0):
    """Runs that ask the same items: what an item is worth stays, what is answered varies.

    `shift` is added to the first axis from the run `at` on, `drift` once more in every run.
    """
    worth = {f"axis {a}": rng.normal(0.2, 1.0, items) for a in range(axes)}
    found = []
    for place in range(runs):
        scores = {axis: w + rng.normal(0, noise, items) for axis, w in worth.items()}
        scores["axis 0"] = scores["axis 0"] + (shift if place >= at else 0.0) + drift * place
        found.append(made(scores, place))
    return found


def of(found, axis):
    """The series of an axis."""
    return next(s for s in found if s.key != INDEX and f"axis={axis}" in s.key)


def test_a_planted_shift_is_found_where_it_is():
    """One change point, at the first run after the shift; the other finding has none."""
    found = changes(history(np.random.default_rng(1), shift=0.8))
    assert of(found, "axis 0").change_points == [3]
    assert of(found, "axis 1").change_points == []
    step = of(found, "axis 0").steps[2]
    assert step.low < 0.8 < step.high
    assert of(found, "axis 0").overall.changed


def test_pairing_finds_what_overlapping_intervals_hide():
    """The two runs' own intervals overlap widely, and the difference is beyond doubt."""
    found = changes(history(np.random.default_rng(2), shift=0.3, noise=0.1))
    points = of(found, "axis 0").points
    assert points[2][3] > points[3][2] + 0.2
    assert of(found, "axis 0").change_points == [3]


def test_a_slow_drift_is_seen_from_first_to_last():
    """No step is significant, the sum of them is."""
    found = of(changes(history(np.random.default_rng(3), runs=10, drift=0.12)), "axis 0")
    assert found.change_points == []
    assert found.overall.changed
    assert (found.overall.before, found.overall.after) == (0, 9)


def test_where_nothing_moves_marks_are_rare():
    """200 histories of six runs: any mark at all in at most 5 % of them, as far as 200 can tell.

    Of 200 histories with a true rate of 5 % more than 20 have a mark with probability .1 %.
    """
    rng = np.random.default_rng(4)
    marked, marked_index = 0, 0
    for _ in range(200):
        found = changes(history(rng, axes=2))
        moved = [s.key == INDEX for s in found for step in (*s.steps, s.overall) if step.changed]
        marked += any(not index for index in moved)
        marked_index += any(moved)
    most = ss.binom.ppf(0.999, 200, 0.05)
    assert marked <= most
    assert marked_index <= most
    assert marked > 0, "a method that never marks anything would pass the line above"


def test_all_tests_of_a_history_are_one_family():
    """Adjusted values are Holm's over every pair and finding; the index is a family of its own."""
    found = changes(history(np.random.default_rng(5), axes=3))
    steps = [step for s in found if s.key != INDEX for step in (*s.steps, s.overall)]
    assert len(steps) == 3 * 6
    raw = np.sort([s.p for s in steps])
    wanted = np.minimum(1, np.maximum.accumulate(raw * (len(raw) - np.arange(len(raw)))))
    np.testing.assert_allclose(np.sort([s.p_adjusted for s in steps]), wanted)
    own = found[0]
    assert own.key == INDEX
    assert (
        min(s.p_adjusted for s in (*own.steps, own.overall))
        <= 6 * min(s.p for s in (*own.steps, own.overall)) + 1e-12
    )


def test_answers_that_do_not_vary_have_no_mark():
    """A model that says the same again: no difference to test, and the reason is told."""
    rng = np.random.default_rng(6)
    same = {"axis 0": rng.normal(size=40)}
    found = changes([made(same, i) for i in range(4)])
    assert all(s.change_points == [] for s in found)
    for step in of(found, "axis 0").steps:
        assert step.p is None
        assert step.reason


def test_steps_are_those_of_compare():
    """The same difference, interval and p as comparing the two runs."""
    runs = history(np.random.default_rng(7), runs=2, axes=1)
    (step,) = of(changes(runs), "axis 0").steps
    (row,) = compare(*runs).findings
    assert (step.value, step.low, step.high, step.p) == (
        row["value"],
        row["low"],
        row["high"],
        row["p"],
    )
    assert of(changes(runs), "axis 0").overall is None


def test_one_run_has_points_and_no_steps():
    """Nothing to compare with yet."""
    found = changes(history(np.random.default_rng(8), runs=1))
    assert [len(s.points) for s in found] == [1, 1, 1]
    assert all(not s.steps and s.overall is None for s in found)


def test_a_pair_that_cannot_be_compared_does_not_hide_the_others():
    """Its reason stands where its difference would be."""
    runs = history(np.random.default_rng(9), shift=1.5)

    def failing(a, b):
        if b is runs[1]:
            raise BadInput("items of the second run are lost")
        return compare(a, b)

    found = changes(runs, compare_runs=failing)
    assert of(found, "axis 0").change_points == [3]
    assert any("are lost" in s.reason for s in found[0].steps)


def test_runs_of_several_plans_are_refused():
    """Their numbers are not comparable."""
    other = made({"axis 0": np.arange(9.0)}, 1, plan="other")
    runs = [*history(np.random.default_rng(10), runs=1), other]
    with pytest.raises(BadInput, match="one plan"):
        changes(runs)
