"""Scores by who is shown: checks of card S110 on synthetic score tables (MJ-Bench's scores are behind a gate)."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import BadInput, NotRecorded
from plumbline.core.results import Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.metrics import score_grid
from plumbline.metrics.judge import score_dispersion as method
from plumbline.metrics.score_grid import Grid
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.stats import dispersion as d
from plumbline.stats.infer import Settings, infer
from plumbline.stats.undefined import UndefinedStatistic

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "score_dispersion.toml").read_text("utf-8")
)["closed_form"]
AGES, GENDERS, RACES = ("young", "adult", "old"), ("women", "men", "non-binary people"), ("A", "B", "C", "D")  # fmt: skip


def pictured(rng, *, shift=0.0, of="age", group="old", noise=0.05, occupations=30):
    """One image for each age, gender and race of each occupation; one group scores `shift` higher."""
    o, a, g, r = (x.ravel() for x in np.indices((occupations, 3, 3, 4)))
    labels = {"age": np.array(AGES, object)[a], "gender": np.array(GENDERS, object)[g], "race": np.array(RACES, object)[r]}  # fmt: skip
    score = rng.uniform(0.3, 0.7, occupations)[o] + noise * rng.standard_normal(o.size)
    score += shift * (labels[of] == group)
    return Grid(o.astype(str).astype(object), np.full(o.size, "", object), score, labels)


def found(grid):
    """Findings by axis, measure and group."""
    rows, _ = score_grid.dispersion(grid)
    got = infer(method.tabulate(grid, rows), method.score_dispersion.card, seeds=Seeds(0), settings=Settings(draws=499))  # fmt: skip
    return {(f.labels["axis"], f.labels["measure"], f.labels.get("group", "")): f for f in got}


RANGE = "score inside occupations, largest minus smallest group"


def test_closed_forms():
    """S110 check 1: constant scores give 1, 1, 1 exactly; half 0 and half 1: NDS 0, GES .5, ACC (n/2 - 1)/(n - 1)."""
    for constant in (0.2, 1.0, 7.0):
        scores = np.full(12, constant)
        assert (d.within(scores), d.nds(scores), d.ges(scores)) == (1.0, 1.0, 1.0)
    for n, acc in GOLDEN["halves"]["acc"].items():
        scores = np.repeat([0.0, 1.0], int(n) // 2)
        assert d.nds(scores) == GOLDEN["halves"]["nds"]
        assert d.ges(scores) == pytest.approx(GOLDEN["halves"]["ges"], abs=1e-15)
        assert d.within(scores) == pytest.approx(acc, abs=1e-15)
    # Gini as the mean absolute difference over twice the mean, for any scores.
    scores = np.random.default_rng(0).uniform(0, 1, 31)
    gini = np.abs(scores[:, None] - scores).mean() / (2 * scores.mean())
    assert d.ges(scores) == pytest.approx(1 - gini)
    pairs = np.abs(scores[:, None] - scores)[np.triu_indices(31, 1)]
    assert d.within(scores) == pytest.approx((pairs <= 0.1).mean())


def test_dispersion_follows_the_shift():
    """S110 check 2: noise .02: ACC is 1 until the shift nears .1 and then falls; NDS and GES fall from the start.

    Scores already between 0 and 1, not scaled again: min-max over the file would make every shift one of size 1. "Until
    d is about .1" starts at about .05 with this noise (two images differ by up to d + 4 x .028).
    """
    rng = np.random.default_rng(1)
    noise = 0.02 * rng.standard_normal((200, 2, 27))
    shifts = np.array([0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
    curves = {name: [] for name in score_grid.DISPERSION}
    for shift in shifts:
        scores = 0.5 + noise + np.array([-shift / 2, shift / 2])[None, :, None]
        for name, measure in score_grid.DISPERSION.items():
            curves[name].append(np.mean([measure(s.ravel()) for s in scores]))
    for name in ("NDS", "GES"):
        assert (np.diff(curves[name]) < 0).all()
    acc = dict(zip(shifts.tolist(), curves["ACC"], strict=True))
    assert acc[0] > 0.999
    assert acc[0.05] > 0.95
    assert acc[0.1] < 0.8
    assert acc[0.2] < 0.51
    assert (np.diff(curves["ACC"]) <= 1e-3).all()


def test_the_same_gap_at_two_levels():
    """One gap of .2 between two halves: NDS .875 at the level .8 and .5 at .2; GES .9375 and .75 (closed forms)."""
    want = GOLDEN["level"]
    for side in ("high", "low"):
        m, gap = want[side]["mean"], want["gap"]
        scores = np.repeat([m - gap / 2, m + gap / 2], 27)
        assert d.nds(scores) == pytest.approx(want[side]["nds"])
        assert d.ges(scores) == pytest.approx(want[side]["ges"])
    # Direction is not in it: reversed scores have the same dispersion, and a constant added changes it.
    assert d.nds(scores + 0.5) > d.nds(scores) + 0.1


def test_one_outlier_moves_min_max():
    """Scores 6 to 7 of 10, and one 0 in another occupation: scaled by the table's ends ACC and NDS jump; by 0 to 10 not."""
    rng = np.random.default_rng(2)
    scores = rng.choice([6.0, 6.5, 7.0], 54)
    plain, moved = d.min_max(scores), d.min_max(np.append(scores, 0.0))[:-1]
    assert d.within(moved) > d.within(plain) + 0.1
    assert d.nds(moved) > d.nds(plain) + 0.3
    fixed = d.min_max(np.append(scores, 0.0), low=0, high=10)[:-1]
    assert fixed == pytest.approx(d.min_max(scores, low=0, high=10))
    with pytest.raises(BadInput, match="scale"):
        d.min_max(scores, low=0, high=6)


def test_neighbours_on_a_scale_of_ten_are_within_a_tenth():
    """.8 - .7 exceeds .1 by rounding: plain arithmetic loses some of the ten pairs of neighbours; here none."""
    steps = np.arange(11) / 10
    plain = np.abs(np.diff(steps)) <= 0.1
    assert 0 < plain.sum() < 10
    assert all(d.within(pair) == 1 for pair in pairwise(steps))


def test_the_right_attribute_is_named():
    """S110 check 3: the regression recovers the shift within .02 and names the attribute; the test finds its group."""
    for k, (of, group) in enumerate((("age", "old"), ("gender", "men"), ("race", "C"))):
        grid = pictured(np.random.default_rng([3, k]), shift=0.1, of=of, group=group, noise=0.1)
        got = score_grid.effects(grid)
        assert got["largest"] == of
        own = {g: v[0] for g, v in got[of]["effects"].items()}
        others = np.mean([v for g, v in own.items() if g != group])
        assert own[group] - others == pytest.approx(0.1, abs=0.02)
        assert got[of]["p"] < 1e-6
        findings = found(grid)
        assert findings[of, RANGE, ""].outcome.p < 0.01
        single = findings[of, "score inside occupations", group].outcome
        assert single.low <= 0.1 <= single.high
        for other in {"age", "gender", "race"} - {of}:
            assert got[other]["largest minus smallest"] < 0.05


def test_ties():
    """S110 check 4: a random judge has .5 without ties; an infinite threshold gives 0 with ties and none without."""
    rng = np.random.default_rng(4)
    better, worse = rng.integers(0, 6, (2, 20_000)).astype(float)
    with_ties, without = d.accuracies(better, worse)
    assert without == pytest.approx(0.5, abs=0.015)
    assert with_ties == pytest.approx(0.5 * 5 / 6, abs=0.015)
    assert d.accuracies(better, worse, tie=np.inf) == (0.0, None)
    assert np.isnan(d.preference([1.0, 2.0], [2.0, 1.0], tie=1.0)).all()
    # .8 - .7 is more than .1 by rounding; .85 - .7 really is.
    assert np.isnan(d.preference([0.8, 0.7], [0.7, 0.8], tie=0.1)).all()
    assert d.preference([0.85, 0.7], [0.7, 0.85], tie=0.1) == pytest.approx([1.0, 0.0])
    got = method.preferences(np.arange(20_000).astype(object), better, worse, tie=0)
    rows = infer(got, method.score_dispersion.card, seeds=Seeds(0), settings=Settings(draws=199))
    assert [f.outcome.value for f in rows] == pytest.approx([with_ties, without])
    assert all(f.outcome.p is None for f in rows)


def test_no_shift_no_finding():
    """Occupations differ, groups do not: no test rejects, the range has its expectation beside it."""
    got = found(pictured(np.random.default_rng(5)))
    for axis in ("age", "gender", "race"):
        main = got[axis, RANGE, ""]
        assert main.sign == "unsigned"
        assert main.outcome.p > 0.05
        assert main.outcome.expected > 0


def test_two_groups_have_a_sign():
    """Two groups: a signed difference that turns with the labels; dispersion does not move.

    Of 20 intervals at least 15 hold the shift (99.97 % of runs of 95 % intervals do).
    """
    held = 0
    for seed in range(20):
        drawn = pictured(np.random.default_rng([seed, 6]), shift=0.08, of="gender", group="men")
        pair = drawn.take(drawn.attributes["gender"] != "non-binary people")
        (main,) = [m for m in method.tabulate(pair).measures if m.where == {"part": "gender"}]
        alone = Scored(items=method.tabulate(pair).items, measures=[main])
        got = infer(alone, method.score_dispersion.card, seeds=Seeds(0))[0].outcome
        held += got.low <= 0.08 <= got.high
    assert held >= 15
    rng = np.random.default_rng(6)
    grid = pictured(rng, shift=0.08, of="gender", group="men")
    two = grid.take(grid.attributes["gender"] != "non-binary people")
    labels = two.attributes["gender"]
    turned = Grid(two.occupation, two.scale, two.score, {**two.attributes, "gender": np.where(labels == "men", "women", "men").astype(object)})  # fmt: skip
    one, other = found(two), found(turned)
    key = "gender", "score inside occupations", "men"
    assert one[key].outcome.value > 0.05
    assert one[key].outcome.value == pytest.approx(-other[key].outcome.value)
    assert (
        one["dispersion", "NDS", ""].outcome.value == other["dispersion", "NDS", ""].outcome.value
    )
    assert one["dispersion", "ACC", ""].outcome.p is None


def test_a_group_shown_in_better_occupations_gains_nothing():
    """Men are shown in the occupations that score high: the plain difference of means is large, this one is not."""
    rng = np.random.default_rng(7)
    o = np.repeat(np.arange(40), 6)
    men = rng.random(o.size) < np.where(o < 20, 0.8, 0.2)
    score = np.where(o < 20, 0.8, 0.4) + 0.05 * rng.standard_normal(o.size)
    grid = Grid(o.astype(str).astype(object), np.full(o.size, "", object), score, {"gender": np.where(men, "men", "women").astype(object)})  # fmt: skip
    assert score[men].mean() - score[~men].mean() > 0.2
    got = found(grid)["gender", "score inside occupations", "men"].outcome
    assert got.low <= 0 <= got.high


@pytest.fixture
def frame():
    """A table as a file would hold it: two scales, one in words, an unreadable reply."""
    rng = np.random.default_rng(8)
    grid = pictured(rng, shift=0.15, of="gender", group="men", occupations=12)
    number = np.clip(np.round(10 * grid.score), 0, 10)
    words = np.array(list(score_grid.LIKERT), object)[np.clip(np.round(5 * grid.score - 0.5), 0, 4).astype(int)]  # fmt: skip
    words[0] = "I would say that this is not good."
    both = np.concatenate([np.array([f"{v:g}" for v in number], object), words])
    return {
        "occupation": np.tile(grid.occupation, 2), "points": both,
        "scale": np.repeat(np.array(["number", "words"], object), len(grid)),
        **{k: np.tile(v, 2) for k, v in grid.attributes.items()},
    }  # fmt: skip


def opened(frame):
    """The table as a subject."""
    return open_frame(frame, ModelOptions(extra={"prediction": "points", "groups": ["age", "gender", "race"]}))  # fmt: skip


def test_a_whole_audit(audited, frame):
    """Through a table: one test an attribute, rows of each scale, published means, the attribute's name."""
    run = audited(opened(frame), "score_dispersion", score="points", scale="scale", span={"number": [0, 10], "words": [1, 5]})  # fmt: skip
    mains = {f["labels"]["axis"]: f for f in run.findings if f["role"] == "primary"}
    assert set(mains) == {"age", "gender", "race"}
    assert mains["gender"]["p"] < 0.01
    assert mains["gender"]["units"] == 12
    scales = {f["labels"]["scale"] for f in run.findings if f["role"] == "secondary"}
    assert scales == {"number", "words"}
    facts = run.header["facts"]["score_dispersion"]
    assert facts["unread"] == 1
    assert facts["all attributes at once"]["largest"] == "gender"
    published = facts["as published"]["number"]
    # As published, attributes that are stated together have equal numbers.
    assert (
        published["ACC"]["age"]
        == published["ACC"]["race"]
        == pytest.approx(published["ACC"]["all"])
    )
    assert 0 < published["NDS"]["all"] < published["GES"]["all"] < 1


def test_words_are_read_as_whole_cells():
    """Poor is 2 and Outstanding 5; a reply that only contains such a word is unread, not a score."""
    cells = np.array(["Poor", "OUTSTANDING.", "not good at all", "7", "extremely poor", ""], object)
    assert score_grid.points(cells)[[0, 1, 3, 4]].tolist() == [2, 5, 7, 1]
    assert np.isnan(score_grid.points(cells)[[2, 5]]).all()
    with pytest.raises(BadInput, match="no score"):
        score_grid.points(np.array(["fine", "nice"], object))


def test_undefined(scored, frame):
    """Zeros and negative scores have no NDS; one score for everything has no direction; absent columns are told."""
    for scores, reason in (([0.0, 0.0], "zero"), ([-1.0, 2.0], "negative")):
        with pytest.raises(UndefinedStatistic, match=reason):
            d.nds(scores)
        with pytest.raises(UndefinedStatistic, match=reason):
            d.ges(scores)
    flat = dict(frame, points=np.full(len(frame["points"]), 3.0))
    got = scored(method.score_dispersion, opened(flat), score="prediction")
    assert got.facts["as published"]["scores"]["NDS"]["all"] == 1
    main = infer(got, method.score_dispersion.card, seeds=Seeds(0))[0].outcome
    assert isinstance(main, Undefined)
    with pytest.raises(NotRecorded, match="occupations"):
        scored(method.score_dispersion, opened(frame), score="prediction", occupation="occupations")
    with pytest.raises(BadInput, match="together"):
        scored(method.score_dispersion, opened(frame), better="points")


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_shifts_are_what_they_say(dial):
    """Mean over 60 data sets is the stated truth within 4 Monte-Carlo errors."""
    values = []
    for seed in range(60):
        made, truth = method.simulate(np.random.default_rng([seed, 9]), dial=dial)
        mean = {g: made.items.where({"part": "gender", "group": g})["score"].mean() for g in ("men", "women")}  # fmt: skip
        values.append(mean["men"] - mean["women"])
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(60)


def test_images_without_a_label_are_left_out_of_the_effects():
    """Whatever they scored: the effects are those of the table without them."""
    grid = pictured(np.random.default_rng(12), shift=0.1)
    bare = np.zeros(len(grid), bool)
    bare[::7] = True
    gender = np.where(bare, "", grid.attributes["gender"]).astype(object)
    score = np.where(bare, 1.0, grid.score)
    mixed = Grid(grid.occupation, grid.scale, score, {**grid.attributes, "gender": gender})
    got, wanted = score_grid.effects(mixed), score_grid.effects(grid.take(~bare))
    for name in ("age", "gender", "race"):
        assert set(got[name]["effects"]) == set(wanted[name]["effects"])
        assert got[name]["F"] == pytest.approx(wanted[name]["F"])
