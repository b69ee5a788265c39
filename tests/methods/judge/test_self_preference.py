"""Self-preference: checks of cards S070 and S078, the three forms, families, verdicts, real judges."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.sets import vicuna80
from plumbline.metrics import double_difference as kernel
from plumbline.metrics.judge import self_preference as method
from plumbline.metrics.own_cells import FORMS
from plumbline.metrics.rating_table import Judgements, of_verdicts, owned
from plumbline.metrics.verdict_table import read
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.stats.infer import infer

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "self_preference.toml").read_text("utf-8")
)
CARD = method.self_preference.card


def rated(cube, names=None):
    """Judgements from ratings of shape (judges, systems, tasks); NaN is no rating."""
    judges, systems, _ = cube.shape
    names = names or [f"m{i:02d}" for i in range(max(judges, systems))]
    j, s, t = (a.ravel() for a in np.indices(cube.shape))
    label = np.array(names, object)
    why = np.where(np.isfinite(cube.ravel()), "", "no rating").astype(object)
    return Judgements(label[j], label[s], t.astype(str).astype(object), cube.ravel(), why)


def values(found, own=None, **more):
    """Value by form and judge ("" is pooled)."""
    own = own or {n: (n,) for n in sorted(set(found.judge)) if n in found.systems}
    got = infer(method.tabulate(found, own, **more), CARD, seeds=Seeds(0))
    form = {v: k for k, v in FORMS.items()}
    return {
        (form.get(f.labels["measure"], "additive"), f.labels.get("group", "")): f.outcome
        for f in got
    }


def linear(means, weights):
    """Contrasts of a table of means."""
    return np.einsum("ikt,kt->i", weights, means)


def test_the_double_difference_by_hand():
    """B_i of S078 and the additive residual against their formulas, written out cell by cell."""
    rng = np.random.default_rng(0)
    n = 5
    means = rng.normal(size=(n, n))
    every, own = np.ones((n, n), bool), np.eye(n, dtype=bool)
    got = linear(means, kernel.double_difference(every, own))
    for i in range(n):
        rest = [j for j in range(n) if j != i]
        by_hand = (means[i, i] - np.mean([means[i, j] for j in rest])) - (
            np.mean([means[k, i] for k in rest])
            - np.mean([means[k, j] for k in rest for j in rest])
        )
        assert got[i] == pytest.approx(by_hand, abs=1e-12)
    # The additive residual: plain least squares of judge and system dummies off the diagonal.
    rows, columns = np.nonzero(~own)
    design = np.hstack([np.eye(n)[rows], np.eye(n)[columns]])
    beta = np.linalg.lstsq(design, means[rows, columns], rcond=None)[0]
    want = np.diag(means) - beta[:n] - beta[n:]
    assert linear(means, kernel.additive_residual(every, own)) == pytest.approx(want, abs=1e-10)


def test_leniency_and_quality_are_invisible():
    """S078 check 2: adding a constant to a row or a column changes no B_i: exact, in both linear forms."""
    rng = np.random.default_rng(1)
    means = rng.normal(size=(6, 8))
    own = np.zeros((6, 8), bool)
    own[np.arange(6), np.arange(6)] = True
    present = np.ones((6, 8), bool)
    present[2, 5] = present[4, 0] = False
    moved = means + rng.normal(size=(6, 1)) * 3 + rng.normal(size=8) * 3
    for form in (kernel.double_difference, kernel.additive_residual):
        weights = form(np.ones((6, 8), bool), own)
        assert linear(moved, weights) == pytest.approx(linear(means, weights), abs=1e-10)
    # With cells missing only the least-squares form still has this property.
    weights = kernel.additive_residual(present, own)
    assert linear(moved, weights) == pytest.approx(linear(means, weights), abs=1e-10)


def test_planted_family_bonus_is_recovered():
    """S078 check 2: a bonus d for one's family comes back within .05 where examiners share one gain."""
    rng = np.random.default_rng(2)
    names = ["a1", "a2", "b1", "b2", "c1", "d1"]
    family = {n: n[0] for n in names}
    kin = np.array([[family[i] == family[j] for j in names] for i in names])
    truth = rng.normal(size=(6, 1)) + rng.normal(size=6)
    cube = truth[:, :, None] + 0.4 * kin[:, :, None] + rng.normal(0, 0.5, (6, 6, 80))
    found = rated(cube, names)
    many = truth + 0.4 * kin + rng.normal(0, 0.5, (6, 6)) / np.sqrt(2_000)
    every = np.ones((6, 6), bool)
    assert linear(many, kernel.additive_residual(every, kin)) == pytest.approx(
        np.full(6, 0.4), abs=0.05
    )
    own = owned(names, names, own=None, families=family)
    assert own["a1"] == ("a1", "a2")
    got = values(found, own)
    assert got["additive", ""].value == pytest.approx(0.4, abs=0.1)
    assert got["additive", ""].low < 0.4 < got["additive", ""].high
    # Kin alone: what a1 gives a2, its own output left out.
    only_kin = values(found, own, left_out={n: (n,) for n in names})
    assert only_kin["additive", "a1"].low < 0.4 < only_kin["additive", "a1"].high
    assert only_kin["additive", "a1"].value == pytest.approx(0.4, abs=0.25)
    assert isinstance(only_kin["additive", "c1"], Undefined)


def panels(rng, *, own, gains, runs=200, judges=8, systems=10, items=300):
    """Mean ratings of S070's simulated judges: r = gain * q + leniency + own + noise; (runs, J, S)."""
    quality = rng.normal(size=(runs, 1, systems))
    gain = np.ones((runs, judges, 1)) if not gains else rng.uniform(0.7, 1.3, (runs, judges, 1))
    leniency = rng.normal(size=(runs, judges, 1))
    noise = rng.normal(size=(runs, judges, systems)) / np.sqrt(items)
    means = gain * quality + leniency + noise
    means[:, np.arange(own.size), np.arange(own.size)] += own
    return means


def forms(means, own_of):
    """All three forms for tables of means (..., judges, systems): each (..., judges)."""
    judges, systems = means.shape[-2:]
    every, own = np.ones((judges, systems), bool), np.zeros((judges, systems), bool)
    own[np.arange(own_of), np.arange(own_of)] = True
    published = np.einsum("ikt,...kt->...i", kernel.double_difference(every, own), means)
    additive = np.einsum("ikt,...kt->...i", kernel.additive_residual(every, own), means)
    panel = np.einsum("itks,...ks->...it", kernel.panel_of(every, own), means)
    gain = kernel.gain_residual(means, panel, own.astype(float), ~own, through=False)
    return {"published": published, "additive": additive, "gain": gain}


def test_own_bias_of_one_judge_is_recovered():
    """S070 check 2: planted 1.0 in one judge: |mean - 1| < .03 over 200 runs; 0 +- .03 without it.

    Scatter with equal gains is that of the cells' noise (1 / sqrt 300) times the weights; with unequal
    gains the double difference scatters far more and the line's residual less, as the card found.
    """
    rng = np.random.default_rng(3)
    for planted in (1.0, 0.0):
        spread = {}
        for gains in (False, True):
            means = panels(rng, own=np.array([planted]), gains=gains)
            for name, got in forms(means, own_of=1).items():
                spread[name, gains] = got[:, 0].std(ddof=1)
                if not gains or name == "gain":
                    assert abs(got[:, 0].mean() - planted) < 0.03, (name, gains)
        assert spread["published", True] > 1.5 * spread["gain", True]
        noise = np.sqrt((1 + 1 / 9) * (1 + 1 / 7) / 300)  # the double difference's own variance
        assert spread["published", False] == pytest.approx(noise, rel=0.15)


def test_a_lean_that_all_share():
    """All n judges lean by b: the published form says b n / (n - 1), the residual b (closed forms)."""
    n, b = GOLDEN["all_lean"]["judges"], 1.0
    means = np.eye(n) * b
    got = forms(means[None], own_of=n)
    assert got["published"][0] == pytest.approx(np.full(n, GOLDEN["all_lean"]["published"]))
    assert got["additive"][0] == pytest.approx(np.full(n, b))


def test_the_line_ignores_gain_exactly():
    """Without noise: judges with gains .5, 1 and 2 and no lean: residual 0; the double difference is not 0."""
    quality = np.array([0.0, 1.0, 3.0, 4.0, 7.0, 2.0])
    gain = np.array([0.5, 1.0, 2.0, 1.0])
    means = gain[:, None] * quality + np.array([[1.0], [0.0], [-2.0], [5.0]])
    own_of = 1
    got = forms(means[None], own_of=own_of)
    assert got["gain"][0, 0] == pytest.approx(0, abs=1e-9)
    assert abs(got["published"][0, 0]) > 0.5


def test_signs_and_names():
    """Turning all ratings turns the sign; renaming judges and systems alike moves nothing."""
    rng = np.random.default_rng(4)
    cube = rng.normal(size=(4, 5, 30))
    cube[np.arange(4), np.arange(4)] += 0.7
    one, turned = values(rated(cube)), values(rated(-cube))
    order = [2, 0, 3, 1]
    renamed = values(rated(cube[order][:, [*order, 4]]))
    for form in FORMS:
        assert turned[form, ""].value == pytest.approx(-one[form, ""].value, abs=1e-12)
        assert renamed[form, ""].value == pytest.approx(one[form, ""].value, abs=1e-12)
    assert one["additive", ""].low > 0


def test_missing_ratings_have_a_reason_and_move_nothing_by_themselves():
    """Ratings missing by chance: the truth is covered; a judge without its own cell is Undefined."""
    rng = np.random.default_rng(5)
    cube = rng.normal(size=(5, 5, 60)) + rng.normal(size=(5, 1, 1)) + 0.5 * np.eye(5)[:, :, None]
    cube[rng.random(cube.shape) < 0.2] = np.nan
    cube[3, 3] = np.nan
    got = method.tabulate(rated(cube), {f"m{i:02d}": (f"m{i:02d}",) for i in range(5)})
    assert (got.items["why"] == "no rating").sum() == np.isnan(cube).sum()
    found = values(rated(cube))
    assert found["additive", ""].low < 0.5 < found["additive", ""].high
    assert isinstance(found["additive", "m03"], Undefined)


def test_one_judge_cannot_be_told_from_its_system():
    """Without another judge there is no quality to compare with: Undefined, not 0."""
    found = values(rated(np.random.default_rng(6).normal(size=(1, 4, 20))))
    assert all(isinstance(o, Undefined) for o in found.values())


def verdicts(rng, lean, *, models=5, questions=80):
    """Verdicts in both orders: the better of two noisy worths, the own side raised by `lean`."""
    names = [f"m{i}" for i in range(models)]
    quality = rng.normal(size=models) / 2
    rows = []
    for q in range(questions):
        for a in range(models):
            for b in range(models):
                if a == b:
                    continue
                gap = quality[a] - quality[b] + rng.logistic(size=models)
                gap += lean * ((np.arange(models) == a).astype(int) - (np.arange(models) == b))
                rows += [(names[i], q, names[a], names[b], "first" if g > 0 else "second")
                         for i, g in enumerate(gap)]  # fmt: skip
    columns = zip(*rows, strict=True)
    keys = ("judge", "question", "first", "second", "verdict")
    return {k: np.array(c, object) for k, c in zip(keys, columns, strict=True)}, quality


def test_planted_verdicts():
    """A lean in logits is found at its expected share; without one the interval holds 0."""
    for lean in (0.0, 0.8):
        table, quality = verdicts(np.random.default_rng(7), lean)
        found = of_verdicts(read(table, {}))
        got = values(found)["additive", ""]
        gaps = quality[:, None] - quality[None]
        off = ~np.eye(5, dtype=bool)
        truth = (1 / (1 + np.exp(-gaps - lean)) - 1 / (1 + np.exp(-gaps)))[off].mean()
        assert got.low < truth < got.high
        assert (got.p < 0.01) == (lean > 0)
    fewer = values(found.take(found.thing != "m0 | m1"))
    assert fewer["additive", ""].low > 0


def test_vicuna80(mirror):
    """Five judges of their own five models (Vicuna80): shares against a count by hand."""
    rows = [r for r in vicuna80.load() if r.reviewer != vicuna80.HUMAN]
    keys = ("reviewer", "question", "first", "second", "verdict")
    table = {k: np.array([getattr(r, k) for r in rows], object) for k in keys}
    found = of_verdicts(read(table, {}, names={"judge": "reviewer"}))
    got = values(found)
    credit = {"first": 1.0, "second": 0.0, "tie": 0.5}
    share = {}
    for r in rows:
        for mine, other, c in ((r.first, r.second, credit[r.verdict]),
                               (r.second, r.first, 1 - credit[r.verdict])):  # fmt: skip
            share.setdefault((r.reviewer, mine, other), []).append(c)
    judges = sorted({r.reviewer for r in rows})
    for judge in judges:
        gaps = [
            np.mean(share[judge, judge, o])
            - np.mean([np.mean(share[k, judge, o]) for k in judges if k not in {judge, o}])
            for o in judges
            if o != judge
        ]
        assert got["additive", judge].value == pytest.approx(np.mean(gaps), abs=1e-12)
    assert got["additive", ""].units == 80
    assert got["additive", "gpt4"].p < 1e-6
    # A judge that decides more sharply gives the best system more, its own or not.
    assert got["gain", "gpt4"].low < 0 < got["gain", "gpt4"].high


def test_through_a_whole_audit(audited):
    """Recorded ratings: planted .6 is found, with the table's own column names; people are left out."""
    rng = np.random.default_rng(8)
    cube = rng.normal(size=(4, 4, 50)) + 0.6 * np.eye(4)[:, :, None]
    found = rated(cube)
    frame = {"reviewer": found.judge, "model": found.thing, "q": found.task, "stars": found.score}
    frame = {k: np.concatenate([v, v[:50]]) for k, v in frame.items()}
    frame["reviewer"][-50:] = "person"
    options = ModelOptions(extra={"prediction": "stars", "groups": ["reviewer"]})
    names = {"judge": "reviewer", "system": "model", "task": "q", "rating": "stars"}
    run = audited(
        open_frame(frame, options), "self_preference", columns=names,
        judges=[f"m{i:02d}" for i in range(4)],
    )  # fmt: skip
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    assert main["low"] < 0.6 < main["high"]
    assert main["p"] < 0.01


def test_kin_without_an_own_system_among_the_judged(audited):
    """Two houses judge each other's models, none itself: kin count, and there is nothing of their own to leave out."""
    rng = np.random.default_rng(11)
    judges, systems = ("a0", "b0", "c0", "d0"), ("a1", "b1", "c1", "d1")
    j, s, t = (a.ravel() for a in np.indices((4, 4, 60)))
    frame = {
        "judge": np.array(judges, object)[j], "system": np.array(systems, object)[s], "task": t.astype(str),
        "rating": rng.normal(size=j.size) + 0.7 * (j == s) + 0.3 * s,
    }  # fmt: skip
    options = ModelOptions(extra={"prediction": "rating", "groups": ["judge"]})
    run = audited(
        open_frame(frame, options), "self_preference", itself=False,
        families={n: n[0] for n in judges + systems},
    )  # fmt: skip
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    assert main["low"] < 0.7 < main["high"]
    assert main["p"] < 0.01


def test_a_judge_without_a_readable_judgement():
    """Its own row is Undefined and says so; the others keep theirs."""
    rng = np.random.default_rng(12)
    cube = rng.normal(size=(4, 4, 40)) + 0.8 * np.eye(4)[:, :, None]
    cube[3] = np.nan
    got = values(rated(cube))
    assert isinstance(got["additive", "m03"], Undefined)
    assert "no judgement by m03" in got["additive", "m03"].reason
    assert got["additive", "m00"].low < 0.8 < got["additive", "m00"].high
    assert got["additive", ""].low < 0.8 < got["additive", ""].high


def test_bad_arguments():
    """Unknown names, forms and columns are one clear error each."""
    with pytest.raises(BadInput, match="neither a judge nor a system"):
        owned(["a"], ["b"], own={"c": ["b"]}, families=None)
    with pytest.raises(BadInput, match="no judge"):
        owned(["a"], ["b"], own=None, families=None)
    assert owned(["a"], ["b"], own={"a": ["b"]}, families=None) == {"a": ("b",)}
    from plumbline.metrics.rating_table import read_ratings

    with pytest.raises(UnknownName):
        read_ratings({"judge": np.array(["a"])}, {}, names={"grader": "x"})
    words = {k: np.array(["x"], object) for k in ("judge", "system", "task", "rating")}
    with pytest.raises(BadInput, match="ratings as numbers"):
        read_ratings(words, {})


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_lean_is_recovered(dial):
    """Mean over 300 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    got, covered, hits = [], 0, 0
    for seed in range(300):
        scored, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        scored = Scored(items=scored.items, measures=scored.measures[:1])
        outcome = infer(scored, CARD, seeds=Seeds(seed))[0].outcome
        assert isinstance(outcome, Estimate)
        got.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(got) - dial) < 4 * np.std(got, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
    if dial == 0:
        assert 3 <= hits <= 30


def test_mean_judgements_are_shown_where_there_are_any():
    """Judge by system, over the tasks that were judged; nothing where none was."""
    cube = np.array([[[1.0, 3.0], [2.0, np.nan]], [[np.nan, np.nan], [4.0, 5.0]]])
    got = method.tabulate(rated(cube), {}).facts["mean judgement"]
    (_, one), (_, two) = sorted(got.items())
    assert sorted(one.values()) == [2.0, 2.0]
    assert list(two.values()) == [4.5]
