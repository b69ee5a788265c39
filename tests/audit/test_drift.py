"""`make calibrate`: a planted drift of code or of a certificate is reported, and nothing else is."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.audit import calibrate as calibration
from plumbline.core.results import Estimate

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "certificates" / "drift.py"
METRICS = ("weat", "template_gap")


@pytest.fixture(scope="module")
def drift():
    """The bench script as a module."""
    spec = importlib.util.spec_from_file_location("certificates_drift", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with a certificate of 40 and 20 simulations."""
    folder = tmp_path_factory.mktemp("shipped")
    made = calibration.calibrate("template_gap", runs=40, dial_runs=20, seed=5, draws=99)
    (folder / "template_gap.json").write_text(json.dumps(made), "utf-8")
    return folder


@pytest.fixture
def too_narrow(monkeypatch):
    """Intervals of a third of their width, p-values left alone."""
    infer_one = calibration.infer_one

    def narrowed(*given, **named):
        got, labels = infer_one(*given, **named)
        if isinstance(got, Estimate):
            middle, half = (got.low + got.high) / 2, (got.high - got.low) / 6
            got = replace(got, low=middle - half, high=middle + half)
        return got, labels

    monkeypatch.setattr(calibration, "infer_one", narrowed)


def test_shipped_certificates_have_traces(drift):
    """Every shipped certificate is watched, at its own dials."""
    kept = json.loads(drift.TRACES.read_text("utf-8"))
    for metric, certificate in drift.shipped([]).items():
        dials = {f"{u['dial']:g}" for u in certificate["undefined"]}
        assert set(kept[metric]["dials"]) == dials, metric


def test_nothing_drifted(drift, capsys):
    """The first simulations of two methods give the digits that were kept."""
    assert drift.main(["--quick", "--traces-only", "--workers", "1", *METRICS]) == 0
    assert "2 certificates: no drift" in capsys.readouterr().out


def test_a_changed_interval_is_found_by_its_digits(drift, too_narrow, capsys):
    """The ends of the interval are named for both methods, their values and p are not."""
    assert drift.main(["--quick", "--traces-only", "--workers", "1", *METRICS]) == 1
    said = capsys.readouterr().out
    for metric in METRICS:
        assert f"{metric}: sum of low over 10 runs at 0:" in said
        assert f"{metric}: sum of value" not in said
        assert f"{metric}: sum of p" not in said
    assert "2 certificates: 2 drifted" in said


def test_the_same_seed_gives_the_same_digits(drift, small, capsys):
    """Nothing to report; chunks in other processes change nothing."""
    assert drift.main(["--shipped", str(small), "--workers", "2", "template_gap"]) == 0
    assert "no drift" in capsys.readouterr().out


def test_one_altered_digit_of_a_certificate_is_named(drift, small, tmp_path, capsys):
    """A rate of one run more, and its path in the report."""
    made = json.loads((small / "template_gap.json").read_text("utf-8"))
    made["coverage"][1]["rate"] -= 1 / 20
    (tmp_path / "template_gap.json").write_text(json.dumps(made), "utf-8")
    assert drift.main(["--shipped", str(tmp_path), "--workers", "1"]) == 1
    said = capsys.readouterr().out
    assert "DRIFT in 1 figures" in said
    assert "template_gap: coverage at 0.005 rate: shipped" in said


def test_fresh_simulations_are_compared_by_test(drift, too_narrow, capsys):
    """With another seed, coverage of a third of the interval's width is far from the shipped."""
    asked = ["--quick", "--fresh", "3", "--runs", "120", "--dial-runs", "60", "--workers", "1"]
    assert drift.main([*asked, "template_gap"]) == 1
    said = capsys.readouterr().out
    assert "template_gap: coverage at 0: shipped" in said
    assert "adjusted p" in said
    assert "template_gap: false alarms" not in said
    assert "template_gap: undefined" not in said


def test_fresh_simulations_of_the_same_code_pass(drift, small):
    """Other simulations give other digits, and no rate differs more than chance lets it."""
    asked = ["--fresh", "9", "--shipped", str(small), "--workers", "1"]
    assert drift.main(asked) == 0


def test_the_whole_check_errs_in_one_of_a_hundred(drift):
    """Thirty true rates at once, 100 against 4,000 runs, drawn 60 times: Holm keeps 1 %."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(60):
        shares = rng.choice([0.05, 0.5, 0.95], 30)
        compared = [
            drift.Rate("m", "f", (int(a), 4000), (int(b), 100))
            for a, b in zip(rng.binomial(4000, shares), rng.binomial(100, shares), strict=True)
        ]
        wrong += bool(drift.differing(compared))
    assert wrong <= ss.binom.ppf(0.999, 60, 0.01)


def test_the_test_is_fishers(drift):
    """A lady tasting tea: 4 of 4 against 0 of 4 is 2 of C(8, 4) = 70."""
    assert drift.Rate("m", "f", (4, 4), (0, 4)).p == pytest.approx(2 / 70)


def test_another_dial_is_drift(drift, small, tmp_path, capsys):
    """A certificate of dials that the method has no more is reported, not compared."""
    made = json.loads((small / "template_gap.json").read_text("utf-8"))
    moved = copy.deepcopy(made)
    moved["undefined"][2]["dial"] = 0.02
    (tmp_path / "template_gap.json").write_text(json.dumps(moved), "utf-8")
    assert drift.main(["--shipped", str(tmp_path), "--workers", "1"]) == 1
    assert "template_gap: dials: shipped [0.0, 0.005, 0.02]" in capsys.readouterr().out


def test_a_certificate_that_is_not_there_is_an_error(drift, tmp_path):
    """Exit code 2: nothing was checked."""
    with pytest.raises(SystemExit) as stopped:
        drift.main(["--shipped", str(tmp_path), "weat"])
    assert stopped.value.code == 2
