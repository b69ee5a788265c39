"""A small made-up run on disk for targets that read one; no number in it was ever measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.audit.runner import Asked
from plumbline.audit.store import save
from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.results import Estimate, Finding, Undefined
from plumbline.core.scored import Items

HEADER: dict[str, Any] = {
    "plumbline": "0.1.0",
    "plan": {"model": "demo", "suite": "quick", "metrics": ["weat"], "seed": 7, "level": 0.95, "alpha": 0.05, "margins": {"cohen_d": 0.2}, "params": {}, "options": {}, "max_requests": None, "correction": "bh"},
    "plan_hash": "0123456789abcdef", "seed": 7,
    "subject": {"model": "demo", "name": "a model", "fingerprint": "f" * 8, "abilities": ["embed"], "about": {"form": "demo"}},
    "instruments": {}, "methods": {"weat": {"version": 1, "paper": "arxiv:1608.07187"}}, "notes": {"weat": ["a note"]},
    "facts": {"weat": {"1": {"coverage": 1.0}}}, "canaries": {}, "measures": {},
    "questions": {"subject:embed": {"wanted": 3, "unique": 2, "from_cache": 0, "asked": 2, "seconds": 3.2}},
    "started": "2026-11-23T06:00:00+00:00", "seconds": 1.5, "packages": {"numpy": "2.4.6"}, "machine": {"system": "Linux"},
    "index": {"value": 0.21, "low": 0.1, "high": 0.33, "level": 0.95, "weights_band": [0.15, 0.3], "expected_without_lean": 0.04, "dimensions": {"valence": 0.4}, "sentiment_term": 0.0, "diversity_term": 0.0, "components": [{"metric": "weat", "labels": {"axis": "valence"}, "component": 0.4, "unit": "cohen_d"}], "left_out": [], "source": "LLMBI"},
}  # fmt: skip


def findings() -> list[Finding]:
    """An estimate and what could not be measured."""
    made = Estimate(value=1.3, low=0.9, high=1.7, level=0.95, n=50, units=25, p=0.01)
    labels = {"axis": "valence", "group": "flowers", "against": "insects", "toward": "pleasant"}
    return [
        Finding(metric="weat", unit="cohen_d", labels=labels, outcome=made, null=0.0, verdict="leans", margin=0.2, family="primary"),
        Finding(metric="weat", unit="cohen_d", labels={"axis": "race"}, outcome=Undefined(reason="coverage 40 %", n=12)),
    ]  # fmt: skip


def write(folder: Path) -> Path:
    """The run in a folder."""
    items = Items.of(
        item=[f"item {i}" for i in range(4)], score=np.linspace(-1, 1, 4), group=["flowers", "insects"] * 2,
        answer=[0.0, 0.0, 1.0, 1.0],
    )  # fmt: skip
    batch = ask.generate(["a question", "another"], decoding=ask.Decoding())
    answers = Texts(["an answer"] * 2, ["stop"] * 2, [""] * 2)
    save(
        folder,
        HEADER,
        findings(),
        {"weat": items},
        [Asked("weat", 0, batch, batch.keys(), answers)],
    )
    return folder


def header() -> bytes:
    """`run.json` in few bytes."""
    return json.dumps(HEADER).encode()


def finding() -> bytes:
    """One row of `findings.parquet`."""
    return json.dumps(findings()[0].row()).encode()
