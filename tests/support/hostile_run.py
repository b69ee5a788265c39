"""A stored run whose every free text is hostile: one finding, item and answer for each text of `hostile.ALL`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hostile
import numpy as np

from plumbline.audit.runner import Asked
from plumbline.audit.store import Run, save
from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.results import Estimate, Finding, NotApplicable, Undefined
from plumbline.core.scored import Items

METRIC = "weat"


def header() -> dict[str, Any]:
    """A header of hostile texts."""
    every = hostile.WHOLE
    return {
        "plumbline": every, "plan_hash": every, "seed": 1, "started": "2026-11-23T06:00:00+00:00" + every, "seconds": 1.0,
        "plan": {
            "model": every, "suite": every, "metrics": [METRIC], "seed": 1, "level": 0.95, "alpha": 0.05, "margins": {"rate": 0.1, every: 0.1},
            "params": {METRIC: {every: every}}, "options": {"system": every}, "correction": "bh", "max_requests": None,
        },
        "subject": {"model": every, "name": every, "fingerprint": every, "abilities": ["generate"], "about": {"bos": every, every: every}},
        "instruments": {every: {"fingerprint": every, "about": {}}}, "methods": {METRIC: {"version": 1, "paper": every}},
        "notes": {METRIC: [every]}, "facts": {METRIC: {every: every}}, "canaries": {every: {"asked": 2, "changed": 1}}, "measures": {},
        "questions": {every: {"wanted": 1, "unique": 1, "from_cache": 0, "asked": 1, "seconds": 1.0}},
        "packages": {every: every}, "machine": {every: every}, "index": {"value": None, "reason": every},
    }  # fmt: skip


def findings() -> list[Finding]:
    """An estimate, an undefined and an inapplicable one of every text."""
    made = Estimate(value=0.3, low=0.1, high=0.5, level=0.95, n=9, units=9, p=0.01)
    rows = []
    for text in hostile.ALL:
        labels = {
            "axis": text,
            "group": text,
            "against": f"{text} ",
            "toward": text,
            "measure": text,
            text: text,
        }
        texts = dict.fromkeys(("estimand", "paper", "trust", "family", "certificate"), text)
        rows.append(
            Finding(
                metric=METRIC,
                unit="rate",
                labels=labels,
                outcome=made,
                null=0.0,
                verdict="leans",
                margin=0.1,
                notes=(text,),
                **texts,
            )
        )
        rows.append(
            Finding(
                metric=METRIC,
                unit=text,
                role="group",
                labels={"axis": text, "group": text},
                outcome=Undefined(reason=text, n=1),
            )
        )
    rows += [Finding(metric=text, outcome=NotApplicable(reason=text)) for text in hostile.ALL]
    return rows  # fmt: skip


def write(folder: Path, *, long: bool = False) -> Run:
    """The run in a folder; with `long`, the first question and answer have ten megabytes."""
    texts = list(hostile.ALL)
    size = len(texts)
    spoken = [hostile.LONG, *texts[1:]] if long else texts
    items = Items.of(
        item=texts, score=np.linspace(-1, 1, size), group=[hostile.ALL[i % 2] for i in range(size)], axis=texts,
        said=texts, answer=np.arange(size, dtype=float), why=["", *[""] * (size - 1)],
    )  # fmt: skip
    batch = ask.generate([f"{i} {t}" for i, t in enumerate(spoken)], decoding=ask.Decoding())
    answers = Texts(spoken, ["stop"] * size, [""] * size)
    log = [Asked(METRIC, 0, batch, batch.keys(), answers)]
    return save(folder, header(), findings(), {METRIC: items}, log)
