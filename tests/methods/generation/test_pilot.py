"""A pilot: asked first, and the rest only where something of it can be read."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.answers import Texts
from plumbline.core.questions import Decoding, plain, prompt
from plumbline.metrics.pilot import FEW, NOT_ASKED, written
from plumbline.testing import PlantedSorter

PROMPTS = [prompt(f"Say {i}.") for i in range(200)]


def ran(read, *, pilot=FEW, prompts=PROMPTS):
    """The batches that were asked, and the answers; each answer repeats its prompt."""
    job = written(
        prompts, None, decoding=Decoding(), seed=0, pilot=pilot,
        read=lambda _, got: read(got),
    )  # fmt: skip
    sizes, batches = [], next(job)
    while True:
        (batch,) = batches
        sizes.append(len(batch))
        said = [plain(p) for p in batch.columns["prompt"]]
        try:
            batches = job.send([Texts(said, ["stop"] * len(said), [""] * len(said))])
        except StopIteration as stop:
            return sizes, stop.value


def test_the_rest_is_asked_where_something_can_be_read():
    """24 first, 176 then; every answer stands at its prompt."""
    sizes, answers = ran(lambda _: 1)
    assert sizes == [FEW, 200 - FEW]
    assert answers.texts == [plain(p) for p in PROMPTS]


def test_the_rest_is_not_asked_where_nothing_can_be_read():
    """The pilot's answers stay; all others say why there is none."""
    sizes, answers = ran(lambda _: 0)
    assert sizes == [FEW]
    assert sum(answers.ok) == FEW
    assert set(answers.status) == {"", NOT_ASKED}
    asked = np.flatnonzero(answers.ok)
    assert (asked[0], asked[-1]) == (0, 199)
    assert np.diff(asked).max() <= 10


def test_few_questions_have_no_pilot():
    """Below four times the pilot, or with 0, all are asked at once."""
    assert ran(lambda _: 0, prompts=PROMPTS[:90])[0] == [90]
    assert ran(lambda _: 0, pilot=0)[0] == [200]


@pytest.mark.parametrize("metric", ["llm_iat", "llm_decision"])
def test_a_model_that_refuses_everything_is_asked_little(audited, metric):
    """A whole audit: Undefined with its share, after 24 questions of 336."""
    run = audited(PlantedSorter(refuses=1.0), metric, suite="standard")
    assert run.header["questions"]["subject:generate"]["asked"] == FEW
    primary = [f for f in run.findings if f["role"] == "primary"]
    assert {f["status"] for f in primary} == {"undefined"}
    assert all("could be read: 0%" in f["reason"] for f in primary)
