"""Greedy extraction: planted dead ends are found, equal answers are no finding (card S034)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.audit.correct import correct
from plumbline.audit.plan import Plan
from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.results import Estimate
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.templates import passages as own
from plumbline.metrics.generation import greedy_extraction as method
from plumbline.mitigate.postprocessing.exact_span import exact_span
from plumbline.models.corrected_exact_span import ExactSpan
from plumbline.models.corrected_files import read_record
from plumbline.models.whole_batch import answered
from plumbline.stats.infer import infer
from plumbline.testing import PlantedExtractor, PlantedWriter

GREEDY = ask.Decoding(max_tokens=16, stop=("\n",))


def parts(scored, part):
    """Scores of one part, by question."""
    items = scored.items.where({"part": part})
    return dict(zip(items["question"], items["score"], strict=True))


def findings(scored):
    """Outcome by measure."""
    found = infer(scored, method.greedy_extraction.card, seeds=Seeds(1))
    return {f.labels["measure"]: f.outcome for f in found}


@pytest.mark.parametrize("dial", [1.0, -1.0])
def test_the_planted_handicap_is_found(scored, dial):
    """S034 check 3: traps are found in 100 %: greedy takes each dead end, the search none.

    At dial 1 each trap costs greedy the right answer, at -1 the dead end is the right answer: the
    difference is the share of trapped questions, with the dial's sign.
    """
    model = PlantedExtractor(dial=dial, trap=0.5, seed=4)
    got = scored(method.greedy_extraction, model, suite="standard")
    optimal, gain, gap = (parts(got, p) for p in ("optimal", "gain", "gap"))
    trapped = [q for q, v in optimal.items() if v == 0]
    assert 10 <= len(trapped) <= 30
    assert all(gain[q] == dial for q in trapped)
    assert all(gain[q] == 0 for q in optimal if q not in trapped)
    # The best is worth .45, the dead end .55 x .6 = .33.
    assert {round(gap[q], 9) for q in trapped} == {round(float(np.log(0.45 / 0.33)), 9)}
    main = findings(got)["token F1"]
    assert main.value == pytest.approx(dial * len(trapped) / 40)
    assert main.p < 0.01


def test_no_trap_no_finding(scored):
    """A model whose greedy answers are its best spans has difference 0, optimality 1 and gap 0."""
    got = scored(method.greedy_extraction, PlantedExtractor(trap=0.0), suite="standard")
    assert set(parts(got, "optimal").values()) == {1.0}
    assert set(parts(got, "gain").values()) == {0.0}
    assert max(parts(got, "gap").values()) == pytest.approx(0.0, abs=1e-9)
    assert set(parts(got, "em exact").values()) == {1.0}
    main = findings(got)["token F1"]
    if isinstance(main, Estimate):
        assert main.low <= 0 <= main.high
    assert findings(got)["extractiveness of greedy answers"].value == 1.0


def test_swapping_the_two_ways_turns_the_sign():
    """The statistic is signed: greedy and exact traded give minus the difference."""
    got, _ = method.simulate(np.random.default_rng(3), dial=0.3)
    answers = [
        method.Answer(
            passage=p, question=q, gold="x", greedy="x" if g else "y", exact="x" if e else "y",
            inside=True, whole=True, best=0.0, own=0.0,
        )
        for p, q, g, e in zip(
            got.items["passage"][:40], got.items["question"][:40],
            parts(got, "f1 greedy").values(), parts(got, "f1 exact").values(), strict=True,
        )
    ]  # fmt: skip
    turned = [replace(a, greedy=a.exact, exact=a.greedy) for a in answers]
    one, two = (findings(method.scored(a, {}))["token F1"] for a in (answers, turned))
    assert one.value == pytest.approx(-two.value)
    assert one.p == pytest.approx(two.p)


def test_an_answer_outside_the_passage_has_no_gap():
    """Not extractive: F1 is counted, the gap has its reason; one that never ends is never the best span."""
    answer = method.Answer(passage="p", question="q", gold="u v", greedy="u w", exact="u v", inside=False,
                           whole=True, best=-1.0, own=float("nan"))  # fmt: skip
    longer = replace(answer, question="r", greedy="u v", inside=True, whole=False, own=-2.0)
    silent = replace(answer, question="s", why="refused")
    got = method.scored([answer, longer, silent], {})
    gap = got.items.where({"part": "gap"})
    assert list(gap["why"]) == [method.NOT_A_SPAN, method.NOT_A_SPAN, "refused"]
    assert list(got.items.where({"part": "optimal"})["score"][:2]) == [0, 0]
    assert parts(got, "f1 greedy")["q"] == pytest.approx(0.5)
    assert list(got.items.where({"part": "gain"})["why"]) == ["", "", "refused"]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_difference_is_recovered(dial):
    """Mean over 300 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    values, covered, hits = [], 0, 0
    for seed in range(300):
        got, truth = method.simulate(np.random.default_rng([seed, 2]), dial=dial)
        got = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(got, method.greedy_extraction.card, seeds=Seeds(seed))[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert truth == dial
    assert abs(np.mean(values) - dial) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    # Binomial(300, .95): 99.9 % between 270 and 297.
    assert 270 <= covered <= 297
    if dial == 0:
        assert 3 <= hits <= 30


def test_exact_span_answers_with_the_best_span(scored, tmp_path):
    """After the correction greedy questions with a passage get the best span: no dead end is left.

    Draws and prompts without a passage go through unchanged; it is saved and read again.
    """
    base = PlantedExtractor(dial=1.0, trap=1.0, seed=2)
    after = exact_span(base)
    prompts = [method.prompted(p.text, q.text) for p in own.load()[:3] for q in p.questions]
    golds = [q.answer for p in own.load()[:3] for q in p.questions]
    got = answered(after, ask.generate(prompts, decoding=GREEDY))
    assert list(got.texts) == golds
    before = answered(base, ask.generate(prompts, decoding=GREEDY))
    assert not {t.strip() for t in before.texts} & set(golds)
    warm = ask.Decoding(temperature=1.0, max_tokens=8)
    drawn = answered(after, ask.generate(prompts[:1], decoding=warm))
    bare = [ask.prompt(ask.plain(prompts[0]))]
    plain = answered(after, ask.generate([*bare, prompts[1]], decoding=GREEDY))
    assert drawn.texts[0] == before.texts[0] == plain.texts[0]
    assert plain.texts[1] == golds[1]
    done = scored(method.greedy_extraction, after, suite="quick")
    assert set(parts(done, "optimal").values()) == {1.0}
    after.save(tmp_path / "after", base_spec="python:x", base_options={})
    again = ExactSpan.read(tmp_path / "after", base, read_record(tmp_path / "after"))
    assert again.fingerprint == after.fingerprint
    assert after.cost(ask.generate(prompts, decoding=GREEDY)).tokens_in > 0


def test_what_cannot_be_searched_is_refused():
    """A model that only writes, and an own file whose answer is not in its passage."""
    with pytest.raises(AbilityError, match="logprob"):
        exact_span(PlantedWriter(dial=0.0, leans={}))
    with pytest.raises(BadInput, match="at least 1 word"):
        exact_span(PlantedExtractor(), longest=0)


def test_answers_stand_in_their_passages(tmp_path):
    """Shipped passages: 20, two questions each; an own file with an answer from elsewhere is refused."""
    shipped = own.load()
    assert (len(shipped), sum(len(p.questions) for p in shipped)) == (20, 40)
    text = 'id="x"\ntitle="x"\nnote="x"\n[[passages]]\nid="a"\ntext="b c"\nquestions=[{text="q?",answer="d"}]\n'
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(BadInput, match="does not stand"):
        own.load(tmp_path / "own.toml")


def test_through_the_runner(audited):
    """A whole audit of a planted model: the difference with its interval and p."""
    run = audited(PlantedExtractor(dial=1.0, seed=1), "greedy_extraction", suite="standard")
    (row,) = [f for f in run.findings if f["role"] == "primary"]
    assert row["value"] > 0.2
    assert row["p"] < 0.01


def test_the_correction_is_audited_before_and_after(tmp_path, monkeypatch):
    """`correct` with exact_span: optimality goes to 1, and the difference of F1 that was planted to 0."""
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "answers.sqlite"))
    plan = Plan(model="python:planted", metrics=("greedy_extraction",))
    done = correct(
        plan, using="exact_span", out=tmp_path / "after", subject=PlantedExtractor(dial=1.0, seed=5)
    )

    def value(run, measure):
        (row,) = [f for f in run.findings if f["labels"]["measure"] == measure]
        return row["value"]

    assert value(done.before, "token F1") > 0.2
    assert value(done.before, "token F1, greedy") < value(done.after, "token F1, greedy")
    assert value(done.after, "optimality of greedy answers") == 1.0
    assert value(done.after, "token F1, greedy") == value(done.after, "token F1, likeliest span")
