"""Length bias: closed forms, planted judges, recorded verdicts, length-controlled win rates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as ss
from scipy.special import expit

from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.questions import plain
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.sets import alpacaeval, verdict_rows
from plumbline.data.templates import twins as own
from plumbline.metrics.judge import judge_length as method
from plumbline.metrics.verdict_table import FIRST, SECOND, TIE
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.models.table import open_table
from plumbline.stats.infer import infer
from plumbline.stats.length_control import length_controlled
from plumbline.stats.undefined import UndefinedStatistic
from plumbline.testing import PlantedReviewer, assert_no_finding, only


def found(scored):
    """Outcomes by measure and group."""
    got = infer(scored, method.judge_length.card, seeds=Seeds(0))
    return {(f.labels["measure"], f.labels.get("group", "")): f.outcome for f in got}


def frame_of(rows, names=("judge", "question", "first", "second", "verdict", "better", "first_length", "second_length")):  # fmt: skip
    """A recorded subject of rows."""
    columns = {n: np.array(c, object) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    return open_frame(columns, ModelOptions())


def test_paddings_say_nothing_and_keep_the_answer():
    """The padded answer is the control between two texts; every question meets every padding once."""
    bank = own.load()
    pairs = bank.padded()
    assert (
        len(pairs) == len(bank.questions) * len(bank.padding) == len({(n, t.id) for n, t in pairs})
    )
    assert all(
        f" {t.control} " in t.perturbed and len(t.perturbed) > 2 * len(t.control) for _, t in pairs
    )
    assert [n for n, _ in bank.padded(1)][:5] == [f"padding {i}" for i in (1, 2, 3, 4, 1)]
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    (batch,) = next(method.judge_length(context))
    assert len(batch) == 48
    for one, two in zip(batch.columns["prompt"][:24], batch.columns["prompt"][24:], strict=True):
        assert len(plain(one)) == len(plain(two))
        assert plain(one) != plain(two)


def firsts() -> list[str]:
    """How each padding begins: what a planted judge knows a padded answer by."""
    return [before[:20] for before, _ in own.load().padding]


@pytest.mark.parametrize(
    ("judge", "share"),
    [
        # With chance l the longer answer unseen, else a coin: l + (1 - l) / 2.
        ({"longer": 0.6, "ties": 0.3}, 0.8),
        # A habit for a place leaves 1/2 there, because both orders are asked.
        ({"longer": 0.6, "position": 0.2}, 0.2 * 0.5 + 0.8 * 0.8),
        # A judge that likes brevity: with chance 1/2 the other one.
        ({"charms": dict.fromkeys(firsts(), -0.5)}, 0.25),
    ],
)
def test_planted_judges_are_recovered(scored, judge, share):
    """Ten judges a dial: found in each, mean within 4 Monte-Carlo errors, ties counting half."""
    values, covered = [], 0
    for seed in range(10):
        got = scored(method.judge_length, PlantedReviewer(seed=seed, **judge), suite="standard")
        assert got.facts["pairs"] == 24 * 4
        finding = only(infer(got, method.judge_length.card, seeds=Seeds(0)), axis="answer length")
        assert finding.outcome.p < 0.001
        values.append(finding.outcome.value)
        covered += finding.outcome.low <= share <= finding.outcome.high
    assert abs(np.mean(values) - share) < 4 * np.std(values, ddof=1) / np.sqrt(10)
    assert covered >= 7  # binomial(10, .95): 7 or more in 99.9 %


def test_a_judge_without_a_taste_for_length(scored):
    """No bias, no finding: a coin with ties and a strong habit for the first place."""
    got = scored(method.judge_length, PlantedReviewer(position=0.5, ties=0.3, seed=3), suite="standard")  # fmt: skip
    assert_no_finding(only(infer(got, method.judge_length.card, seeds=Seeds(0)), axis="answer length"))  # fmt: skip


def test_refusals_are_counted_and_a_mute_judge_is_undefined(audited, scored):
    """A pair with a missing verdict is left out whole; below half there is no number."""
    few = scored(method.judge_length, PlantedReviewer(refuses=0.1, longer=1.0, seed=1))
    assert few.facts["unanswered"]["refused"] == round(48 * (1 - few.facts["parse_rate"]))
    assert few.facts["left_out_pairs"] > 0
    assert found(few)[method.LONGER, ""].value == 1
    run = audited(PlantedReviewer(refuses=0.9, seed=1), "judge_length")
    assert {f["status"] for f in run.findings} == {"undefined"}


def test_swapping_long_and_short_mirrors_the_share():
    """A judge that names the other answer everywhere has one minus the share."""
    rng = np.random.default_rng(0)
    verdicts = rng.choice([FIRST, SECOND, TIE], size=(2, 24), p=[0.3, 0.5, 0.2])
    names, why = [f"q{i}" for i in range(24)], np.full((2, 24), "", object)
    one = found(method.scored(names, ["p"] * 24, verdicts, why))[method.LONGER, ""]
    other = found(method.scored(names, ["p"] * 24, np.array([SECOND, FIRST, TIE])[verdicts], why))[method.LONGER, ""]  # fmt: skip
    assert other.value == pytest.approx(1 - one.value)
    assert other.p == pytest.approx(one.p)


def test_recorded_share_by_hand(scored):
    """Longer better: wins 8 of 10; shorter better: longer wins 4 of 10: balanced .6, plain .6; ties half."""
    rows = []
    for q in range(10):
        rows.append(("j", q, "x", "y", "first" if q < 8 else "second", "x", 9, 5))
        rows.append(("j", q, "x", "y", "second" if q < 4 else "first", "x", 5, 9))
    got = found(scored(method.judge_length, frame_of(rows)))
    text = f"{method.LONGER}, better in half"
    assert got[text, ""].value == pytest.approx(0.6)
    assert got[text, "j"].value == pytest.approx(0.6)
    # Ten more pairs whose longer answer is better, all right: the plain share moves, the strata count alike.
    more = rows + [("j", q, "x", "y", "first", "x", 9, 5) for q in range(10)]
    got = found(scored(method.judge_length, frame_of(more)))
    assert got[text, ""].value == pytest.approx((0.9 + 0.4) / 2)
    assert got[f"{method.LONGER}, all pairs", ""].value == pytest.approx(22 / 30)
    assert got[f"{method.LONGER}, the longer is better", ""].value == pytest.approx(0.9)


def test_errors_without_a_side_are_no_length_bias(scored):
    """A judge that is wrong in 30 % of both kinds has one half, however often the longer is better."""
    rng = np.random.default_rng(2)
    rows = []
    for q in range(400):
        long_better = rng.random() < 0.8
        right = rng.random() < 0.7
        rows.append(
            (
                "j",
                q,
                "x",
                "y",
                "first" if right else "second",
                "x",
                *((9, 5) if long_better else (5, 9)),
            )
        )
    got = found(scored(method.judge_length, frame_of(rows)))
    main = got[f"{method.LONGER}, better in half", ""]
    assert main.low < 0.5 < main.high
    assert got[f"{method.LONGER}, all pairs", ""].low > 0.5


def test_without_better_answers_nothing_is_tested(scored):
    """Longer answers may be better: a share without p; equal and missing lengths are left out by reason."""
    names = ("judge", "question", "first", "second", "verdict", "first_length", "second_length")
    rows = [("j", q, "x", "y", "first", 9, 5) for q in range(10)] + [("j", 10, "x", "y", "", 9, 5), ("j", 11, "x", "y", "first", 5, 5), ("j", 12, "x", "y", "first", None, 5)]  # fmt: skip
    got = scored(method.judge_length, frame_of(rows, names))
    main = found(got)[method.LONGER, ""]
    assert (main.value, main.p, main.n) == (1, None, 10)
    assert got.facts["left out"] == {"empty": 1, "equal lengths": 1, "a length is missing": 1}


def test_a_table_without_lengths_does_not_apply(audited):
    """The reason names the columns."""
    rows = [("j", q, "x", "y", "first") for q in range(10)]
    run = audited(
        frame_of(rows, ("judge", "question", "first", "second", "verdict")), "judge_length"
    )
    assert run.findings[0]["status"] == "not_applicable"
    assert "first_length" in run.findings[0]["reason"]


QUALITY = {"a": 0.8, "b": 0.3, "c": 0.0}


def verdicts_by_model(rng, n, *, slope, place=0.3, hard=None, ties=0.0):
    """Systems of known quality; system b writes long."""
    names = np.array(list(QUALITY), object)
    first = rng.integers(0, 3, n)
    second = (first + rng.integers(1, 3, n)) % 3
    lengths = rng.normal(100, 20, (2, n)) + 40 * (np.stack([first, second]) == 1)
    gap = lengths[0] - lengths[1]
    worth = np.array(list(QUALITY.values()))
    eta = place + worth[first] - worth[second] + slope * np.tanh(gap / gap.std())
    if hard is not None:
        turn = np.array([0.5, -0.5, 0.0])
        eta = eta + (turn[first] - turn[second]) * hard
    credit = (rng.random(n) < expit(eta)).astype(float)
    return names[first], names[second], np.where(rng.random(n) < ties, 0.5, credit), lengths


@pytest.mark.parametrize(("ties", "low", "high"), [(0.0, 0.97, 1.03), (0.1, 0.85, 0.91)])
def test_planted_length_slope_is_recovered(ties, low, high):
    """Means over 20 sets of 4,000 verdicts: slope, place and qualities.

    A tie with chance .1 pulls every share p to .9 p + .05, and so its log-odds to between .86 (at p = .8)
    and .9 (at p = .5) of what they were.
    """
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        one, two, credit, lengths = verdicts_by_model(rng, 4000, slope=1.0, ties=ties)
        got = length_controlled(one, two, credit, lengths, clusters=np.arange(4000) // 4)
        found.append([got.slope[0], got.place[0], *got.quality[:2]])
        assert got.quality[2] == 0
    ratio = np.mean(found, axis=0) / np.array([1.0, 0.3, 0.8, 0.3])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(20) / np.array([1.0, 0.3, 0.8, 0.3])
    assert (ratio > low - 3 * error).all()
    assert (ratio < high + 3 * error).all()


def test_length_control_takes_length_out_and_nothing_else():
    """The long system's raw win rate is inflated, its controlled one is that of its quality."""
    raw, controlled = [], []
    for seed in range(20):
        one, two, credit, lengths = verdicts_by_model(np.random.default_rng(seed), 4000, slope=1.2)
        got = length_controlled(one, two, credit, lengths, clusters=np.arange(4000))
        raw.append(got.raw[1])
        controlled.append(got.controlled[1])
    truth = np.mean([expit(0.3 - 0.8), expit(0.3)])
    assert np.mean(raw) > truth + 0.1
    assert abs(np.mean(controlled) - truth) < 0.01


def test_intervals_of_the_slope_cover():
    """95 % intervals over 200 sets of 600 verdicts on 150 questions: binomial(200, .95), 99.9 % in 177 to 199."""
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 7])
        one, two, credit, lengths = verdicts_by_model(rng, 600, slope=0.7)
        got = length_controlled(one, two, credit, lengths, clusters=np.arange(600) // 4)
        covered += got.slope[1] <= 0.7 <= got.slope[2]
    assert 177 <= covered <= 199


def test_intervals_of_controlled_rates_cover():
    """95 % intervals of the long system's rate over 200 sets of 600 verdicts: binomial(200, .95), 99.9 % in 177 to 199.

    The truth is the mean chance at its own pairings, by the qualities that were planted.
    """
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 8])
        one, two, credit, lengths = verdicts_by_model(rng, 600, slope=0.7)
        got = length_controlled(one, two, credit, lengths, clusters=np.arange(600) // 4)
        others = np.concatenate([two[one == "b"], one[two == "b"]])
        truth = np.mean([expit(QUALITY["b"] - QUALITY[o]) for o in others])
        covered += got.low[1] <= truth <= got.high[1]
    assert 177 <= covered <= 199


def test_between_two_systems_the_controlled_interval_is_that_of_their_quality():
    """One pairing: the rate is logistic(quality), so its limits are those of the coefficient, and mirror images."""
    rng = np.random.default_rng(5)
    one, two, credit, lengths = verdicts_by_model(rng, 2000, slope=1.0)
    pair = (one != "c") & (two != "c")
    given = one[pair], two[pair], credit[pair], lengths[:, pair]
    wide = length_controlled(*given, clusters=np.arange(pair.sum()))
    even = length_controlled(*given, clusters=np.arange(pair.sum()), level=0.5)
    assert wide.controlled[0] == pytest.approx(expit(wide.quality[0]), abs=1e-12)
    assert wide.low[0] == pytest.approx(1 - wide.high[1], abs=1e-12)
    reach = [np.log(g.high[0] / (1 - g.high[0])) - wide.quality[0] for g in (wide, even)]
    assert reach[0] / reach[1] == pytest.approx(ss.norm.ppf(0.975) / ss.norm.ppf(0.75), rel=1e-9)


def test_identity_and_symmetry_of_length_controlled_rates():
    """arXiv:2404.04475, section 3: a system against itself has 50 %, and two systems' rates add to 100 %."""
    rng = np.random.default_rng(5)
    one, two, credit, lengths = verdicts_by_model(rng, 2000, slope=1.0)
    pair = (one != "c") & (two != "c")
    got = length_controlled(one[pair], two[pair], credit[pair], lengths[:, pair], clusters=np.arange(pair.sum()))  # fmt: skip
    assert got.controlled.sum() == pytest.approx(1, abs=1e-12)
    assert got.raw.sum() == pytest.approx(1, abs=1e-12)
    turned = length_controlled(two[pair], one[pair], 1 - credit[pair], lengths[::-1][:, pair], clusters=np.arange(pair.sum()))  # fmt: skip
    assert turned.slope[0] == pytest.approx(got.slope[0], abs=1e-6)
    assert turned.place[0] == pytest.approx(-got.place[0], abs=1e-6)
    assert turned.controlled == pytest.approx(got.controlled, abs=1e-6)


def test_difficulty_enters_as_a_term_of_each_system():
    """Planted turns of .5 and -.5 a unit of difficulty are recovered within 4 Monte-Carlo errors."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hard = rng.normal(size=4000)
        one, two, credit, lengths = verdicts_by_model(rng, 4000, slope=0.5, hard=hard)
        got = length_controlled(
            one, two, credit, lengths, clusters=np.arange(4000), difficulty=hard
        )
        found.append(got.turn[:2])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(np.mean(found, axis=0) - [0.5, -0.5]) < 4 * error + 0.01).all()


def test_what_cannot_be_told_apart_is_undefined():
    """Lengths that do not differ; one pair of systems always in one order."""
    rng = np.random.default_rng(0)
    credit = rng.integers(0, 2, 50)
    with pytest.raises(UndefinedStatistic, match="do not differ"):
        length_controlled(["x"] * 50, ["y"] * 50, credit, np.ones((2, 50)), clusters=range(50))
    with pytest.raises(UndefinedStatistic, match="constant"):
        length_controlled(["x"] * 50, ["y"] * 50, credit, rng.random((2, 50)), clusters=range(50))
    with pytest.raises(BadInput, match="wanted credits"):
        length_controlled(
            ["x"] * 50, ["y"] * 50, credit * 2, rng.random((2, 50)), clusters=range(50)
        )


def test_recorded_judges_of_vicuna80(mirror, tmp_path, scored):
    """All five judges favour the longer answer where people's majority is held; people's rows have no gold."""
    path = tmp_path / "v.csv"
    verdict_rows.write(verdict_rows.table_of("vicuna80-judgments"), path)
    got = scored(method.judge_length, open_table(str(path), ModelOptions()))
    outcomes = found(got)
    text = f"{method.LONGER}, better in half"
    for judge in ("bard", "claude", "gpt35", "gpt4", "vicuna-13b"):
        assert outcomes[text, judge].low > 0.5
        slope = got.facts["length control"][judge]["log-odds of length, low, high"]
        assert slope[1] > 0
    assert (text, "human") not in outcomes
    assert isinstance(outcomes[text, ""], Estimate)


def test_length_control_and_chatbot_arena(mirror):
    """arXiv:2404.04475 reports Spearman .94 before and .98 after length control, with Chatbot Arena.

    The released table has 37 models with both; it gives .931 and .975.
    """
    rows = alpacaeval.benchmarks(alpacaeval.ARENA, "AlpacaEval 2.0", "LC AlpacaEval 2.0").values()
    arena, raw, controlled = zip(*rows, strict=True)
    assert len(arena) == 37
    assert ss.spearmanr(arena, raw)[0] == pytest.approx(0.94, abs=0.011)
    assert ss.spearmanr(arena, controlled)[0] == pytest.approx(0.98, abs=0.011)


def test_length_on_the_whole_board(mirror):
    """On all 211 models win rates go with mean length; length control makes that weaker, not nothing."""
    board = alpacaeval.leaderboard()
    lengths = [e.mean_length for e in board]
    raw = ss.spearmanr(lengths, [e.win_rate for e in board])[0]
    controlled = ss.spearmanr(lengths, [e.length_controlled for e in board])[0]
    assert raw > controlled + 0.1 > 0.5


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_share_is_recovered(dial):
    """Mean over 300 data sets is (1 + dial) / 2 within 4 Monte-Carlo errors; intervals cover."""
    values, covered = [], 0
    for seed in range(300):
        got, truth = method.simulate(np.random.default_rng([seed, 2]), dial=dial)
        outcome = found(got)[method.LONGER, ""]
        assert not isinstance(outcome, Undefined)
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297


def test_bad_twins_file(tmp_path):
    """A file that holds no twins is the caller's error."""
    (tmp_path / "bad.toml").write_text('id = "x"\ntitle = "x"\nnote = ""\n')
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    with pytest.raises(BadInput):
        next(method.judge_length(context, twins=str(tmp_path / "bad.toml")))
