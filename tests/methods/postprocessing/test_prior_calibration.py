"""Prior calibration: the leans that it divides away, those it cannot, frames, refusals, saving, accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.audit.correct import correct
from plumbline.audit.plan import Plan
from plumbline.core import questions as ask
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.questions import Segment
from plumbline.data.lexicons.basic_english import basic_english
from plumbline.data.sets import label_bias_classification as tasks
from plumbline.mitigate.postprocessing.prior_calibration import (
    calibration_inputs,
    prior_calibration,
)
from plumbline.models.corrected_prior_calibration import PriorCalibration, frame_keys
from plumbline.models.whole_batch import answered
from plumbline.stats.label_prior import normalised
from plumbline.testing import PlantedChooser, PlantedClassifier, PlantedLabeller

GENERAL = frozenset(basic_english()) | {"."}
OPTIONS = ("good", "bad", "odd")


def labeller(**dials) -> PlantedLabeller:
    """General words never pull."""
    return PlantedLabeller(general=GENERAL, **dials)


def questions(texts, *, lead: str = "Text: ", marked: bool = True) -> ask.Batch:
    """One frame, or none."""
    prompts = [
        (Segment(lead), Segment(t, exchange="input" if marked else ""), Segment("\nTone:"))
        for t in texts
    ]
    return ask.choose(prompts, [OPTIONS] * len(texts))


@pytest.fixture
def domain_file(tmp_path):
    """Texts of a domain whose words are not Basic English."""
    path = tmp_path / "texts.txt"
    path.write_text("zog blat fnord\nblat quux\nfnord fnord zog quux\n", encoding="utf-8")
    return str(path)


def probabilities(model, batch) -> np.ndarray:
    """Over the options."""
    return np.exp([normalised(s) for s in answered(model, batch).scores])


def test_a_domain_pull_is_divided_out_by_words_of_the_domain_alone(domain_file):
    """Pull 2 on every word but the full stop: DC leaves no lean on texts of the domain, CC all of it.

    A random text has int(3) + 1 words and a full stop, four of whose five words pull: 1.6 of the lean of 2.
    """
    base, texts = labeller(dial=2.0), ["zog quux", "blat fnord zog"]
    raw = probabilities(base, questions(texts))
    odds = np.log(raw[:, 0] / raw[:, 1])
    assert odds == pytest.approx(2.0)
    for how, left in (("content_free", 2.0), ("domain", 0.4), ("batch", 0.0)):
        model = prior_calibration(base, texts=domain_file, how=how)
        after = probabilities(model, questions(texts))
        # "N/A" and "[MASK]" are no general words: two of the three content-free texts pull too.
        expected = left if how != "content_free" else 2.0 - content_free_odds()
        assert np.log(after[:, 0] / after[:, 1]) == pytest.approx(expected, abs=1e-9), how


def content_free_odds() -> float:
    """Log-odds of the mean over "N/A" (pull 2), "" (none) and "[MASK]" (pull 2), three options."""
    pulled = np.array([np.e**2, 1, 1]) / (np.e**2 + 2)
    mean = (2 * pulled + 1 / 3) / 3
    return float(np.log(mean[0] / mean[1]))


@pytest.mark.parametrize("how", ["content_free", "domain", "batch"])
def test_a_pull_of_the_labels_names_goes_whichever_way(how, domain_file):
    """A vanilla pull without scatter is the same under every text: exactly uniform after division."""
    model = prior_calibration(labeller(vanilla=(1.5, 0.0, -1.0)), texts=domain_file, how=how)
    after = probabilities(model, questions(["zog", "quux blat"]))
    assert after == pytest.approx(np.full((2, 3), 1 / 3), abs=1e-12)


def test_without_a_lean_nothing_changes(domain_file):
    """S027 check 3: a uniform prior gives the uncalibrated predictions exactly."""
    known = {"zog": "bad", "quux blat": "odd", "fnord": "good"}
    base = labeller(knows=known, sure=1.0)
    model = prior_calibration(base, texts=domain_file)
    raw, after = (answered(m, questions(list(known))) for m in (base, model))
    assert after.chosen.tolist() == raw.chosen.tolist() == [1, 2, 0]


def test_a_constant_on_one_option_cancels(domain_file):
    """S027 check 3: the same constant on one option everywhere: equal predictions, exactly equal with the log mean."""
    texts = ["zog quux", "blat", "fnord zog", "quux"]
    for mean, exact in (("arithmetic", False), ("log", True)):
        got = [
            probabilities(
                prior_calibration(labeller(noise=1.0, vanilla=v), texts=domain_file, mean=mean),
                questions(texts),
            )
            for v in ((), (0.0, 3.0))
        ]
        if exact:
            assert got[0] == pytest.approx(got[1], abs=1e-12)
        assert np.abs(got[0] - got[1]).max() < 0.25


def test_the_arithmetic_mean_leaves_more_of_a_scattered_lean(domain_file):
    """S027 check 4 on the whole path: planted 3.0; the log mean takes it, the arithmetic one falls short."""
    lean = {}
    for mean in ("arithmetic", "log"):
        found = []
        for seed in range(20):
            base = labeller(noise=1.4, vanilla=(3.0,), seed=seed)
            model = prior_calibration(base, texts=domain_file, mean=mean, draws=40)
            answered(model, questions(["zog"]))
            (prior,) = model._priors.values()
            found.append(prior.logs[0] - prior.logs[1:].mean())
        lean[mean] = np.mean(found)
    assert lean["log"] == pytest.approx(3.0, abs=0.3)
    assert lean["arithmetic"] < lean["log"] - 0.3


def test_each_frame_has_a_prior_of_its_own(domain_file):
    """Frames differ by wording or options; texts in the input do not. It is estimated once."""
    one, other = questions(["a", "b"]), questions(["a"], lead="Review: ")
    assert len(set(frame_keys(one))) == 1
    assert frame_keys(other)[0] not in frame_keys(one)
    turned = ask.choose(one.columns["prompt"], [OPTIONS[::-1]] * 2)
    assert frame_keys(turned)[0] not in frame_keys(one)
    model = prior_calibration(labeller(context=1.0), texts=domain_file)
    after = np.concatenate([probabilities(model, q) for q in (one, other)])
    assert after == pytest.approx(np.full((3, 3), 1 / 3), abs=1e-12)
    assert len(model._priors) == 2


def test_questions_that_mark_no_input_go_through(domain_file):
    """Unmarked rows are the base's, also beside marked ones."""
    base = labeller(vanilla=(1.0,), context=0.5)
    model = prior_calibration(base, texts=domain_file)
    plain, marked = questions(["zog"], marked=False), questions(["zog"])
    both = ask.choose([*plain.columns["prompt"], *marked.columns["prompt"]], [OPTIONS, OPTIONS])
    raw, after = probabilities(base, both), probabilities(model, both)
    assert after[0] == pytest.approx(raw[0], abs=0)
    assert after[1] == pytest.approx(np.full(3, 1 / 3), abs=1e-12)


def test_a_tie_of_the_base_can_be_broken_and_made(domain_file):
    """Scores decide, not the base's choice: no option is taken where the divided scores tie."""
    model = prior_calibration(labeller(vanilla=(1.0, 1.0)), texts=domain_file)
    got = answered(model, questions(["zog"]))
    assert got.status == ["tie"]
    assert got.chosen.tolist() == [-1]


def test_inputs_of_the_three_ways():
    """The three content-free texts of Zhao et al.; words of the texts; the texts themselves."""
    rng, texts = np.random.default_rng(0), [("a b c",), ("d e",), ("f g h i",)]
    assert list(calibration_inputs(texts, how="content_free", draws=5, rng=rng)) == [
        ("N/A",), ("",), ("[MASK]",),
    ]  # fmt: skip
    drawn = calibration_inputs(texts, how="domain", draws=5, rng=rng)
    assert len(drawn) == 5
    assert all(len(t.split()) == 5 and set(t.split()) <= set("abcdefghi.") for (t,) in drawn)
    assert list(calibration_inputs(texts, how="batch", draws=2, rng=rng)) in (
        [texts[0], texts[1]], [texts[0], texts[2]], [texts[1], texts[2]],
    )  # fmt: skip
    assert list(calibration_inputs(texts, how="batch", draws=9, rng=rng)) == texts


def test_pairs(tmp_path):
    """A tab parts the two texts of a pair; content-free texts stand at both places; a wrong number is an error."""
    path = tmp_path / "pairs.tsv"
    path.write_text("zog blat\tquux\nfnord\tzog\n", encoding="utf-8")
    prompt = (
        Segment("A: "),
        Segment("zog", exchange="input"),
        Segment(" B: "),
        Segment("quux", exchange="input"),
    )
    batch = ask.choose([prompt], [OPTIONS])
    for how in ("domain", "content_free"):
        model = prior_calibration(labeller(vanilla=(2.0,)), texts=str(path), how=how)
        assert probabilities(model, batch) == pytest.approx(np.full((1, 3), 1 / 3), abs=1e-12)
    model = prior_calibration(labeller(), texts=str(path))
    with pytest.raises(BadInput, match="marks 1 texts.*fill 2"):
        answered(model, questions(["zog"]))


def test_refusals(domain_file, tmp_path):
    """A base without scores, unknown ways, no texts, ragged files."""
    for base in (PlantedChooser(), labeller(scored=False, vanilla=(1.0,))):
        with pytest.raises(AbilityError, match="no scores"):
            prior_calibration(base, texts=domain_file)
    with pytest.raises(BadInput, match="pmi"):
        prior_calibration(labeller(), texts=domain_file, how="pmi")
    with pytest.raises(BadInput, match="needs texts"):
        prior_calibration(labeller())
    ragged = tmp_path / "ragged.txt"
    ragged.write_text("a\tb\nc\n", encoding="utf-8")
    with pytest.raises(BadInput, match="tab"):
        prior_calibration(labeller(), texts=str(ragged))


def test_a_classifier_is_divided_too(domain_file):
    """Two exclusive labels: a lean that every text has is gone; labels that do not exclude each other are refused."""

    class Leaning(PlantedClassifier):
        """Says .8 whatever it reads, of two labels or of labels that sum to more."""

        both = 0.2

        def _classify(self, batch):
            from plumbline.core.answers import Classes

            n = len(batch)
            return Classes(np.tile([0.8, self.both], (n, 1)), ("yes", "no"), [""] * n)

    class Overlapping(Leaning):
        both = 0.7

    batch = ask.classify(["zog", "quux"])
    got = answered(prior_calibration(Leaning(), texts=domain_file), batch)
    assert got.values == pytest.approx(np.full((2, 2), 0.5))
    with pytest.raises(BadInput, match="do not exclude"):
        answered(prior_calibration(Overlapping(), texts=domain_file), batch)


def test_saved_and_read_again(tmp_path, mirror):
    """Priors of a named task are stored: the six frames without demonstrations; the record declares what was used."""
    base = labeller(dial=1.0, vanilla=(0.5,))
    model = prior_calibration(base, texts="sst2")
    assert len(model.params["priors"]) == 6
    assert model.params["transductive"] is False
    model.save(tmp_path / "after", base_spec="python:x", base_options={})
    from plumbline.models.corrected_files import read_record

    again = PriorCalibration.read(tmp_path / "after", base, read_record(tmp_path / "after"))
    assert again.fingerprint == model.fingerprint
    assert probabilities(again, questions(["zog"])) == pytest.approx(
        probabilities(model, questions(["zog"])), abs=0
    )


def test_transductive_use_is_kept_in_the_record(domain_file):
    """A file's texts may be the audited ones; who says so has it in the record."""
    assert prior_calibration(labeller(), texts=domain_file, transductive=True).params[
        "transductive"
    ]
    assert not prior_calibration(labeller(), texts=domain_file).params["transductive"]


def test_nothing_that_was_fitted_is_audited(mirror):
    """Batch calibration asks the pool's texts: none of them is classified by the metric."""
    model = prior_calibration(labeller(), texts="trec", how="batch", draws=30)
    used = {tuple(text) for text in model.params["texts"]}
    assert len(used) == 30
    assert not used & {e.texts for e in tasks.audited("trec")}


def test_accuracy_comes_back_where_a_domain_pull_had_hidden_it(tmp_path, monkeypatch, mirror):
    """S027 check 1 through `plumbline correct`: macro-F1 rises with DC, hardly with CC; the DLB stays.

    The model knows every text (evidence 1) behind a domain pull of 3.
    """
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "cache.sqlite"))
    known = {e.texts[0]: e.label for e in tasks.audited("sst2")}
    base = labeller(dial=3.0, knows=known, sure=1.0)
    plan = Plan(
        model="planted",
        metrics=("label_bias",),
        params={"label_bias": {"tasks": ["sst2"], "shots": 0}},
    )
    gains = {}
    for how in ("content_free", "domain"):
        got = correct(
            plan,
            using="prior_calibration",
            out=tmp_path / how,
            params={"texts": "sst2", "how": how},
            subject=base,
        )
        rows = {f["labels"]["measure"]: f for f in got.difference.findings}
        gains[how] = rows["macro-F1, zero-shot"]["value"]
        assert abs(rows["domain label bias, zero-shot"]["value"]) < 0.3
        before = {f["labels"]["measure"]: f["value"] for f in got.before.findings}
        assert before["macro-F1, zero-shot"] < 0.5
    assert gains["domain"] >= 0.12
    assert rows["prior under words of the domain, distance from uniform, zero-shot"]["high"] < 0
