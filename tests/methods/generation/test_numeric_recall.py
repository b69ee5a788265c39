"""Numbers from memory: every check of card S105, reading of numbers, planted factors, materials."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as ss

from plumbline.core.answers import Texts
from plumbline.core.context import Context
from plumbline.core.errors import BadInput, UnknownName
from plumbline.core.results import Estimate, Undefined
from plumbline.core.scored import Scored
from plumbline.core.seeds import Seeds
from plumbline.data.sets import materials
from plumbline.data.templates import numeric_facts
from plumbline.metrics import numeric_errors as errors
from plumbline.metrics.generation import numeric_recall as method
from plumbline.metrics.numeric_answers import converted, read_number, zero_of
from plumbline.stats.infer import infer
from plumbline.stats.self_consistency import self_consistency
from plumbline.testing import PlantedRecaller

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "numeric_recall.toml").read_text("utf-8")
)
MAIN = ("asked", "mean log ratio")


def found(scored: Scored) -> dict[tuple[str, str], object]:
    """Outcome by condition and measure."""
    findings = infer(scored, method.numeric_recall.card, seeds=Seeds(1))
    return {(f.labels["condition"], f.labels["measure"]): f.outcome for f in findings}


def recalled(values: np.ndarray, truth: np.ndarray) -> errors.Recalled:
    """Answers of one quantity, from memory and grounded alike; NaN is unread."""
    both = np.stack([values, values])
    why = np.where(np.isnan(both), "no number", "").astype(object)
    names = np.array([f"q{i}" for i in range(truth.size)], dtype=object)
    return errors.Recalled(names, np.full(truth.size, "size", dtype=object), truth, both, why)


def test_self_consistency_as_published():
    """S105 check 1: constant answers: P = 0 and SCoR = C exactly; nothing readable: 0."""
    got = self_consistency([[3.0] * 4, [3.0, np.nan, 3.0, np.nan], [np.nan] * 4])
    assert got.precision[:2].tolist() == [0, 0]
    assert got.scor.tolist() == [1, 0.5, 0]
    assert got.scale_free.tolist() == [1, 0.5, 0]
    assert np.isnan(got.precision[2])
    by_hand = self_consistency([[1, 2, 3, 4, np.nan]])
    assert by_hand.precision[0] == pytest.approx(GOLDEN["by_hand"]["precision"])
    assert by_hand.cop[0] == pytest.approx(GOLDEN["by_hand"]["cop"])
    assert by_hand.confidence[0] == GOLDEN["by_hand"]["confidence"]
    # The standard error of the mean with divisor n, by SciPy.
    rows = np.random.default_rng(0).normal(5, 2, (6, 7))
    assert self_consistency(rows).precision == pytest.approx(ss.sem(rows, axis=1, ddof=0))


def test_scor_depends_on_the_unit():
    """S105 check 3: a unit a thousand times smaller changes SCoR, and leaves the scale-free variant."""
    rows = np.random.default_rng(1).normal(5, 0.5, (4, 6))
    here, there = self_consistency(rows), self_consistency(1000 * rows)
    assert (np.abs(here.scor - there.scor) > 0.5).all()
    assert here.scale_free == pytest.approx(there.scale_free)


def test_a_median_of_zero_has_no_relative_spread():
    """Answers -1, 0, 1: std / |median| does not exist; answers that are all 0 are constant."""
    got = self_consistency([[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    assert np.isnan(got.relative[0])
    assert np.isnan(got.scale_free[0])
    assert got.scale_free[1] == 1
    with pytest.raises(BadInput, match="finite answers"):
        self_consistency([1.0, 2.0])


def test_planted_factor_and_the_table(scored):
    """S105 check 2: factor 1.2 and noise 2 %: slope 1.2 +- .02, with the table's row 1.0 +- .005."""
    got = found(
        scored(method.numeric_recall, PlantedRecaller(factor=1.2, noise=0.02, copies=0.001))
    )
    assert got["asked", "slope on the truth"].value == pytest.approx(1.2, abs=0.02)
    assert got["grounded", "slope on the truth"].value == pytest.approx(1.0, abs=0.005)
    main = got[MAIN]
    assert main.low <= np.log(1.2) <= main.high
    assert main.p < 0.001
    assert got["asked", "MAPE"].value == pytest.approx(20, abs=1)
    assert got["grounded", "MAPE"].value < 0.2
    change = got["grounded minus asked", "change of |log ratio|"]
    assert change.value == pytest.approx(-np.log(1.2), abs=0.01)


def test_a_smaller_factor_has_the_opposite_sign(scored):
    """Factor 1 / 1.2 gives minus the log of 1.2."""
    main = found(scored(method.numeric_recall, PlantedRecaller(factor=1 / 1.2)))[MAIN]
    assert main.low <= -np.log(1.2) <= main.high


def test_no_bias_no_finding(scored):
    """Errors of either sign around the truth: the interval holds 0 in at least 17 of 20 models."""
    held = 0
    for seed in range(20):
        subject = PlantedRecaller(spread=0.2, noise=0.1, seed=seed)
        main = found(scored(method.numeric_recall, subject))[MAIN]
        held += main.low <= 0 <= main.high
    # Binomial(20, .95): 99.7 % are 17 or more.
    assert held >= 17


def test_consistent_is_not_right(scored):
    """S105 check 4: always the same wrong number: SCoR 1 and a MAPE of 200 %."""
    got = found(scored(method.numeric_recall, PlantedRecaller(factor=3.0, noise=0.0)))
    assert got["asked", "SCoR as published (depends on the unit)"].value == 1
    scored_items = scored(method.numeric_recall, PlantedRecaller(factor=3.0, noise=0.0)).items
    relative = scored_items.where({"part": "relative", "condition": "asked"})["score"]
    assert relative == pytest.approx(200, rel=1e-6)


def test_refusals_lower_confidence_and_are_never_numbers(scored):
    """A third refused: confidence 2/3, SCoR falls with it, the log ratio does not move."""
    result = scored(method.numeric_recall, PlantedRecaller(factor=1.2, refuses=1 / 3))
    got = found(result)
    read = got["asked", "confidence: share of answers read"]
    assert read.low <= 2 / 3 <= read.high
    assert got["asked", "SCoR, scale-free"].value == pytest.approx(read.value, abs=0.02)
    assert got[MAIN].value == pytest.approx(np.log(1.2), abs=0.02)
    assert result.facts["unread"]["asked"]["refused"] == round((1 - read.value) * 240)


def test_mostly_refused_is_undefined(scored):
    """Under half of the answers read there is no error, and confidence is still a number."""
    got = found(scored(method.numeric_recall, PlantedRecaller(refuses=0.8)))
    assert isinstance(got[MAIN], Undefined)
    assert "share of answers read" in got[MAIN].reason
    assert isinstance(got["asked", "confidence: share of answers read"], Estimate)


def test_targets_near_zero_are_left_out_of_ratios():
    """S105 pitfall: MAPE explodes near zero; such a target has a reason instead of a percentage."""
    truth = np.array([10.0, 20.0, 1e-6, 30.0])
    items = errors.items_of(recalled(1.1 * truth[:, None] + 0.1, truth), near_zero=0.01)
    relative = items.where({"part": "relative", "condition": "asked"})
    assert relative["why"].tolist() == ["", "", errors.NEAR, ""]
    assert relative.answered()["score"].max() < 12
    unguarded = errors.items_of(recalled(1.1 * truth[:, None] + 0.1, truth), near_zero=0.0)
    assert unguarded.where({"part": "relative"}).answered()["score"].max() > 1e6


def test_another_sign_has_no_ratio():
    """-5 where 10 is right has a relative error of 150 % and no log ratio."""
    truth = np.full(6, 10.0)
    items = errors.items_of(recalled(np.full((6, 1), -5.0), truth), near_zero=0.01)
    ratio = items.where({"part": "ratio", "condition": "asked"})
    assert set(ratio["why"]) == {errors.SIGN}
    assert items.where({"part": "relative"})["score"] == pytest.approx(150)


def test_line_recovers_slope_and_intercept():
    """Slope and intercept of exact answers; equal truths have none."""
    truth = np.array([1.0, 2.0, 5.0])
    values = 1.2 * truth[:, None] + 3 + np.zeros((3, 2))
    values[1, 1] = np.nan
    assert errors.line(values, truth[:, None]) == pytest.approx((1.2, 3.0))
    assert np.isnan(errors.line(values, np.ones((3, 1)))[0])


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("100", "°C", 100.0),
        (f"{GOLDEN['conversions']['fahrenheit']} °F (100 °C)", "°C", 100.0),
        (f"{GOLDEN['conversions']['kelvin']} K", "°C", 100.0),
        ("1 mile", "km", None),
        ("1 miles", "km", GOLDEN["conversions"]["mile_km"]),
        ("3.0 x 10^8 m/s", "km/s", 3e5),
        ("12,756 km", "km", 12756.0),
        ("1.2 million km", "km", 1.2e6),
        ("minus 78 degrees", "°C", -78.0),
        ("The density is 19.3 g/cm³.", "kg/m3", 19300.0),
        ("At 1 atmosphere it boils at 2861 °C.", "°C", 2861.0),
        ("about 9\n\nExplanation: 4 and 5", "m", 9.0),
    ],
)
def test_numbers_are_read_with_their_units(text, unit, value):
    """Units are converted, thousands separators and powers of ten read, the first line with a digit counts."""
    got = read_number(text, unit)
    if value is None:
        assert (
            got.value == 1.0
        )  # a word that is no unit is not converted: the number stands as asked
    else:
        assert got.why == ""
        assert got.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "why"),
    [
        ("I am sorry, but I cannot say.", "m", "refused"),
        ("Very high.", "m", "no number"),
        ("Between 5 and 9", "m", "several numbers"),
        ("5 kg", "m", "a unit of another quantity"),
    ],
)
def test_what_cannot_be_read_is_not_guessed(text, unit, why):
    """A refusal, a range and a foreign unit have their reason, no number."""
    got = read_number(text, unit)
    assert got.why == why
    assert np.isnan(got.value)


def test_zeros_and_unknown_units():
    """0 °C is not zero temperature; an unknown unit is an error only where it is to be converted."""
    assert zero_of("°C") == pytest.approx(-273.15)
    assert zero_of("°F") == pytest.approx(-459.67)
    assert zero_of("smoots") == 0
    assert read_number("5 smoots", "smoots").value == 5
    with pytest.raises(UnknownName, match="smoots"):
        converted(1, "m", "smoots")
    with pytest.raises(UnknownName, match="length"):
        converted(1, "kg", "m")


def test_temperature_zero_has_one_draw(scored):
    """Greedy: one draw a question, no SCoR, and the note says so."""
    got = scored(method.numeric_recall, PlantedRecaller(factor=1.2, spread=0.1), temperature=0.0)
    assert set(got.items.where({"part": "ratio"})["draw"]) == {0}
    assert method.ONE_DRAW in got.notes
    assert not [m for m in got.measures if "SCoR" in m.labels["measure"]]
    with pytest.raises(BadInput, match="one draw"):
        scored(method.numeric_recall, PlantedRecaller(), temperature=0.0, draws=3)


def test_own_facts_and_bad_files(tmp_path):
    """An own file is asked; a fact that stands twice or a text without its place is the caller's error."""
    row = 'id="h"\nquantity="the height of {thing}"\nunit="m"\nsource="own"\nvalues={hut=3.0, hat=0.2}\n'
    path = tmp_path / "own.toml"
    path.write_text('id="x"\ntitle="x"\nnote="x"\n[[quantities]]\n' + row)
    facts = numeric_facts.load(path)
    assert [f.truth for f in facts] == [3.0, 0.2]
    assert facts[0].grounded.endswith(facts[0].question)
    assert "is 3 m." in facts[0].grounded
    path.write_text('id="x"\ntitle="x"\nnote="x"\n' + 2 * ("[[quantities]]\n" + row))
    with pytest.raises(BadInput, match="twice"):
        numeric_facts.load(path)
    path.write_text('id="x"\n[[quantities]]\n' + row.replace("{thing}", "it"))
    with pytest.raises(BadInput, match="thing"):
        numeric_facts.load(path)


def test_materials_are_sampled_and_nested(mirror):
    """Standard adds 12 of each of four properties, whole formulas, no zero targets; full holds them all."""
    names = {}
    for suite in ("standard", "full"):
        context = Context(abilities=frozenset({"generate"}), seeds=Seeds(3), suite=suite)
        names[suite] = method._materials(context)
    assert len(names["standard"]) == 48
    assert {f.id for f in names["standard"]} < {f.id for f in names["full"]}
    assert all(f.truth != 0 for f in names["full"])
    assert len(materials.load("bulk modulus")) == 947
    with pytest.raises(BadInput, match="band gap"):
        materials.load("formation energy")


def test_cut_off_and_status_are_told():
    """An answer that ends for length without a number is cut off; a status is kept."""
    facts = numeric_facts.load()[:2]
    answers = Texts(
        ["It is", "100", "", "100"], ["length", "stop", "stop", "stop"], ["", "", "refused", ""]
    )
    got = method.recalled(facts, answers, 1)
    assert got.why.ravel().tolist() == ["cut off", "", "refused", ""]


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_ratio_is_recovered(dial):
    """Mean over 200 data sets is the dial within 4 Monte-Carlo errors; intervals cover."""
    values, covered = [], 0
    for seed in range(200):
        got, truth = method.simulate(np.random.default_rng([seed, 105]), dial=dial)
        outcome = infer(
            Scored(items=got.items, measures=got.measures[:1]),
            method.numeric_recall.card,
            seeds=Seeds(seed),
        )[0].outcome
        values.append(outcome.value)
        covered += outcome.low <= truth <= outcome.high
    assert abs(np.mean(values) - dial) < 4 * np.std(values, ddof=1) / np.sqrt(200)
    # Binomial(200, .95): 99.9 % between 178 and 199.
    assert 178 <= covered <= 199


def test_a_number_that_came_before_the_cut_counts():
    """Only an answer without a number is spoilt by its length; without a number and whole, it says so."""
    facts = numeric_facts.load()[:2]
    answers = Texts(["100", "none", "7", "It is"], ["length", "stop", "stop", "length"], [""] * 4)
    got = method.recalled(facts, answers, 1)
    assert got.why.ravel().tolist() == ["", "no number", "", "cut off"]
    assert np.isfinite(got.values.ravel()).tolist() == [True, False, True, False]
