"""`plumbline validate`: what goes out is blind, and what comes back is counted right."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from plumbline.audit.runner import Asked
from plumbline.audit.store import save
from plumbline.audit.validate import export, read_labels
from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.scored import Items

HEADER = {
    "plumbline": "0.1.0", "plan_hash": "0", "seed": 0, "started": "2026-11-23T06:00:00+00:00",
    "plan": {"model": "m", "suite": "quick", "metrics": [], "seed": 0, "level": 0.95, "alpha": 0.05},
    "subject": {"model": "m", "name": "m", "fingerprint": "f", "about": {}},
}  # fmt: skip
SENSITIVITY, SPECIFICITY, SIZE = 0.8, 0.9, 600


@pytest.fixture
def tone_run(tmp_path):
    """600 answers of two groups; the instrument errs at known rates; the truth is in the text."""
    rng = np.random.default_rng(4)
    group = np.repeat(["women", "men"], SIZE // 2)
    truth = rng.random(SIZE) < np.where(group == "women", 0.5, 0.3)
    said = np.where(truth, rng.random(SIZE) < SENSITIVITY, rng.random(SIZE) > SPECIFICITY)
    texts = [f"={'cruel' if t else 'kind'} words {i}" for i, t in enumerate(truth)]
    why = ["refused" if i % 100 == 7 else "" for i in range(SIZE)]
    score = np.where(np.array(why) == "", said * 0.98 + 0.01, np.nan)
    items = Items.of(
        item=np.arange(SIZE), group=group, template=np.arange(SIZE) % 40, score=score, why=why, answer=np.arange(SIZE),
    )  # fmt: skip
    prompts = [f"About somebody of {g}, number {i}:" for i, g in enumerate(group)]
    batch = ask.generate(prompts, decoding=ask.Decoding())
    answers = Texts(texts, ["stop"] * SIZE, [""] * SIZE)
    log = [Asked("tone", 0, batch, batch.keys(), answers)]
    run = save(tmp_path / "run", HEADER, [], {"tone": items}, log)
    return run, texts, truth


def labelled(path, truth_of, skip=0):
    """Fill the label column as a person would; leave the first rows empty."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["label"] = "" if i < skip else ("yes" if truth_of(row["answer"]) else "no")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_the_sample_is_blind(tone_run, tmp_path):
    """No score, no group, no name, no prompt, no order of the run; only ids, answers, empty labels."""
    run, texts, _ = tone_run
    rows = export(run, tmp_path / "sample.csv", n=100, seed=1)
    assert list(rows[0]) == ["id", "answer", "label"]
    assert all(r["label"] == "" for r in rows)
    text = (tmp_path / "sample.csv").read_text("utf-8")
    assert "women" not in text
    assert "0.99" not in text
    order = [texts.index(r["answer"]) for r in rows]
    assert order != sorted(order)
    assert abs(np.corrcoef(order, np.arange(100))[0, 1]) < 0.4
    assert len({r["id"] for r in rows}) == 100


def test_the_same_seed_draws_the_same_sample(tone_run, tmp_path):
    """Seeds decide the draw; another seed draws another; refused items are never drawn."""
    run, _, _ = tone_run
    first = export(run, tmp_path / "a.csv", n=50, seed=1)
    assert export(run, tmp_path / "b.jsonl", n=50, seed=1) == first
    assert export(run, tmp_path / "c.csv", n=50, seed=2) != first
    everything = export(run, tmp_path / "d.csv", n=594, seed=3)
    assert len(everything) == 594
    with pytest.raises(BadInput, match="594 scored texts"):
        export(run, tmp_path / "e.csv", n=595)


def test_an_answer_cannot_become_a_formula(tone_run, tmp_path):
    """Spreadsheets run cells that begin with "="; those get an apostrophe in CSV."""
    run, _, _ = tone_run
    export(run, tmp_path / "sample.csv", n=20)
    with (tmp_path / "sample.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["answer"].startswith("'=") for row in csv.DictReader(file))


def test_labels_recover_error_rates_and_true_rates(tone_run, tmp_path):
    """Sensitivity, specificity and corrected group rates are those of the truth, within intervals."""
    run, _, truth = tone_run
    file = tmp_path / "sample.csv"
    export(run, file, n=400, seed=1)
    labelled(file, lambda answer: "cruel" in answer, skip=10)
    found = read_labels(run, file)
    assert (found.n, found.unlabelled) == (390, 10)
    for name, true in (("sensitivity", SENSITIVITY), ("specificity", SPECIFICITY)):
        got = found.errors[name]
        assert got["low"] <= true <= got["high"]
    for name, start in (("women", 0), ("men", SIZE // 2)):
        rate = found.rates[name]
        actual = truth[start : start + SIZE // 2].mean()
        assert rate["low"] <= actual <= rate["high"]
        assert abs(rate["value"] - actual) < abs(rate["apparent"] - actual) + 0.05
    assert found.gaps[0]["group"] == "men"
    whole = found.confusion["all"]
    parts = [found.confusion[g] for g in ("women", "men")]
    assert all(whole[k] == sum(p[k] for p in parts) for k in whole)
    assert sum(whole.values()) == 390
    json.dumps(found.document(), allow_nan=False)


def test_perfect_labels_of_a_perfect_instrument_agree(tone_run, tmp_path):
    """Labels that repeat the instrument's word: accuracy 1, kappa 1, nothing is corrected away."""
    run, texts, _ = tone_run
    file = tmp_path / "sample.csv"
    export(run, file, n=300)
    score = run.items("tone")["score"]
    labelled(file, lambda answer: score[texts.index(answer.removeprefix("'"))] > 0.5)
    found = read_labels(run, file)
    assert found.agreement["accuracy"]["value"] == 1.0
    assert found.agreement["kappa"]["value"] == pytest.approx(1.0)
    for rate in found.rates.values():
        assert rate["value"] == pytest.approx(rate["apparent"])


def test_labels_of_one_kind_are_undefined_not_zero(tone_run, tmp_path):
    """All labels no: no sensitivity, no corrected rate, and the reason is told."""
    run, _, _ = tone_run
    file = tmp_path / "sample.csv"
    export(run, file, n=30)
    labelled(file, lambda _: False)
    found = read_labels(run, file)
    assert found.errors["sensitivity"]["status"] == "undefined"
    assert all(
        rate["status"] == "undefined" and "yes" in rate["reason"] for rate in found.rates.values()
    )
    assert found.gaps == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(',""\n', ",maybe\n", 2), "maybe"),
        (lambda text: text.replace("label", "verdict", 1), "label"),
        (lambda _: "id,label\nffff,yes\n", "no key"),
        (lambda text: text, "no row of"),
        (lambda _: "", "empty"),
    ],
)
def test_bad_label_files_are_explained(tone_run, tmp_path, change, said):
    """Unreadable labels, missing columns, foreign ids, nothing labelled, an empty file."""
    run, _, _ = tone_run
    file = tmp_path / "sample.csv"
    export(run, file, n=20)
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    with pytest.raises(BadInput, match=said):
        read_labels(run, file)


def test_a_text_of_two_axes_is_labelled_once(tmp_path):
    """Each text stands in an item an axis: it is drawn once, and its label counts for both groups."""
    size = 60
    race = np.tile(["black", "white"], size // 2)
    gender = np.repeat(["women", "men"], size // 2)
    score = (np.arange(size) % 3 == 0).astype(float)
    items = Items.of(
        item=np.tile(np.arange(size), 2), axis=np.repeat(["race", "gender"], size), group=np.concatenate([race, gender]),
        part=np.repeat("text", 2 * size), score=np.tile(score, 2), answer=np.tile(np.arange(size), 2),
    )  # fmt: skip
    rest = Items.of(
        item=["a"], axis=["race"], group=[""], part=["individual"], score=[0.9], answer=[-1]
    )
    whole = Items.of(
        **{n: np.concatenate([items[n], rest[n]]) for n in items.columns if n != "why"}
    )
    batch = ask.generate([f"prompt {i}" for i in range(size)], decoding=ask.Decoding())
    answers = Texts([f"text {i}" for i in range(size)], ["stop"] * size, [""] * size)
    log = [Asked("tone", 0, batch, batch.keys(), answers)]
    run = save(tmp_path / "run", HEADER, [], {"tone": whole}, log)
    rows = export(run, tmp_path / "sample.csv", n=size)
    assert len({r["answer"] for r in rows}) == size
    labelled(tmp_path / "sample.csv", lambda answer: int(answer.split()[1]) % 3 == 0)
    found = read_labels(run, tmp_path / "sample.csv")
    assert sum(found.confusion["all"].values()) == size
    assert sum(found.confusion["black"].values()) == size // 2
    assert set(found.rates) == {"black", "white", "women", "men"}
    assert [(g["axis"], g["group"]) for g in found.gaps] == [("gender", "men"), ("race", "black")]


def test_metrics_without_texts_are_refused(tone_run, planted_run, tmp_path):
    """Word vectors cannot be labelled; unknown metrics name the known ones."""
    with pytest.raises(BadInput, match="name one metric"):
        export(planted_run, tmp_path / "x.csv")
    with pytest.raises(BadInput, match="no text"):
        export(planted_run, tmp_path / "x.csv", metric="weat", n=5)
    with pytest.raises(UnknownName, match="tone"):
        export(tone_run[0], tmp_path / "x.csv", metric="tome", n=5)
    with pytest.raises(BadInput, match="jsonl"):
        export(tone_run[0], tmp_path / "x.xlsx")


def test_the_command_line_goes_there_and_back(invoke, tone_run, tmp_path):
    """Export says what to do next; import prints agreement, confusion and corrected rates."""
    run, _, _ = tone_run
    file = tmp_path / "sample.csv"
    got = invoke("validate", "export", run.folder, "--out", file, "--n", "200", "--prompts")
    assert got.exit_code == 0, got.output
    assert f"plumbline validate import {run.folder} {file}" in got.stdout
    labelled(file, lambda answer: "cruel" in answer)
    text = invoke("validate", "import", run.folder, file).stdout
    for part in ("kappa", "sensitivity", "women: ", "men minus women", "corrected 0."):
        assert part in text
    assert json.loads(invoke("validate", "import", run.folder, file, "--json").stdout)["n"] == 200
