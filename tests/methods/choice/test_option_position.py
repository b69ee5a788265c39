"""Option position: every check of card S117, degenerate answerers, the runner, a real model."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from plumbline.audit.cache import Cache
from plumbline.audit.plan import Plan
from plumbline.audit.resolve import chosen
from plumbline.audit.run import Audit
from plumbline.audit.runner import Runner
from plumbline.core.answers import Choices
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.data.templates import questions as own
from plumbline.metrics.choice import option_position as method
from plumbline.metrics.rotations import Circle, known_share
from plumbline.stats.infer import infer
from plumbline.testing import PlantedChooser, assert_recovered, only
from plumbline.testing.laws import assert_simulation_recovered

GOLDEN = tomllib.loads(
    (Path(__file__).parents[2] / "golden" / "option_position.toml").read_text("utf-8")
)


def guessed(circle: Circle, rng: np.random.Generator) -> np.ndarray:
    """Uniform guesses."""
    return (rng.random(circle.size.size) * circle.size).astype(int)


def choices(chosen: np.ndarray, status: list[str] | None = None) -> Choices:
    """Choices as an adapter gives them."""
    n = len(chosen)
    return Choices(
        np.asarray(chosen), [np.empty(0)] * n, [""] * n, ["native"] * n, status or [""] * n
    )


def found(circle: Circle, chosen: np.ndarray, status: list[str] | None = None) -> dict[str, object]:
    """Outcome by measure of inferred choices."""
    names = [f"q{i}" for i in range(int(circle.question.max()) + 1)]
    got = method.scored(circle, names, choices(chosen, status))
    findings = infer(got, method.option_position.card, seeds=Seeds(1))
    return {(f.role, f.labels.get("group", ""), f.labels["measure"]): f.outcome for f in findings}


def test_rotation_moves_contents_under_fixed_letters():
    """In rotation s, place j shows option (j + s) mod N; the right answer moves along."""
    circle = Circle.of([3], [1])
    assert circle.place.tolist() == [1, 0, 2]
    assert circle.content(circle.place).tolist() == [1, 1, 1]
    assert [np.roll(["x", "y", "z"], -s).tolist() for s in range(3)][1] == ["y", "z", "x"]


def test_uniform_guesser():
    """S117 check 1: N = 4, 20,000 questions: vanilla .25 +- .01, circular .0039 +- .0015."""
    circle = Circle.of([4] * 20_000, [0] * 20_000)
    chosen = guessed(circle, np.random.default_rng(0))
    assert abs(circle.vanilla(chosen).mean() - GOLDEN["uniform_guesser"]["vanilla_4"]) < 0.01
    assert abs(circle.circular(chosen).mean() - GOLDEN["uniform_guesser"]["circular_4"]) < 0.0015
    two = Circle.of([2] * 20_000, [1] * 20_000)
    hits = two.circular(guessed(two, np.random.default_rng(1)))
    assert abs(hits.mean() - GOLDEN["uniform_guesser"]["circular_2"]) < 0.015


def test_constant_letter_has_no_circular_hit():
    """S117 check 1: always A gives circular 0 exactly; vanilla is the share of right answers there."""
    circle = Circle.of([4] * 8, [0, 0, 0, 1, 2, 3, 1, 2])
    always = np.zeros(32, int)
    assert circle.circular(always).sum() == 0
    assert circle.vanilla(always).mean() == 3 / 8


def test_mixture_and_its_estimator():
    """S117 check 2: k = .6: |circ - (.6 + .4/256)| < .01 and k_hat recovers k within .01."""
    circle = Circle.of([4] * 20_000, [0] * 20_000)
    rng = np.random.default_rng(2)
    knows = (rng.random(20_000) < GOLDEN["mixture"]["known"])[circle.question]
    chosen = np.where(knows, circle.place, guessed(circle, rng))
    circ = circle.circular(chosen).mean()
    assert abs(circ - GOLDEN["mixture"]["circular"]) < 0.01
    assert abs(known_share(circ, 4) - GOLDEN["mixture"]["known"]) < 0.01
    # k_hat is linear in the hit, so its mean over questions is k_hat of the mean.
    assert known_share(circle.circular(chosen), 4).mean() == pytest.approx(known_share(circ, 4))


def test_content_only_answerer_and_a_letter_logit():
    """S117 check 3: letter-blind gives consistency 1 and gap 0; a letter logit widens the gap."""
    rng = np.random.default_rng(3)
    count = 4_000
    circle = Circle.of([4] * count, rng.integers(0, 4, count))
    logits = rng.normal(size=(count, 4))
    logits[np.arange(count), circle.gold[::4]] += 1.5
    by_place = logits[circle.question[:, None], (np.arange(4) + circle.shift[:, None]) % 4]
    gaps, leans = [], []
    for letter in (0.0, 0.5, 1.0, 2.0):
        chosen = (by_place + np.array([letter, 0, 0, 0])).argmax(axis=1)
        gaps.append(circle.vanilla(chosen).mean() - circle.circular(chosen).mean())
        leans.append((chosen == 0).mean() - 0.25)
        if letter == 0:
            assert circle.consistent(chosen).all()
    assert gaps[0] == 0
    assert np.all(np.diff(gaps) > 0)
    assert leans[0] == 0
    assert np.all(np.diff(leans) > 0)


def test_share_of_a_known_habit_is_its_closed_form():
    """Habit .3 for A, else uniform: share of A .475; the places' shares sum to 1."""
    circle = Circle.of([4] * 800, [0] * 800)
    rng = np.random.default_rng(4)
    took = np.where(rng.random(3_200) < 0.3, 0, guessed(circle, rng))
    got = found(circle, took)
    main = got["primary", "", "share of answers"]
    assert main.low < 0.475 < main.high
    shares = [got["group", letter, "share of answers"].value for letter in "ABCD"]
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    distance = got["secondary", "", "distance from equal shares, 4 options"]
    assert distance.value == pytest.approx(np.abs(np.array(shares) - 0.25).sum() / 2, abs=1e-12)
    assert distance.expected < 0.04


def test_always_first_in_closed_form():
    """Always A: share 1 with an exact interval and a tiny p, recalls 1, 0, 0, 0, no circular hit."""
    circle = Circle.of([4] * 12, list(range(4)) * 3)
    items = method.scored(circle, [str(i) for i in range(12)], choices(np.zeros(48, int))).items
    recall = items.where({"part": "recall"})
    features = method.RSTD.features(recall, {})
    sums = np.array([features[recall["group"] == g].sum(axis=0) for g in "ABCD"])
    assert method.RSTD.value(sums, {}) == pytest.approx(GOLDEN["rstd"]["always_first"])
    got = found(circle, np.zeros(48, int))
    main = got["primary", "", "share of answers"]
    assert (main.value, main.high) == (1, 1)
    assert main.low == pytest.approx(0.025 ** (1 / 12))
    assert main.p == pytest.approx(2 * 0.25**12)  # the interval, inverted
    for part in ("circular accuracy", "same content in all orders"):
        assert got["secondary", "", part].value == 0


def test_rstd_is_the_population_sd_of_recalls():
    """RStd equals numpy's population sd of the recalls counted by hand."""
    circle = Circle.of([4] * 300, np.random.default_rng(6).integers(0, 4, 300))
    rng = np.random.default_rng(7)
    chosen = np.where(
        rng.random(1_200) < 0.5, circle.place, np.where(rng.random(1_200) < 0.4, 1, 3)
    )
    recalls = [np.mean(chosen[circle.place == j] == j) for j in range(4)]
    got = found(circle, chosen)["reference", "", "RStd of recalls, 4 options"]
    assert got.value == pytest.approx(np.std(recalls), abs=1e-12)
    assert got.expected < got.value


def test_shuffled_places_give_the_expected_distance():
    """The distance's mean under exchanged places is that of fresh uniform guesses."""
    circle = Circle.of([4] * 100, [0] * 100)
    rng = np.random.default_rng(8)
    got = found(circle, guessed(circle, rng))[
        "secondary", "", "distance from equal shares, 4 options"
    ]
    fresh = rng.multinomial(400, [0.25] * 4, size=20_000) / 400
    by_chance = (np.abs(fresh - 0.25).sum(axis=1) / 2).mean()
    assert got.expected == pytest.approx(by_chance, rel=0.15)


def test_an_unanswered_rotation_leaves_the_question_out_whole():
    """S117 pitfall: unparsed is its own class. A liked content must not look like a liked place."""
    circle = Circle.of([4] * 8, [0] * 8)
    likes_content = (0 - circle.shift) % 4
    status = [""] * 32
    status[0] = "unparsed"  # the rotation in which the liked content stands at A
    got = method.scored(circle, [str(i) for i in range(8)], choices(likes_content, status))
    first = got.items.where({"part": "place", "group": "A"})
    assert (first["why"] != "").sum() == 4
    assert first.answered()["score"].mean() == 0.25
    assert set(first["why"]) == {"", "unparsed", method.OTHER}
    assert got.facts["left_out_questions"] == 1
    assert got.facts["unanswered"] == {"unparsed": 1}


def test_mostly_unanswered_is_undefined():
    """Below half of the questions whole there is no number, and the reason gives the share."""
    circle = Circle.of([4] * 8, [0] * 8)
    status = ["refused"] * 20 + [""] * 12
    got = found(circle, np.zeros(32, int), status)
    assert all(isinstance(outcome, Undefined) for outcome in got.values())
    assert "38%" in got["primary", "", "share of answers"].reason


def test_perfect_answers_never_crash_and_never_lean():
    """Right in all rotations: no place is preferred; constant statistics are not NaN or a lean."""
    circle = Circle.of([4] * 12, list(range(4)) * 3)
    got = found(circle, circle.place)
    main = got["primary", "", "share of answers"]
    if isinstance(main, Estimate):
        assert main.value == 0.25
        assert main.low <= 0.25 <= main.high
    else:
        assert "same value (0.25)" in main.reason
    assert got["secondary", "", "circular accuracy"].value == 1


def test_numbers_of_options_are_kept_apart():
    """Two- and four-option questions: one share of A (expected 80 of 240), distances by N."""
    circle = Circle.of([2] * 40 + [4] * 40, [0] * 80)
    got = found(circle, guessed(circle, np.random.default_rng(9)))
    first, third = (method.measures(circle, (1.0, 0.5, ""))[i].null.value for i in (0, 3))
    assert first == pytest.approx(80 / 240)
    assert third == 0.25
    for size in (2, 4):
        assert ("secondary", "", f"distance from equal shares, {size} options") in got
    assert got["primary", "", "share of answers"].n == 40 * 2 + 40 * 4


def test_quick_is_balanced_and_nested():
    """Quick asks 8 questions for each place of the right answer, all of them in standard."""

    def asked(suite: str) -> list[own.Question]:
        context = Context(abilities=frozenset({"choose"}), seeds=Seeds(2), suite=suite)
        return method._chosen(context, own.load(), limited=True)

    quick, standard = asked("quick"), asked("standard")
    assert np.bincount([q.gold for q in quick]).tolist() == [8, 8, 8, 8]
    assert {q.id for q in quick} < {q.id for q in standard}
    assert len(standard) == 68


def audit(subject, tmp_path):
    """The method's findings, through catalog, runner and inference."""
    plan = Plan(model="planted", metrics=("option_position",))
    with Cache(tmp_path / "answers.sqlite") as cache:
        run = Audit(plan, subject, cache)
        entries = chosen(plan)
        return run.findings(entries, run._results(entries, Runner(subject, run.instrument, cache)))


def test_planted_habit_is_found_through_the_runner(tmp_path):
    """Habit .5 for A at every presentation, and half of the rest known: share .5 + .5 / 4 = .625."""
    subject = PlantedChooser(position=0.5, knows=0.5, seed=3)
    assert_recovered(only(audit(subject, tmp_path), axis="option position"), 0.625)


def test_a_habit_for_another_place_has_the_opposite_sign(tmp_path):
    """Favouring C takes answers from A: share .125 at habit .5; C itself has .625."""
    findings = audit(PlantedChooser(position=0.5, favourite=2, seed=3), tmp_path)
    assert_recovered(only(findings, axis="option position"), 0.125)
    (third,) = [f for f in findings if f.labels.get("group") == "C"]
    assert third.outcome.low < 0.625 < third.outcome.high


def test_own_questions_and_bad_files(tmp_path):
    """An own file is asked whole; a file that is not one is the caller's error."""
    text = 'id="x"\ntitle="x"\nnote="x"\n'
    for i in range(8):
        text += f'[[questions]]\nid="q{i}"\naxis="position"\ntext="t{i}?"\noptions=["a{i}","b{i}"]\ngold=0\n'
    (tmp_path / "own.toml").write_text(text)
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0))
    (batch,) = next(method.option_position(context, questions=str(tmp_path / "own.toml")))
    assert len(batch) == 16
    (tmp_path / "bad.toml").write_text('id = "x"')
    with pytest.raises(BadInput):
        next(method.option_position(context, questions=str(tmp_path / "bad.toml")))


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_share_is_recovered(dial):
    """Mean over 300 data sets is the closed form within 4 Monte-Carlo errors; intervals cover."""
    assert_simulation_recovered(
        method.option_position.card, method.simulate, dial=dial, dials=method.DIALS, salt=1
    )


def test_noise_alone_has_its_own_circular_accuracy():
    """With p right answers per order by noise alone, all of N orders are right with p^N."""
    answers = [
        0,
        0,
        0,
        0,
        0,
        1,
        2,
        3,
    ]  # one question always the first place, one always its content
    circle = Circle.of([4, 4], [0, 0])
    n = len(answers)
    made = method.scored(
        circle, ["a", "b"], Choices(np.array(answers), [np.empty(0)] * n, [""] * n, ["native"] * n, [""] * n)
    )  # fmt: skip
    share = made.facts["accuracy_over_rotations"]
    assert 0 < share < 1
    assert made.facts["circular_by_noise_alone"] == {
        "4": pytest.approx(share * share * share * share)
    }
