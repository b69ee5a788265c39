"""`plumbline compare --verdicts`: real judges through the command line."""

from __future__ import annotations

import json

import plumbline
from plumbline.audit.leaderboard import STRANGERS


def test_vicuna80_through_the_command_line(shared_data, monkeypatch, tmp_path, invoke):
    """Five real judges of their own answers: GPT-4's rank is sure, and every band holds the count itself."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    monkeypatch.setenv("PLUMBLINE_OFFLINE", "1")
    table = tmp_path / "verdicts.csv"
    assert invoke("data", "table", "vicuna80-judgments", "--out", table).exit_code == 0
    got = invoke("compare", "--verdicts", table, "--judge", "gpt4", "--json")
    assert got.exit_code == 0, got.output
    found = json.loads(got.stdout)
    assert found["systems"][0]["system"] == "gpt4"
    assert found["systems"][0]["rank_high"] == 1
    assert STRANGERS in found["ways"] or STRANGERS in found["left_out"]
    python = plumbline.leaderboard(table, one_judge="gpt4")
    assert python.document() == found
    text = invoke("compare", "--verdicts", table, "--judge", "gpt4").stdout
    assert "every opponent counts alike" in text
    wrong = invoke("compare", "--verdicts", table, "--own", "gpt4")
    assert wrong.exit_code == 2
    assert "JUDGE=SYSTEM" in wrong.stderr
