"""swap_and_tie and permutation_average: what they are worth on planted models, and how they are kept."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.audit.correct import corrections
from plumbline.core import questions as ask
from plumbline.data.perturb.order import rotations
from plumbline.data.templates.multiple_choice import letters, shown
from plumbline.metrics.judged_pairs import judged
from plumbline.mitigate.postprocessing.permutation_average import permutation_average
from plumbline.mitigate.postprocessing.swap_and_tie import swap_and_tie
from plumbline.mitigate.preprocessing.portia import portia
from plumbline.models.corrected import _kind
from plumbline.models.corrected_files import read_record
from plumbline.models.whole_batch import answered
from plumbline.testing import PlantedJudge

MAKERS = (portia, swap_and_tie, permutation_average)


def rotated(count: int):
    """Questions of four contents in all rotations; the right content of each is number 0."""
    rows = [[f"q{i} option {k}" for k in range(4)] for i in range(count)]
    order = [tuple(int(k) for k in r) for r in rotations(4)]
    prompts = [shown(f"q{i}?", [row[k] for k in o]) for i, row in enumerate(rows) for o in order]
    contents = [tuple(row[k] for k in o) for row in rows for o in order]
    batch = ask.choose(prompts, [letters(4)] * len(prompts), contents=contents)
    right = np.tile([o.index(0) for o in order], count)
    return batch, right, {row[0]: 1.0 for row in rows}


@pytest.mark.parametrize("scored", [True, False])
def test_averages_find_what_a_habit_hides(scored):
    """A bonus for A hides knowledge; averaged over orders the answers are right more often, by votes too.

    A judge of appeals N(0, 1), the right one 1 higher, no noise: the average has the ranking of the
    appeals themselves, which is right with P(N(1, 1) is the largest of four) = .5520 (by integration).
    """
    batch, right, better = rotated(150)
    base = PlantedJudge(slot=2.0, better=better, scored=scored, seed=1)
    before = answered(base, batch)
    after = answered(permutation_average(base, orders=24), batch)
    decided = after.chosen >= 0
    accuracy = [(got.chosen == right)[decided].mean() for got in (before, after)]
    assert accuracy[1] > accuracy[0] + 0.05
    if scored:
        assert decided.all()
        assert accuracy[1] == pytest.approx(0.5520, abs=4 * np.sqrt(0.25 / 150))
    shares = np.bincount(after.chosen[decided], minlength=4) / decided.sum()
    assert shares == pytest.approx([0.25] * 4)


def test_swap_decides_less_and_no_worse():
    """Where both orders agree the bonus played no part: all verdicts are right, fewer are given."""
    texts = [(f"{i} good", f"{i} bad") for i in range(300)]
    base = PlantedJudge(slot=1.0, better={a: 1.0 for a, _ in texts}, seed=2)
    prompts = [judged("q?", pair, role="text", ties=True) for pair in texts]
    batch = ask.choose(prompts, [("A", "B", "C")] * len(prompts))
    plain, both = answered(base, batch).chosen, answered(swap_and_tie(base), batch).chosen
    best = answered(PlantedJudge(better=base.better, seed=2), batch).chosen
    named = both < 2
    assert 0.3 < named.mean() < 0.9
    assert (both[named] == best[named]).all()
    assert (plain[named] == both[named]).all()


@pytest.mark.parametrize("make", MAKERS, ids=lambda m: m.card.id)
def test_kept_and_opened_again(make, tmp_path):
    """Its kind is found by its name, and its record makes the same model."""
    base = PlantedJudge(seed=3)
    model = make(base)
    model.save(tmp_path / "after", base_spec="python:x", base_options={})
    record = read_record(tmp_path / "after")
    assert record["method"] == f"{make.card.id}@{make.card.version}"
    again = _kind(tmp_path / "after", record["kind"]).read(tmp_path / "after", base, record)
    assert again.fingerprint == model.fingerprint == record["fingerprint"]
    assert make.card.id in corrections()


def test_cost_counts_orders():
    """Four options: eight orders a question by default, all 24 if wanted; a plain question one."""
    batch, _, _ = rotated(2)
    base = PlantedJudge()
    one = base.cost(batch).tokens_in
    assert permutation_average(base).cost(batch).tokens_in == 8 * one
    assert permutation_average(base, orders=24).cost(batch).tokens_in == 24 * one
    plain = ask.choose(["which?"], [("A", "B")])
    assert permutation_average(base).cost(plain).tokens_in == base.cost(plain).tokens_in
    assert swap_and_tie(base).cost(batch).tokens_in == one
