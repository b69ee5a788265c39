"""Whole audits of planted models: findings, record, resume after a kill, byte-equal repeats."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import plumbline
from plumbline.audit.cache import Cache
from plumbline.audit.compare import compare
from plumbline.audit.correct import correct
from plumbline.audit.history import history, trend
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit, cache_path
from plumbline.audit.store import load
from plumbline.core.errors import BadInput, StoreError, UnknownName
from plumbline.data.lexicons.weat import weat_tests
from plumbline.models import parquet
from plumbline.testing import (
    PlantedEmbedder,
    PlantedWriter,
    assert_no_finding,
    assert_recovered,
    only,
)

TEST = weat_tests()[6]
LEANS = {
    w: s
    for words, s in ((TEST.x, 1.0), (TEST.a, 1.0), (TEST.y, -1.0), (TEST.b, -1.0))
    for w in words
}
PLAN = Plan(model="planted", metrics=("weat",), params={"weat": {"tests": [6, 7]}})


def embedder(dial, seed=0):
    """Career words go with men's names as strongly as the dial says; test 7 is untouched."""
    return PlantedEmbedder(dial=dial, leans=LEANS, seed=seed)


def run(model, out, plan=PLAN):
    """One stored audit."""
    with Cache(cache_path()) as cache:
        return Audit(plan, model, cache).run(out)


def rows(found, **labels):
    """Finding rows with these labels."""
    return [f for f in found.findings if all(f["labels"].get(k) == v for k, v in labels.items())]


def test_a_planted_lean_is_found_and_its_neighbour_is_not(tmp_path):
    """Test 6 leans (d near its bound at this dial), test 7 does not."""
    got = run(embedder(2.0), tmp_path)
    lean, none = (rows(got, test=t)[0] for t in ("6", "7"))
    assert lean["verdict"] == "leans"
    assert lean["value"] > 1.5
    assert none["p"] > 0.001
    assert lean["p"] < lean["p_adjusted"] or lean["p_adjusted"] == lean["p"]
    assert lean["family"] == "primary (2 tests, Benjamini-Hochberg)"


def test_the_laws_on_findings(tmp_path):
    """`only`, `assert_recovered` and `assert_no_finding` read findings as a test would."""
    with Cache(":memory:") as cache:
        found = Audit(PLAN, embedder(0.0), cache).findings_of()
    assert_no_finding(only(found, test="6"))
    with pytest.raises(AssertionError, match="misses the truth"):
        assert_recovered(only(found, test="6"), 9.0)
    with pytest.raises(AssertionError, match="wanted one"):
        only(found)


def test_a_run_can_be_read_back_whole(tmp_path):
    """Findings, items and answers of a stored run are those of the audit."""
    made = run(embedder(1.0), tmp_path)
    back = load(made.folder)
    assert back.document() == json.loads(json.dumps(made.document()))
    items = back.items("weat")
    assert len(items["score"]) == 2 * (len(TEST.x) + len(weat_tests()[7].x))
    answers = back.answers("weat")
    first = json.loads(answers["question"][int(items["answer"][0])])
    assert first["text"] == items["item"][0]


def test_the_same_audit_twice_gives_the_same_bytes(tmp_path):
    """Same plan, machine, threads and starting cache: findings and items are byte-equal."""
    folders = []
    for k in range(2):
        os.environ["PLUMBLINE_CACHE"] = str(tmp_path / f"{k}.sqlite")
        folders.append(run(embedder(1.0), tmp_path / str(k)).folder)
    for name in ("findings.parquet", "items.parquet", "answers.parquet"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit, cache_path
from plumbline.testing import PlantedEmbedder

class Slow(PlantedEmbedder):
    def partition(self, batch):
        order = np.argsort([len(t) for t in batch.columns["text"]], kind="stable")
        return [order[i:i + 4].astype(np.int64) for i in range(0, len(order), 4)]
    def answer(self, batch):
        time.sleep(float(sys.argv[2]))
        print("asked", len(batch), flush=True)
        yield from super().answer(batch)

plan = Plan(model="planted", metrics=("weat",), suite="standard")
with Cache(cache_path()) as cache:
    print(Audit(plan, Slow(dial=1.0, leans={"home": 1.0}), cache).run(Path(sys.argv[1])).folder)
"""


def start(out, pause, cache):
    """The audit in a process of its own."""
    env = {**os.environ, "PLUMBLINE_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out), str(pause)],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_audit_resumes_without_asking_again_and_ends_in_the_same_bytes(tmp_path, blow):
    """Batches committed before the blow are not asked again; the findings are byte-equal."""
    whole, _ = start(tmp_path / "whole", 0, tmp_path / "a.sqlite").communicate(timeout=120)
    *asked, folder = whole.split("\n")[:-1]
    total = sum(int(a.split()[1]) for a in asked)
    first = start(tmp_path / "cut", 0.02, tmp_path / "b.sqlite")
    for _ in range(5):
        first.stdout.readline()
    time.sleep(0.05)
    first.send_signal(blow)
    first.communicate(timeout=30)
    kept = len(Cache(tmp_path / "b.sqlite"))
    assert 16 <= kept < total
    rest, _ = start(tmp_path / "rest", 0, tmp_path / "b.sqlite").communicate(timeout=120)
    *asked, again = rest.split("\n")[:-1]
    assert sum(int(a.split()[1]) for a in asked) == total - kept
    for name in ("findings.parquet", "items.parquet"):
        assert parquet.read(_in(folder, name)).keys() == parquet.read(_in(again, name)).keys()
        assert _in(folder, name).read_bytes() == _in(again, name).read_bytes()


def _in(folder, name):
    from pathlib import Path

    return Path(folder) / name


def test_a_method_that_does_not_apply_is_a_row_with_its_reason(tmp_path):
    """A model that only writes has no embeddings: the row says what is missing and what is offered."""
    got = run(PlantedWriter(), tmp_path)
    (row,) = got.findings
    assert row["status"] == "not_applicable"
    assert "weat needs embeddings; the model offers generate" in row["reason"]


def test_an_unknown_metric_names_the_nearest(tmp_path):
    """The plan is refused before anything is asked."""
    with pytest.raises(UnknownName, match="weat"):
        run(embedder(0), tmp_path, PLAN.but(metrics=("weet",)))


def test_wrong_arguments_of_a_method_are_one_clear_error(tmp_path):
    """The method and the argument are named."""
    with pytest.raises(UnknownName, match="argument of weat 'testz'. Nearest: tests"):
        run(embedder(0), tmp_path, PLAN.but(params={"weat": {"testz": [1]}}))


def test_comparing_two_models_is_paired_by_item(tmp_path):
    """The same model twice differs by exactly 0; a stronger lean is found, signed B - A."""
    a, b = (load(run(embedder(d), tmp_path).folder) for d in (0.6, 2.0))
    same = compare(a, a)
    assert all(f["value"] in {0.0, None} for f in same.findings)
    both = {(f["labels"]["test"], f["role"]): f for f in compare(a, b).findings}
    assert both["6", "primary"]["value"] > 0.3
    back = {(f["labels"]["test"], f["role"]): f for f in compare(b, a).findings}
    assert back["6", "primary"]["value"] == pytest.approx(-both["6", "primary"]["value"])
    shared = compare(a, b).index
    assert shared["b"]["value"] > shared["a"]["value"]


def test_runs_that_share_nothing_cannot_be_compared(tmp_path):
    """One clear error."""
    a, b = (load(run(m, tmp_path).folder) for m in (embedder(0), PlantedWriter()))
    with pytest.raises(BadInput, match="share no finding"):
        compare(a, b)


def test_one_metric_may_stand_alone_and_items_of_another_are_an_error(tmp_path):
    """`metrics="sc_weat"` is one name, not seven letters; nobody gets empty columns for a slip."""
    got = plumbline.audit(embedder(1.0), metrics="sc_weat", out=tmp_path)
    assert len(got.items("sc_weat")["item"]) > 0
    with pytest.raises(UnknownName, match="metric of this run 'sc_waet'. Nearest: sc_weat"):
        got.items("sc_waet")


def test_history_lists_runs_and_a_metrics_trend(tmp_path):
    """Two runs, oldest first, with index and verdict counts."""
    for dial in (0.0, 2.0):
        run(embedder(dial), tmp_path)
    found = history(tmp_path)
    assert len(found) == 2
    assert found[1]["leans"] >= 1
    assert found[1]["index"] > found[0]["index"]
    assert len(trend(tmp_path, "weat")) == 8
    with pytest.raises(BadInput, match="no folder of runs"):
        history(tmp_path / "nowhere")


def test_an_unfinished_or_damaged_run_is_one_clear_error(tmp_path):
    """No run.json; half a Parquet file."""
    with pytest.raises(StoreError, match=r"no run\.json"):
        load(tmp_path)
    folder = run(embedder(0), tmp_path).folder
    path = folder / "findings.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match="cannot be read as Parquet"):
        load(folder)


def test_an_output_folder_that_cannot_be_made(tmp_path):
    """A file stands where the folder should be: one clear error, and the answers are kept."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="--out"):
        run(embedder(0), tmp_path / "file")
    assert len(Cache(cache_path())) > 0


def test_correcting_removes_the_lean_on_unseen_words_and_shows_the_paired_change(tmp_path):
    """Before leans, after does not, the difference is negative; the model opens again."""
    from plumbline.mitigate.postprocessing.linear_projection import PAIRS

    leans = {**LEANS, **{f: -2.0 for f, _ in PAIRS}, **{m: 2.0 for _, m in PAIRS}}
    model = PlantedEmbedder(dial=2.0, leans=leans, seed=3)
    got = correct(
        PLAN.but(params={"weat": {"tests": [6]}}),
        using="linear_projection",
        out=tmp_path / "c",
        subject=model,
    )
    before, after = (rows(r, test="6")[0] for r in (got.before, got.after))
    assert before["value"] > 1.2
    assert abs(after["value"]) < before["value"] / 2
    change = next(f for f in got.difference.findings if f["role"] == "primary")
    assert change["high"] < 0
    assert json.loads((tmp_path / "c" / "difference.json").read_text())["findings"]
    record = json.loads((tmp_path / "c" / "correction.json").read_text())
    assert record["method"] == "linear_projection@1"
    with pytest.raises(UnknownName, match="linear_projection"):
        correct(PLAN, using="linear_projektion", out=tmp_path / "d", subject=model)
    with pytest.raises(UnknownName, match="argument of linear_projection 'hw'"):
        correct(
            PLAN, using="linear_projection", out=tmp_path / "d", params={"hw": 1}, subject=model
        )
    assert not (tmp_path / "d").exists()


def test_the_index_lists_its_components_and_what_it_left_out(tmp_path):
    """Value inside its weight band's neighbourhood; one component a primary finding."""
    index = run(embedder(2.0), tmp_path).header["index"]
    assert len(index["components"]) == 2
    assert 0 <= index["low"] <= index["high"] <= 1.2
    assert index["expected_without_lean"] > 0
    assert np.isclose(index["value"], np.mean([c["component"] for c in index["components"]]))
