"""Stored runs can be inferred from again: estimators are found, items keep what is needed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plumbline.audit import api
from plumbline.audit.calibrate import calibratable, simulator
from plumbline.audit.measures import as_json, from_json, rows_of
from plumbline.core.errors import StoreError
from plumbline.stats.estimators import ESTIMATORS


@pytest.mark.parametrize("metric", sorted(calibratable()))
def test_every_estimator_is_found_again(metric):
    """A measure written as JSON comes back with the same estimator, wherever the method keeps it."""
    scored, _ = simulator(metric)[0](np.random.default_rng(0), dial=0.0)
    for measure in scored.measures:
        back = from_json(json.loads(json.dumps(as_json(measure))), metric)
        wanted = measure.estimator
        assert back.estimator == (
            wanted if isinstance(wanted, str) or wanted.id not in ESTIMATORS else wanted.id
        )


def test_an_estimator_of_another_version_is_one_clear_error():
    """A run that names an estimator nobody has: what to do about it."""
    scored, _ = simulator("weat")[0](np.random.default_rng(0), dial=0.0)
    given = {**as_json(scored.measures[0]), "estimator": "gone"}
    with pytest.raises(StoreError, match="Audit the model again"):
        from_json(given, "weat")


def test_runs_without_a_single_answer_can_be_compared(tmp_path):
    """A metric whose items all lack an answer keeps its columns, and its difference is Undefined, not a crash."""
    from plumbline.testing import PlantedChooser

    runs = [
        api.audit(PlantedChooser(refuses=1.0, seed=s), metrics=("option_position",), out=tmp_path)
        for s in (0, 1)
    ]
    assert np.isnan(runs[0].items("option_position")["score"]).all()
    found = api.compare(*runs)
    assert found.findings
    assert {f["status"] for f in found.findings} == {"undefined"}


def test_rows_of_a_measure_are_those_it_was_inferred_from(tmp_path):
    """A share over the stored rows of its measure is the stored value, for every share of a real run."""
    from plumbline.testing import PlantedChooser

    run = api.audit(PlantedChooser(position=0.3), metrics=("option_position",), out=tmp_path)
    items = run.items("option_position")
    checked = 0
    for given in run.header["measures"]["option_position"]:
        row = next(
            f for f in run.findings if f["labels"] == given["labels"] and f["role"] == given["role"]
        )
        if given["estimator"] == "share" and row["status"] == "estimate":
            rows = rows_of(items, given)
            assert items["score"][rows].mean() == pytest.approx(row["value"], abs=1e-12)
            checked += 1
    assert checked >= 5


def test_all_tables_come_from_one_reading(tmp_path, monkeypatch):
    """`each` gives what `items` gives, metric by metric, whether the file is read whole or in parts."""
    from plumbline.audit import store
    from plumbline.testing import PlantedChooser

    run = api.audit(
        PlantedChooser(position=0.3), metrics=("option_position", "position_flip"), out=tmp_path
    )
    for most in (store.MOST_AT_ONCE, 1):
        monkeypatch.setattr(store, "MOST_AT_ONCE", most)
        items = run.each("items")
        for metric in ("option_position", "position_flip"):
            one, other = items(metric), run.items(metric)
            assert list(one) == list(other)
            for name in one:
                assert np.array_equal(one[name], other[name], equal_nan=one[name].dtype != object)
        assert items("weat").get("score", np.empty(0)).size == 0


def test_an_endless_interval_is_null_in_json_and_said():
    """JSON has no word for infinity: the end is null, the row says so, and nothing else changes."""
    from plumbline.audit.store import Run

    row = {"metric": "m", "value": 2.0, "low": 1.0, "high": float("inf"), "notes": ["a note"]}
    found = Run({}, [row]).document()["findings"][0]
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        **row, "high": None, "notes": ["a note", "the interval has no upper end"],
    }  # fmt: skip


def test_a_run_against_itself_has_no_difference_to_judge(tmp_path):
    """Every difference is Undefined, and the reason says what was seen: all items alike."""
    from plumbline.testing import PlantedChooser

    run = api.audit(PlantedChooser(position=0.3), metrics=("option_position",), out=tmp_path)
    found = api.compare(run, run)
    assert {f["status"] for f in found.findings} == {"undefined"}
    assert all("items alike" in f["reason"] for f in found.findings)


def test_a_folder_whose_name_looks_like_a_pattern_is_read_as_it_is(tmp_path):
    """Brackets and stars in a path name one file, and never another run's."""
    from plumbline.testing import PlantedChooser

    scores = []
    for name, position in (("a[1]*", 0.9), ("a1", 0.0)):
        run = api.audit(
            PlantedChooser(position=position), metrics=("option_position",), out=tmp_path / name
        )
        back = api.load_run(run.folder)
        assert back.findings == run.findings
        assert [h["folder"] for h in api.history(folder=tmp_path / name)] == [run.folder.name]
        primary = [f for f in run.findings if f["role"] == "primary"]
        assert api.history(folder=tmp_path / name)[0]["findings"] == len(primary)
        scores.append(back.items("option_position")["score"].tolist())
    assert scores[0] != scores[1]


def test_a_findings_items_are_those_of_its_groups():
    """A contrast of two of three groups: the third group's rows are not its items; roles are told apart."""
    from plumbline.audit.measures import measure_of
    from plumbline.server.findings import where_of

    given = {
        "where": {"part": "text"},
        "groups": ["a", "b"],
        "labels": {"axis": "x"},
        "role": "primary",
    }
    header = {"measures": {"m": [{**given, "role": "group", "groups": []}, given]}}
    finding = {"metric": "m", "labels": {"axis": "x"}, "role": "primary"}
    assert measure_of(header, finding) == given
    assert where_of(header, finding) == {"part": "text", "group": ["a", "b"]}
    assert where_of(header, {**finding, "labels": {"axis": "y"}}) is None
    items = {
        "item": np.array(list("pqrs"), object), "part": np.array(["text"] * 4, object),
        "group": np.array(["a", "b", "c", "a"], object), "score": np.array([1.0, 2.0, 3.0, np.nan]),
    }  # fmt: skip
    assert rows_of(items, given).tolist() == [0, 1]
