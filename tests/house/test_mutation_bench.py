"""The mutation bench itself: a planted mutant is killed, an equivalent one survives, and which tests are chosen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "mutation"
ROOT = BENCH.parents[1]
FILE = "src/plumbline/stats/elo.py"
TESTS = "tests/stats/test_rankings_of_players.py"


@pytest.fixture
def selection(monkeypatch):
    """The module that chooses tests."""
    monkeypatch.syspath_prepend(str(BENCH))
    import selection

    yield selection
    sys.modules.pop("selection")


def mutant(name: str, before: str, after: str) -> dict:
    """A change of one line of the Elo ratings."""
    source = (ROOT / FILE).read_text("utf-8")
    assert source.count(before) == 1
    line = source[: source.index(before)].count("\n") + 1
    return {
        "id": name, "file": FILE, "function": "expected", "line": line, "first": line, "last": line,
        "on_import": False, "operator": "", "occurrence": 0, "before": before, "after": after,
        "source": source.replace(before, after),
    }  # fmt: skip


def test_a_planted_mutant_is_killed_and_an_equivalent_survives(tmp_path):
    """Wrong sign, the same sum in another order, a loop without end: killed, survived, timed out."""
    planted = [
        mutant("wrong", "1.0 / (1.0 + 10.0", "1.0 / (1.0 - 10.0"),
        mutant("same", "1.0 / (1.0 + 10.0 ** (gap / scale))", "1.0 / (10.0 ** (gap / scale) + 1.0)"),
        mutant("endless", "    return np.asarray(1.0 / (1.0", "    while True: pass\n    return np.asarray(1.0 / (1.0"),
    ]  # fmt: skip
    (tmp_path / "sample.json").write_text(json.dumps({"mutants": planted}))
    tests = [f"{TESTS}::test_elo_in_closed_form", f"{TESTS}::test_elo_takes_any_number_of_players"]
    (tmp_path / "covering").mkdir()
    seen = {
        "seconds": dict.fromkeys(tests, 0.2), "failed_or_skipped": [],
        "lines": {FILE: {str(planted[0]["line"]): tests}},
    }  # fmt: skip
    (tmp_path / "covering" / "1.json").write_text(json.dumps(seen))
    script = [sys.executable, BENCH / "run.py", tmp_path, "--covering", tmp_path / "covering"]
    subprocess.run(
        [*script, "--workers", "2", "--load", "pytest", "hypothesis"], check=True, timeout=300
    )
    lines = (tmp_path / "results.jsonl").read_text("utf-8").splitlines()
    found = {r["id"]: r for r in map(json.loads, lines)}
    assert {n: r["outcome"] for n, r in found.items()} == {
        "wrong": "killed", "same": "survived", "endless": "timed out"
    }  # fmt: skip
    assert found["wrong"]["test"].startswith(TESTS)
    assert found["same"]["ran"] == len(tests)
    assert not list(tmp_path.glob("slot-*"))
    assert mutant("whole", "1.0 / (1.0 + 10.0", "")  # the original was never touched


def test_tests_that_run_the_statement_are_chosen(selection, tmp_path):
    """By line; on import by any function of the file; never those that fail on the original."""
    inside = next(
        i for i, line in enumerate((ROOT / FILE).read_text().splitlines(), 1) if "return np.asarray(1.0" in line
    )  # fmt: skip
    seen = {
        "seconds": {"a": 1.0, "b": 2.0, "c": 3.0}, "failed_or_skipped": ["c"],
        "lines": {FILE: {"1": ["a"], str(inside): ["b", "c"]}},
    }  # fmt: skip
    (tmp_path / "1.json").write_text(json.dumps(seen))
    covering = selection.Covering.read(tmp_path)
    here = {"file": FILE, "on_import": False, "first": inside, "last": inside}
    assert covering.tests(here) == {"b"}
    assert covering.tests({**here, "first": 1, "last": 1}) == {"a"}
    assert covering.tests({**here, "first": 1, "last": 1, "on_import": True}) == {"b"}
    assert covering.tests({**here, "first": 2, "last": 2}) == set()


def test_the_fastest_tests_come_first_within_the_budget(selection):
    """The file named after the mutant, then the cheapest file; within a file by seconds."""
    seconds = {
        "t/test_elo.py::slow": 5.0,
        "t/test_elo.py::fast": 1.0,
        "t/test_b.py::x": 0.5,
        "t/test_a.py::y": 9.0,
    }
    got = selection.ordered(seconds, seconds, file=FILE, budget=7.0)
    assert got == ["t/test_elo.py::fast", "t/test_elo.py::slow", "t/test_b.py::x"]
    assert selection.ordered(["t/test_a.py::y"], seconds, file=FILE, budget=1.0) == [
        "t/test_a.py::y"
    ]
