"""`make security`: an advisory that applies is told, and a service that knows nothing audits nothing."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def advisories():
    """The script as a module."""
    path = ROOT / "bench" / "security" / "advisories.py"
    spec = importlib.util.spec_from_file_location("advisories", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["advisories"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def database(tmp_path):
    """Advisories about a made-up package: one by a range, one by a list, one that was taken back."""
    folder = tmp_path / "vulns" / "a-package"
    folder.mkdir(parents=True)
    about = "package: {name: A_Package, ecosystem: PyPI}"
    (folder / "1.yaml").write_text(
        f"id: ONE\npublished: '2024-01-02T00:00:00Z'\naffected:\n- {about}\n  ranges:\n  - type: ECOSYSTEM\n    events: [{{introduced: '1.2'}}, {{fixed: '1.10'}}]\n"
    )
    (folder / "2.yaml").write_text(f"id: TWO\naffected:\n- {about}\n  versions: ['3.0']\n")
    (folder / "3.yaml").write_text(
        f"id: THREE\nwithdrawn: '2024-01-01'\naffected:\n- {about}\n  versions: ['3.0', '1.5']\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("version", "found"),
    [("1.1", []), ("1.2", ["ONE"]), ("1.9", ["ONE"]), ("1.10", []), ("2.0", []), ("3.0", ["TWO"])],
)
def test_versions_are_held_against_ranges_and_lists(advisories, database, tmp_path, version, found):
    """From what introduced a fault up to what mended it, in the order of versions, not of letters."""
    (tmp_path / "pins.txt").write_text(f"# a comment\nA.Package=={version}  # why\nother==1\n")
    got = advisories.from_database(tmp_path / "pins.txt", database)
    assert [hit[2] for hit in got.hits] == found
    assert got.looked_up == 2
    assert "2024-01-02" in got.source


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "1 of 1 pins"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}], 1, "a 1: X-1, mended in 2"),
        ([{"name": "a", "skip_reason": "not found"}] * 9 + [{"name": "b", "version": "1", "vulns": []}], 2, "does not know them"),
        (None, 2, "nothing was audited"),
    ],
)  # fmt: skip
def test_the_exit_status_says_what_was_found(advisories, monkeypatch, capsys, tmp_path, rows, code, says):  # fmt: skip
    """0 only where the pins were looked up."""
    (tmp_path / "pins.txt").write_text("a==1\n")

    class Done:
        stdout = "" if rows is None else json.dumps({"dependencies": rows})
        stderr = "no network"

    monkeypatch.setattr(advisories.subprocess, "run", lambda *_, **__: Done)
    monkeypatch.setattr(sys, "argv", ["advisories", "--pins", str(tmp_path / "pins.txt")])
    assert advisories.main() == code
    assert says in capsys.readouterr().out


def test_our_pins_can_be_read(advisories):
    """Every line of the lock is a name and a version."""
    lines = [x for x in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if x and x[0] != "#"]  # fmt: skip
    assert len(advisories.pins(ROOT / "constraints.txt")) == len(lines)
