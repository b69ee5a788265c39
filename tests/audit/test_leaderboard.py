"""Leaderboards from verdicts: closed forms, rank intervals that hold, and planted leans of the judge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from plumbline.audit.leaderboard import COUNTED, LENGTHS, PLACES, STRANGERS, leaderboard
from plumbline.core.errors import BadInput
from plumbline.metrics.verdict_table import FIRST, NONE, SECOND, TIE, Verdicts
from plumbline.report.leaderboard import plain_text
from plumbline.stats.head_to_head import joint_covariance, tallies, win_rates
from plumbline.stats.undefined import UndefinedStatistic

SYSTEMS = ("ada", "bob", "cyd")


def verdicts(judge, question, first, second, verdict, *, lengths=None, why=None):
    """A table from columns."""
    n = len(question)
    text = [np.asarray(list(c), dtype=object) for c in (judge, question, first, second)]
    return Verdicts(
        *text, np.asarray(verdict, np.int64), np.full(n, "", object) if why is None else why,
        np.full(n, NONE, np.int64), np.full((2, n), np.nan) if lengths is None else lengths,
        np.full(n, np.nan),
    )  # fmt: skip


def drawn(rng, *, quality, questions=80, judges=("j",), place=0.0, own=None, by_question=0.7):
    """All pairs of systems in both orders, before judges with a logistic taste.

    `quality` are the systems' log-odds, `place` those that the first place gains, `own` says which system gains
    how much with a judge, `by_question` is the standard deviation of a system's luck on a question.
    """
    rows = []
    luck = rng.normal(0, by_question, (questions, len(quality)))
    for judge in judges:
        bonus = np.zeros(len(quality))
        if own and judge in own:
            bonus[SYSTEMS.index(own[judge][0])] = own[judge][1]
        worth = np.asarray(quality) + luck + bonus
        for q in range(questions):
            for a in range(len(quality)):
                for b in range(len(quality)):
                    if a != b:
                        wins = worth[q, a] - worth[q, b] + place + rng.logistic() > 0
                        rows.append(
                            (judge, f"q{q}", SYSTEMS[a], SYSTEMS[b], FIRST if wins else SECOND)
                        )
    return verdicts(*zip(*rows, strict=True))


def test_win_rates_by_hand():
    """ada beats bob 3 of 4 and cyd 1 of 2: (3/4 + 1/2) / 2, whatever the numbers of comparisons."""
    first, second = [0] * 6, [1, 1, 1, 1, 2, 2]
    won, made = tallies(first, second, [1, 1, 1, 0, 0.5, 0.5], [0, 0, 1, 1, 0, 1], 3)
    got = win_rates(won.sum(axis=0), made.sum(axis=0))
    assert got == pytest.approx([(0.75 + 0.5) / 2, 0.25, 0.5])
    assert np.isnan(win_rates(np.zeros((2, 2)), np.zeros((2, 2)))).all()


def test_covariance_is_the_jackknife_of_independent_questions():
    """Two systems, one verdict a question: the variance of a share, p (1 - p) / (n - 1)."""
    credit = np.array([1, 1, 1, 0, 1, 0, 0, 1, 1, 1], float)
    won, made = tallies([0] * 10, [1] * 10, credit, np.arange(10), 2)
    spread = joint_covariance(won, made)
    assert spread[0, 0] == pytest.approx(credit.mean() * (1 - credit.mean()) / 9)
    assert spread[0, 1] == pytest.approx(-spread[0, 0])
    with pytest.raises(UndefinedStatistic, match="one question"):
        joint_covariance(*tallies([0], [1], [1.0], [0], 2))


def test_a_fair_judge_gives_the_order_and_a_narrow_band():
    """Qualities 1.5, 0, -1.5 apart by far: ranks 1, 2, 3 are sure and hold in every way of counting."""
    table = drawn(np.random.default_rng(0), quality=(1.5, 0.0, -1.5), judges=("j", "k"))
    got = leaderboard(table)
    assert [row["system"] for row in got.systems] == list(SYSTEMS)
    assert [(row["rank_low"], row["rank_high"]) for row in got.systems] == [(1, 1), (2, 2), (3, 3)]
    assert all(pair["order_holds"] and pair["p"] < 0.01 for pair in got.pairs)
    assert all(row["band_high"] - row["band_low"] < 0.06 for row in got.systems)
    assert set(got.ways) == {COUNTED, PLACES, "without the judge j", "without the judge k"}
    assert "no judge judges its own" in got.left_out[STRANGERS]
    assert "not recorded" in got.left_out[LENGTHS]
    for row in got.systems:
        assert row["value"] == pytest.approx(got.ways[COUNTED][row["system"]])


def test_equal_systems_share_all_ranks_at_the_nominal_rate():
    """Nothing planted: all three rank intervals are 1 to 3 in about 95 % of 200 tables."""
    held = 0
    for seed in range(200):
        table = drawn(np.random.default_rng(seed), quality=(0.0, 0.0, 0.0), questions=40)
        rows = leaderboard(table, seed=seed).systems
        held += all((row["rank_low"], row["rank_high"]) == (1, 3) for row in rows)
    # Binomial(200, .95): 99.8 % between 180 and 198.
    assert 180 <= held <= 199


def test_a_judge_for_itself_is_in_the_band():
    """ada judges, and gains 1.5 log-odds from itself: without its own verdicts bob is first again."""
    table = drawn(
        np.random.default_rng(1), quality=(0.0, 0.5, -0.5), questions=200, judges=("ada", "k"),
        own={"ada": ("ada", 1.5)},
    )  # fmt: skip
    got = leaderboard(table)
    assert got.systems[0]["system"] == "ada"
    assert got.ways[STRANGERS]["ada"] < got.ways[STRANGERS]["bob"]
    first = next(p for p in got.pairs if (p["first"], p["second"]) == (0, 1))
    assert not first["order_holds"]
    # The truth without the bonus: mean win chance of qualities 0, .5, -.5 with the questions' luck.
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.7, (1_000_000, 2))
    chance = [np.mean(1 / (1 + np.exp(-(d + noise[:, 0] - noise[:, 1])))) for d in (-0.5, 0.5)]
    assert got.ways[STRANGERS]["ada"] == pytest.approx(np.mean(chance), abs=0.05)
    text = plain_text(got)
    assert "their order hangs on how the judge's leans are counted" in text


def test_places_are_made_equal():
    """bob stands first three times as often, before a judge who likes the first place: the band says so."""
    rng = np.random.default_rng(3)
    both = drawn(rng, quality=(0.0, 0.0, 0.0), questions=150, place=1.0)
    more = [np.flatnonzero(both.first == "bob")] * 2
    table = both.take(np.concatenate([np.arange(len(both)), *more]))
    got = leaderboard(table)
    by = {row["system"]: row for row in got.systems}
    assert by["bob"]["value"] > 0.54
    assert abs(got.ways[PLACES]["bob"] - 0.5) < 0.04
    assert by["bob"]["band_low"] == pytest.approx(got.ways[PLACES]["bob"])


def test_unread_verdicts_are_counted_and_never_a_tie():
    """Leaving a third of the verdicts unread moves no win rate toward one half."""
    table = drawn(np.random.default_rng(4), quality=(2.0, 0.0, -2.0))
    why = np.full(len(table), "", dtype=object)
    why[::3] = "unparsed"
    lost = verdicts(
        table.judge, table.question, table.first, table.second,
        np.where(why == "", table.verdict, NONE), why=why,
    )  # fmt: skip
    got = leaderboard(lost)
    assert got.unread == {"unparsed": int((why != "").sum())}
    rest = leaderboard(table.take(why == ""))
    assert [r["value"] for r in got.systems] == [r["value"] for r in rest.systems]


def test_bad_input():
    """One system, no verdict, one question: one error that says what is wanted."""
    with pytest.raises(BadInput, match="readable verdicts on two or more systems"):
        leaderboard(verdicts("j", "q", "a", "b", [NONE], why=np.array(["refused"], object)))
    with pytest.raises(BadInput, match="one question"):
        leaderboard(verdicts("jj", "qq", "ab", "ba", [FIRST, TIE]))


def longer_wins(rng, *, quality, bonus, met):
    """Verdicts of a judge that likes the longer answer by `bonus` log-odds, whatever the difference.

    ada writes the longer answer in four of five. `met` says how often each pair is compared: uneven on purpose.
    """
    rows, lengths = [], []
    for (a, b), count in met.items():
        for i in range(count):
            ahead = 1 if rng.random() < (0.8 if a == 0 else 0.5) else -1
            wins = quality[a] - quality[b] + bonus * ahead + rng.logistic() > 0
            size, won = (200 + 40 * ahead, 200), FIRST if wins else SECOND
            one, two = (a, b) if i % 2 else (b, a)
            rows.append(("j", f"q{a}{b}{i}", SYSTEMS[one], SYSTEMS[two], won if i % 2 else 1 - won))
            lengths.append(size if i % 2 else size[::-1])
    return verdicts(*zip(*rows, strict=True), lengths=np.array(lengths, float).T)


def test_lengths_made_equal_are_the_shares_of_quality_with_opponents_alike():
    """Closed form: the mean over a system's opponents of logistic(difference of qualities), met often or rarely."""
    quality = np.array([0.4, 0.0, -1.2])
    met = {(0, 1): 6000, (0, 2): 1500, (1, 2): 1500}
    table = longer_wins(np.random.default_rng(4), quality=quality, bonus=0.9, met=met)
    assert {FIRST, SECOND} == {0, 1}
    truth = (expit(quality[:, None] - quality).sum(axis=1) - 0.5) / 2
    ways = leaderboard(table).ways
    # Each share has an error of at most sqrt(1/4 / 1500); four of them.
    assert list(ways[LENGTHS].values()) == pytest.approx(truth, abs=4 * np.sqrt(0.25 / 1500))
    gaps = quality[0] - quality[1:]
    recorded = (0.8 * expit(gaps + 0.9) + 0.2 * expit(gaps - 0.9)).mean()
    assert ways[COUNTED]["ada"] == pytest.approx(recorded, abs=4 * np.sqrt(0.25 / 1500))
    # Lengths that nobody likes change nothing, though ada meets bob four times as often as cyd.
    fair = longer_wins(np.random.default_rng(5), quality=quality, bonus=0.0, met=met)
    ways = leaderboard(fair).ways
    assert list(ways[LENGTHS].values()) == pytest.approx(list(ways[COUNTED].values()), abs=0.02)
