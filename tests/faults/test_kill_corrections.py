"""`kill -9` of `correct` and of `explain` at random instants: whole or told to be unfinished, and the same bytes in the end."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from kept import FILES
from test_kill import wait_for

import plumbline
from plumbline.core.errors import PlumblineError, StoreError
from plumbline.data.lexicons.weat import weat_tests
from plumbline.mitigate.postprocessing.linear_projection import PAIRS
from plumbline.models.abilities import ModelOptions
from plumbline.models.resolve import open_model


def whole_and_halves(out):
    """Finished runs below a folder, and folders of unfinished ones, which say so."""
    every = sorted(f for f in out.iterdir() if f.is_dir()) if out.exists() else []
    whole = [f for f in every if (f / "run.json").exists()]
    halves = [f for f in every if f not in whole]
    for folder in halves:
        with pytest.raises(StoreError, match="unfinished"):
            plumbline.load_run(folder)
    return whole, halves


def killed(process, moment):
    """Kill it at a moment; whether it was still alive."""
    moment(process)
    alive = process.poll() is None
    process.kill()
    process.communicate(timeout=30)
    return alive


def finished(process):
    """Let it come to its end."""
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err


@pytest.fixture
def vectors(tmp_path):
    """Vectors of eight numbers for all words that the WEAT tests and the correction use."""
    made = np.random.default_rng(0)
    words = {w for pair in PAIRS for w in pair}
    for test in weat_tests().values():
        words.update(*(terms for terms in (test.x, test.y, test.a, test.b)))
    path = tmp_path / "words.txt"
    lines = (f"{w} " + " ".join(f"{x:.6f}" for x in made.normal(size=8)) for w in sorted(words))
    path.write_text("\n".join(lines) + "\n")
    return path


def told(folder):
    """The paired differences, without the headers of the two runs (times, what came from the cache)."""
    document = json.loads((folder / "difference.json").read_text())
    return {k: v for k, v in document.items() if k not in ("a", "b")}


@pytest.mark.timeout(400)
def test_a_correction_is_whole_or_refused_and_ends_in_the_same_bytes(
    console, tmp_path, vectors, rng
):
    """Killed anywhere and while its folder grows: what is there opens, or says what it lacks."""

    def start(out):
        return console.start(
            "correct", f"vectors:{vectors}", "--with", "linear_projection", "--metrics", "weat",
            "--out", out, PLUMBLINE_CACHE=tmp_path / "cache.sqlite",
        )  # fmt: skip

    began = time.monotonic()
    first = tmp_path / "undisturbed"
    finished(start(first))
    lasted = time.monotonic() - began
    ((before,), _), ((after,), _) = (whole_and_halves(first / n) for n in ("before", "after"))
    wanted = open_model(f"corrected:{first}", ModelOptions()).fingerprint

    def anywhere(_):
        time.sleep(rng.uniform(0.2, 0.9) * lasted)

    def growing(out, name):
        def moment(process):
            known = len(list(out.rglob("*")))
            wait_for(process, lambda: (out / name).exists() and len(list(out.rglob("*"))) > known)
            time.sleep(rng.uniform(0, 0.05))

        return moment

    def check(out):
        if (out / "correction.json").exists():
            assert open_model(f"corrected:{out}", ModelOptions()).fingerprint == wanted
        else:
            with pytest.raises(PlumblineError, match="no corrected model"):
                open_model(f"corrected:{out}", ModelOptions())
        for name, true in (("before", before), ("after", after)):
            for run in whole_and_halves(out / name)[0]:
                for file in FILES:
                    assert (run / file).read_bytes() == (true / file).read_bytes(), file

    partial = 0
    for number, where in enumerate((("", "anywhere"), ("before", "after"), ("anywhere", "after"))):
        out = tmp_path / f"killed {number}"
        for name in where:
            while not killed(start(out), anywhere if name == "anywhere" else growing(out, name)):
                pass
            check(out)
            partial += not (out / "difference.json").exists()
        finished(start(out))
        check(out)
        assert told(out) == told(first)
        for name in ("before", "after"):
            assert whole_and_halves(out / name)[0]
        weights = [folder / "weights.safetensors" for folder in (out, first)]
        assert weights[0].read_bytes() == weights[1].read_bytes()
    print(f"{partial} of 6 kills before the difference was written")
    assert partial >= 2


@pytest.mark.model
@pytest.mark.timeout(400)
def test_an_explanation_is_whole_or_says_that_it_is_not(console, tmp_path, rng):
    """Killed anywhere and while its arrays and figures are written; the arrays are the same in the end."""
    from tiny_models import build

    folder, out = tmp_path / "model", tmp_path / "runs"
    build(folder, "GPT2LMHeadModel", n_layer=2, n_head=2, n_embd=16, n_positions=512)
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")

    def start(where):
        return console.start(
            "explain", f"hf:{folder}", "--with", "logit_lens", "--out", where,
            PLUMBLINE_CACHE=tmp_path / "cache.sqlite",
        )  # fmt: skip

    began = time.monotonic()
    finished(start(tmp_path / "undisturbed"))
    lasted = time.monotonic() - began
    ((true,), _) = whole_and_halves(tmp_path / "undisturbed")
    wanted = sorted(
        f.relative_to(true) for f in true.rglob("*") if f.suffix in (".parquet", ".svg")
    )
    assert len(wanted) > len(FILES)

    def anywhere(_):
        time.sleep(rng.uniform(0.2, 0.9) * lasted)

    def writing(process):
        known = len(list(out.rglob("*")))
        wait_for(process, lambda: len(list(out.rglob("*"))) > known)
        time.sleep(rng.uniform(0, 0.2))

    for moment in (writing, anywhere, writing):
        while not killed(start(out), moment):
            pass
    print(f"{len(whole_and_halves(out)[1])} of 3 kills left a half-written folder")
    finished(start(out))
    for run in whole_and_halves(out)[0]:
        for file in wanted:
            assert (run / file).read_bytes() == (true / file).read_bytes(), file
