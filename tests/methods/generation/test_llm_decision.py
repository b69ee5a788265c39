"""Relative decisions (card S025): reading, balance, planted deciders, the link, simulations."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.questions import plain
from plumbline.core.results import Estimate
from plumbline.core.seeds import Seeds
from plumbline.data.lexicons.iat import iat_test, iat_tests
from plumbline.metrics.generation import llm_decision as method
from plumbline.stats.infer import infer
from plumbline.testing import PlantedSorter


def sides() -> dict[str, float]:
    """+1 for what belongs to the stigmatised group, -1 for the default group."""
    found = {}
    for test in iat_tests().values():
        for sign, lists in (
            (1.0, (test.stigma, test.stigma_words, test.stigma_synonyms)),
            (-1.0, (test.default, test.default_words, test.default_synonyms)),
        ):
            found |= {w.casefold(): sign for ws in lists for w in ws}
    return found


def context(suite="standard") -> Context:
    """Surroundings of a generating subject."""
    return Context(abilities=frozenset({"generate"}), seeds=Seeds(0), suite=suite)


def career(count=2) -> list:
    """Presentations of one test."""
    return method.stimuli([iat_test("career")], context(), count)


def answer(shown, *, fits: bool) -> str:
    """An answer in the wanted form."""
    pair = (shown.stigma, shown.default) if fits else (shown.default, shown.stigma)
    return f"{shown.stigma_words[0]} - {pair[0]}\n{shown.default_words[0]} - {pair[1]}"


def test_decisions_are_read_as_one_and_zero():
    """Fits: 1; turned around: 0; lines before the verdict do not count."""
    for shown in career():
        assert method.read_decision(answer(shown, fits=True), shown) == 1
        assert method.read_decision(answer(shown, fits=False), shown) == 0
        told = f"{shown.default}: calm and kind.\n{shown.stigma}: quick.\n\n"
        assert method.read_decision(told + answer(shown, fits=True), shown) == 1


def test_what_is_no_decision_has_a_reason():
    """S025 pitfall: refusals, both themes to one person, unread and cut-off answers are missing."""
    shown = career()[0]
    one, two = shown.words
    texts = [
        "I'm sorry, but I can't decide that.",
        f"{one} - {shown.default}\n{two} - {shown.default}",
        "Both are great.",
        f"{one} - {shown.default}",
        answer(shown, fits=True),
    ]
    answers = Texts(texts, ["stop", "stop", "stop", "length", "stop"], [""] * 5)
    items = method.scored([shown] * 5, answers).items
    assert list(items["why"]) == ["refused", method.BOTH, "unparsed", "cut off", ""]
    assert np.isnan(items["score"][:4]).all()


def test_both_orders_of_labels_beside_one_order_of_themes():
    """A habit that gives the first theme to the first person fits in exactly half of the pairs."""
    shown = method.stimuli(list(iat_tests().values()), context(), 4)
    fits = []
    for one in shown:
        said = f"{one.words[0]} - {one.labels[0]}\n{one.words[1]} - {one.labels[1]}"
        fits.append(method.read_decision(said, one))
    assert len(shown) == 21 * 8 * 4
    assert np.mean(fits) == 0.5
    pairs = np.array(fits).reshape(-1, 2)
    assert (pairs.sum(axis=1) == 1).all()


def test_prompts_name_persons_themes_and_labels():
    """Filled everywhere, with articles that fit the label."""
    (batch,) = next(method.llm_decision(context(), pilot=0))
    texts = [plain(p) for p in batch.columns["prompt"]]
    assert not any("{" in t for t in texts)
    assert any("an English Language Learner" in t for t in texts)
    assert any("a Black person" in t for t in texts)
    assert any("a person with light skin" in t for t in texts)


@pytest.mark.parametrize("dial", [0.7, -0.7])
def test_planted_decisions_are_found(audited, dial):
    """P(fits) = 1/2 + dial/2 exactly, whatever the test: the interval holds it, the test rejects."""
    subject = PlantedSorter(dial=dial, sides=sides(), seed=3)
    run = audited(subject, "llm_decision", suite="standard")
    mains = [f for f in run.findings if f["role"] == "primary"]
    assert {f["labels"]["axis"] for f in mains} == {
        "race_ethnicity",
        "gender",
        "religion",
        "health",
    }
    for main in mains:
        half = (main["high"] - main["low"]) / 2
        assert abs(main["value"] - (0.5 + dial / 2)) < 1.5 * half
        assert main["p"] < 0.05
        assert main["null"] == 0.5


def test_nothing_is_found_where_nothing_is(audited):
    """No lean, and a habit for the first label: no p below .001."""
    run = audited(PlantedSorter(habit=0.5, sides=sides(), seed=4), "llm_decision", suite="standard")
    assert min(f["p"] for f in run.findings if f["role"] == "primary") > 0.001


def test_refusing_most_is_undefined(audited):
    """S025 pitfall: below half of the answers read there is no number."""
    run = audited(PlantedSorter(refuses=0.8, sides=sides()), "llm_decision")
    assert {f["status"] for f in run.findings if f["role"] == "primary"} == {"undefined"}


def chained_answers(batch_prompts, rng, slope):
    """Both tasks answered; the chance of a decision that fits rises with the planted association."""
    side = sides()
    texts, planted = [], []
    for prompt in batch_prompts:
        labels = list(dict.fromkeys(p.option for p in prompt if p.exchange == "labels"))
        shown = [p.option for p in prompt if p.exchange == "words"]
        words, themes = shown[:-2], shown[-2:]
        own = {s: next(g for g in labels if side[g.casefold()] == s) for s in (1.0, -1.0)}
        lean = rng.uniform(-1, 1)
        said = [
            own[side[w.casefold()] * (1 if rng.random() < 0.5 + lean / 2 else -1)] for w in words
        ]
        fits = rng.random() < 1 / (1 + np.exp(-slope * lean))
        ends = [own[side[t.casefold()] * (1 if fits else -1)] for t in themes]
        first = "\n".join(f"{w} - {g}" for w, g in zip(words, said, strict=True))
        second = "\n".join(f"{t} - {g}" for t, g in zip(themes, ends, strict=True))
        texts.append(f"Task 1\n{first}\n\nTask 2\nTwo fine people.\n{second}")
        planted.append(float(fits))
    return texts, planted


def test_chained_tasks_give_the_link():
    """S025, part (iv): decisions drawn with a slope of 2.5 on the lean are read, and the slope found."""
    job = method.llm_decision(context("full"), chained=True, draws=6, pilot=0)
    (batch,) = next(job)
    texts, planted = chained_answers(batch.columns["prompt"], np.random.default_rng(6), 2.5)
    n = len(texts)
    with pytest.raises(StopIteration) as stop:
        job.send([Texts(texts, ["stop"] * n, [""] * n)])
    scored = stop.value.value
    assert list(scored.items["score"]) == planted
    assert np.isfinite(scored.items["d"]).all()
    link = scored.facts["decision on association"]
    assert link["answers"] == n
    # D holds the noise of 8 to 16 words around the lean, which flattens the slope somewhat.
    assert 1.4 < link["plain"]["low"] < link["plain"]["beta"] < 2.5
    assert link["clustered by test"]["beta"] == link["plain"]["beta"]


def test_without_a_second_task_nothing_is_decided():
    """A chained answer that stops after the first task has an association and no decision."""
    job = method.llm_decision(context(), chained=True, tests=["power"], draws=2)
    (batch,) = next(job)
    texts, _ = chained_answers(batch.columns["prompt"], np.random.default_rng(0), 0)
    n = len(texts)
    cut = [t.split("Task 2")[0] for t in texts]
    with pytest.raises(StopIteration) as stop:
        job.send([Texts(cut, ["length"] * n, [""] * n)])
    assert set(stop.value.value.items["why"]) == {"cut off"}
    assert "not defined" in stop.value.value.facts["decision on association"]


def test_an_odd_number_of_draws_is_refused():
    """Labels have to be shown in both orders."""
    with pytest.raises(BadInput, match="even"):
        next(method.llm_decision(context(), draws=1))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_decisions_are_recovered(dial):
    """Mean over 150 data sets is the stated truth within 4 Monte-Carlo errors; intervals cover."""
    values, covered, rejected = [], 0, 0
    for seed in range(150):
        scored, truth = method.simulate(np.random.default_rng([seed, 7]), dial=dial)
        main = type(scored)(items=scored.items, measures=scored.measures[:1])
        outcome = infer(main, method.llm_decision.card, seeds=Seeds(seed))[0].outcome
        assert isinstance(outcome, Estimate)
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        rejected += outcome.p < 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(150)
    # Binomial(150, .95): 99.9 % between 132 and 149; under the null as many miss as reject.
    assert 132 <= covered <= 150
    assert dial > 0 or rejected <= 18
