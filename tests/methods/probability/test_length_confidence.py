"""Length bias of confidence: planted talkers, recorded tables, groups, undefined answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plumbline.core.answers import LogProbs, Texts
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, NotRecorded
from plumbline.core.results import Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data import worded_answers as own
from plumbline.metrics.probability import length_confidence as method
from plumbline.metrics.token_records import ragged
from plumbline.models.abilities import ModelOptions
from plumbline.models.frame import open_frame
from plumbline.stats.infer import infer
from plumbline.testing import PlantedTalker


def findings(made: Scored, seed: int = 1) -> dict[tuple[str, str], object]:
    """Outcomes by (group, measure)."""
    found = infer(made, method.length_confidence.card, seeds=Seeds(seed))
    return {(f.labels.get("group", ""), f.labels["measure"]): f.outcome for f in found}


def by_label(run) -> dict[tuple[str, str], dict]:
    """Findings of an audit by (group, measure)."""
    return {(f["labels"].get("group", ""), f["labels"]["measure"]): f for f in run.findings}


def planted_truth(dial: float) -> float:
    """The population value for a talker: 10^6 answers by its stated distribution, ranks of whole arrays."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(9)
    words = np.array([[len(q.answer.split()) for q in own.asked(5)]]).ravel().astype(float)
    length = np.tile(words, 1_000_000 // words.size)
    right = np.repeat(rng.random(length.size // 4) < 0.6, 4)
    key = np.where(right, rng.exponential(0.5, length.size), 0.5 + rng.exponential(1, length.size))
    score = -(key + (rng.gamma(np.maximum(length - 1, 1e-9), dial) if dial else 0.0))
    top = np.zeros(3)
    for kind in (False, True):
        x, y = (rankdata(v[right == kind]) / (right == kind).sum() - 0.5 for v in (length, score))
        top += [x @ y, x @ x, y @ y]
    return float(top[0] / np.sqrt(top[1] * top[2]))


def test_planted_cost_of_words_is_recovered_end_to_end(audited):
    """A talker that loses .1 nats a word: the interval holds the value of 10^6 such answers."""
    run = audited(PlantedTalker(dial=0.1, seed=2), "length_confidence", suite="standard")
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    assert main["low"] <= planted_truth(0.1) <= main["high"]
    assert main["p"] < 1e-6


def test_nothing_planted_nothing_found(audited):
    """Words that cost nothing: the summed confidence does not depend on length."""
    run = audited(PlantedTalker(dial=0.0, seed=3), "length_confidence", suite="standard")
    (main,) = [f for f in run.findings if f["role"] == "primary"]
    assert main["p"] > 0.001
    assert main["low"] <= 0 <= main["high"]


def test_average_over_corrects_toward_short_answers(audited):
    """S054: one costly token spread over few or many: the mean trusts long answers, the sum short ones."""
    run = audited(PlantedTalker(dial=0.1, seed=2), "length_confidence", suite="standard")
    got = by_label(run)
    assert got["", "Chow-Sum"]["high"] < 0 < got["", "Chow-Average"]["low"]
    assert got["long", "deferred by Chow-Sum at 30% of all"]["low"] > 0
    assert got["long", "deferred by Chow-Average at 30% of all"]["high"] < 0


def test_correctness_that_falls_with_length_is_no_bias():
    """Long answers that are wrong more often, at a confidence that knows only right and wrong: 0.

    Over all answers the correlation is clearly negative; the facts keep it.
    """
    rng = np.random.default_rng(4)
    length = rng.integers(2, 30, 1_500)
    right = (rng.random(1_500) < 1 - length / 40).astype(float)
    key = np.where(right == 1, rng.exponential(0.5, 1_500), 2 + rng.exponential(0.5, 1_500))
    tokens = [np.concatenate(([-k], np.zeros(n - 1))) for k, n in zip(key, length, strict=True)]
    made = method.scored(tokens, right, np.arange(1_500).astype(str), why=[""] * 1_500)
    primary = findings(made)["", "Chow-Sum"]
    assert abs(primary.value) < 0.06
    assert primary.low <= 0 <= primary.high
    assert made.facts["rank correlation with length over all answers"]["Chow-Sum"] < -0.25


def test_a_sign_turns_with_the_sign_of_the_cost():
    """Tokens that make longer answers surer turn the sign; the magnitude is that of the mirror image."""
    rng = np.random.default_rng(5)
    length = np.tile([3, 6, 9, 12], 50)
    noise = rng.normal(size=200)
    rows = np.arange(200)

    def value(sign: float) -> float:
        total = -40 + sign * length + noise * sign
        tokens = [np.full(n, t / n) for t, n in zip(total, length, strict=True)]
        made = method.scored(tokens, np.ones(200), (rows // 4).astype(str), why=[""] * 200)
        return findings(made)["", "Chow-Sum"].value

    assert value(1) > 0.5
    assert value(-1) == pytest.approx(-value(1), abs=0.01)


def frame(rng, *, column="logprobs", n=400):
    """Recorded answers in two languages; one has twice the tokens for the same content."""
    language = np.array(["xx", "yy"], dtype=object)[rng.integers(0, 2, n)]
    length = np.where(language == "yy", 2, 1) * rng.integers(3, 10, n)
    right = rng.integers(0, 2, n)
    tokens = [-rng.exponential(0.15, size) for size in length]
    for row, hit in zip(tokens, right, strict=True):
        row[0] -= 0 if hit else 1 + rng.exponential(1)
    return {
        column: np.array([json.dumps(t.tolist()) for t in tokens], dtype=object),
        "correct": right,
        "language": language,
        "prediction": right,
    }


def recorded(columns, **extra):
    """A recorded subject."""
    options = ModelOptions(extra={"prediction": "prediction", "groups": ["language"], **extra})
    return open_frame(columns, options, name="recorded")


def test_a_recorded_table_with_a_language(audited):
    """S054 pitfall: the language with more tokens a word is deferred more by the sum, not by the worst token.

    Exchanging the languages' names turns the sign of every gap.
    """
    table = frame(np.random.default_rng(6))
    run = audited(recorded(table), "length_confidence", correct="correct")
    got = by_label(run)
    by_sum = got["yy", "deferred by Chow-Sum at 30% of all"]
    assert by_sum["low"] > 0.1
    assert got["xx", "deferred by Chow-Sum at 30% of all"]["value"] == pytest.approx(
        -by_sum["value"]
    )
    worst = got["yy", "deferred by worst token at 30% of all"]
    assert worst["low"] < 0.1
    assert worst["value"] < by_sum["value"] - 0.1
    swapped = {**table, "language": np.where(table["language"] == "xx", "yy", "xx").astype(object)}
    again = audited(recorded(swapped), "length_confidence", correct="correct")
    turned = by_label(again)["yy", "deferred by Chow-Sum at 30% of all"]
    assert turned["value"] == pytest.approx(-by_sum["value"])


def test_traces_are_read_as_lists_or_numbers():
    """Brackets, spaces, commas, semicolons; an empty cell is an answer without tokens."""
    got = ragged(np.array(["[-1, -2]", "-1 -2", "-1;-2", "-1, -2", "", "nan"], dtype=object), "t")
    assert [g.tolist() for g in got] == [[-1, -2]] * 4 + [[], []]
    for bad in ("[-1, 2]", "[[-1]]", "yes", "[-1, null]"):
        with pytest.raises(BadInput, match="row 1"):
            ragged(np.array([bad], dtype=object), "t")


def test_tables_without_the_columns(audited):
    """No traces, or no word on what is right: a row with its reason, not a number."""
    table = frame(np.random.default_rng(7), column="other")
    run = audited(recorded(table), "length_confidence", correct="correct")
    assert not [f for f in run.findings if f.get("value") is not None]
    job = method.length_confidence(Context(abilities=frozenset({"records"}), seeds=Seeds(0)))
    next(job)
    columns = {"column:logprobs": np.array(["-1"], dtype=object), "prediction": np.array([1])}
    with pytest.raises(NotRecorded, match="label"):
        job.send([type("R", (), {"columns": columns})()])


def answers(texts, finish=None, status=None):
    """Run the asking generator on answers of our own."""
    job = method.length_confidence(
        Context(abilities=frozenset({"generate", "logprob"}), seeds=Seeds(0))
    )
    (batch,) = next(job)
    n = len(batch)
    said = [texts(i) for i in range(n)]
    (logs,) = job.send([Texts(said, finish or ["stop"] * n, status or [""] * n)])
    assert all(c.endswith(own.END) for c in logs.columns["continuation"])
    rows = [(np.full(1 + len(t.split()), -0.5), [""] * (1 + len(t.split()))) for t in said]
    with pytest.raises(StopIteration) as stop:
        job.send([LogProbs.of(rows)])
    return stop.value.value


def test_refused_cut_and_empty_answers_have_no_score():
    """Each with its reason; below half of them scored there is no number."""
    good = [q.answer for q in own.asked(5)]
    n = len(good)
    status = ["refused"] * 5 + [""] * (n - 5)
    finish = ["stop"] * (n - 5) + ["length"] * 5
    made = answers(lambda i: "" if i == 50 else good[i], finish, status)
    why = made.items.where({"part": "Chow-Sum"})["why"].tolist()
    assert (why.count("refused"), why.count("cut off"), why.count("empty answer")) == (5, 5, 1)
    assert made.facts["without a score"] == {"refused": 5, "cut off": 5, "empty answer": 1}
    lost = answers(lambda i: good[i], None, ["refused"] * (n - 20) + [""] * 20)
    assert all(isinstance(o, Undefined) for o in findings(lost).values())
    none = answers(lambda i: good[i], None, ["refused"] * n)
    assert all(isinstance(o, Undefined) for o in findings(none).values())


def test_answers_are_read_by_their_last_number():
    """Right in every wording; a sentence that repeats the operands is read at its end."""
    rows = own.asked(3)
    assert all(q.read(q.answer) == q.gold for q in rows)
    assert rows[0].read("I do not know") is None
    made = answers(lambda i: own.asked(5)[i].answer)
    assert made.facts["share right"] == 1
    assert set(made.facts["by wording"]) == set(own.FORMS)


def test_questions_stand_in_every_wording_and_parts_do_not_meet():
    """Length is independent of the question by design; calibration asks other operands."""
    rows = own.asked(24)
    assert len({q.id for q in rows}) * len(own.FORMS) == len(rows) == 24 * 6 * 4
    few = own.asked(5)
    assert {q.id for q in few} < {q.id for q in rows}
    other = {q.id for q in own.asked(24, part=own.CALIBRATION)}
    judged = {q.id for q in rows}
    turned = {" ".join([*i.split()[:-2], *i.split()[-1:-3:-1]]) for i in judged}
    assert not other & (judged | turned)
    lengths = [np.mean([len(q.answer) for q in rows if q.form == f]) for f in own.FORMS]
    assert lengths == sorted(lengths)
    with pytest.raises(BadInput, match="1 to 24"):
        own.asked(25)


def test_a_rate_outside_is_refused():
    """Nothing or all deferred has no gap."""
    job = method.length_confidence(Context(abilities=frozenset(), seeds=Seeds(0)), rate=1.0)
    with pytest.raises(BadInput, match="between 0 and 1"):
        next(job)


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_correlation_is_recovered(dial):
    """Over 200 data sets: the mean is near the truth, intervals cover, the null is kept."""
    values, covered, hits = [], 0, 0
    for seed in range(200):
        got, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        got = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(got, method.length_confidence.card, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 0.015  # a rank correlation has a bias of order 1 / n
    assert 179 <= covered <= 199  # Binomial(200, .95): 99.9 %
    if dial == 0:
        assert 1 <= hits <= 21
    if dial == max(method.DIALS):
        assert hits == 200
