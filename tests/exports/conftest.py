"""Real runs to export: recorded decisions with a hostile label, and word vectors with gaps."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit.api import audit
from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.run import Audit
from plumbline.audit.store import Run
from plumbline.testing import PlantedEmbedder

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> {x} | \\ & <!-- plumbline:end -->"
RATES = {
    ("Female", "Asian"): 0.30, ("Female", "Black"): 0.20, ("Male", "Asian"): 0.55,
    ("Male", "Black"): 0.45, ("Female", HOSTILE): 0.4, ("Male", HOSTILE): 0.4,
    ("not stated", "Asian"): 0.5, ("Male", "Unknown"): 0.5,
}  # fmt: skip


def applicants(each: int = 60, seed: int = 4) -> list[dict[str, str]]:
    """Rows of decisions with planted rates; `Female, Pacific` has four, too few for an interval."""
    rng = np.random.default_rng(seed)
    rows = []
    for (sex, race), rate in {**RATES, ("Female", "Pacific"): 0.5}.items():
        size = 4 if race == "Pacific" else each
        for k in range(size):
            hit = int(k < round(rate * size))
            told = "" if sex == "not stated" else sex
            rows.append({"sex": told, "race": race, "prediction": str(hit)})
    rng.shuffle(rows)
    return rows


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    """Rows as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return path


@pytest.fixture(scope="session")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of decisions."""
    return write_table(tmp_path_factory.mktemp("table") / "decisions.csv", applicants())


@pytest.fixture(scope="session")
def loans(decisions: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An audit of the table: estimates, Undefined rows, and a method that does not apply."""
    return audit(
        f"table:{decisions}", metrics=["group_rates", "crows_pairs"],
        out=tmp_path_factory.mktemp("runs"), options={"extra": {"groups": ["sex", "race"]}},
    )  # fmt: skip


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An audit of planted word vectors."""
    with Cache(":memory:") as cache:
        plan = Plan(model="planted", metrics=("weat",), params={"weat": {"tests": [6, 7]}})
        return Audit(plan, PlantedEmbedder(seed=1), cache).run(tmp_path_factory.mktemp("words"))
