"""Letter or place: closed forms of the parts, planted preferences for each, the runner, missing answers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import integrate
from scipy import stats as ss

from plumbline.core.answers import Choices
from plumbline.core.context import Context
from plumbline.core.results import Estimate, Undefined
from plumbline.core.seeds import Seeds
from plumbline.metrics import letter_and_place as kernel
from plumbline.metrics.choice import label_position as method
from plumbline.metrics.choice.option_position import option_position
from plumbline.metrics.presentations import Presentations
from plumbline.stats.infer import infer
from plumbline.testing import PlantedJudge
from plumbline.testing.laws import assert_simulation_recovered

LETTER, PLACE = "share due to the letter", "share due to the place"


def found(pick, *, items: int = 40, size: int = 4, status=None):
    """Outcomes where `pick(label, place, content, item)` says which row of a presentation is taken.

    `pick` gets, for every presentation, the labels and contents at its places.
    """
    turned = {s: Presentations.of([size] * items, "rotation", moves=s) for s in kernel.SCHEMES}
    gold = np.arange(items) % size
    answers = []
    for scheme, rows in turned.items():
        place = np.array([pick(scheme, rows.label[r], rows.content[r], int(rows.item[r]), int(rows.number[r])) for r in range(len(rows))])  # fmt: skip
        chosen = np.take_along_axis(rows.label, place[:, None], axis=1)[:, 0]
        n = len(rows)
        why = [""] * n if status is None else status
        answers.append(Choices(np.where(np.array(why) == "", chosen, -1), [np.empty(0)] * n, [""] * n, ["native"] * n, why))  # fmt: skip
    scored = method.scored(turned, [f"q{i}" for i in range(items)], gold.tolist(), answers)
    got = infer(scored, method.label_position.card, seeds=Seeds(0))
    table = {(f.role, f.labels["axis"], f.labels["measure"], f.labels.get("group", "")): f.outcome for f in got}  # fmt: skip
    return table, scored


def value(outcome) -> float:
    """The number; where all units give the same one it stands in the reason."""
    if isinstance(outcome, Estimate):
        return outcome.value
    (told,) = re.findall(r"the same value \((.*?)\)", outcome.reason)
    return float(told)


def test_only_the_letter():
    """Always A: all of it is the letter's; the place has nothing, whatever the content."""
    got, _ = found(lambda _s, label, *_: int(np.flatnonzero(label == 0)[0]))
    assert value(got["secondary", "option position", LETTER, ""]) == pytest.approx(1)
    assert value(got["secondary", "option position", PLACE, ""]) == pytest.approx(0)
    assert value(got["primary", "option place", "share of answers", ""]) == 0.25
    assert got["group", "option letter", "share of answers", "A"].value == 1


def test_only_the_place():
    """Always the first of the list: the letter's share is an equal one, the place has all."""
    got, _ = found(lambda *_: 0)
    assert value(got["secondary", "option position", LETTER, ""]) == pytest.approx(0)
    assert value(got["secondary", "option position", PLACE, ""]) == pytest.approx(1)
    assert value(got["primary", "option letter", "share of answers", ""]) == 0.25
    assert got["group", "option place", "share of answers", "1"].value == 1


def test_the_last_place_is_as_much_a_place():
    """A habit for D and one for the fourth place: the parts do not depend on which option is liked."""
    got, _ = found(lambda _s, label, *_: int(np.flatnonzero(label == 3)[0]))
    assert value(got["secondary", "option position", LETTER, ""]) == pytest.approx(1)
    assert got["group", "option letter", "share of answers", "D"].value == 1
    got, _ = found(lambda *_: 3)
    assert value(got["secondary", "option position", PLACE, ""]) == pytest.approx(1)


def test_content_alone():
    """Always the same content: equal shares in all schemes, and no parts: there is nothing to divide."""
    got, scored = found(
        lambda _s, _l, content, item, _n: int(np.flatnonzero(content == item % 4)[0])
    )
    for key, outcome in got.items():
        if key[2] == "share of answers":
            assert value(outcome) == 0.25
    parts = got["secondary", "option position", LETTER, ""]
    assert isinstance(parts, Undefined)
    assert "length of the joint preference: 0%" in parts.reason
    assert (
        got["secondary", "option position", "accuracy, options moved under letters", ""].value == 1
    )
    assert scored.facts["length of the joint preference"] == 0


def test_guesses_have_no_parts():
    """Over 40 data sets of guesses the mean squared joint preference is 0: noise is not counted."""
    rng = np.random.default_rng(3)
    lengths = []
    for _ in range(40):
        table = kernel.excess(
            np.repeat(np.arange(60), 4), rng.integers(0, 4, 240), np.full(240, 4), 4
        )
        lengths.append(kernel.crossed(table, table))
    assert np.mean(lengths) == pytest.approx(0, abs=4 * np.std(lengths) / np.sqrt(40))


def test_parts_by_hand():
    """Half of the questions always A, half always the first place: each has one half of the preference.

    Joint excess (3/4, -1/4, ...) in all; letter's and place's alone half of it.
    """

    def pick(_s, label, _c, item, _n):
        return int(np.flatnonzero(label == 0)[0]) if item % 2 else 0

    got, scored = found(pick, items=80)
    assert value(got["secondary", "option position", LETTER, ""]) == pytest.approx(0.5, abs=0.01)
    assert value(got["secondary", "option position", PLACE, ""]) == pytest.approx(0.5, abs=0.01)
    assert scored.facts["length of the joint preference"] == pytest.approx(
        np.sqrt(0.75**2 + 3 / 16)
    )
    assert got["group", "option letter", "share of answers", "A"].value == pytest.approx(
        0.5 + 0.5 / 4
    )


def test_relabelling_leaves_the_anchored_answer():
    """S093 check 3: contents permuted under the letters: the anchored answer stays at A, the reader's moves."""
    rows = Presentations.of([4], "rotation")
    assert set(rows.place_of(np.zeros(4, int)).tolist()) == {0}
    contents = rows.content_of(np.zeros(4, int))
    assert sorted(contents.tolist()) == [0, 1, 2, 3]
    knows = rows.place_with(np.array([2]))
    assert sorted(knows.tolist()) == [0, 1, 2, 3]


def test_a_missing_order_leaves_the_question_out():
    """One refusal in one scheme: the question goes from all of them."""
    status = [""] * 160
    status[5] = "refused"
    got, scored = found(lambda *_: 0, status=status)
    assert scored.facts["left_out_questions"] == 1
    assert got["group", "option place", "share of answers", "1"].n == 39 * 4
    status[: 4 * 21 : 4] = ["refused"] * 21
    got, _ = found(lambda *_: 0, status=status)
    assert all(isinstance(o, Undefined) for o in got.values())


def test_the_first_kind_are_option_positions_questions():
    """Contents moved under fixed letters: the prompts of `option_position`, asked once for both."""
    context = Context(abilities=frozenset({"choose"}), seeds=Seeds(0), suite="standard")
    together, letter, place = next(method.label_position(context))
    assert together.keys() == next(option_position(context))[0].keys()
    assert len(letter) == len(place) == 272
    # The first rotation is one prompt in all three.
    assert letter.keys()[::4] == place.keys()[::4] == together.keys()[::4]
    assert not set(letter.keys()[1::4]) & set(place.keys()[1::4])


def share_of_first(bonus: float, options: int = 4) -> float:
    """P(N(bonus, 1) is the largest of four standard normals), by integration."""
    return integrate.quad(
        lambda x: ss.norm.pdf(x - bonus) * ss.norm.cdf(x) ** (options - 1), -10, 12
    )[0]


@pytest.mark.parametrize("which", ["letter", "place"])
def test_planted_preferences_through_the_runner(audited, which):
    """A bonus of 1.2 for A, or for what is read first: found on its axis, in its size, and not on the other.

    Appeals are N(0, 1) by content plus N(0, 1/4) at every presentation: a bonus of 1.2 / sqrt(1.25) of their spread.
    """
    truth = share_of_first(1.2 / np.sqrt(1.25))
    more = {"labels": {"A": 1.2}} if which == "letter" else {"slot": 1.2}
    run = audited(PlantedJudge(noise=0.5, seed=4, **more), "label_position", suite="standard")
    main = {f["labels"]["axis"]: f for f in run.findings if f["role"] == "primary"}
    own, other = ("option letter", "option place")[:: 1 if which == "letter" else -1]
    assert main[own]["low"] <= truth <= main[own]["high"]
    assert main[own]["p"] < 1e-3
    assert main[other]["low"] <= 0.25 <= main[other]["high"]
    parts = {
        f["labels"]["measure"]: f for f in run.findings if f["labels"]["axis"] == "option position"
    }
    assert parts[LETTER]["value"] == pytest.approx(1.0 if which == "letter" else 0.0, abs=0.2)
    assert parts[LETTER]["value"] + parts[PLACE]["value"] == pytest.approx(1)


@pytest.mark.parametrize("dial", method.DIALS)
def test_simulated_share_is_recovered(dial):
    """Mean over 300 data sets is the closed form within 4 Monte-Carlo errors; intervals cover."""
    assert_simulation_recovered(
        method.label_position.card, method.simulate, dial=dial, dials=method.DIALS, salt=5
    )


def test_every_row_says_where_its_answer_is():
    """Answers of the three schemes stand one after another: scheme k begins at k times the presentations."""
    _, made = found(lambda *_: 0, items=3)
    scheme, part, answer = (made.items[n] for n in ("scheme", "part", "answer"))
    n = 3 * 4
    for k, name in enumerate(kernel.SCHEMES):
        here = range(k * n, (k + 1) * n)
        assert sorted(answer[(scheme == name) & (part == "right")].tolist()) == list(here)
        # Four options of each presentation share its answer.
        assert sorted(answer[(scheme == name) & (part == "share")].tolist()) == sorted([*here] * 4)


def test_each_scheme_says_what_it_leans_to():
    """Letters that move are about the first letter, both moving about the first place."""
    _, made = found(lambda *_: 0, items=3)
    said = {m.where["scheme"]: m.labels["toward"] for m in made.measures if m.labels.get("toward")}
    assert said == {"labels": "the first letter", "both": "the first place"}
