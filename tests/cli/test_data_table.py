"""`plumbline data table`: the verdicts of a public set as a file that an audit opens."""

from __future__ import annotations


def test_a_sets_verdicts_are_written(invoke, shared_data, monkeypatch, tmp_path):
    """A part of a set, as CSV; a part or a set that is not there is an error with the nearest names."""
    monkeypatch.setenv("PLUMBLINE_DATA", str(shared_data))
    out = tmp_path / "verdicts.csv"
    got = invoke("data", "table", "faireval-pandalm", "--out", str(out), "--part", "faireval")
    assert got.exit_code == 0
    assert "80 verdicts, 1 judges" in got.stdout
    header, first, *rest = out.read_text().splitlines()
    assert header.startswith("judge,question,part,first,second,verdict,better")
    assert first.startswith("people,vicuna-1,faireval,gpt35,vicuna-13b,first,,")
    assert len(rest) == 79
    wrong = invoke("data", "table", "faireval-pandalm", "--out", str(out), "--part", "fair")
    assert wrong.exit_code == 2
    assert "Nearest: faireval" in wrong.stderr
    none = invoke("data", "table", "weat", "--out", str(out))
    assert none.exit_code == 2
    assert "data set with verdicts" in none.stderr
