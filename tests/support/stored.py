"""Runs for the dashboard: real audits of planted models, and one whose every text is hostile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.audit.runner import Asked
from plumbline.audit.store import Run, save
from plumbline.core import questions as ask
from plumbline.core.answers import Texts
from plumbline.core.results import Estimate, Finding
from plumbline.core.scored import Items
from plumbline.data.lexicons.weat import weat_test
from plumbline.testing import PlantedEmbedder

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`&<!--\x1b[31mred\x07\u202ed {{ 7*7 }} $(id)"
ATTACK_NAME = "<img src=x onerror=alert(1)>'\"&{{7}}"


def three_days(folder: Path) -> Path:
    """Three runs of one plan, a day apart: two embeddings of noise, then one that leans in WEAT's test 1."""
    test = weat_test(1)
    leans = dict.fromkeys((*test.x, *test.a), 1.0) | dict.fromkeys((*test.y, *test.b), -1.0)
    for day, dial in enumerate((0.0, 0.0, 3.0), start=1):
        with Cache(":memory:") as cache:
            plan = Plan(model="planted", metrics=("weat",))
            run = Audit(plan, PlantedEmbedder(seed=day, dial=dial, leans=leans), cache).run(folder)
        run.folder.rename(folder / f"day-{day}")
        change_header(folder / f"day-{day}", started=f"2026-11-0{day}T06:00:00+00:00")
    return folder


def change_header(run: Path, **changes: Any) -> None:
    """Write some fields of a run's header anew."""
    path = run / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def written(folder: Path, header: dict[str, Any], text: str, rows: int = 120) -> Run:
    """A run with one finding, `rows` items and as many generated answers, all texts the same."""
    made = Estimate(value=1.0, low=0.5, high=1.5, level=0.95, n=9, units=9, p=0.01)
    texts = dict.fromkeys(("estimand", "paper", "trust", "family", "certificate"), text)
    labels = {"axis": text, "group": text, "against": text, "toward": text, text: text}
    findings = [
        Finding(metric=metric, unit=unit, outcome=made, labels=labels, null=0.0, verdict="leans", margin=0.1, notes=(text,), **texts)
        for metric, unit in ((text, text), ("weat", "cohen_d"))
    ]  # fmt: skip
    items = Items.of(
        item=[f"{text} {i}" for i in range(rows)], score=np.linspace(-1, 1, rows), said=[text] * rows,
    )  # fmt: skip
    batch = ask.generate([f"{text} question {i}" for i in range(rows)], decoding=ask.Decoding())
    answers = Texts([f"{text} answer {i}" for i in range(rows)], ["stop"] * rows, [""] * rows)
    log = [Asked(text, 0, batch, batch.keys(), answers)]
    return save(folder, header, findings, {text: items}, log)


def hostile_run(folder: Path) -> Path:
    """A run whose every free text, its directory's name among them, is hostile."""
    header = json.loads((folder / "day-1" / "run.json").read_text("utf-8"))
    header["subject"] = {
        "model": ATTACK, "name": ATTACK, "fingerprint": ATTACK, "abilities": [], "about": {ATTACK: ATTACK, "bos": ATTACK},
    }  # fmt: skip
    header |= {
        "notes": {ATTACK: [ATTACK]},
        "measures": {},
        "plan_hash": ATTACK,
        "plumbline": ATTACK,
        "started": ATTACK,
    }
    header["index"] = {"value": None, "reason": ATTACK}
    header["plan"] = {**header["plan"], "metrics": [ATTACK], "suite": ATTACK}
    return written(folder / ATTACK_NAME, header, ATTACK).folder


def form_token(client: Any) -> str:
    """The token of the form that a server shows."""
    return re.search(r'name="form_token" value="([^"]+)"', client.get("/audits/new").text)[1]
