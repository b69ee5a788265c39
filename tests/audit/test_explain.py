"""The runner of explainers: what it calls, refuses, keeps and reads back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import plumbline
from plumbline.audit import api
from plumbline.audit.explain import explain, load_explained
from plumbline.audit.plan import Plan
from plumbline.core.errors import AbilityError, StoreError, UnknownName, UsageError
from plumbline.models.abilities import ModelOptions
from plumbline.models.resolve import open_model
from plumbline.testing import PlantedEmbedder

EXACT = {"dtype": "float32", "device": "cpu"}


@pytest.fixture(scope="module")
def stored(anchored, tmp_path_factory):
    """An explanation of the planted model, kept."""
    return plumbline.explain(
        f"hf:{anchored.folder}", using="logit_lens", out=tmp_path_factory.mktemp("runs"),
        settings={"questions": str(anchored.calibration), "neurons": 5}, options=EXACT,
    )  # fmt: skip


def test_an_explanation_is_a_run_s_directory(stored):
    """Record, findings, items, one file an array, and figures."""
    made = {
        p.relative_to(stored.folder).as_posix() for p in stored.folder.rglob("*") if p.is_file()
    }
    assert {"run.json", "findings.parquet", "items.parquet", "answers.parquet"} <= made
    assert {f"arrays/{name}.parquet" for name in stored.arrays} <= made
    assert {"1-stream.svg", "2-parts.svg", "3-heads.svg"} <= made
    assert (stored.folder / "1-stream.svg").read_text().startswith("<svg")
    header = json.loads((stored.folder / "run.json").read_text())
    assert header["explainer"] == "logit_lens"
    assert header["plan"]["params"]["logit_lens"]["neurons"] == 5
    assert header["methods"]["logit_lens"]["paper"] == "arxiv:2405.03205"
    assert header["subject"]["fingerprint"]


def test_it_is_read_back_as_it_was(stored):
    """Arrays, labels, findings and facts survive the files."""
    again = load_explained(stored.folder)
    assert list(again.arrays) == list(stored.arrays)
    for name, array in stored.arrays.items():
        assert again.arrays[name].coords == array.coords
        np.testing.assert_array_equal(again.arrays[name].values, array.values)
    assert again.array.dims == stored.array.dims
    assert again.facts == json.loads(json.dumps(stored.facts))
    assert again.findings == json.loads(json.dumps(stored.findings))
    assert plumbline.load_run(stored.folder).header["explainer"] == "logit_lens"


def test_findings_are_described_and_never_tested(stored):
    """An explanation carries no p, no verdict, and few findings."""
    assert 1 <= len(stored.findings) <= 10
    assert all(f["p"] is None and f["verdict"] is None for f in stored.findings)
    assert all(f["status"] == "estimate" for f in stored.findings)


def test_it_prints_and_documents_itself(stored):
    """Text names method, model and arrays; the document is JSON with every cell."""
    text = str(stored)
    for part in ("logit_lens", "stream, in logits", "heads", "of 12 cells"):
        assert part in text
    document = json.loads(json.dumps(stored.document(), allow_nan=False))
    assert len(document["arrays"]["heads"]["cells"]) == 8
    assert document["arrays"]["parts"]["unit"] == "logits"


def test_every_face_of_a_run_shows_it(stored):
    """`plumbline report DIR` works on an explanation, too, and says what it is."""
    from plumbline.report import html, markdown

    run = plumbline.load_run(stored.folder)
    for text in (html.write(run, stored.folder / "report.html").read_text(), markdown.render(run), str(run)):  # fmt: skip
        assert "Explanation of hf:" in text


def test_without_a_folder_it_stays_in_memory(anchored, tmp_path, monkeypatch):
    """An opened adapter is used as it is, and is left open."""
    monkeypatch.chdir(tmp_path)
    model = open_model(f"hf:{anchored.folder}", ModelOptions(**EXACT))
    found = plumbline.explain(
        model, using="logit_lens", settings={"questions": str(anchored.judged)}
    )
    assert found.folder is None
    assert list(tmp_path.iterdir()) == []
    assert model.opened().module is not None


def test_history_lists_audits_only(stored):
    """An explanation judges nothing, so it is no point of a trend."""
    assert api.history(folder=stored.folder.parent) == []


def test_the_same_plan_gives_the_same_arrays(stored, anchored):
    """To the last bit, on the same machine."""
    again = plumbline.explain(
        f"hf:{anchored.folder}", using="logit_lens", options=EXACT,
        settings={"questions": str(anchored.calibration), "neurons": 5},
    )  # fmt: skip
    for name, array in stored.arrays.items():
        np.testing.assert_array_equal(again.arrays[name].values, array.values)
    assert [f["value"] for f in again.findings] == [f["value"] for f in stored.findings]


def test_wrong_calls_are_one_clear_error(anchored, tmp_path):
    """A method of another kind, an unknown one, a model that cannot be opened, a wrong argument."""
    plan = Plan(model=f"hf:{anchored.folder}")
    with pytest.raises(UsageError, match="audit MODEL --metrics weat"):
        explain(plan, using="weat")
    with pytest.raises(UsageError, match="correct MODEL --with linear_projection"):
        explain(plan, using="linear_projection")
    with pytest.raises(UnknownName, match="logit_lens"):
        explain(plan, using="logit_lense")
    with pytest.raises(AbilityError, match="needs open"):
        explain(plan, using="logit_lens", subject=PlantedEmbedder())
    with pytest.raises(UnknownName, match="argument of logit_lens 'layers'"):
        explain(plan, using="logit_lens", params={"layers": 3})
    with pytest.raises(StoreError, match="not a run directory"):
        load_explained(tmp_path)


def test_a_run_of_audit_is_no_explanation(tmp_path):
    """And says which function reads it."""
    run = plumbline.audit(PlantedEmbedder(), metrics=["sc_weat"], out=tmp_path)
    with pytest.raises(StoreError, match="load_run"):
        load_explained(run.folder)


def test_figures_are_left_out_without_their_packages(anchored, tmp_path, monkeypatch):
    """The arrays are kept all the same."""
    from plumbline.report import explained

    monkeypatch.setattr(explained, "available", lambda: False)
    found = plumbline.explain(
        f"hf:{anchored.folder}", using="logit_lens", out=tmp_path, options=EXACT,
        settings={"questions": str(anchored.calibration)},
    )  # fmt: skip
    assert list(found.folder.glob("*.svg")) == []
    assert (found.folder / "arrays" / "parts.parquet").is_file()


def test_figures_that_fail_cost_no_number(anchored, tmp_path, monkeypatch):
    """The record is kept, and the error is told."""
    from plumbline.report import explained

    def fails(*_):
        raise RuntimeError("no renderer")

    monkeypatch.setattr(explained, "write_figures", fails)
    with pytest.raises(RuntimeError, match="no renderer"):
        plumbline.explain(
            f"hf:{anchored.folder}", using="logit_lens", out=tmp_path, options=EXACT,
            settings={"questions": str(anchored.calibration)},
        )  # fmt: skip
    (folder,) = tmp_path.iterdir()
    assert load_explained(folder).arrays
