"""Run one method against one subject: through its generator, or through a whole audit."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.core.answers import answer_type
from plumbline.core.context import Context
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds


@pytest.fixture
def scored():
    """A method's scored items: `scored(method, subject, suite=..., **params)`."""

    def drive(method, subject, *, suite: str = "quick", seed: int = 0, **params) -> Scored:
        context = Context(abilities=subject.abilities, seeds=Seeds(seed), suite=suite)
        job = method(context, **params)
        batches = next(job)
        while True:
            try:
                batches = job.send([whole(subject, batch) for batch in batches])
            except StopIteration as stop:
                return stop.value

    return drive


def whole(subject, batch):
    """A batch's answers in its order; recorded columns bypass the cache, so they are not packed."""
    if batch.ability == "records":
        return next(iter(subject.answer(batch)))[1]
    packed = [None] * len(batch)
    for part in subject.partition(batch):
        for rows, answers in subject.answer(batch.take(part.tolist())):
            for k, row in enumerate(rows):
                packed[int(part[row])] = answers.pack(k)
    return answer_type(batch.ability, batch.settings).unpack(packed)


@pytest.fixture
def audited(tmp_path):
    """A whole audit, in memory: `audited(subject, "weat", suite=..., params=...)`."""

    def run(subject, *metrics: str, suite: str = "quick", **params):
        plan = Plan(
            model="python:test", metrics=metrics, suite=suite, params=dict.fromkeys(metrics, params)
        )
        with Cache(tmp_path / "answers.sqlite") as cache:
            made = Audit(plan, subject, cache).run(None)
        json.dumps(made.header, allow_nan=False)  # what a stored run keeps in run.json
        return made

    return run


@pytest.fixture
def packaged():
    """Folder of an installed package: `packaged("cognition")`; skips where it is not there.

    Where the environment promises to be complete (`PLUMBLINE_FULL=1`) a skip is a failure.
    """

    def folder(name: str) -> Path:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent
        if os.environ.get("PLUMBLINE_FULL") == "1":
            pytest.fail(f"the package {name} must be there in the full job")
        pytest.skip(f"needs the package {name}")

    return folder


@pytest.fixture
def mirror(shared_data, monkeypatch):
    """Public sets come from the mirror, never from the network."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    monkeypatch.setenv("PLUMBLINE_OFFLINE", "1")
    return shared_data
