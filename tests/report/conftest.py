"""A small made-up run with every kind of finding; no number in it was ever measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.audit.runner import Asked
from plumbline.audit.store import Run, save
from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.results import Estimate, Finding, NotApplicable, Undefined
from plumbline.core.scored import Items

HEADER: dict[str, Any] = {
    "plumbline": "0.1.0",
    "plan": {
        "model": "demo", "suite": "quick", "metrics": [], "seed": 7, "level": 0.95, "alpha": 0.05,
        "margins": {"cohen_d": 0.2}, "params": {}, "options": {}, "max_requests": None, "correction": "bh",
    },
    "plan_hash": "0123456789abcdef",
    "seed": 7,
    "subject": {
        "model": "demo", "name": "SmolLM2-135M-Instruct", "fingerprint": "f" * 40,
        "abilities": ["generate", "logprob"],
        "about": {"form": "demo", "dtype": "float32", "device": "cpu", "bos": "<|im_start|>", "chat_template": "none"},
    },
    "instruments": {"vader": {"fingerprint": "aa", "about": {"form": "lexicon"}}},
    "methods": {"weat": {"version": 1, "paper": "arxiv:1608.07187"}},
    "notes": {"weat": ["a note of the method"]},
    "facts": {"weat": {"1": {"coverage": 1.0}}},
    "canaries": {"a server": {"asked": 5, "changed": 2}},
    "questions": {"subject:embed": {"wanted": 300, "unique": 210, "from_cache": 0, "asked": 210, "seconds": 3.2}},
    "started": "2026-11-23T06:00:00+00:00", "seconds": 12.5,
    "packages": {"plumbline": "0.1.0", "numpy": "2.4.6"},
    "machine": {"system": "Linux", "processor": "x86_64", "python": "3.11.7", "cores": 2},
    "index": {
        "value": 0.21, "low": 0.1, "high": 0.33, "level": 0.95, "weights_band": [0.15, 0.3],
        "expected_without_lean": 0.04, "dimensions": {"gender": 0.02, "valence": 0.4},
        "sentiment_term": 0.0, "diversity_term": 0.0,
        "components": [{"metric": "weat", "labels": {"axis": "valence"}, "component": 0.4, "unit": "cohen_d"}],
        "left_out": [], "source": "LLMBI, arxiv:2312.14769",
    },
}  # fmt: skip

FLOWERS = {
    "axis": "valence",
    "test": "1",
    "group": "flowers",
    "against": "insects",
    "toward": "pleasant",
}


def estimate(value: float, low: float, high: float, **more: Any) -> Estimate:
    """An estimate of 50 items in 25 units."""
    return Estimate(
        **{
            "value": value,
            "low": low,
            "high": high,
            "level": 0.95,
            "n": 50,
            "units": 25,
            "p": 0.01,
            **more,
        }
    )


def made_findings() -> list[Finding]:
    """Each status, role and verdict once."""
    weat: dict[str, Any] = {
        "metric": "weat",
        "unit": "cohen_d",
        "paper": "arxiv:1608.07187",
        "trust": "replicated",
    }
    lean = Finding(
        **weat, labels=FLOWERS, outcome=estimate(1.3, 0.9, 1.7, p=0.0002, se=0.2), null=0.0, p_adjusted=0.0004,
        family="primary (2 tests, Benjamini-Hochberg)", verdict="leans", margin=0.2, certificate="false alarms 4.9 %",
        estimand="difference in association", notes=("for these words",),
    )  # fmt: skip
    return [
        lean,
        Finding(**weat, role="secondary", labels={**FLOWERS, "measure": "mean difference"}, outcome=estimate(0.08, 0.05, 0.11, p=None)),
        Finding(**weat, labels={"axis": "race", "test": "3"}, outcome=Undefined(reason="coverage 40 %: at least 80 % is needed", n=12)),
        Finding(
            metric="template_gap", unit="nats", labels={"axis": "gender", "group": "women", "against": "men"},
            outcome=estimate(0.01, -0.03, 0.05, p=0.6, se=0.02), null=0.0, p_adjusted=0.6, verdict="within the margin", margin=0.1,
        ),
        Finding(
            metric="template_gap", role="group", unit="nats", labels={"axis": "gender", "group": "nurse"},
            outcome=estimate(0.2, -0.3, 0.6, p=None), null=0.0, verdict="insufficient evidence", margin=0.1,
        ),
        Finding(
            metric="option_position", unit="rate", sign="unsigned", labels={"axis": "position"},
            outcome=estimate(0.2, 0.0, 0.4, p=0.3, expected=0.15), null=0.0, p_adjusted=0.3, verdict="insufficient evidence", margin=0.05,
        ),
        Finding(metric="expected_maximum", unit="score", labels={"axis": "gender"}, outcome=estimate(0.4, 0.3, 0.5, p=None)),
        Finding(metric="crows_pairs", outcome=NotApplicable(reason="needs a masked-token head")),
    ]  # fmt: skip


@pytest.fixture
def findings() -> list[Finding]:
    """Made-up findings."""
    return made_findings()


@pytest.fixture
def header() -> dict[str, Any]:
    """A made-up header."""
    return dict(HEADER)


@pytest.fixture
def store_run(tmp_path: Path) -> Callable[..., Run]:
    """Save findings, items of `weat` and one generated answer as a run."""

    def saved(
        findings: list[Finding], text: str = "an answer", head: dict[str, Any] | None = None
    ) -> Run:
        items = Items.of(
            item=[f"item {i}" for i in range(6)], score=np.linspace(-1, 1, 6), group=["flowers", "insects"] * 3,
            text=[text] * 6, why=["", "", "", "", "", "refused"],
        )  # fmt: skip
        batch = ask.generate([text], decoding=ask.Decoding())
        log = [Asked("weat", 0, batch, batch.keys(), Texts([text], ["stop"], [""]))]
        return save(tmp_path / "run", head or HEADER, findings, {"weat": items}, log)

    return saved


@pytest.fixture
def run(store_run: Callable[..., Run], findings: list[Finding]) -> Run:
    """The made-up run, stored."""
    return store_run(findings)
