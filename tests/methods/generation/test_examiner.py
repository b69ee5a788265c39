"""Own questions and follow-ups: check 3 of card S078, planted examinees, reading of answers, bad files."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import BadInput
from plumbline.core.results import Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.templates import graded_questions as own
from plumbline.metrics.follow_ups import expected_depth, holds, written_question
from plumbline.metrics.generation import examiner as method
from plumbline.stats.infer import infer
from plumbline.testing import PlantedExaminee

CARD = method.examiner.card


def chains(count, steps=3):
    """Made-up facts with a chain of questions each."""
    made = []
    for i in range(count):
        rows = tuple(
            own.Step(own.LEVELS[min(d, 2)], f"Case {i}, step {d}: which word?", (f"word{i}x{d}",))
            for d in range(steps)
        )
        made.append(own.Chain(f"c{i:03d}", "made up", f"The word of case {i} is word{i}x0.", rows))
    return tuple(made)


def run(scored, subject, tmp_path, made=None):
    """The scored items of a subject on its chains."""
    if made is not None:
        text = 'id = "x"\ntitle = "x"\nnote = "x"\n'
        for c in made:
            text += f'[[chains]]\nid = "{c.id}"\ntopic = "t"\nfact = "{c.fact}"\n'
            for s in c.steps:
                text += f'[[chains.steps]]\nlevel = "{s.level}"\nquestion = "{s.question}"\nanswers = ["{s.answers[0]}"]\n'
        (tmp_path / "own.toml").write_text(text)
        return scored(method.examiner, subject, facts=str(tmp_path / "own.toml"))
    return scored(method.examiner, subject)


def main(got):
    """The primary outcome."""
    only = Scored(items=got.items, measures=got.measures[:1])
    return infer(only, CARD, seeds=Seeds(0))[0].outcome


def test_follow_up_depth_in_closed_form():
    """S078 check 3: expected depth p / (1 - p); the capped formula exact by enumeration and by simulation."""
    assert expected_depth(0.5) == 1
    assert expected_depth(0.75) == pytest.approx(3)
    for p in (0.0, 0.3, 0.8, 1.0):
        for most in (1, 3, 7):
            # P(depth >= h) = p^h, so the mean is their sum.
            assert expected_depth(p, most=most) == pytest.approx(
                sum(p**h for h in range(1, most + 1))
            )
    rng = np.random.default_rng(0)
    right = rng.random((200_000, 30)) < 0.6
    depth = np.where(right.all(axis=1), 30, right.argmin(axis=1))
    assert depth.mean() == pytest.approx(expected_depth(0.6), abs=0.02)
    assert np.minimum(depth, 3).mean() == pytest.approx(expected_depth(0.6, most=3), abs=0.01)
    with pytest.raises(BadInput, match="never stops"):
        expected_depth(1.0)
    with pytest.raises(BadInput, match="between"):
        expected_depth(1.2)


def test_follow_ups_stop_at_the_first_wrong_answer(scored, tmp_path):
    """S078 check 3 through the method: independent hops of .6: mean depth is the capped closed form."""
    made = chains(400)
    got = run(scored, PlantedExaminee(knows=0.6, chains=made, seed=1), tmp_path, made)
    assert got.facts["mean depth"] == pytest.approx(expected_depth(0.6, most=3), abs=0.15)
    assert got.facts["mean depth if answers were independent"] == pytest.approx(
        got.facts["mean depth"], abs=0.1
    )
    level = got.items.where({"part": "level"})
    counts = [int((level["level"] == name).sum()) for name in own.LEVELS]
    right = [int(level["score"][level["level"] == name].sum()) for name in own.LEVELS]
    assert counts == [400, right[0], right[1]]


@pytest.mark.parametrize("dial", [0.3, -0.3])
def test_a_planted_difference_is_found(scored, tmp_path, dial):
    """Own questions right .5 + dial, ours .5: recovered, with its sign."""
    made = chains(200)
    got = main(run(scored, PlantedExaminee(dial=dial, chains=made, seed=2), tmp_path, made))
    assert got.low < dial < got.high
    assert got.p < 0.01
    assert got.units == 200


def test_nothing_is_found_where_nothing_is(scored, tmp_path):
    """No dial: of 40 examinees at most 7 are alarms (99.9 % of binomial(40, .05)), and the mean is 0."""
    made = chains(100, steps=1)
    got = [
        main(run(scored, PlantedExaminee(chains=made, seed=s), tmp_path, made)) for s in range(40)
    ]
    assert sum(o.p <= 0.05 for o in got) <= 7
    values = [o.value for o in got]
    assert abs(np.mean(values)) < 4 * np.std(values, ddof=1) / np.sqrt(40)


def test_useless_questions_have_a_reason(scored, tmp_path):
    """A question that tells the answer, or none at all: left out by reason, never wrong answers."""
    made = chains(200)
    subject = PlantedExaminee(tells=0.2, silent=0.1, refuses=0.1, chains=made, seed=4)
    got = run(scored, subject, tmp_path, made)
    left = got.facts["own questions left out"]
    assert left[method.GIVEN] == pytest.approx(40, abs=15)
    assert left[method.UNWRITTEN] == pytest.approx(20, abs=12)
    assert "refused" in left
    assert main(got).n == (got.items.where({"part": "own minus ours"})["why"] == "").sum()
    mute = run(scored, PlantedExaminee(silent=0.9, chains=made, seed=5), tmp_path, made)
    outcome = main(mute)
    assert isinstance(outcome, Undefined)
    assert "share of facts" in outcome.reason


def test_reading_short_answers():
    """An accepted answer in the first line, word for word; numbers in words; no part of a word."""
    assert holds("Paris.", ["Paris"])
    assert holds("\nThe answer is Paris, France.", ["paris"])
    assert holds("Twenty-four legs", ["24", "twenty four"])
    assert not holds("Parisian", ["Paris"])
    assert not holds("London\nParis", ["Paris"])
    assert not holds("", ["Paris"])
    assert not holds("18", ["8"])


def test_reading_written_questions():
    """The first question, without marks and leads; nothing where there is none."""
    assert written_question('Question: "What is it?" Answer: 3') == "What is it?"
    assert written_question("Sure!\n1. Which city is it? Or not?") == "1. Which city is it?"
    assert written_question("No question here.") == ""
    assert written_question("?") == ""


def test_shipped_chains():
    """Twenty facts, three levels each; no question gives its own answer away at recall."""
    found = own.load()
    assert len(found) == 20
    for chain in found:
        assert [s.level for s in chain.steps] == list(own.LEVELS)
        assert not holds(chain.steps[0].question, chain.steps[0].answers)


def test_bad_files(tmp_path):
    """A chain that begins deep, and a fact without its answer."""
    head = 'id="x"\ntitle="x"\nnote="x"\n[[chains]]\nid="a"\ntopic="t"\nfact="Water is wet."\n'
    step = '[[chains.steps]]\nlevel="{}"\nquestion="q?"\nanswers=["{}"]\n'
    path = tmp_path / "bad.toml"
    for level, answer, match in (
        ("analyse", "wet", "level recall"),
        ("recall", "dry", "holds none"),
    ):
        path.write_text(head + step.format(level, answer))
        with pytest.raises(BadInput, match=match):
            own.load(path)


def test_through_a_whole_audit(audited):
    """Cache, runner and inference: the shipped facts, a large difference."""
    found = audited(PlantedExaminee(dial=0.6, knows=0.3, seed=6), "examiner", suite="standard")
    (first,) = [f for f in found.findings if f["role"] == "primary"]
    assert first["low"] < 0.6 < first["high"]
    assert first["p"] < 0.01


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_difference_is_recovered(dial):
    """Mean over 300 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    values, covered, hits = [], 0, 0
    for seed in range(300):
        made, truth = method.simulate(np.random.default_rng([seed, 1]), dial=dial)
        got = main(made)
        values.append(got.value)
        covered += got.low <= truth <= got.high
        hits += got.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
    if dial == 0:
        assert 3 <= hits <= 30
