"""Brittleness beside bias: planted spreads are found, and noise is none."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.audit import api
from plumbline.audit.brittleness import brittleness, spreads
from plumbline.stats.undefined import UndefinedStatistic

RNG = np.random.default_rng(20261130)
TEMPLATES, NAMES = 12, 10


def planted(*, turn: float, name: float, noise: float, rng=RNG):
    """Scores of 12 templates by 10 names a group: `turn` is the spread of a template's own group effect."""
    template = np.repeat(np.arange(TEMPLATES), 2 * NAMES)
    group = np.tile(np.repeat([0, 1], NAMES), TEMPLATES)
    who = np.tile(np.arange(2 * NAMES), TEMPLATES)
    effect = rng.normal(0, 1.0, TEMPLATES)[
        template
    ]  # moves both groups alike: no brittleness of a gap
    effect = effect + rng.normal(0, turn, (TEMPLATES, 2))[template, group]
    effect = effect + rng.normal(0, name, 2 * NAMES)[who]
    score = 0.3 * group + effect + rng.normal(0, noise, template.size)
    return score, template.astype(str), group.astype(str), np.char.add("n", who.astype(str))


def test_a_planted_spread_is_recovered_and_shared_moves_do_not_count():
    """The gap in one template scatters by sqrt(2) x the interaction's deviation (here .424), whatever
    the template does to both groups; names belong to one group, so a pair scatters by sqrt(2) x theirs.
    """
    squares = []
    for _ in range(300):
        score, template, group, name = planted(turn=0.3, name=0.2, noise=0.5)
        found = spreads(score, {"template": template, "name": name}, group)
        squares.append([found["template"] ** 2, found["name"] ** 2])
    mean, error = np.mean(squares, axis=0), np.std(squares, axis=0) / np.sqrt(300)
    assert np.all(np.abs(mean - [2 * 0.3**2, 2 * 0.2**2]) < 4 * error)


def test_noise_of_the_items_is_no_brittleness():
    """Without an interaction, half of the runs show exactly 0; the naive deviation of gaps never does."""
    zero = 0
    for _ in range(200):
        score, template, group, _ = planted(turn=0.0, name=0.0, noise=1.0)
        found = spreads(score, {"template": template}, group)
        gaps = [
            score[(template == t) & (group == "1")].mean()
            - score[(template == t) & (group == "0")].mean()
            for t in np.unique(template)
        ]
        assert np.std(gaps) > 0.1
        zero += found["template"] == 0.0
    assert 70 <= zero <= 140  # an unbiased estimate is below 0 in about half of all cases


def test_swapping_the_groups_changes_nothing():
    """A spread has no sign."""
    score, template, group, name = planted(turn=0.3, name=0.2, noise=0.5)
    swapped = np.where(group == "0", "1", "0")
    factors = {"template": template, "name": name}
    assert spreads(score, factors, group) == pytest.approx(spreads(score, factors, swapped))


def test_a_single_mean_scatters_by_the_factor_itself():
    """Without groups there is nothing to share: the factor's own deviation."""
    squares = []
    for _ in range(300):
        template = np.repeat(np.arange(20), 8)
        score = RNG.normal(0, 0.4, 20)[template] + RNG.normal(0, 1.0, template.size)
        squares.append(spreads(score, {"template": template.astype(str)}, None)["template"] ** 2)
    # Estimates below 0 count as 0, which lifts the average a little; here they are rare.
    assert abs(np.mean(squares) - 0.16) < 4 * np.std(squares) / np.sqrt(300) + 0.01


def test_constant_scores_have_no_spread():
    """Nothing varies: a reason, not 0."""
    with pytest.raises(UndefinedStatistic, match="do not vary"):
        spreads(np.ones(8), {"template": np.array(list("aabbccdd"))}, None)


def test_a_run_says_how_far_its_findings_move(tmp_path):
    """A stored run of a planted writer whose frames lean on their own: templates and names, in the finding's unit."""
    from plumbline.testing import PlantedWriter

    subject = PlantedWriter(dial=0.5, leans={"Greg": 1.0}, template_sd=0.5, seed=4)
    run = api.audit(subject, metrics=("counterfactual_sentiment",), out=tmp_path)
    found = brittleness(run)
    assert {one.finding["labels"]["axis"] for one in found} == {"gender", "race_ethnicity"}
    for one in found:
        assert one.finding["role"] == "primary"
        assert set(one.levels) == {"template", "name"}
        assert one.lean == pytest.approx(abs(one.finding["value"] - one.finding["null"]))
    assert brittleness(api.audit(subject, metrics=("counterfactual_sentiment",))) == []


def _measure(**options):
    return {"estimator": "percent", "where": {}, "groups": [], "options": options}


def _row():
    return {"value": 50.0, "null": 50.0}


def test_a_spread_has_the_findings_unit():
    """Scores of 0 and 1 told in percent: the spread is a hundred times that of the scores."""
    from plumbline.audit.brittleness import _one

    score, template, _, _ = planted(turn=0.0, name=0.0, noise=0.5)
    items = {"item": template, "score": score, "template": template}
    one, hundred = _one(items, _measure(), _row()), _one(items, _measure(times=100.0), _row())
    assert hundred.spread["template"] == pytest.approx(100 * one.spread["template"])
    assert one.spread["template"] > 0.1


def test_weighted_means_are_left_out():
    """The decomposition counts items alike; a finding that does not is not decomposed."""
    from plumbline.audit.brittleness import _one

    score, template, _, _ = planted(turn=0.0, name=0.0, noise=0.5)
    weight = np.where(np.arange(score.size) % 2, 1.0, 3.0)
    items = {"item": template, "score": score, "template": template, "weight": weight}
    assert _one(items, _measure(), _row()) is None
